"""Figures, and how they are printed: ratios with their aims, and beside them what this machine did.

Only ratios say something of the program; how many a second and microseconds of one are this
machine's, on that day.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_MICRO = 1e6
_HEADINGS = ("store", "what", "ratio", "aim", "a second", "us each")


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio. `aim` is the most it should be, or, with `at_least`, the least; None is none.

    `each` are the seconds that one of what was measured took; None where one alone is nothing.
    """

    store: str
    what: str
    ratio: float
    aim: float | None = None
    each: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        too_much = self.aim - self.ratio if self.at_least else self.ratio - self.aim
        return "met" if round(too_much, 2) <= 0 else f"missed by {too_much:.2f}"

    @property
    def cells(self) -> tuple[str, ...]:
        """As `_HEADINGS` has them."""
        aim = "" if self.aim is None else f"{self.aim:.2f}"
        of_one = (
            ("", "") if self.each is None else (f"{1 / self.each:.0f}", f"{self.each * _MICRO:.0f}")
        )
        return self.store, self.what, f"{self.ratio:.2f}", aim, *of_one


def median_ratio(rounds: Sequence[tuple[float, float]]) -> float:
    """The middle of the rounds' ratios; each round measured both sides one after the other."""
    return statistics.median(cost / floor for cost, floor in rounds)


def median_of(rounds: Sequence[tuple[float, float]], count: int) -> float:
    """The middle of what the rounds cost, in seconds for each of `count`."""
    return statistics.median(cost for cost, _ in rounds) / count


def printed(figures: Sequence[Figure]) -> str:
    """The table, and under it one line for each aim.

    >>> first = Figure("SQLite", "a : b", 2.0, 2.5)
    >>> print(printed([first, Figure("SQLite", "c : d", 3.0, each=1e-3)]))
    store   what   ratio   aim  a second  us each
    SQLite  a : b   2.00  2.50
    SQLite  c : d   3.00            1000     1000
    <BLANKLINE>
    met: SQLite, a : b is 2.00, the aim 2.50
    """
    rows = [_HEADINGS, *(one.cells for one in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    lines.append("")
    lines += [
        f"{one.verdict}: {one.store}, {one.what} is {one.ratio:.2f}, the aim {one.aim:.2f}"
        for one in figures
        if one.aim is not None
    ]
    return "\n".join(lines)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    words, numbers = 2, row[2:]
    left = [cell.ljust(width) for cell, width in zip(row[:words], widths, strict=False)]
    return left + [cell.rjust(width) for cell, width in zip(numbers, widths[words:], strict=True)]
