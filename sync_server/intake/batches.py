"""A pushed batch: each item by itself becomes what ingest takes, or is kept as it came.

`schemas/batches.py` has the shapes. An item is rejected, and not kept, only when it is no
object or has no id by which anybody could ask for it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conflict.types import Change, Op
from schemas.batches import (
    ChangeItem,
    ChangeResultShape,
    SubmissionItem,
    SubmissionResultShape,
    first_fault,
    is_uuid,
    raw_of,
)
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction
from sync_server.intake.arrival import (
    Attached,
    Author,
    ChangeResult,
    Project,
    Receipt,
    Result,
    Sent,
    SentChange,
    SentSubmission,
    Status,
    SubmissionResult,
)
from sync_server.intake.ingest import ingest
from sync_server.intake.relayed import is_relayed, kept_item, with_what_was_settled
from sync_server.stores.batches import find_batch

_CHANGE = ChangeItem()
_SUBMISSION = SubmissionItem()
_CHANGE_RESULT = ChangeResultShape()
_SUBMISSION_RESULT = SubmissionResultShape()
_OPS = frozenset(Op)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A batch as it came: `raw` are its bytes once inflated."""

    batch_id: str
    raw: bytes
    items: Sequence[object]


@dataclass(slots=True)
class _Sorting:
    """The items that go to ingest, by their place, and the results of those that do not."""

    sent: list[Sent] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejected: dict[int, Result] = field(default_factory=dict)


def push(
    project: Project,
    pushed: Pushed,
    *,
    author: Author,
    epoch: str,
    clock: Clock,
) -> dict[str, Any]:
    """Take a batch in and give its answer; the same batch again is given the same answer.

    Errors    `BatchReused` when another batch came under its id; `StoreBusy`.
    """
    sorting = _Sorting()
    for place, item in enumerate(pushed.items):
        read = read_item(item, author)
        if isinstance(read, (ChangeResult, SubmissionResult)):
            sorting.rejected[place] = read
        else:
            sorting.sent.append(read)
            sorting.places.append(place)
    write = _answering(pushed, sorting, epoch, clock)
    receipt = Receipt(pushed.batch_id, hashlib.sha256(pushed.raw).hexdigest(), write)
    ingest(project, sorting.sent, author=author, clock=clock, receipt=receipt)
    return {**receipt.answer, "replayed": receipt.replayed}


def answer_of(project: Project, batch_id: str, *, sender: Author) -> dict[str, Any] | None:
    """The answer that a batch of `sender` was given; None when no such batch has come from it."""
    if sender.actor_id is None:
        return None
    with read_transaction() as connection:
        row = find_batch(connection, project.id, sender.actor_id, batch_id)
    return None if row is None else {**row.answer, "replayed": True}


def _answering(
    pushed: Pushed, sorting: _Sorting, epoch: str, clock: Clock
) -> Callable[[Sequence[Result]], dict[str, Any]]:
    def write(results: Sequence[Result]) -> dict[str, Any]:
        by_place = {**dict(zip(sorting.places, results, strict=True)), **sorting.rejected}
        return {
            "batchId": pushed.batch_id,
            "replayed": False,
            "epoch": epoch,
            "serverTime": instant(clock.now()),
            "results": [_plain(by_place[place]) for place in range(len(pushed.items))],
        }

    return write


def _plain(result: Result) -> Any:
    if isinstance(result, ChangeResult):
        return _CHANGE_RESULT.dump(result)
    return _SUBMISSION_RESULT.dump(result)


def read_item(item: object, author: Author) -> Sent | Result:
    """What ingest takes of one item as `author` sent it, or the answer to what is no item."""
    if not isinstance(item, dict):
        return _rejected_change(None, "an item is a JSON object")
    is_form = item.get("kind") == "submission"
    read = _read_submission(item) if is_form else _read_change(item, author)
    if isinstance(read, (ChangeResult, SubmissionResult)) or not author.relays:
        return read
    return with_what_was_settled(read, item) if is_relayed(item) else read


def _read_change(item: Mapping[str, Any], author: Author) -> Sent | Result:
    change_id = item.get("changeId")
    if not isinstance(change_id, str) or not is_uuid(change_id):
        return _rejected_change(None, "an item needs a changeId that is a lower-case UUID")
    if item.get("kind") != "change":
        return kept_item(item, "bad_data", "kind is 'change' or 'submission'")
    if isinstance(item.get("op"), str) and item["op"] not in _OPS:
        return kept_item(item, "unknown_op", f"no op {item['op'][:40]!r} here")
    loaded, fault = first_fault(_CHANGE, item)
    if fault:
        return kept_item(item, "bad_data", fault)
    return SentChange(_change(loaded, author), loaded["note"])


def _change(loaded: Mapping[str, Any], author: Author) -> Change:
    return Change(
        change_id=loaded["change_id"],
        list_name=loaded["list_name"],
        entity=loaded["entity"],
        op=Op(loaded["op"]),
        label=loaded["label"],
        data=loaded["data"],
        base_version=loaded["base_version"],
        trunk_version=loaded["trunk_version"],
        branch_id=loaded["branch_id"],
        client_time=loaded["client_time"],
        author=str(author.actor_id or ""),
        contenders=tuple(loaded["contenders"]),
        status=loaded["status"],
        of=loaded["of"],
    )


def _read_submission(item: Mapping[str, Any]) -> Sent | Result:
    raw = raw_of(item)
    if not raw:
        return SubmissionResult(
            xml_form_id="",
            instance_id="",
            status=Status.REJECTED,
            code="bad_xml",
            detail="a submission needs its instance: xml, or xmlBase64 when it is not UTF-8",
        )
    loaded, fault = first_fault(_SUBMISSION, item)
    if fault:  # its files or its phone cannot be read: the form itself can
        return SentSubmission(raw)
    attached = tuple(
        Attached(one["name"], one["sha256"], one["size"], one["content_type"], here=False)
        for one in loaded["attachments"]
    )
    return SentSubmission(raw, attached, device_id=loaded["device_id"] or None)


def _rejected_change(change_id: str | None, detail: str) -> ChangeResult:
    return ChangeResult(
        change_id=change_id or "",
        list_name="",
        entity="",
        status=Status.REJECTED,
        code="bad_data",
        detail=detail,
    )
