"""The audit logs that phones send beside their forms, as rows of one table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

AUDIT = "audit.csv"
HEADER = (
    "instance ID",
    *("event", "node", "start", "end", "latitude", "longitude", "accuracy"),
    *("old-value", "new-value", "user", "change-reason"),
)
"""As in ODK Central, and behind it the two that it leaves out."""


def can_be_read(log: Path) -> bool:
    """Whether all that a log says has a place in the table."""
    try:
        return all(len(row) == len(HEADER) for row in rows_of(log, ""))
    except (csv.Error, KeyError):
        return False


def rows_of(log: Path, key: str) -> Iterator[list[str]]:
    """The events of one log. Errors: `csv.Error`; `KeyError` for what no phone writes."""
    with log.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        events = csv.reader(stream)
        places = [HEADER.index(name) for name in _known(next(events, []))]
        for event in events:
            row = [key, *[""] * (len(HEADER) - 1)]
            for place, value in zip(places, event, strict=False):
                row[place] = value
            if event:
                yield row
            if len(event) > len(places):
                raise KeyError(len(places))


def _known(header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    for name in names:
        if name not in HEADER[1:]:
            raise KeyError(name)
    return names
