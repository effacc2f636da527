"""Folding: what stands, from any set of settled changes in any order.

`fold` is the law (`docs/merge.md`, section 3). `append` is its fast path for one more
change on a record whose history need not be read; the two must agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from conflict.edits import Edits
from conflict.policy import Policies
from conflict.settle import received_value
from conflict.standing import see, stand, stand_with, uncovered
from conflict.types import (
    Op,
    RecordState,
    RecordStatus,
    SettledChange,
    Standing,
    Write,
)

_UNCOUNTED = frozenset({Op.DELETE, Op.RESTORE})
_NONE = Standing()


def fold(changes: Iterable[SettledChange], policies: Policies) -> RecordState:
    """The state of one record: a pure function of the set of its settled changes."""
    known = {one.change.change_id: one for one in changes}
    edits = Edits(known)
    reading = _Reading(known, edits.heirs())
    counted = _counted(known, reading.heirs)
    replaced = {
        (name, target)
        for one in counted
        for name, settled in one.properties.items()
        if settled.write
        for target in reading.of(name, settled.replaces)
        if target != one.change.change_id
    }
    written: dict[str, list[Write]] = {}
    for one in counted:
        for name, write in writes_of(one, edits.root_of(one)):
            if (name, write.change_id) not in replaced:
                written.setdefault(name, []).append(write)
    deletes = _deletes(counted, reading)
    named = {cid for _, cid in replaced}
    named.update(cid for covers in deletes.values() for ids in covers.values() for cid in ids)
    named.update(cid for one in counted for cid in one.voids)
    return _with_status(
        RecordState(
            version=sum(one.change.op not in _UNCOUNTED for one in known.values()),
            created=any(one.change.op is Op.CREATE for one in known.values()),
            fields={name: stand(writes, policies.of(name)) for name, writes in written.items()},
            deletes=deletes,
            waiting=sum(one.waiting for one in known.values()),
            awaited=frozenset(named - known.keys()),
            deprecated=edits.deprecated,
            heirs=reading.heirs,
        )
    )


Heirs = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What it means, among a record's changes, to replace or cover some of them."""

    known: Mapping[str, SettledChange]
    heirs: Heirs

    def of(self, name: str, ids: Iterable[str]) -> tuple[str, ...]:
        """`ids`, and what goes with each.

        For one that is no write (any more) that is what its own author was shown, and so on;
        for one that an edit superseded, the writes that say the same in its place.
        """
        found = dict.fromkeys(ids)
        coming = list(found)
        for cid in coming:  # grows while it is read
            one = self.known.get(cid)
            seen = one.properties.get(name) if one else None
            leaning = seen.replaces if seen is not None and not seen.write else ()
            for more in (*leaning, *self.heirs.get(cid, {}).get(name, ())):
                if more not in found:
                    found[more] = None
                    coming.append(more)
        return tuple(found)


def _counted(known: Mapping[str, SettledChange], heirs: Heirs) -> list[SettledChange]:
    """The changes whose writes count: no reopened resolve, nothing that an edit superseded."""
    void = {one.change.of for one in known.values() if one.change.op is Op.REOPEN}
    return [
        one
        for cid, one in known.items()
        if cid not in heirs and (cid not in void or one.change.op is not Op.RESOLVE)
    ]


def _deletes(
    counted: Iterable[SettledChange], reading: _Reading
) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """The deletes that nobody has voided, with what each covers."""
    voided = {cid for one in counted for cid in one.voids}
    return {
        one.change.change_id: {name: reading.of(name, ids) for name, ids in one.covers.items()}
        for one in counted
        if _is_delete(one) and one.change.change_id not in voided
    }


def append(state: RecordState, one: SettledChange, policies: Policies) -> RecordState:
    """`state` with one more create, update or delete, read from nothing but the two.

    Shapes    `one` is final, new to this record, and lists no write that is not
              here: `conflict.taking` sees to that, and folds otherwise.
    Returns   what `fold` gives of the whole history with `one` in it.
    """
    fields = dict(state.fields)
    writes = dict(writes_of(one, one))
    for name, settled in one.properties.items():
        if not settled.write:
            continue
        before = fields.get(name, _NONE).writes
        replaced = _with_heirs(state, name, settled.replaces)
        left = [w for w in before if w.change_id not in replaced]
        fields[name] = stand_with(left, writes[name], policies.of(name))
    deletes = dict(state.deletes)
    if _is_delete(one):
        deletes[one.change.change_id] = {
            name: tuple(_with_heirs(state, name, ids)) for name, ids in one.covers.items()
        }
    return _with_status(
        replace(
            state,
            version=state.version + (one.change.op not in _UNCOUNTED),
            created=state.created or one.change.op is Op.CREATE,
            fields=fields,
            deletes=deletes,
        )
    )


def _with_heirs(state: RecordState, name: str, ids: tuple[str, ...]) -> Collection[str]:
    """`ids`, and the writes that say the same in the place of those that an edit superseded."""
    if not state.heirs:
        return dict.fromkeys(ids)
    more = (heir for cid in ids for heir in state.heirs.get(cid, {}).get(name, ()))
    return dict.fromkeys((*ids, *more))


def writes_of(one: SettledChange, original: SettledChange) -> list[tuple[str, Write]]:
    """The writes of a settled change, by property, with the times of the first `original`."""
    change = one.change
    return [
        (
            name,
            Write(
                change_id=change.change_id,
                value=received_value(change, name),
                order_time=original.order_time,
                received_at=original.received_at,
                observed_on=settled.observed_on,
                resolve=change.op is Op.RESOLVE,
            ),
        )
        for name, settled in one.properties.items()
        if settled.write
    ]


def _is_delete(one: SettledChange) -> bool:
    change = one.change
    return change.op is Op.DELETE or (change.op is Op.RESOLVE and change.status == "deleted")


def _with_status(state: RecordState) -> RecordState:
    if state.deletes:
        alive = uncovered(state.fields, state.deletes)
        status = RecordStatus.DISPUTED if alive else RecordStatus.DELETED
    else:
        status = RecordStatus.ACTIVE
    if status is not RecordStatus.DELETED and not state.created:
        status = RecordStatus.INCOMPLETE
    return replace(state, status=status)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one property of one change, for a history page."""

    name: str
    value: str
    replaces: tuple[str, ...]
    outcome: str  # current superseded contender settled unchanged


def outcomes(
    one: SettledChange,
    state: RecordState,
    contending: Mapping[str, tuple[str, ...]],
    policies: Policies,
) -> list[Outcome]:
    """How each received property of a change reads in the record's history now.

    `contending` maps a property to the contenders of its open review. The date property of
    a `latest`, which has no writes, is `current` where it names the date that is shown.
    """
    found = []
    for name in sorted(policies.dates & one.change.data.keys() - one.properties.keys()):
        shown, value = see(state, name, policies), one.change.data[name]
        word = "current" if shown is not None and shown.value == value else "superseded"
        found.append(Outcome(name, value, (), word))
    cid = one.change.change_id
    for name, settled in one.properties.items():
        standing = state.fields.get(name, _NONE)
        if not settled.write:
            word = "unchanged"
        elif all(cid != write.change_id for write in standing.writes):
            word = "superseded"
        elif cid in contending.get(name, ()):
            word = "contender"
        else:
            word = "current" if standing.shown == cid else "settled"
        found.append(Outcome(name, received_value(one.change, name), settled.replaces, word))
    return found
