"""One record while changes are taken in: what was shown, what is settled, what stands after.

A record is loaded with its current state, and with as little more as its changes need:
the undo rows back to their trunk, the earlier changes of their branches, its creates.
Its whole history is loaded only where `needs_history` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from conflict.fold import append, fold
from conflict.policy import Policies
from conflict.settle import overlay, settle
from conflict.standing import for_phone, see, view_of
from conflict.types import Change, Op, RecordState, Seen, SettledChange, View

_DECISIONS = frozenset({Op.RESTORE, Op.RESOLVE, Op.REOPEN})  # made over what this server shows


@dataclass(frozen=True, slots=True)
class Undo:
    """What the properties altered by one step read before it; `None` where nothing stood.

    `served` is the number phones were shown after the step. `unwritten` are values that
    were writes before it and no more since, because their change was settled again:
    property -> change -> what its author was shown. Whoever was shown such a value
    replaces that.
    """

    served: int
    seen: Mapping[str, Seen | None]
    unwritten: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking one change in did: its settlement, the undo of the step, its outcome word."""

    settled: SettledChange
    undo: Undo
    view: View
    concurrent: bool
    resettled: tuple[SettledChange, ...] = ()


@dataclass(slots=True)
class Record:
    """One record at this server.

    `offset` is added to the version to give the number phones are shown;
    `born_at` is the first number served with the create (None while incomplete).
    `undo` is newest first and reaches back as far as any base asked of it.
    `known` holds every change when `whole`, else only branch mates and creates.
    """

    state: RecordState = field(default_factory=RecordState)
    offset: int = 0
    born_at: int | None = None
    undo: list[Undo] = field(default_factory=list)
    known: dict[str, SettledChange] = field(default_factory=dict)
    whole: bool = True

    @property
    def served(self) -> int:
        """The number phones are shown for the record as it stands."""
        return self.state.version + self.offset

    def take(self, change: Change, policies: Policies, *, received_at: str) -> Taken:
        """Take one change in: settle it, fold it, settle again what had waited for it.

        Errors    `LookupError` when the change needs a history that was not loaded:
                  a bug of the caller, who asks `needs_history` first.
        """
        view, waiting, trunk_view = self._shown(change, policies)
        one = settle(
            change,
            view,
            policies,
            received_at=received_at,
            known=self.known,
            waiting=waiting,
            trunk_view=trunk_view,
        )
        concurrent = not self._is_current(change)
        before, earlier = self.state, dict(self.known)
        resettled: tuple[SettledChange, ...] = ()
        if self._is_simple(one):
            self.known[change.change_id] = one
            after = append(before, one, policies)
        else:
            if not self.whole:
                raise LookupError("this change needs the record's whole history")
            self.known[change.change_id] = one
            resettled = self._settle_waiting(policies, but=change.change_id)
            after = fold(self.known.values(), policies)
            one = self.known[change.change_id]
        self.state = after
        if self.born_at is None and after.created:
            self.born_at = self.served
        undo = Undo(self.served, _altered(before, after, policies), _unwritten(earlier, resettled))
        self.undo.insert(0, undo)
        return Taken(one, undo, view, concurrent, resettled)

    def shown_to(self, change: Change, policies: Policies) -> View:
        """What the author of a change not yet taken in was shown."""
        return self._shown(change, policies)[0]

    def view_at(self, served: int, policies: Policies) -> View:
        """The record as it first stood at the number `served`, or at the highest below it."""
        seen = dict(view_of(self.state, policies).seen)
        unwritten: dict[str, dict[str, tuple[str, ...]]] = {}
        for step in self.undo:
            if step.served <= served:
                break
            for name, leaning in step.unwritten.items():
                unwritten.setdefault(name, {}).update(leaning)
            for name, before in step.seen.items():
                if before is None:
                    seen.pop(name, None)
                else:
                    seen[name] = before
        for name in unwritten.keys() & seen.keys():
            seen[name] = _leaning(seen[name], unwritten[name])
        return View(seen, tuple(sorted(self.state.deletes)))

    def is_alone(self, change: Change) -> bool:
        """Whether every other change known here is of this change's branch, or the create of it."""
        return all(
            one.change.op is Op.CREATE or _same_branch(one, change)
            for cid, one in self.known.items()
            if cid != change.change_id
        )

    def waits_for(self, change: Change) -> str | None:
        """What a waiting change lacks: `create`, or `branch <id> base <n>`, the first missing."""
        if not self._is_created():
            return "create"
        if change.branch_id is None or change.base_version is None:
            return None
        start = change.trunk_version if change.trunk_version is not None else 1
        here = {c.change.base_version for c in self.known.values() if _same_branch(c, change)}
        missing = (n for n in range(start, change.base_version) if n not in here)
        first = next(missing, None)
        return None if first is None else f"branch {change.branch_id} base {first}"

    def _is_simple(self, one: SettledChange) -> bool:
        """Whether `append` may be used: nothing waits, and nothing earlier is read anew."""
        state, change = self.state, one.change
        return (
            not one.waiting
            and not state.waiting
            and (state.created or state.version == 0)
            and change.op in (Op.CREATE, Op.UPDATE, Op.DELETE)
            and change.change_id not in state.awaited
        )

    def _is_current(self, change: Change) -> bool:
        """Whether nobody else's change came between the author's base and now."""
        if change.op is Op.CREATE:
            return self.state.version == 0
        if change.base_version is None:
            return True
        if change.branch_id is None:
            return change.base_version == self.served
        own = len(self._branch(change)[0])
        start = self.offset if change.trunk_version is None else change.trunk_version
        return start + own == self.served

    def _shown(self, change: Change, policies: Policies) -> tuple[View, bool, View | None]:
        """What the author was shown, whether a part of it is missing, and the trunk of it."""
        if change.op is Op.CREATE:
            return View(), False, None
        if change.base_version is None or change.op in _DECISIONS:
            return view_of(self.state, policies), False, None
        if change.branch_id is not None:
            return self._shown_on_branch(change, policies)
        if not self._is_created() or change.change_id in self.known:
            return self._on_creates(change, policies), not self._is_created(), None
        view = self._served_view(change.base_version, policies)
        return (for_phone(view, policies) if change.from_form else view), False, None

    def _is_created(self) -> bool:
        return self.state.created or any(c.change.op is Op.CREATE for c in self.known.values())

    def _served_view(self, wanted: int, policies: Policies) -> View:
        """The view at a number served; a number never served reads as the highest below it."""
        if self.born_at is None or wanted < self.born_at:
            return View()
        return self.view_at(min(wanted, self.served), policies)

    def _on_creates(self, change: Change, policies: Policies) -> View:
        return overlay(View(), self._creates(change), policies)

    def _shown_on_branch(
        self, change: Change, policies: Policies
    ) -> tuple[View, bool, View | None]:
        trunk = self._trunk(change, policies)
        mates, complete = self._branch(change)
        waiting = not complete or not self._is_created() or any(one.waiting for one in mates)
        if trunk is None:
            return overlay(self._on_creates(change, policies), mates, policies), waiting, None
        return overlay(trunk, mates, policies), waiting, trunk

    def _trunk(self, change: Change, policies: Policies) -> View | None:
        """What phones' lists showed at the trunk; None when the create had not come by then."""
        if change.trunk_version is None:
            return View()
        stored = self.known.get(change.change_id)
        if stored is not None:
            return stored.trunk_view
        if self.born_at is None:
            return None
        return for_phone(self._served_view(change.trunk_version, policies), policies)

    def _branch(self, change: Change) -> tuple[list[SettledChange], bool]:
        """The author's own earlier changes of the branch, in order, and whether none is missing.

        Of two with one number (a cloned phone) neither is laid over, and nothing is
        missing on their account. What was settled before the second came stays settled.
        """
        start, end = change.trunk_version, change.base_version or 0
        mates: list[SettledChange] = []
        complete = True
        if start is None:
            mates = self._creates(change)
            complete = self._is_created()
            start = 1
        numbered: dict[int, list[SettledChange]] = {}
        for one in self.known.values():
            base = one.change.base_version
            if _same_branch(one, change) and base is not None and start <= base < end:
                numbered.setdefault(base, []).append(one)
        for _, twins in sorted(numbered.items()):
            mates.extend(twins if len(twins) == 1 else ())
        return mates, complete and len(numbered) == max(0, end - start)

    def _creates(self, change: Change) -> list[SettledChange]:
        """The create that a branch began with: the author's own when there are several.

        An only create is the branch's, whoever sent it: the same phone is one actor at a
        hub and another at the centre. Of several that may be meant none is laid over.
        """
        creates = [one for one in self.known.values() if one.change.op is Op.CREATE]
        if len(creates) < 2:
            return creates
        own = [one for one in creates if one.change.author == change.author]
        return own if len(own) == 1 else []

    def _settle_waiting(self, policies: Policies, *, but: str) -> tuple[SettledChange, ...]:
        """Settle again, in the order of their branches, the changes that wait."""
        waiting = [
            one for one in self.known.values() if one.waiting and one.change.change_id != but
        ]
        again = []
        for one in sorted(waiting, key=_branch_order):
            view, still, trunk = self._shown(one.change, policies)
            anew = settle(
                one.change,
                view,
                policies,
                received_at=one.received_at,
                known=self.known,
                waiting=still,
                trunk_view=trunk,
            )
            if anew != one:
                self.known[one.change.change_id] = anew
                again.append(anew)
        return tuple(again)


