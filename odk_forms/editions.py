"""Which of several submissions that are edits of one another is the one that counts now.

Phones send in any order and two people may mend one form, so the answer hangs on the set of
what is here and on nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """A submission that says which one it is an edit of. `received_at` is an instant."""

    instance_id: str
    deprecated_id: str
    received_at: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """`first` is the instanceID that all of them came of, here or not; `edits` how many are shown
    or superseded, those that were deleted left out."""

    first: str
    current: str
    edits: int


class Editions:
    """The families among the submissions of one form, of its edits alone: they are few.

    Of two edits that nobody mended the one that came last is shown. One that was deleted is shown
    no more, and what it was an edit of is shown again unless another stands over it.
    """

    def __init__(self, edits: Iterable[Edit]) -> None:
        known = {one.instance_id: one for one in edits if one.instance_id != one.deprecated_id}
        self._above = {name: one.deprecated_id for name, one in known.items()}
        self._firsts: dict[str, str] = {}
        members: dict[str, list[Edit]] = defaultdict(list)
        for one in known.values():
            if not one.deleted:
                members[self._first(one.instance_id)].append(one)
        self._families = {first: self._family(first, some) for first, some in members.items()}

    def family(self, instance_id: str) -> Family:
        """The family of a submission; of one without edits, itself alone."""
        first = self._firsts.get(instance_id, instance_id)
        return self._families.get(first) or Family(first, instance_id, 0)

    def _family(self, first: str, some: list[Edit]) -> Family:
        superseded: set[str] = set()
        for one in some:
            above = self._above.get(one.instance_id)
            while above is not None and above not in superseded:
                superseded.add(above)
                above = self._above.get(above)
        # In a ring, which no phone makes, each is superseded: then all of them count alike.
        leaves = [one for one in some if one.instance_id not in superseded] or some
        current = max(leaves, key=lambda one: (one.received_at, one.instance_id))
        return Family(first, current.instance_id, len(some))

    def _first(self, instance_id: str) -> str:
        passed: dict[str, None] = {}
        name = instance_id
        while name not in self._firsts and name not in passed and name in self._above:
            passed[name] = None
            name = self._above[name]
        if name in passed:  # a ring
            ring = list(passed)
            name = min(ring[ring.index(name) :])
        first = self._firsts.get(name, name)
        self._firsts |= dict.fromkeys(passed, first)
        return first
