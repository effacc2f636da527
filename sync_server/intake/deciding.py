"""Deciding: a batch of changes over loaded records, in memory. No I/O.

What raises while one change is decided quarantines that change and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from conflict.areas import AWAY, may_write, scopes_of_record
from conflict.basis import basis_of, is_alone, waits_for
from conflict.edits import is_withdrawal
from conflict.fold import outcomes
from conflict.record import Record
from conflict.standing import reviews, shown_data
from conflict.taking import Taken, counts_before, note_original, receive, take
from conflict.types import Change, Op, RecordState, Review, SettledChange
from sync_server.errors import SyncError, whereabouts
from sync_server.intake.arrival import Arrival, ChangeResult, Relayed, Status, kept_change
from sync_server.intake.keeping import REVOKED, poison_of_change
from sync_server.intake.originals import Originals
from sync_server.intake.readings import Derived
from sync_server.intake.relayed import settled_elsewhere
from sync_server.stores.changes import Origin
from sync_server.stores.journal import Entry
from sync_server.stores.lists import ListInfo
from sync_server.stores.quarantine import Poison
from sync_server.stores.records import ON_PHONES, Held
from sync_server.stores.reviews import Asked, review_id

Step = tuple[str | None, str]
"""A step of a record for the journal: the change it came of, if any, and its kind."""

LOG = logging.getLogger(__name__)

_FOR_DEVICES = frozenset({Op.CREATE, Op.UPDATE})
_UNCOUNTED = frozenset({Op.DELETE, Op.RESTORE})


@dataclass(slots=True)
class Touched:
    """One record that a batch altered, and how it stood before."""

    held: Held
    before: RecordState
    writers: set[int] = field(default_factory=set)
    last_change: str = ""


@dataclass(slots=True)
class Decision:
    """All that a batch of changes came to."""

    results: list[tuple[int, ChangeResult]] = field(default_factory=list)
    taken: list[tuple[SettledChange, Origin, str, str]] = field(default_factory=list)
    resettled: dict[str, tuple[SettledChange, str]] = field(default_factory=dict)
    copies: list[tuple[SettledChange, Origin]] = field(default_factory=list)
    poisons: list[Poison] = field(default_factory=list)
    touched: dict[str, Touched] = field(default_factory=dict)


class Decider:
    """Takes changes one after the other; `held` and `known` are what the store has of them."""

    def __init__(
        self,
        arrival: Arrival,
        lists: Mapping[str, ListInfo],
        held: dict[str, Held],
        known: Mapping[str, SettledChange],
        originals: Originals,
        *,
        first_offset: int = 0,
    ) -> None:
        self.arrival = arrival
        self.lists = lists
        self.held = held
        self.known = dict(known)
        self.originals = originals
        self.first_offset = first_offset
        self.decision = Decision()
        for one in held.values():
            one.record.here |= self.originals.of(one.entity)
            one.record.node = arrival.project.node

    def take(self, derived: Derived) -> None:
        """Decide one change; its result is the next of the decision's."""
        change = derived.change
        try:
            result = self._decide(derived)
        except SyncError:  # a refusal for somebody who waits: nothing of the batch is written
            raise
        except Exception as exc:  # one poisoned change must not spoil the rest, whatever it is
            LOG.error("change %s could not be decided: %s", change.change_id, whereabouts(exc))
            held = self.held.get(change.entity)
            if held is not None:
                held.record.known.pop(change.change_id, None)
            result = self._quarantine(derived, "engine_error", "this change could not be decided")
        self.decision.results.append((derived.item, result))
        held = self.held.get(change.entity)
        for edit in self.originals.decided(change, None if held is None else held.record):
            self.note_original(edit)

    def withdraw(self, derived: Derived) -> None:
        """Take back from a record what an edit no longer says of it, if it was ever taken in."""
        held = self.held.get(derived.change.entity)
        deprecated = derived.change.deprecates
        if held is not None and any(
            one.change.submission == deprecated for one in held.record.known.values()
        ):
            self.take(derived)

    def note_original(self, change: Change) -> None:
        """Tell the record of an edit that was here before that the original has come."""
        held, info = self.held.get(change.entity), self.lists.get(change.list_name)
        if held is None or info is None:
            return
        before = held.record.state
        again = note_original(held.record, change.deprecates, info.policies)
        if again:
            self.decision.touched.setdefault(
                change.entity, Touched(held, before, last_change=change.change_id)
            )
            self._settled_again(again, held.record)

    def _decide(self, derived: Derived) -> ChangeResult:
        change = derived.change
        info = self.lists.get(change.list_name)
        if info is None:
            return self._quarantine(derived, "unknown_list", f"no list {change.list_name!r} here")
        earlier = self.known.get(change.change_id)
        if earlier is not None and not self._is_better(derived, earlier):
            return self._known(derived, earlier, info)
        if self.arrival.author.revoked:
            return self._quarantine(derived, "revoked_device", REVOKED)
        held = self.held.get(change.entity)
        if held is not None and held.list_name != change.list_name:
            detail = f"this entity is in the list {held.list_name!r}"
            return self._quarantine(derived, "bad_data", detail)
        if derived.relayed is not None:
            return self._relayed(derived, derived.relayed, held, info)
        if derived.under_lock is not None:
            standing = None if held is None else held.record
            change = derived.under_lock(change, standing, info.policies)
            derived = replace(derived, change=change)
        author = self.arrival.author
        area = author.area if derived.area is None else derived.area
        if change.op not in _FOR_DEVICES and not author.may_decide:
            return self._quarantine(derived, "not_allowed", f"a device may not {change.op.value}")
        if held is None:
            held = self._born(derived)
        if change.op is not Op.CREATE and area.bound:
            view = basis_of(held.record, change, info.policies).view
            if not may_write(info.rules, area, view, held.scopes - {AWAY}):
                return self._quarantine(derived, "out_of_area", "the record is of another area")
        return self._take(derived, held, info)

    def _born(self, derived: Derived) -> Held:
        change = derived.change
        return Held(
            record=Record(
                node=self.arrival.project.node,
                here=self.originals.of(change.entity),
                offset=self.first_offset,
            ),
            list_name=change.list_name,
            entity=change.entity,
            creator_id=derived.origin.actor_id,
            created_at=self.arrival.at,
        )

    def _is_better(self, derived: Derived, earlier: SettledChange) -> bool:
        """Whether another server's copy of a change that is here counts before this one."""
        relayed = derived.relayed
        if relayed is None or relayed.settled is None:
            return False
        if not _same_content(derived.change, earlier.change):
            return False
        return counts_before(settled_elsewhere(derived.change, relayed), earlier)

    def _relayed(
        self, derived: Derived, relayed: Relayed, held: Held | None, info: ListInfo
    ) -> ChangeResult:
        """What another server settled, or kept in quarantine: neither is judged again."""
        if relayed.verdict is not None:
            return self._quarantine(derived, relayed.verdict.code, relayed.verdict.detail)
        held = self._born(derived) if held is None else held
        one = settled_elsewhere(derived.change, relayed)
        before, earlier = held.record.state, self.known.get(one.change.change_id)
        taken = receive(held.record, one, info.policies)
        if taken is None:
            return self._result(derived.change, one, held.record, info)
        if earlier is None:
            return self._note(derived, held, info, taken, before)
        self.known[one.change.change_id] = taken.settled
        touched = self.decision.touched.setdefault(one.change.entity, Touched(held, before))
        touched.last_change = one.change.change_id
        # Unborn, a record keeps its number, under which nobody was served anything to go back to.
        if taken.undo is not None and held.record.born_at is not None:
            held.steps.append((taken.undo, None))
        self._settled_again(taken.resettled, held.record)
        self.decision.resettled.pop(one.change.change_id, None)  # of what it took the place of
        self.decision.copies.append((taken.settled, derived.origin))
        return self._result(derived.change, taken.settled, held.record, info)

    def _take(self, derived: Derived, held: Held, info: ListInfo) -> ChangeResult:
        change, before = derived.change, held.record.state
        taken = take(held.record, change, info.policies, received_at=self.arrival.at)
        return self._note(derived, held, info, taken, before)

    def _note(
        self, derived: Derived, held: Held, info: ListInfo, taken: Taken, before: RecordState
    ) -> ChangeResult:
        """Keep what taking one change in came to, and say it."""
        change = derived.change
        self.held[change.entity] = held
        self.known[change.change_id] = taken.settled
        touched = self.decision.touched.setdefault(change.entity, Touched(held, before))
        touched.last_change = change.change_id
        if derived.origin.actor_id is not None:
            touched.writers.add(derived.origin.actor_id)
        if taken.undo is not None and change.op not in _UNCOUNTED:
            held.steps.append((taken.undo, change.change_id))
        self._settled_again(taken.resettled, held.record)
        result = self._result(change, taken.settled, held.record, info)
        status = _status(taken, result)
        self.decision.taken.append((taken.settled, derived.origin, status.value, derived.note))
        return replace(result, status=status)

    def _settled_again(self, resettled: Sequence[SettledChange], record: Record) -> None:
        """Settled again: of this batch, or in rows that were here before."""
        if not resettled:
            return
        again = {one.change.change_id: (one, _status_again(one, record)) for one in resettled}
        copied = {one.change.change_id for one, _ in self.decision.copies}
        self.decision.resettled |= {cid: one for cid, one in again.items() if cid in copied}
        for place, (one, origin, _, note) in enumerate(self.decision.taken):
            anew, status = again.pop(one.change.change_id, (None, ""))
            if anew is not None:
                self.decision.taken[place] = (anew, origin, status, note)
        self.decision.resettled.update(again)

    def _known(self, derived: Derived, earlier: SettledChange, info: ListInfo) -> ChangeResult:
        if not _same_content(derived.change, earlier.change):
            detail = "another content is known under this changeId"
            return self._quarantine(derived, "id_reuse", detail)
        held = self.held.get(derived.change.entity)
        record = held.record if held is not None else Record()
        return self._result(derived.change, earlier, record, info)

    def _result(
        self, change: Change, settled: SettledChange, record: Record, info: ListInfo
    ) -> ChangeResult:
        """How a change reads as things stand now; a `duplicate` until something better is known."""
        open_now = reviews(record.state, info.policies)
        mine = tuple(r for r in open_now if change.change_id in r.contenders)
        contending = {r.field: r.contenders for r in open_now}
        words = {
            "current": "written",
            "contender": "review",
            "settled": "settled",
            "superseded": "merged",
            "unchanged": "unchanged",
        }
        fields = tuple(
            (one.name, words[one.outcome])
            for one in outcomes(settled, record.state, contending, info.policies)
        )
        return ChangeResult(
            change_id=change.change_id,
            list_name=change.list_name,
            entity=change.entity,
            status=Status.DUPLICATE,
            version=record.state.version,
            reviews=tuple(review_id(change.entity, r) for r in mine),
            fields=fields,
            waits_for=waits_for(record, change) if settled.waiting else None,
        )

    def _quarantine(self, derived: Derived, code: str, detail: str) -> ChangeResult:
        change = derived.change
        if is_withdrawal(change):  # nobody sent it; the edit it follows from is kept whole
            return kept_change(change, code=code, detail=detail)
        self.decision.poisons.append(
            poison_of_change(
                self.arrival,
                change.change_id,
                derived.origin,
                derived.raw,
                code=code,
                detail=detail,
                relayed=derived.xml is None and derived.relayed is not None,
            )
        )
        return kept_change(change, code=code, detail=detail)


