"""What the author of a change was shown, as far as this server knows: merge.md, section 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from conflict.edits import Edits
from conflict.policy import Policies
from conflict.record import Record
from conflict.settle import overlay, received_value
from conflict.standing import for_phone, view_of
from conflict.types import Change, Op, RecordState, Seen, SettledChange, View

_DECISIONS = frozenset({Op.RESTORE, Op.RESOLVE, Op.REOPEN})  # made over what this server shows
_TAKEN_SIMPLY = frozenset({Op.CREATE, Op.UPDATE, Op.DELETE})


@dataclass(frozen=True, slots=True)
class Basis:
    """What an author was shown. `waiting` when a part of it is missing.

    `trunk` is what the server itself had shown, kept where the change may be settled again.
    `inexact` when it is read back from what another server settled.
    """

    view: View
    waiting: bool = False
    trunk: View | None = None
    inexact: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """An author's own earlier changes of a branch, in order.

    `linked` when a number has only an edit to show for it: should the original of that
    number come, what was settled on the chain is settled again.
    """

    mates: tuple[SettledChange, ...] = ()
    complete: bool = True
    linked: bool = False


def basis_of(record: Record, change: Change, policies: Policies) -> Basis:
    """What the author of a change was shown, the change being here already or not."""
    if change.op in _DECISIONS:
        return Basis(view_of(record.state, policies))
    if not change.deprecates:
        return _own_basis(record, change, policies)
    edits = Edits(record.known, coming=change)
    original = edits.original_of(change)
    if original is None:
        own = _own_basis(record, change, policies)
        if _lacks_original(record, edits, change):
            return Basis(own.view, True, _trunk(record, change, policies))
        return own
    root = edits.root_of(original)
    if root.node != record.node and not root.waiting:
        return Basis(_as_settled(root), inexact=True)
    own = _own_basis(record, root.change, policies)
    return replace(own, waiting=own.waiting or _lacks_original(record, edits, root.change))


def _lacks_original(record: Record, edits: Edits, change: Change) -> bool:
    return edits.is_edit(change) and change.deprecates not in record.here


def _own_basis(record: Record, change: Change, policies: Policies) -> Basis:
    if change.op is Op.CREATE:
        return Basis(View())
    if change.base_version is None:
        return Basis(view_of(record.state, policies))
    trunk = _trunk(record, change, policies)
    chain = chain_of(record, change) if change.branch_id is not None else Chain()
    start = trunk if trunk is not None else overlay(View(), _creates(record, change), policies)
    waiting = not chain.complete or not record.is_created or any(one.waiting for one in chain.mates)
    view = overlay(start, chain.mates, policies)
    return Basis(view, waiting, trunk if waiting or chain.linked else None)


def _trunk(record: Record, change: Change, policies: Policies) -> View | None:
    """What this server had shown at the change's base; None when the create had not come then."""
    number = change.base_version if change.branch_id is None else change.trunk_version
    if number is None:
        return View()
    stored = record.known.get(change.change_id)
    if stored is not None and (stored.waiting or stored.trunk_view is not None):
        return stored.trunk_view
    if record.born_at is None:
        return None
    number = _served(record, change, number)
    taken = record.number_of(change.change_id) if stored is not None else None
    if taken is not None:  # asked for an edit of it: what was served by then, and nothing later
        if taken < record.born_at:
            return None
        number = min(number, taken - 1)
    served = number >= record.born_at  # a number from before the create was never in a list
    view = record.view_at(number, policies) if served else View()
    return for_phone(view, policies) if change.from_form or change.branch_id is not None else view


def _served(record: Record, change: Change, told: int) -> int:
    """The number that was served with what an author was told: programs are told versions."""
    number = told if change.from_form else record.served_with(told)
    return record.number_here(number)


def _as_settled(root: SettledChange) -> View:
    """What another server found that an author was shown, read back from what it settled.

    What a write of it had replaced is known by its id and not as text, so that another value
    in an edit is a write; nothing is known of a property that it did not name.
    """
    seen = {}
    for name, settled in root.properties.items():
        value = "" if settled.write else received_value(root.change, name)
        source = next(iter(settled.replaces), None)
        seen[name] = Seen(value, source, settled.observed_on, settled.replaces)
    return View(seen)


def chain_of(record: Record, change: Change) -> Chain:
    """The changes of a branch before `change`, back to its trunk.

    Of two with one number (a cloned phone) neither is laid over, and nothing is missing on
    their account. An edit alters nothing on the phone that made it: it holds a number only
    where its original is here with a lower one, and no form of its own has the number.
    """
    start, end = change.trunk_version, change.base_version or 0
    edits = Edits(record.known)
    mates = _creates(record, change) if start is None else []
    born = start is not None or any(_births(record, edits))
    start = 1 if start is None else start
    originals: dict[int, list[SettledChange]] = {}
    links: dict[int, list[SettledChange]] = {}
    for one in record.known.values():
        base = one.change.base_version
        if not _same_branch(one, change) or base is None or not start <= base < end:
            continue
        original = edits.original_of(one.change)
        if not edits.is_edit(one.change):
            originals.setdefault(base, []).append(one)
        elif original is not None and (original.change.base_version or 0) < base:
            links.setdefault(base, []).append(one)
    numbered = {**links, **originals}
    for _, twins in sorted(numbered.items()):
        mates.extend(twins if len(twins) == 1 else ())
    return Chain(
        tuple(mates),
        complete=born and len(numbered) == max(0, end - start),
        linked=bool(links.keys() - originals.keys()),
    )


