"""How wrong the clock of a phone is, from the two things that tell of it."""

from __future__ import annotations

from dataclasses import dataclass

_HALF_A_DAY = 12 * 60 * 60
_A_MINUTE = 60
_MATTERS = 10 * 60
_MOST = 10 * 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class ClockError:
    """`seconds` the phone is ahead, less than 0 behind. `sure` False: twelve hours more or less."""

    seconds: int
    sure: bool

    @property
    def matters(self) -> bool:
        """Whether it is more than what a phone's clock may be off anyway."""
        return abs(self.seconds) > _MATTERS


def clock_error(date_ahead: int | None, end_ahead: int | None) -> ClockError | None:
    """What `Date` said modulo twelve hours, and by how much `end` was later than its receipt.

    A form that was finished after it came was finished by a clock that is ahead, by that much at
    least. One that was finished before it came may only have waited: that says nothing.

    Ten years are the most that is said: a clock that is off by more must be set anyway. An `end`
    that is further ahead was no clock's, or `Date` says so too.

    >>> clock_error(30, None), clock_error(30, 43_000)
    (ClockError(seconds=30, sure=False), ClockError(seconds=43230, sure=True))
    """
    least = end_ahead if end_ahead is not None and _A_MINUTE < end_ahead <= _MOST else None
    if date_ahead is not None:
        date_ahead = max(-_MOST, min(date_ahead, _MOST))
    if date_ahead is None:
        return None if least is None else ClockError(least, sure=True)
    if least is None:
        return ClockError(date_ahead, sure=False)
    if date_ahead < least - _A_MINUTE:
        date_ahead += _HALF_A_DAY
    return ClockError(max(date_ahead, least), sure=True)
