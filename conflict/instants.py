"""Instants: UTC text with milliseconds, which sorts as time."""

from __future__ import annotations

from datetime import UTC, datetime


def as_instant(text: str) -> str | None:
    """An ISO 8601 time with its zone as an instant; None when it is none or has no zone.

    >>> as_instant("2026-11-21T10:00:00.5+07:00"), as_instant("2026-11-21T10:00:00")
    ('2026-11-21T03:00:00.500Z', None)
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
