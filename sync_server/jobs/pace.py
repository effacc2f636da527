"""How long to wait between two tries at the same thing."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=1)
_JITTER = 0.2


@dataclass(slots=True)
class Pace:
    """When the next try is due: every `usual` seconds, and less and less often while it fails.

    Chance moves each wait by up to a fifth, so that the hubs of a district, which all lost
    the same link, do not all come back in the same second.
    """

    usual: float
    chance: random.Random = field(default_factory=random.Random)
    failures: int = 0
    due_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        return self.due_at is None or now >= self.due_at

    def went(self, now: datetime, *, well: bool) -> timedelta:
        """Note how a try went; how long to wait for the next."""
        self.failures = 0 if well else self.failures + 1
        wait = self.wait() * (1 + _JITTER * (2 * self.chance.random() - 1))
        self.due_at = now + wait
        return wait

    def wait(self) -> timedelta:
        """The wait before chance.

        >>> [str(Pace(300, failures=n).wait()) for n in (0, 1, 2, 9)]
        ['0:05:00', '0:00:30', '0:01:00', '1:00:00']
        """
        if not self.failures:
            return timedelta(seconds=self.usual)
        doubled: int = 2 ** min(self.failures - 1, 12)
        return min(_FIRST_WAIT * doubled, _LONGEST_WAIT)
