"""The `Date` of Collect's requests: GMT, on a clock of twelve hours without AM or PM.

Source: openrosa.md section 1.1. What it says is known but for twelve hours, and never refuses
anything.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DATE = re.compile(
    r"\s*(?:[A-Za-z]+,\s*)?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2})\b.*", re.DOTALL
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_HALF_A_DAY = timedelta(hours=12)


def seconds_ahead(header: str, now: datetime) -> int | None:
    """How far the phone's clock is ahead of `now`: of two readings the smaller; None if unread.

    >>> seconds_ahead("Sat, 21 Nov 2026 03:00:05 GMT", datetime(2026, 11, 21, 15, tzinfo=UTC))
    5
    >>> seconds_ahead("Fri, 20 Nov 2026 12:00:00 GMT", datetime(2026, 11, 21, tzinfo=UTC))
    -43200
    """
    read = _DATE.fullmatch(header)
    if read is None or read[2].lower() not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(read[n]) for n in (1, 3, 4, 5, 6))
    try:
        midnight = datetime(year, _MONTHS.index(read[2].lower()) + 1, day, tzinfo=UTC)
        early = midnight + timedelta(hours=hour % 12, minutes=minute, seconds=second)
        off = [round((one - now).total_seconds()) for one in (early, early + _HALF_A_DAY)]
    except (ValueError, OverflowError):
        return None
    return min(off, key=abs)