def _creates(record: Record, change: Change) -> list[SettledChange]:
    """The create that a branch began with: the author's own when there are several.

    An only create is the branch's, whoever sent it: the same phone is one actor at a
    hub and another at the centre. Of several that may be meant none is laid over.
    """
    creates = list(_births(record, Edits(record.known)))
    if len(creates) < 2:
        return creates
    own = [one for one in creates if one.change.author == change.author]
    return own if len(own) == 1 else []


def _births(record: Record, edits: Edits) -> Iterator[SettledChange]:
    for one in record.known.values():
        if one.change.op is not Op.CREATE:
            continue
        newly_named = one.change.deprecates in record.here and not edits.original_of(one.change)
        if newly_named or not edits.is_edit(one.change):
            yield one


def _same_branch(one: SettledChange, change: Change) -> bool:
    """One branch has one trunk; who says otherwise is nobody's mate."""
    mate = one.change
    return (
        mate.branch_id == change.branch_id
        and mate.trunk_version == change.trunk_version
        and mate.change_id != change.change_id
    )


def waits_for(record: Record, change: Change) -> str | None:
    """What a waiting change lacks, the first of it.

    `create`, `submission <instanceID>` (the original of an edit), or `branch <id> base <n>`.
    """
    edits = Edits(record.known)
    while (original := edits.original_of(change)) is not None:
        change = original.change
    if not record.is_created:
        return "create"
    if _lacks_original(record, edits, change):
        return f"submission {change.deprecates.rpartition(chr(10))[2]}"
    if change.branch_id is None or change.base_version is None:
        return None
    start = change.trunk_version if change.trunk_version is not None else 1
    here = {one.change.base_version for one in record.known.values() if _same_branch(one, change)}
    missing = (n for n in range(start, change.base_version) if n not in here)
    first = next(missing, None)
    return None if first is None else f"branch {change.branch_id} base {first}"


def is_current(record: Record, change: Change) -> bool:
    """Whether nobody else's change came between the author's base and now."""
    if change.deprecates:
        return _is_current_edit(record, change)
    if change.op is Op.CREATE:
        return record.state.version == 0
    if change.base_version is None:
        return True
    if change.branch_id is None:
        now = record.served if change.from_form else record.state.version
        return change.base_version == now
    own = len(chain_of(record, change).mates)
    if change.trunk_version is None:
        return record.offset + own == record.served
    return _served(record, change, change.trunk_version) + own == record.served


def _is_current_edit(record: Record, change: Change) -> bool:
    """Whether all that came after the original is of its own branch or an edit of it too."""
    original = Edits(record.known, coming=change).original_of(change)
    if original is None:
        return True
    own = original.change
    return not any(
        one.received_at > original.received_at
        and one.change.deprecates != change.deprecates
        and (own.branch_id is None or one.change.branch_id != own.branch_id)
        for one in record.known.values()
    )


def is_alone(record: Record, change: Change) -> bool:
    """Whether every other change known here is of this change's branch, or the create of it."""
    return all(
        one.change.op is Op.CREATE or _same_branch(one, change)
        for cid, one in record.known.items()
        if cid != change.change_id
    )


def is_simple(state: RecordState, change: Change, known: Iterable[SettledChange]) -> bool:
    """Whether a change can be settled and folded without the record's whole history.

    `known` are at least its branch mates and the creates. It is so when nothing waits, and
    nothing that is here already is read anew on its account.
    """
    return (
        change.op in _TAKEN_SIMPLY
        and not state.waiting
        and (state.created or state.version == 0)
        and not change.deprecates
        and change.submission not in state.deprecated
        and change.change_id not in state.awaited
        and not any(_leans_on(one, change) for one in known)
    )


def _leans_on(one: SettledChange, change: Change) -> bool:
    """Whether a change was settled on a chain in which an edit held the number of this one."""
    return (
        one.trunk_view is not None
        and _same_branch(one, change)
        and (one.change.base_version or 0) > (change.base_version or 0)
    )


def needs_history(
    state: RecordState, changes: Sequence[Change], known: Sequence[SettledChange]
) -> bool:
    """Whether taking `changes` in asks for every change of the record, not only its state.

    `known` are the branch mates and creates of the record that are already here.
    """
    if state.version == 0 and not state.deletes:
        return False
    if not state.created:
        return True
    here = [*(one.change for one in known), *changes]
    return any(
        not is_simple(state, change, known) or _lacks_a_mate(change, here) for change in changes
    )


def _lacks_a_mate(change: Change, here: Sequence[Change]) -> bool:
    if change.branch_id is None or change.base_version is None:
        return False
    start = change.trunk_version
    if start is None:
        start = 1
        if not any(one.op is Op.CREATE and not one.deprecates for one in here):
            return True
    numbers = {
        one.base_version
        for one in here
        if one.branch_id == change.branch_id
        and one.change_id != change.change_id
        and not one.deprecates
    }
    return any(number not in numbers for number in range(start, change.base_version))


def in_branch_order(changes: Iterable[Change]) -> list[Change]:
    """Items of one batch, decided as a set.

    Creates come first, then each branch from its beginning, then what names no base, as
    it was sent: who deletes a record after an update of the same batch has seen that.
    """
    return sorted(changes, key=_batch_order)


def _batch_order(change: Change) -> tuple[int, int]:
    if change.op is Op.CREATE:
        return 0, 0
    return (2, 0) if change.base_version is None else (1, change.base_version)