def _status(taken: Taken, result: ChangeResult) -> Status:
    if result.reviews:
        return Status.CONFLICT
    if taken.settled.waiting:
        return Status.WAITING
    return Status.MERGED if taken.concurrent else Status.APPLIED


def _status_again(one: SettledChange, record: Record) -> str:
    """The word of a change settled again: what it would have been, had all come in order."""
    if one.waiting:
        return Status.WAITING.value
    return (Status.APPLIED if is_alone(record, one.change) else Status.MERGED).value


def _same_content(one: Change, other: Change) -> bool:
    """Equal in all that was sent; who sent it is not content."""
    return replace(one, author="") == replace(other, author="") and dict(one.data) == dict(
        other.data
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """One touched record ready to be written."""

    held: Held
    label: str
    data: Mapping[str, str]
    scopes: frozenset[str]
    open_reviews: int
    asked: Asked
    entries: tuple[Entry, ...]


def outcome_of(
    touched: Touched, info: ListInfo, writers: set[int], steps: Sequence[Step]
) -> Outcome:
    """What a record shows after the batch, which questions opened and closed, who may see it."""
    return as_it_stands(
        touched.held,
        info,
        asked_before=reviews(touched.before, info.policies),
        was_on_phones=touched.before.status in ON_PHONES,
        writers=writers | touched.writers,
        steps=steps,
        closed_by=touched.last_change,
    )


def as_it_stands(
    held: Held,
    info: ListInfo,
    *,
    asked_before: Iterable[Review],
    was_on_phones: bool,
    writers: set[int],
    steps: Sequence[Step],
    closed_by: str | None,
    stays_away: bool = False,
) -> Outcome:
    """A record as its list reads it now. `steps` are to be journaled.

    With `stays_away` a record that left this hub's area does not come back on this account.
    """
    state = held.record.state
    before = {(r.kind, r.field): r for r in asked_before}
    after = {(r.kind, r.field): r for r in reviews(state, info.policies)}
    label, data = shown_data(state, info.policies)
    scopes = held.scopes
    if not (stays_away and AWAY in scopes):
        scopes = scopes_of_record(info.rules, state, after.values(), writers)
    return Outcome(
        held=held,
        label=label,
        data=info.of_the_list(data),
        scopes=scopes,
        open_reviews=len(after),
        asked=Asked(
            list_name=held.list_name,
            entity=held.entity,
            opened=tuple(r for key, r in after.items() if key not in before),
            moved=_moved(before, after),
            closed=tuple(r for key, r in before.items() if key not in after),
            closed_by=closed_by,
        ),
        entries=tuple(
            Entry(
                held.list_name,
                held.entity,
                change_id,
                held.scopes,
                scopes,
                kind,
                on_phones=was_on_phones or state.status in ON_PHONES,
            )
            for change_id, kind in steps
        ),
    )


def _moved(
    before: Mapping[tuple[str, str], Review], after: Mapping[tuple[str, str], Review]
) -> tuple[Review, ...]:
    return tuple(r for key, r in after.items() if key in before and before[key] != r)
