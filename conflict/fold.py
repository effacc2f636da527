"""Folding: what stands, from any set of settled changes in any order.

`fold` is the law (`docs/merge.md`, section 3). `append` is its fast path for one more
change on a record whose history need not be read; the two must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from conflict.policy import Policies
from conflict.settle import received_value
from conflict.standing import stand, uncovered
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
    void = {one.change.of for one in known.values() if one.change.op is Op.REOPEN}
    counted = [
        one for cid, one in known.items() if cid not in void or one.change.op is not Op.RESOLVE
    ]
    replaced = _replaced(counted, known)
    written: dict[str, list[Write]] = {}
    for one in counted:
        for name, write in writes_of(one):
            if (name, write.change_id) not in replaced:
                written.setdefault(name, []).append(write)
    voided = {cid for one in counted for cid in one.voids}
    deletes = {
        one.change.change_id: {
            name: _leaned_on(name, ids, known) for name, ids in one.covers.items()
        }
        for one in counted
        if _is_delete(one) and one.change.change_id not in voided
    }
    named = {cid for _, cid in replaced}
    named.update(cid for covers in deletes.values() for ids in covers.values() for cid in ids)
    return _with_status(
        RecordState(
            version=sum(one.change.op not in _UNCOUNTED for one in known.values()),
            created=any(one.change.op is Op.CREATE for one in known.values()),
            fields={name: stand(writes, policies.of(name)) for name, writes in written.items()},
            deletes=deletes,
            waiting=sum(one.waiting for one in known.values()),
            awaited=frozenset(named - known.keys()),
        )
    )


def append(state: RecordState, one: SettledChange, policies: Policies) -> RecordState:
    """`state` with one more create, update or delete, read from nothing but the two.

    Shapes    `one` is final, new to this record, and lists no write that is not
              here: `conflict.record.Record` sees to that, and folds otherwise.
    Returns   what `fold` gives of the whole history with `one` in it.
    """
    fields = dict(state.fields)
    writes = dict(writes_of(one))
    for name, settled in one.properties.items():
        if not settled.write:
            continue
        before = fields.get(name, _NONE).writes
        left = [w for w in before if w.change_id not in settled.replaces]
        fields[name] = stand((*left, writes[name]), policies.of(name))
    deletes = dict(state.deletes)
    if _is_delete(one):
        deletes[one.change.change_id] = one.covers
    return _with_status(
        replace(
            state,
            version=state.version + (one.change.op not in _UNCOUNTED),
            created=state.created or one.change.op is Op.CREATE,
            fields=fields,
            deletes=deletes,
        )
    )


def writes_of(one: SettledChange) -> list[tuple[str, Write]]:
    """The writes of a settled change, by property."""
    change, order_time = one.change, one.order_time
    return [
        (
            name,
            Write(
                change_id=change.change_id,
                value=received_value(change, name),
                order_time=order_time,
                received_at=one.received_at,
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


def _replaced(
    changes: Iterable[SettledChange], known: Mapping[str, SettledChange]
) -> set[tuple[str, str]]:
    """Every (property, change id) that somebody replaced."""
    return {
        (name, target)
        for one in changes
        for name, settled in one.properties.items()
        if settled.write
        for target in _leaned_on(name, settled.replaces, known)
        if target != one.change.change_id
    }


def _leaned_on(
    name: str, ids: tuple[str, ...], known: Mapping[str, SettledChange]
) -> tuple[str, ...]:
    """`ids`, and for each that is no write (any more) what its own author was shown, and so on.

    To replace or cover such a value is to replace or cover that.
    """
    found = list(ids)
    for cid in found:  # grows while it is read
        one = known.get(cid)
        seen = one.properties.get(name) if one else None
        if seen is not None and not seen.write:
            found.extend(more for more in seen.replaces if more not in found)
    return tuple(found)


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
    one: SettledChange, state: RecordState, contending: Mapping[str, tuple[str, ...]]
) -> list[Outcome]:
    """How each received property of a change reads in the record's history now.

    `contending` maps a property to the contenders of its open review.
    """
    found = []
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
