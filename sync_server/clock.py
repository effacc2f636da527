"""The one place that reads the time and makes new ids."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What every use case is handed: tests hand it a clock that stands still."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""

    def new_id(self) -> str:
        """A fresh lower-case UUID."""


class SystemClock:
    """The machine's clock, held from ever going back within this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        with self._lock:
            self._last = max(self._last, datetime.now(UTC))
            return self._last

    def new_id(self) -> str:
        return str(uuid.uuid4())


def instant(moment: datetime) -> str:
    """A moment as the text that is stored and compared everywhere.

    >>> instant(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    '2026-11-21T03:00:00.000Z'
    """
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The aware moment that an instant names."""
    return datetime.fromisoformat(text)
