"""What was kept raw: tried again on the one road, or set aside. Never thrown away."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from conflict.areas import UNBOUND, area_of
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import BadRequest, NotFound
from sync_server.intake.arrival import (
    Attached,
    Author,
    Project,
    Result,
    Sent,
    SentChange,
    SentRaw,
    SentSubmission,
    Status,
    SubmissionResult,
)
from sync_server.intake.batches import read_item
from sync_server.intake.ingest import ingest
from sync_server.stores.audits import add_audit
from sync_server.stores.blobs import find_blobs
from sync_server.stores.quarantine import RELAYED_ITEM, decide_quarantined, find_quarantined
from sync_server.stores.tokens import find_actors, find_device_by_id

_CHANGE = "application/json"


def retry(project: Project, quarantine_id: str, *, by: int | None, clock: Clock) -> Result:
    """Take a quarantined thing in again, as the device that sent it.

    What a person sent is taken in with the leave of the manager who retries it. What a hub or
    a file brought is judged here, whatever the first server said of it; what that one settled
    stands.

    Returns   what became of it now. It stays open while it still cannot be used, and
              is marked resolved when it can.
    Errors    `NotFound`; `BadRequest` when it is decided already.
    """
    with read_transaction() as connection:
        row = _open_row(connection, project, quarantine_id)
        item = _item(row)
        actor_id = _actor(connection, project, row, item)
        # What another server settled is not judged as its phone's once more.
        settled = row.content_type == RELAYED_ITEM and "path" in item
        sender = actor_id and not settled and find_device_by_id(connection, project.id, actor_id)
        files = _attached(row, find_blobs(connection, project.id, _hashes(row)))
    author = Author(
        actor_id=actor_id,
        device_id=row.device_id or str(item.get("deviceId", "")),
        area=area_of(actor_id, sender.properties) if actor_id and sender else UNBOUND,
        may_decide=sender is None,
        relays=row.content_type == RELAYED_ITEM,
    )
    sent = _sent(row, item, author, files)
    if isinstance(sent, Sent):
        result = ingest(project, [sent], author=author, clock=clock)[0]
    else:
        result = sent
    if not _is_quarantined(result, row.change_id):
        _decide(project, quarantine_id, "resolved", by, clock)
    return result


def discard(project: Project, quarantine_id: str, *, by: int | None, clock: Clock) -> None:
    """Set a quarantined thing aside: marked, audited, and kept."""
    with read_transaction() as connection:
        _open_row(connection, project, quarantine_id)
    _decide(project, quarantine_id, "discarded", by, clock)


def _open_row(connection: Any, project: Project, quarantine_id: str) -> Any:
    row = find_quarantined(connection, project.id, quarantine_id)
    if row is None:
        raise NotFound("nothing of this id is in quarantine")
    if row.state != "open":
        raise BadRequest("this has been decided already", state=row.state)
    return row


def _item(row: Any) -> dict[str, Any]:
    """The JSON that was kept, without what the first server thought of it; {} for a form."""
    if row.content_type not in (_CHANGE, RELAYED_ITEM):
        return {}
    item: dict[str, Any] = json.loads(row.raw)
    if row.content_type == _CHANGE:
        return item
    item.pop("verdict", None)
    if isinstance(item.get("changes"), list):
        item["changes"] = [
            one for one in item["changes"] if not (isinstance(one, dict) and "verdict" in one)
        ]
    if item.get("kind") == "change" and item.get("settled") is None:
        item.pop("path", None)  # nobody has settled it: this server is the first
    return item


def _actor(connection: Any, project: Project, row: Any, item: dict[str, Any]) -> int | None:
    """Who sent a thing: of a relayed change that nobody settled, the device that sent it first."""
    key = item.get("actor")
    if row.content_type == RELAYED_ITEM and "path" not in item and isinstance(key, str):
        first = find_actors(connection, project.id, [key]).get(key)
        if first is not None:
            return first
    return None if row.actor_id is None else int(row.actor_id)


def _sent(
    row: Any, item: dict[str, Any], author: Author, files: tuple[Attached, ...]
) -> Sent | Result:
    """What was kept, as it is taken in again: what is kept of it once more are the same bytes."""
    if row.content_type not in (_CHANGE, RELAYED_ITEM):
        return SentSubmission(row.raw, files, row.complete, again=True, received_at=row.received_at)
    read = read_item(item, author)
    if isinstance(read, SentRaw):
        named = row.change_id or read.change_id
        return replace(read, change_id=named, raw=row.raw, relayed=author.relays)
    if isinstance(read, SentChange):
        return replace(read, item=row.raw)
    if isinstance(read, SentSubmission):
        return replace(read, item=row.raw, attachments=files, complete=row.complete, again=True)
    return read


def _hashes(row: Any) -> list[str]:
    return [one["sha256"] for one in row.attachments]


def _attached(row: Any, present: Collection[str]) -> tuple[Attached, ...]:
    """The files a form was sent with, by whomever: of what came the size was noted then.

    The bytes of what a hub relays come behind it, and are here when they are anywhere `present`.
    """
    relayed = row.content_type == RELAYED_ITEM
    return tuple(
        Attached(
            one["name"],
            one["sha256"],
            0,
            one["contentType"],
            here=one.get("here", False) or (relayed and one["sha256"] in present),
        )
        for one in row.attachments
    )


def _is_quarantined(result: Result, change_id: str | None) -> bool:
    """Whether the thing itself, or the one change of it that had been kept, is so still."""
    if isinstance(result, SubmissionResult) and change_id is not None and result.changes:
        return any(
            one.status is Status.QUARANTINED for one in result.changes if one.change_id == change_id
        )
    return result.status in (Status.QUARANTINED, Status.REJECTED)


def _decide(project: Project, quarantine_id: str, state: str, by: int | None, clock: Clock) -> None:
    with write_transaction() as connection:
        at = instant(clock.now())
        decide_quarantined(connection, project.id, quarantine_id, state=state, by=by, at=at)
        add_audit(
            connection,
            f"quarantine.{state}",
            at=at,
            by=by,
            project_id=project.id,
            details={"quarantineId": quarantine_id},
        )
