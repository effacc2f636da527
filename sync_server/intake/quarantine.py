"""What was kept raw: tried again on the one road, or set aside. Never thrown away."""

from __future__ import annotations

import json
from typing import Any

from conflict.areas import UNBOUND, area_of
from conflict.types import Change, Op
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import BadRequest, NotFound
from sync_server.intake.arrival import (
    Attached,
    Author,
    Project,
    Result,
    SentChange,
    SentSubmission,
    Status,
    SubmissionResult,
)
from sync_server.intake.ingest import ingest
from sync_server.stores.audits import add_audit
from sync_server.stores.quarantine import decide_quarantined, find_quarantined
from sync_server.stores.tokens import find_device_by_id


def retry(project: Project, quarantine_id: str, *, by: int | None, clock: Clock) -> Result:
    """Take a quarantined thing in again, as the device that sent it.

    What a person sent is taken in with the leave of the manager who retries it.

    Returns   what became of it now. It stays open while it still cannot be used, and
              is marked resolved when it can.
    Errors    `NotFound`; `BadRequest` when it is decided already.
    """
    with read_transaction() as connection:
        row = _open_row(connection, project, quarantine_id)
        sender = row.actor_id and find_device_by_id(connection, project.id, row.actor_id)
    author = Author(
        actor_id=row.actor_id,
        device_id=row.device_id,
        area=area_of(row.actor_id, sender.properties) if sender else UNBOUND,
        may_decide=sender is None,
    )
    result = ingest(project, [_sent(row)], author=author, clock=clock)[0]
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


def _sent(row: Any) -> SentSubmission | SentChange:
    if row.content_type == "application/json":
        plain = json.loads(row.raw)
        return SentChange(_change_of(plain), plain.get("note", ""))
    attached = tuple(  # what came of them was noted when it did, with its size
        Attached(one["name"], one["sha256"], 0, one["contentType"], here=False)
        for one in row.attachments
    )
    return SentSubmission(row.raw, attached, again=True)


def _change_of(plain: dict[str, Any]) -> Change:
    """The change that `reading.raw_change` kept."""
    return Change(
        change_id=plain["changeId"],
        list_name=plain["list"],
        entity=plain["entity"],
        op=Op(plain["op"]),
        label=plain.get("label"),
        data=plain.get("data", {}),
        base_version=plain.get("baseVersion"),
        trunk_version=plain.get("trunkVersion"),
        branch_id=plain.get("branchId"),
        client_time=plain.get("clientTime"),
        contenders=tuple(plain.get("contenders", ())),
        status=plain.get("status"),
        of=plain.get("of"),
    )


def _is_quarantined(result: Result, change_id: str | None) -> bool:
    """Whether the thing itself, or the one change of it that had been kept, is so still."""
    if isinstance(result, SubmissionResult) and change_id is not None and result.changes:
        return any(
            one.status is Status.QUARANTINED for one in result.changes if one.change_id == change_id
        )
    return result.status is Status.QUARANTINED


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
