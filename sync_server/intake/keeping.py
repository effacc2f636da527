"""What cannot be used is kept raw: as poison for the quarantine, with the answer it gets."""

from __future__ import annotations

import hashlib
import json
import uuid

from conflict.types import Change
from sync_server.intake.arrival import (
    Arrival,
    Author,
    ChangeResult,
    SentRaw,
    SentSubmission,
    Status,
    SubmissionResult,
)
from sync_server.stores.changes import Origin
from sync_server.stores.quarantine import RELAYED_ITEM, Poison

REVOKED = "this device account is revoked; what it sent is kept until somebody takes it in"
UNDECIDED = "the server could not decide this; it is kept as it came"


def device_of(sent: SentSubmission, author: Author) -> str:
    return author.device_id if sent.device_id is None else sent.device_id


def kept_whole(
    arrival: Arrival,
    sent: SentSubmission,
    form_id: str,
    instance_id: str,
    *,
    code: str,
    detail: str,
    first: int | None = None,
) -> tuple[Poison, SubmissionResult]:
    """A whole submission kept raw, and its answer. The same bytes again are the same poison.

    `first` is the account that sent it first, where a hub or a file brought it.
    """
    author = arrival.author
    device = device_of(sent, author)
    actor = author.actor_id if first is None else first
    origin = Origin(actor, device, form_id or None, None, instance_id or None)
    poison = Poison(
        quarantine_id=_poison_id(arrival, "submission", hashlib.sha256(sent.raw).hexdigest()),
        kind="submission",
        code=code,
        detail=detail,
        raw=sent.raw if sent.item is None else sent.item,
        content_type="text/xml" if sent.item is None else RELAYED_ITEM,
        origin=origin,
        attachments=tuple(
            {
                "name": one.name,
                "sha256": one.sha256,
                "contentType": one.content_type,
                "here": one.here,
            }
            for one in sent.attachments
        ),
        complete=sent.complete,
    )
    answer = SubmissionResult(
        xml_form_id=form_id,
        instance_id=instance_id,
        status=Status.QUARANTINED,
        code=code,
        detail=detail,
    )
    return poison, answer


def kept_raw(
    arrival: Arrival, sent: SentRaw, *, first: int | None = None
) -> tuple[Poison, ChangeResult]:
    """An item of a batch that says what it is and cannot be used, and its answer."""
    author = arrival.author
    actor = author.actor_id if first is None else first
    poison = poison_of_change(
        arrival,
        sent.change_id,
        Origin(actor, sent.device_id if sent.relayed else author.device_id),
        sent.raw,
        code=sent.code,
        detail=sent.detail,
        relayed=sent.relayed,
    )
    result = ChangeResult(
        change_id=sent.change_id,
        list_name="",
        entity="",
        status=Status.QUARANTINED,
        code=sent.code,
        detail=sent.detail,
    )
    return poison, result


def kept_request(arrival: Arrival, raw: bytes, content_type: str, detail: str) -> Poison:
    """A request of a known device in which no form could be found, as far as it came."""
    return Poison(
        quarantine_id=_poison_id(arrival, "request", hashlib.sha256(raw).hexdigest()),
        kind="request",
        code="bad_xml",
        detail=detail,
        raw=raw,
        content_type=content_type,
        origin=Origin(arrival.author.actor_id, arrival.author.device_id),
    )


def poison_of_change(
    arrival: Arrival,
    change_id: str,
    origin: Origin,
    raw: bytes,
    *,
    code: str,
    detail: str,
    relayed: bool = False,
) -> Poison:
    """One change kept: by its own JSON, or, of a form, by its id in the submission that is here.

    `relayed` says that this is the JSON of a hub or a file, even if the change was in a form.
    A form may have hundreds that cannot be used, and must not be kept as often.
    """
    in_form = bool(origin.instance_id) and not relayed
    what = change_id if in_form else f"{change_id}\n{hashlib.sha256(raw).hexdigest()}"
    plain = "text/xml" if in_form else "application/json"
    return Poison(
        quarantine_id=_poison_id(arrival, "change", what),
        kind="change",
        code=code,
        detail=detail,
        raw=b"" if in_form else raw,
        content_type=RELAYED_ITEM if relayed else plain,
        origin=origin,
        change_id=change_id,
    )


def raw_change(change: Change, note: str = "") -> bytes:
    """A change as the JSON of the sync contract: what is kept when it cannot be used."""
    plain = {
        "kind": "change",
        "changeId": change.change_id,
        "list": change.list_name,
        "entity": change.entity,
        "op": change.op.value,
        "label": change.label,
        "data": dict(change.data),
        "baseVersion": change.base_version,
        "trunkVersion": change.trunk_version,
        "branchId": change.branch_id,
        "clientTime": change.client_time,
        "contenders": list(change.contenders) or None,
        "status": change.status,
        "of": change.of,
        "note": note or None,
    }
    kept = {name: value for name, value in plain.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False).encode()


def _poison_id(arrival: Arrival, kind: str, what: str) -> str:
    return str(uuid.uuid5(uuid.UUID(arrival.project.uuid), f"quarantine\n{kind}\n{what}"))
