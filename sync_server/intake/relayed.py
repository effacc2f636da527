"""Items from a hub or a file: what other servers settled and stamped of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from conflict.types import Change, Op, SettledChange
from odk_forms.changes import submission_key
from schemas.base import LONGEST_NAME
from schemas.batches import first_fault, is_uuid
from schemas.relayed import RelayedItem, settled_as_sent
from sync_server.intake.arrival import (
    Relayed,
    Sent,
    SentChange,
    SentRaw,
    SentSubmission,
    Verdict,
)
from sync_server.stores.changes import Origin
from sync_server.stores.packing import unpack_settled

_RELAYED = RelayedItem()
_LONGEST_DEVICE = 200


def is_relayed(item: Mapping[str, Any]) -> bool:
    """Whether an item says that servers took it in before."""
    return "path" in item


def with_what_was_settled(sent: Sent, item: Mapping[str, Any]) -> Sent:
    """An item with its stamps, settlements and verdicts; kept whole when they cannot be read."""
    loaded, fault = first_fault(_RELAYED, item)
    if fault:
        return kept_item(item, "bad_data", fault, relayed=True)
    if isinstance(sent, SentSubmission):
        return _submission(sent, loaded, item)
    relayed = _relayed(loaded)
    if relayed.verdict is not None:
        return kept_item(item, relayed.verdict.code, relayed.verdict.detail, relayed=True)
    if isinstance(sent, SentRaw):
        return replace(sent, relayed=True)
    if relayed.settled is not None:
        return replace(_change(sent, relayed, loaded), item=_bytes(item))
    detail = "a relayed change says what was settled of it"
    return kept_item(item, "bad_data", detail, relayed=True)


def taken_back(sent: SentSubmission, own: Collection[str], origin: Origin) -> Iterator[Change]:
    """Of a relayed edit, the changes that no form says: what it took back from other records.

    `own` are the ids of the changes that it does say; it may say none at all.
    """
    form, instance, edited = origin.xml_form_id, origin.instance_id, origin.deprecated_id
    if form is None or instance is None or edited is None:
        return
    for change_id, relayed in sent.changes.items():
        if change_id not in own and relayed.entity:
            yield Change(
                change_id=change_id,
                list_name=relayed.list_name,
                entity=relayed.entity,
                op=Op.UPDATE,
                author=str(origin.actor_id or ""),
                from_form=True,
                submission=submission_key(form, instance),
                deprecates=submission_key(form, edited),
            )


def settled_elsewhere(change: Change, relayed: Relayed) -> SettledChange:
    """A relayed change as its first server settled it."""
    return SettledChange(
        change=change,
        received_at=relayed.received_at,
        node=relayed.path[0]["node"],
        **unpack_settled(dict(relayed.settled or {})),
    )


def kept_item(item: Mapping[str, Any], code: str, detail: str, *, relayed: bool = False) -> SentRaw:
    """An item kept as it came."""
    raw = _bytes(item)
    change_id = item.get("changeId")
    named = change_id if is_uuid(change_id) else str(uuid5(NAMESPACE_OID, raw.decode()))
    if not relayed:
        return SentRaw(str(named), raw, code, detail)
    actor, device = item.get("actor"), item.get("deviceId")
    return SentRaw(
        str(named),
        raw,
        code,
        detail,
        relayed=True,
        actor=actor if isinstance(actor, str) else None,
        device_id=device[:_LONGEST_DEVICE] if isinstance(device, str) else "",
    )


def _bytes(item: Mapping[str, Any]) -> bytes:
    return json.dumps(item, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _change(sent: SentChange, relayed: Relayed, loaded: Mapping[str, Any]) -> SentChange:
    form = loaded.get("form")
    change, origin = sent.change, Origin(None, loaded["device_id"])
    if form is not None:
        edited = form["deprecated_id"]
        change = replace(
            change,
            from_form=True,
            submission=submission_key(form["xml_form_id"], form["instance_id"]),
            deprecates=submission_key(form["xml_form_id"], edited) if edited else "",
        )
        origin = Origin(
            None,
            loaded["device_id"],
            form["xml_form_id"],
            form["version"],
            form["instance_id"],
            edited,
        )
    return replace(sent, change=change, relayed=relayed, origin=origin)


def _submission(
    sent: SentSubmission, loaded: Mapping[str, Any], item: Mapping[str, Any]
) -> SentSubmission:
    whole = _relayed(loaded)
    return replace(
        sent,
        complete=loaded["complete"],
        device_id=loaded["device_id"],
        user_agent=loaded["user_agent"],
        relayed=whole,
        changes={
            one["change_id"]: replace(
                _relayed({"path": loaded["path"], **one}),
                actor=whole.actor,
                author_name=whole.author_name,
            )
            for one in loaded["changes"]
        },
        item=_bytes(item),
    )


def _relayed(loaded: Mapping[str, Any]) -> Relayed:
    verdict, settled = loaded.get("verdict"), loaded.get("settled")
    return Relayed(
        path=tuple(_stamp(one) for one in loaded["path"]),
        settled=None if settled is None else settled_as_sent(settled),
        verdict=None if verdict is None else Verdict(verdict["code"], verdict["detail"]),
        actor=loaded.get("actor"),
        author_name=_author_name(loaded.get("author")),
        list_name=loaded.get("list_name", ""),
        entity=loaded.get("entity", ""),
    )


def _author_name(author: Mapping[str, Any] | None) -> str | None:
    return ((author or {}).get("name") or "").strip()[:LONGEST_NAME] or None


def _stamp(loaded: Mapping[str, Any]) -> dict[str, str]:
    stamp = {"node": loaded["node"], "receivedAt": loaded["received_at"]}
    if "batch_id" in loaded:
        stamp["batchId"] = loaded["batch_id"]
    if hub := loaded.get("hub", "").strip():
        stamp["hub"] = hub[:LONGEST_NAME]
    return stamp
