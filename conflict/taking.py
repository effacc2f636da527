"""Taking changes in: settle one, fold it, settle again what had waited for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conflict.basis import basis_of, is_current, is_simple
from conflict.fold import append, fold
from conflict.policy import Policies
from conflict.record import Record, Undo, altered, unwritten
from conflict.settle import settle
from conflict.types import Change, Op, RecordState, SettledChange


@dataclass(frozen=True, slots=True)
class Taken:
    """What one step did: the settlement, the undo of the step, what was settled again.

    `undo` is None when nothing was shown otherwise and nothing counted. `concurrent` when
    somebody else's change had come between the author's base and this.
    """

    settled: SettledChange
    undo: Undo | None
    concurrent: bool = False
    resettled: tuple[SettledChange, ...] = ()


def take(record: Record, change: Change, policies: Policies, *, received_at: str) -> Taken:
    """Take one change in that no server has settled yet.

    Errors    `LookupError` when the change needs a history that was not loaded:
              a bug of the caller, who asks `conflict.basis.needs_history` first.
    """
    basis = basis_of(record, change, policies)
    one = settle(
        change,
        basis.view,
        policies,
        received_at=received_at,
        known=record.known,
        waiting=basis.waiting,
        trunk_view=basis.trunk,
        node=record.node,
        inexact=basis.inexact,
    )
    return _put(record, one, policies, concurrent=not is_current(record, change))


def receive(record: Record, one: SettledChange, policies: Policies) -> Taken | None:
    """Take one change in as another server settled it; None when it alters nothing.

    Of two copies of one change a final one counts before a waiting one, then one whose server
    knew what the author was shown, then the one with the earlier first stamp, then by node.
    When another copy alters what phones are shown, they are shown it under the next number.
    """
    mine = record.known.get(one.change.change_id)
    if mine is None:
        apart = not is_current(record, one.change)
        return _put(record, one, policies, concurrent=apart, received=True)
    if not counts_before(one, mine):
        return None
    before = record.state
    record.known[one.change.change_id] = one
    resettled = ((mine, one), *_settle_again(record, policies, arrived=one))
    return _restate(record, before, resettled, policies)


def note_original(record: Record, submission: str, policies: Policies) -> tuple[SettledChange, ...]:
    """Say that a submission is here which this record's edits name, though it names other records.

    Gives the changes that were settled again: what had waited for it stands by itself.
    """
    record.here |= {submission}
    resettled = _settle_again(record, policies)
    record.state = fold(record.known.values(), policies)
    return tuple(one for _, one in resettled)


def _put(
    record: Record,
    one: SettledChange,
    policies: Policies,
    *,
    concurrent: bool,
    received: bool = False,
) -> Taken:
    before, cid = record.state, one.change.change_id
    resettled: tuple[tuple[SettledChange, SettledChange], ...] = ()
    if _is_simple(record, one, received=received):
        record.known[cid] = one
        after = append(before, one, policies)
    else:
        if not record.whole:
            raise LookupError("this change needs the record's whole history")
        record.known[cid] = one
        resettled = _settle_again(record, policies, arrived=one)
        after = fold(record.known.values(), policies)
        one = record.known[cid]
    record.state = after
    if record.born_at is None and after.created:
        record.born_at = record.served
    step = altered(before, after, policies)
    counted = cid if after.version > before.version else None
    undo = Undo(record.served, step, unwritten(resettled), counted)
    record.undo.insert(0, undo)
    again = tuple(anew for _, anew in resettled if anew.change.change_id != cid)
    return Taken(one, undo, concurrent, again)


def _is_simple(record: Record, one: SettledChange, *, received: bool) -> bool:
    """Whether `append` may be used: it is simple, final, and names only what stands.

    What was settled just now does. What is received may not, also when this server had settled
    it itself: restored from a backup it is given back its own changes, in any order.
    """
    if one.waiting or not is_simple(record.state, one.change, record.known.values()):
        return False
    return not (received and reads_history(record.state, one))


def reads_history(state: RecordState, one: SettledChange) -> bool:
    """Whether receiving what another server settled asks for the record's whole history.

    What keeps its view of the trunk may be settled otherwise by what is here.
    """
    return one.waiting or one.trunk_view is not None or not _names_what_stands(state, one)


def _names_what_stands(state: RecordState, one: SettledChange) -> bool:
    named = [
        *((name, s.replaces) for name, s in one.properties.items() if s.write),
        *one.covers.items(),
    ]
    for name, ids in named:
        standing = state.fields.get(name)
        here = {write.change_id for write in standing.writes} if standing else set()
        if not here.issuperset(ids):
            return False
    return True


def _restate(
    record: Record,
    before: RecordState,
    resettled: tuple[tuple[SettledChange, SettledChange], ...],
    policies: Policies,
) -> Taken:
    """Fold again without a change that counts; what is shown otherwise gets the next number."""
    after = fold(record.known.values(), policies)
    record.state = after
    one = record.known[resettled[0][1].change.change_id]
    again = tuple(anew for _, anew in resettled[1:])
    step = altered(before, after, policies)
    lean = unwritten(resettled)
    if not step and not lean:
        return Taken(one, None, resettled=again)
    if record.born_at is not None:
        record.offset += 1
    undo = Undo(record.served, step, lean)
    record.undo.insert(0, undo)
    return Taken(one, undo, resettled=again)


def _settle_again(
    record: Record, policies: Policies, *, arrived: SettledChange | None = None
) -> tuple[tuple[SettledChange, SettledChange], ...]:
    """Settle again what waits, and the edits of what arrived, until nothing alters: (was, is)."""
    before: dict[str, SettledChange] = {}
    ids = [one.change.change_id for one in sorted(_may_alter(record, arrived), key=_branch_order)]
    for _ in tuple(ids):  # one pass, but where an edit bears a lower number than what it leans on
        moved = False
        for cid in ids:
            one = record.known[cid]
            anew = _settled_anew(record, one, policies)
            if anew != one:
                before.setdefault(cid, one)
                record.known[cid] = anew
                moved = True
        ids = [cid for cid in ids if _is_provisional(record.known[cid])]
        if not moved:
            break
    return tuple((was, record.known[cid]) for cid, was in before.items())


def _may_alter(record: Record, arrived: SettledChange | None) -> Iterator[SettledChange]:
    """The changes that may be settled otherwise now that one has arrived.

    A branch hangs on its earlier forms, and on the create; an edit on its original and all
    that hangs on. What another server settled exactly and finally is left as it is.
    """
    known = record.known.values()
    far = arrived is None or arrived.change.op is Op.CREATE
    far = far or any(one.change.deprecates for one in known)
    for one in known:
        if _is_provisional(one):
            if far or one is arrived or _comes_after(one, arrived):
                yield one
        elif _is_edit_of(one, arrived) and one.node == record.node:
            yield one


def _is_provisional(one: SettledChange) -> bool:
    return one.waiting or one.trunk_view is not None or one.inexact


def _comes_after(one: SettledChange, arrived: SettledChange | None) -> bool:
    if arrived is None or one.change.branch_id != arrived.change.branch_id:
        return False
    return (one.change.base_version or 0) > (arrived.change.base_version or 0)


def _is_edit_of(one: SettledChange, arrived: SettledChange | None) -> bool:
    submission = arrived.change.submission if arrived is not None else ""
    return bool(submission) and one.change.deprecates == submission


def _settled_anew(record: Record, one: SettledChange, policies: Policies) -> SettledChange:
    """One change settled on what is known now, by the policies of when it was first taken in."""
    read_by = one.policies if one.policies is not None else policies
    basis = basis_of(record, one.change, read_by)
    return settle(
        one.change,
        basis.view,
        read_by,
        received_at=one.received_at,
        known=record.known,
        waiting=basis.waiting,
        trunk_view=basis.trunk,
        node=one.node,
        inexact=basis.inexact,
    )


def _branch_order(one: SettledChange) -> tuple[int, bool, str]:
    return one.change.base_version or 0, bool(one.change.deprecates), one.change.change_id


def counts_before(one: SettledChange, mine: SettledChange) -> bool:
    """Whether a copy of a change counts before the one that is here."""
    return _precedence(one) < _precedence(mine)


def _precedence(one: SettledChange) -> tuple[bool, bool, str, str]:
    return one.waiting, one.inexact, one.received_at, one.node
