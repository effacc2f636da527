"""How invented children grow: along WHO's medians, each on a line of its own, with bad months.

The medians are WHO's at a few ages, straight in between, with one spread for all ages: near
enough for a demo, and never used to judge a child.
"""

from __future__ import annotations

from bisect import bisect_right

# Months, then boys and girls of: weight in kg, length or height, head and arm in cm.
_WHO = (
    ( 0,  3.35,  3.23,  49.9,  49.1,  34.5,  33.9,  10.5,  10.3),
    ( 1,  4.45,  4.17,  54.7,  53.6,  37.2,  36.5,  11.6,  11.3),
    ( 2,  5.57,  5.13,  58.4,  57.1,  39.1,  38.3,  12.6,  12.3),
    ( 3,  6.37,  5.84,  61.4,  59.8,  40.5,  39.5,  13.5,  13.0),
    ( 4,  7.01,  6.43,  63.9,  62.1,  41.6,  40.6,  13.8,  13.4),
    ( 5,  7.51,  6.90,  65.9,  64.0,  42.6,  41.5,  14.1,  13.6),
    ( 6,  7.94,  7.30,  67.6,  65.8,  43.3,  42.2,  14.2,  13.8),
    ( 9,  8.90,  8.23,  72.0,  70.1,  45.0,  43.8,  14.5,  14.1),
    (12,  9.65,  8.95,  75.7,  74.0,  46.1,  44.9,  14.6,  14.2),
    (18, 10.94, 10.23,  82.3,  80.7,  47.4,  46.2,  14.8,  14.5),
    (24, 12.15, 11.47,  87.8,  86.4,  48.2,  47.2,  15.2,  14.9),
    (30, 13.30, 12.70,  91.9,  90.7,  48.9,  47.9,  15.5,  15.3),
    (36, 14.34, 13.85,  96.1,  95.1,  49.5,  48.5,  15.7,  15.6),
    (48, 16.35, 16.07, 103.3, 102.7,  50.2,  49.3,  16.1,  16.2),
    (60, 18.34, 18.22, 110.0, 109.4,  50.7,  49.9,  16.5,  16.9),
)  # fmt: skip
_COLUMNS = {"weight": 1, "length": 3, "head": 5, "arm": 7}
_MONTHS = [row[0] for row in _WHO]
_SPREADS = {"weight": 0.12, "length": 0.036, "head": 0.03, "arm": 0.08}


def typical(what: str, sex: str, months: float, deviation: float) -> float:
    """Weight (kg), length, head or arm (cm) of a child `deviation` spreads off the median.

    >>> round(typical("weight", "L", 12, 0), 2), round(typical("weight", "L", 15, 0), 2)
    (9.65, 10.29)
    """
    column = _COLUMNS[what] + (sex == "P")
    at = min(max(months, 0.0), 60.0)
    right = min(bisect_right(_MONTHS, at), len(_WHO) - 1)
    before, after = _WHO[right - 1], _WHO[right]
    share = (at - before[0]) / (after[0] - before[0])
    median = before[column] + share * (after[column] - before[column])
    return median * (1 + deviation * _SPREADS[what])
