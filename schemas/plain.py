"""JSON as it comes from outside, read to the letter and no deeper than anybody means it."""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import Any

MOST_DEEP = 100
_LONGEST_INTEGER = 20


def plain_of(raw: bytes) -> Any:
    """The values of a document.

    A number that is none of ours stays text, so that it spoils nothing but what it is in.

    >>> plain_of(b'{"baseVersion": 1, "x": 1e999}')
    {'baseVersion': 1, 'x': '1e999'}

    Errors    `ValueError` for what is no JSON, NaN among it, and for what is nested more than
              `MOST_DEEP` deep.
    """
    try:
        found = json.loads(
            raw, parse_int=_integer, parse_float=_float, parse_constant=_no_such_number
        )
    except RecursionError as exc:
        raise ValueError("it is nested too deep") from exc
    _refuse_depth(found)
    return found


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


def _float(digits: str) -> float | str:
    found = float(digits)
    return found if math.isfinite(found) else digits


def _no_such_number(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")


def _refuse_depth(found: Any) -> None:
    level = [found]
    for _ in range(MOST_DEEP):
        level = list(chain.from_iterable(_inside(one) for one in level))
        if not level:
            return
    raise ValueError(f"it is nested more than {MOST_DEEP} deep")


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return (one for one in value.values() if isinstance(one, (dict, list)))
    if isinstance(value, list):
        return (one for one in value if isinstance(one, (dict, list)))
    return ()
