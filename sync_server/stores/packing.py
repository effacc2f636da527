"""The JSON in which settlements, states and undo steps are kept in their rows.

`settled` is the shape of the sync contract, so that a relayed change is stored as it came.
States and undo steps are lists, to keep rows small: they are read on the hot path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conflict.policy import Policies, Policy
from conflict.record import Undo
from conflict.types import (
    RecordState,
    RecordStatus,
    Seen,
    Settled,
    SettledChange,
    Standing,
    View,
    Write,
)

Packed = dict[str, Any]

_UNWRITTEN = ""  # no property is called so


def pack_settled(one: SettledChange) -> Packed:
    """What the first server settled, as the contract's `settled`."""
    packed: Packed = {
        "properties": {
            name: {
                "write": settled.write,
                "replaces": list(settled.replaces),
                "observedOn": settled.observed_on,
            }
            for name, settled in one.properties.items()
        },
        "waiting": one.waiting,
    }
    if one.covers:
        packed["covers"] = {name: list(ids) for name, ids in one.covers.items()}
    if one.voids:
        packed["voids"] = list(one.voids)
    if one.trunk_view is not None:
        packed["trunkView"] = pack_view(one.trunk_view)
    if one.inexact:
        packed["inexact"] = True
    if one.policies is not None:
        packed["policies"] = _pack_policies(one.policies)
    return packed


def _pack_policies(policies: Policies) -> Packed:
    """By which policies a change that waits was first read, and what was kept off phones."""
    packed: Packed = {name: str(one) for name, one in policies.by_property.items()}
    return {"merge": packed, "offPhones": sorted(policies.kept_off_phones)}


def _unpack_policies(packed: Packed) -> Policies:
    return Policies(
        {name: Policy.parse(text) for name, text in packed["merge"].items()},
        kept_off_phones=frozenset(packed["offPhones"]),
    )


def unpack_settled(packed: Packed) -> Packed:
    """The keyword arguments of `SettledChange` beside its change and stamp."""
    trunk, policies = packed.get("trunkView"), packed.get("policies")
    return {
        "properties": {
            name: Settled(one["write"], tuple(one["replaces"]), one["observedOn"])
            for name, one in packed["properties"].items()
        },
        "covers": {name: tuple(ids) for name, ids in packed.get("covers", {}).items()},
        "voids": tuple(packed.get("voids", ())),
        "waiting": packed["waiting"],
        "inexact": packed.get("inexact", False),
        "trunk_view": None if trunk is None else unpack_view(trunk),
        "policies": None if policies is None else _unpack_policies(policies),
    }


def pack_view(view: View) -> Packed:
    return {"seen": pack_seen(view.seen), "deletes": list(view.deletes)}


def unpack_view(packed: Packed) -> View:
    seen = {name: one for name, one in unpack_seen(packed["seen"]).items() if one is not None}
    return View(seen, tuple(packed["deletes"]))


def pack_seen(seen: Mapping[str, Seen | None]) -> Packed:
    """Property -> [value, source, observed on, standing], or null where nothing stood."""
    return {
        name: None if one is None else [one.value, one.source, one.observed_on, list(one.standing)]
        for name, one in seen.items()
    }


def unpack_seen(packed: Packed) -> dict[str, Seen | None]:
    return {
        name: None if one is None else Seen(one[0], one[1], one[2], tuple(one[3]))
        for name, one in packed.items()
        if name != _UNWRITTEN
    }


def pack_undo(undo: Undo) -> Packed:
    """One step back: as `pack_seen`, and under "" what stopped being a write, when anything did."""
    packed = pack_seen(undo.seen)
    if undo.unwritten:
        packed[_UNWRITTEN] = {
            name: {cid: list(ids) for cid, ids in leaning.items()}
            for name, leaning in undo.unwritten.items()
        }
    return packed


def unpack_undo(served: int, packed: Packed, change_id: str | None = None) -> Undo:
    unwritten = {
        name: {cid: tuple(ids) for cid, ids in leaning.items()}
        for name, leaning in packed.get(_UNWRITTEN, {}).items()
    }
    return Undo(served, unpack_seen(packed), unwritten, change_id)


def pack_state(state: RecordState) -> Packed:
    packed: Packed = {
        "version": state.version,
        "created": state.created,
        "status": state.status.value,
        "fields": {
            name: [standing.shown, [_pack_write(w) for w in standing.writes]]
            for name, standing in state.fields.items()
        },
    }
    if state.deletes:
        packed["deletes"] = {
            cid: {name: list(ids) for name, ids in covers.items()}
            for cid, covers in state.deletes.items()
        }
    if state.waiting:
        packed["waiting"] = state.waiting
    if state.awaited:
        packed["awaited"] = sorted(state.awaited)
    if state.deprecated:
        packed["deprecated"] = sorted(state.deprecated)
        packed["heirs"] = {
            cid: {name: list(ids) for name, ids in heirs.items()}
            for cid, heirs in state.heirs.items()
        }
    return packed


def unpack_state(packed: Packed) -> RecordState:
    return RecordState(
        version=packed["version"],
        created=packed["created"],
        status=RecordStatus(packed["status"]),
        fields={
            name: Standing(tuple([Write(*one) for one in writes]), shown)
            for name, (shown, writes) in packed["fields"].items()
        },
        deletes={
            cid: {name: tuple(ids) for name, ids in covers.items()}
            for cid, covers in packed.get("deletes", {}).items()
        },
        waiting=packed.get("waiting", 0),
        awaited=frozenset(packed.get("awaited", ())),
        deprecated=frozenset(packed.get("deprecated", ())),
        heirs={
            cid: {name: tuple(ids) for name, ids in heirs.items()}
            for cid, heirs in packed.get("heirs", {}).items()
        },
    )


def _pack_write(write: Write) -> list[Any]:
    packed = [
        write.change_id,
        write.value,
        write.order_time,
        write.received_at,
        write.observed_on,
        write.resolve,
    ]
    while packed[-1] in (None, False):
        packed.pop()
    return packed
