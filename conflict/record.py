"""One record at one server: what stands, and the steps back from it.

A record is loaded with its current state, and with as little more as its changes need:
the undo rows back to their trunk, the earlier changes of their branches, its creates.
Its whole history is loaded only where `conflict.basis.needs_history` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from conflict.policy import Policies
from conflict.standing import see, view_of
from conflict.types import Op, RecordState, Seen, SettledChange, View

LIFE = 1000
"""A restore of a backup raises every number served by a multiple of this: another life."""


@dataclass(frozen=True, slots=True)
class Undo:
    """What the properties altered by one step read before it; `None` where nothing stood.

    `served` is the number phones were shown after the step, `change_id` the change that it
    counts, if any. `unwritten` are values that
    the step made no writes, because their change was settled again: property -> change ->
    what its author was shown. Whoever was shown such a value replaces that. A value that
    the step made a write, maybe once more, leans on itself.
    """

    served: int
    seen: Mapping[str, Seen | None]
    unwritten: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    change_id: str | None = None


@dataclass(slots=True)
class Record:
    """One record at the server `node`.

    `offset` is added to the version to give the number phones are shown;
    `born_at` is the first number served with the create (None while incomplete).
    `undo` is newest first and reaches back as far as any base asked of it.
    `known` holds every change when `whole`, else only branch mates and creates.
    `here` are the originals of its edits that this server has, whatever record they name.
    """

    state: RecordState = field(default_factory=RecordState)
    offset: int = 0
    born_at: int | None = None
    undo: list[Undo] = field(default_factory=list)
    known: dict[str, SettledChange] = field(default_factory=dict)
    whole: bool = True
    node: str = ""
    here: frozenset[str] = frozenset()

    @property
    def served(self) -> int:
        """The number phones are shown for the record as it stands."""
        return self.state.version + self.offset

    def number_of(self, change_id: str) -> int | None:
        """The number that was served first with a change; None when that step is not loaded."""
        steps = (step.served for step in self.undo if step.change_id == change_id)
        return next(steps, None)

    def served_with(self, version: int) -> int:
        """The number that was served last when the record had so many changes.

        Phones are told numbers, programs how many changes a record has, and of what altered
        without one they hear by the feed. A version that this server does not know any more is
        its own number.
        """
        count, number = self.state.version, self.served
        if version > count:
            return version
        for step in self.undo:
            if count == version:
                return number
            if step.change_id is not None:
                count, number = count - 1, step.served - 1
        return version

    def number_here(self, number: int) -> int:
        """A number of an earlier life, of a record that was lost and is born again, as one of now.

        The same changes come in again, mostly in the order they had.
        """
        life = self.born_at - self.born_at % LIFE if self.born_at is not None else 0
        return number if number >= life else life + number % LIFE

    @property
    def is_created(self) -> bool:
        return self.state.created or any(c.change.op is Op.CREATE for c in self.known.values())

    def view_at(self, served: int, policies: Policies) -> View:
        """The record as it first stood at the number `served`, or at the highest below it."""
        seen = dict(view_of(self.state, policies).seen)
        unwritten: dict[str, dict[str, tuple[str, ...]]] = {}
        for step in self.undo:
            if step.served <= served:
                break
            for name, leaning in step.unwritten.items():
                found = unwritten.setdefault(name, {})
                found.update({cid: ids for cid, ids in leaning.items() if cid not in found})
            for name, before in step.seen.items():
                if before is None:
                    seen.pop(name, None)
                else:
                    seen[name] = before
        for name in unwritten.keys() & seen.keys():
            seen[name] = _leaning(seen[name], unwritten[name])
        return View(seen, tuple(sorted(self.state.deletes)))


def altered(before: RecordState, after: RecordState, policies: Policies) -> dict[str, Seen | None]:
    """What each property altered by a step read before it."""
    names = after.fields.keys() | before.fields.keys()
    touched = {n for n in names if before.fields.get(n) is not after.fields.get(n)}
    found = {}
    for name in sorted(touched | policies.dates):
        earlier = see(before, name, policies)
        if earlier != see(after, name, policies):
            found[name] = earlier
    return found


def unwritten(
    resettled: Iterable[tuple[SettledChange, SettledChange]],
) -> dict[str, dict[str, tuple[str, ...]]]:
    """The values that are writes no more, or are again, for changes settled again: (was, is)."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for was, one in resettled:
        for name, settled in one.properties.items():
            before, cid = was.properties.get(name), one.change.change_id
            if before is None or (before.write and settled.write):
                continue
            if settled.write:
                found.setdefault(name, {})[cid] = (cid,)
            elif before.write or before.replaces != settled.replaces:
                found.setdefault(name, {})[cid] = settled.replaces
    return found


def _leaning(seen: Seen, unwritten: Mapping[str, tuple[str, ...]]) -> Seen:
    """A value as it was seen, traced to the writes that stand for it now."""
    leaning = {cid: ids for cid, ids in unwritten.items() if cid not in ids}
    source = seen.source
    while source is not None and source in leaning:
        source = next(iter(leaning[source]), None)
    standing = list(seen.standing)
    while any(cid in leaning for cid in standing):
        standing = [lean for cid in standing for lean in leaning.get(cid, (cid,))]
    return Seen(seen.value, source, seen.observed_on, tuple(dict.fromkeys(standing)))


def with_offset(record: Record, offset: int) -> Record:
    """The same record, shown to phones under higher numbers."""
    return replace(record, offset=offset)
