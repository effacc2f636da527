"""A clock that stands still until a test moves it, and ids that count from one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID


class FrozenClock:
    """Fits `sync_server.clock.Clock`; everything it gives out is the same in every run.

    >>> clock = FrozenClock("2026-03-05T08:00:00")
    >>> clock.pass_days(7)
    >>> clock.now().isoformat()
    '2026-03-12T08:00:00+00:00'
    >>> clock.new_id()
    '00000000-0000-0000-0000-000000000001'
    """

    def __init__(self, start: str = "2026-11-21T03:00:00") -> None:
        moment = datetime.fromisoformat(start)
        self._now = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        self._ids = 0

    def now(self) -> datetime:
        return self._now

    def new_id(self) -> str:
        self._ids += 1
        return str(UUID(int=self._ids))

    def pass_days(self, days: float) -> None:
        self._now += timedelta(days=days)

    def pass_seconds(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
