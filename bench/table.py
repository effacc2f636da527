"""Figures, and how they are printed: ratios with their aims, never a time."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio. `aim` is the most it should be; None where there is nothing to aim at."""

    store: str
    what: str
    ratio: float
    aim: float | None = None

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        if round(self.ratio, 2) <= self.aim:
            return "met"
        return f"missed by {self.ratio - self.aim:.2f}"


def median_ratio(rounds: Sequence[tuple[float, float]]) -> float:
    """The middle of the rounds' ratios; each round measured both sides one after the other."""
    return statistics.median(cost / floor for cost, floor in rounds)


def printed(figures: Sequence[Figure]) -> str:
    """The table, and under it one line for each aim.

    >>> print(printed([Figure("SQLite", "a : b", 2.0, 2.5), Figure("SQLite", "c : d", 3.0)]))
    store   what   ratio    aim
    SQLite  a : b   2.00   2.50
    SQLite  c : d   3.00
    <BLANKLINE>
    met: SQLite, a : b is 2.00, the aim 2.50
    """
    store = max(len("store"), *(len(one.store) for one in figures))
    what = max(len("what"), *(len(one.what) for one in figures))
    lines = [f"{'store':<{store}}  {'what':<{what}}  {'ratio':>5}  {'aim':>5}"]
    for one in figures:
        aim = "" if one.aim is None else f"{one.aim:>5.2f}"
        line = f"{one.store:<{store}}  {one.what:<{what}}  {one.ratio:>5.2f}  {aim}"
        lines.append(line.rstrip())
    lines.append("")
    lines += [
        f"{one.verdict}: {one.store}, {one.what} is {one.ratio:.2f}, the aim {one.aim:.2f}"
        for one in figures
        if one.aim is not None
    ]
    return "\n".join(lines)