def _same_branch(one: SettledChange, change: Change) -> bool:
    return one.change.branch_id == change.branch_id and one.change.change_id != change.change_id


def _branch_order(one: SettledChange) -> tuple[int, str]:
    return one.change.base_version or 0, one.change.change_id


def _altered(before: RecordState, after: RecordState, policies: Policies) -> dict[str, Seen | None]:
    """What each property altered by a step read before it."""
    names: Iterable[str] = after.fields.keys() | before.fields.keys()
    altered = {}
    for name in sorted({*names, *policies.dates}):
        if name in policies.dates or before.fields.get(name) is not after.fields.get(name):
            earlier = see(before, name, policies)
            if earlier != see(after, name, policies):
                altered[name] = earlier
    return altered


def _unwritten(
    earlier: Mapping[str, SettledChange], resettled: Iterable[SettledChange]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """The values that stopped being writes when their changes were settled again."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in resettled:
        cid = one.change.change_id
        for name, settled in one.properties.items():
            was = earlier[cid].properties.get(name)
            if was is not None and was.write and not settled.write:
                found.setdefault(name, {})[cid] = settled.replaces
    return found


def _leaning(seen: Seen, unwritten: Mapping[str, tuple[str, ...]]) -> Seen:
    """A value as it was seen, traced to the writes that stand for it now."""
    source = seen.source
    while source is not None and source in unwritten:
        source = next(iter(unwritten[source]), None)
    standing = list(seen.standing)
    while any(cid in unwritten for cid in standing):
        standing = [lean for cid in standing for lean in unwritten.get(cid, (cid,))]
    return Seen(seen.value, source, seen.observed_on, tuple(dict.fromkeys(standing)))


def needs_history(state: RecordState, changes: Sequence[Change], known: Iterable[Change]) -> bool:
    """Whether taking `changes` in asks for every change of the record, not only its state.

    `known` are the branch mates and creates of the record that are already here.
    """
    if state.version == 0 and not state.deletes:
        return False
    if state.waiting or not state.created:
        return True
    here = [*known, *changes]
    return any(
        change.op not in (Op.CREATE, Op.UPDATE, Op.DELETE)
        or change.change_id in state.awaited
        or _lacks_a_mate(change, here)
        for change in changes
    )


def _lacks_a_mate(change: Change, here: Sequence[Change]) -> bool:
    if change.branch_id is None or change.base_version is None:
        return False
    start = change.trunk_version
    if start is None:
        start = 1
        if not any(one.op is Op.CREATE for one in here):
            return True
    numbers = {
        one.base_version
        for one in here
        if one.branch_id == change.branch_id and one.change_id != change.change_id
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


def with_offset(record: Record, offset: int) -> Record:
    """The same record, shown to phones under higher numbers."""
    return replace(record, offset=offset)
