"""The `$filter` of an export: what is asked of a submission as OData says it, as far as it goes.

Known are comparisons of `__system/…` with a value, joined by `and`. What is not known is refused:
a table that holds more rows than were asked for looks like one that does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conflict.instants import as_instant
from sync_server.errors import BadRequest

SUBMISSION_DATE = "__system/submissionDate"
UPDATED_AT = "__system/updatedAt"
SUBMITTER_ID = "__system/submitterId"
REVIEW_STATE = "__system/reviewState"

_AND = re.compile(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)")
_TERM = re.compile(
    r"\s*(?P<field>[\w/$]+)\s+(?P<word>eq|ne|lt|le|gt|ge)\s+(?P<value>'[^']*'|\S.*?)\s*"
)
_LONGEST = 1000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPACE_OF_A_PLUS = re.compile(r" (?=\d{2}:\d{2}$)")
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: bool(one == other),
    "ne": lambda one, other: bool(one != other),
    "lt": lambda one, other: bool(one < other),
    "le": lambda one, other: bool(one <= other),
    "gt": lambda one, other: bool(one > other),
    "ge": lambda one, other: bool(one >= other),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison. Nothing is less or more than null."""

    field: str
    word: str
    value: str | int | None

    def holds(self, facts: Mapping[str, str | int | None]) -> bool:
        one = facts[self.field]
        if self.word not in ("eq", "ne") and (one is None or self.value is None):
            return False
        return _COMPARED[self.word](one, self.value)


def parse_filter(text: str) -> tuple[Term, ...]:
    """The comparisons that must all hold; none for a blank filter. Errors: `BadRequest`.

    >>> parse_filter("__system/submitterId eq 5")
    (Term(field='__system/submitterId', word='eq', value=5),)
    """
    if len(text) > _LONGEST:
        raise _refusal(text)
    return tuple(_term(one) for one in _AND.split(text)) if text.strip() else ()


def _term(text: str) -> Term:
    found = _TERM.fullmatch(text)
    read = _READ.get(found["field"]) if found is not None else None
    if found is None or read is None:
        raise _refusal(text)
    value = None if found["value"] == "null" else read(found["value"])
    if value is None and found["value"] != "null":
        raise _refusal(text)
    return Term(found["field"], found["word"], value)


def _refusal(text: str) -> BadRequest:
    known = ", ".join(_READ)
    return BadRequest(
        f"this filter is not understood here: compare {known} with a value by eq, ne, lt, le, gt "
        "or ge, and join such comparisons by and",
        field="$filter",
        value=text.strip()[:100],
    )


def _instant(text: str) -> str | None:
    """A time as an instant. In a query a `+` that was not escaped has become a blank."""
    plain = _SPACE_OF_A_PLUS.sub("+", text.strip("'"))
    return as_instant(f"{plain}T00:00:00Z" if _DAY.fullmatch(plain) else plain)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 else None


def _word(text: str) -> str | None:
    return text[1:-1] if len(text) > 1 and text.startswith("'") else None


_READ: Mapping[str, Callable[[str], str | int | None]] = {
    SUBMISSION_DATE: _instant,
    UPDATED_AT: _instant,
    SUBMITTER_ID: _number,
    REVIEW_STATE: _word,
}
