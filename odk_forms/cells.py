"""Cells and lines of CSV: as they stand, or so that no spreadsheet takes one for a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable

_QUOTED = frozenset('",\r\n')
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
_BLANK = "\t\r\n"
_BEGINS_WITHIN = re.compile(rf'(?<=[;\r\n])(?=(?:[^\S\r\n]|")*[{re.escape(_FORMULA)}])')
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")


def cell(value: str) -> str:
    """One cell as RFC 4180 writes it: quoted only where it must be.

    >>> cell("Siti, adik"), cell('"5"'), cell(" 05 ")
    ('"Siti, adik"', '\"""5""\"', ' 05 ')
    """
    if _QUOTED.isdisjoint(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def harmless(value: str) -> str:
    r"""The value with a `'` before it where a spreadsheet would work it out; numbers stay.

    So has what follows a `;` or the end of a line within it, a number too: where commas divide
    decimals a spreadsheet splits at `;`, and then no quotes hold a cell together that begins
    elsewhere.

    Source: OWASP, CSV injection; some spreadsheets skip blanks, and read full-width signs too.

    >>> harmless("=1+1"), harmless(" @SUM(A1)"), harmless("-3.5"), harmless("\t5"), harmless("-a")
    ("'=1+1", "' @SUM(A1)", '-3.5', "'\t5", "'-a")
    >>> harmless('x; "=A1"'), harmless("7;-3")
    ('x;\' "=A1"', "7;'-3")
    """
    value = _BEGINS_WITHIN.sub("'", value)
    begins = value.lstrip()[:1]
    if not begins or (begins not in _FORMULA and value[0] not in _BLANK):
        return value
    if value[0] not in _BLANK and _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def line(values: Iterable[str], *, safe: bool = False) -> bytes:
    r"""One line of a table, its end with it.

    >>> line(["a", "", "b,c"]), line(["=a"], safe=True)
    (b'a,,"b,c"\n', b"'=a\n")
    """
    shown = map(harmless, values) if safe else values
    return (",".join(map(cell, shown)) + "\n").encode(errors="replace")
