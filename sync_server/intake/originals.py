"""Which originals of edits are here, as each record of a batch is to know it.

One that comes in the batch itself is here for a record once its own change of that record was
decided. Were it here before, its edit would count as one that names the record anew, would
wait for nothing more, and would be settled finally on too little.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from conflict.record import Record
from conflict.types import Change


class Originals:
    """The submissions `here` that edits name, some of whose changes are still `coming`."""

    def __init__(
        self, here: frozenset[str], coming: Iterable[Change], known: Container[str]
    ) -> None:
        self.here = here
        self._coming = {
            (one.entity, one.submission)
            for one in coming
            if one.submission in here and one.change_id not in known
        }

    def of(self, entity: str) -> frozenset[str]:
        """Those that are here as far as one record goes."""
        return frozenset(one for one in self.here if (entity, one) not in self._coming)

    def decided(self, change: Change, record: Record | None) -> list[Change]:
        """A change was decided; the edits that wait in vain for it, since it was not taken in."""
        name = change.submission
        if (change.entity, name) not in self._coming:
            return []
        self._coming.discard((change.entity, name))
        if record is None:
            return []
        record.here |= {name}
        known = [one.change for one in record.known.values()]
        if any(one.submission == name for one in known):
            return []
        return [one for one in known if one.deprecates == name]
