"""The benchmark runs and prints ratios. Whether they are good is no test's business: cores vary."""

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import histories

ROW = re.compile(r"^SQLite  (?P<what>.+?)  +(?P<ratio>[\d.]+)(?:  +[\d.]+){0,3}$", re.M)
VERDICT = re.compile(r"^(?:met|missed by [\d.]+): ", re.M)


def quick_run(module: str) -> tuple[dict[str, float], int]:
    """The ratio of each row on SQLite, and how many had an aim."""
    done = subprocess.run(
        [sys.executable, "-m", module, "--quick", "--store", "sqlite"],
        env={"PATH": str(Path(sys.executable).parent)},  # no Java: forms are not what is tried here
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    rows = {match["what"]: float(match["ratio"]) for match in ROW.finditer(done.stdout)}
    assert all(math.isfinite(ratio) and ratio > 0 for ratio in rows.values())
    return rows, len(VERDICT.findall(done.stdout))


@pytest.mark.slow
def test_a_quick_run_prints_every_ratio():
    rows, aimed = quick_run("bench")
    beginnings = ["a submission"] * 3 + ["CSV of 100"] * 2 + ["304 of"] * 6
    beginnings += ["a batch of 20 updates", "a batch of 20 creates"]
    apart = ["pull of 200 records"] * 2 + ["bytes of a record", "20 updates"]
    for beginning in (*beginnings, *apart):
        assert any(what.startswith(beginning) for what in rows), beginning
    assert aimed == len(beginnings)


@pytest.mark.slow
def test_a_quick_run_over_sizes_compares_each_with_the_smallest():
    rows, aimed = quick_run("bench.large")
    assert list(rows) == [
        f"{what} at {size} records : at 200"
        for size in (200, 400)
        for what in ("an item of a batch of 20 updates", "apart: executemany of the rows of one")
    ]
    assert aimed == 1


def test_histories_in_memory_need_no_database():
    figures = list(histories.measure(rounds=1, length=60, count=40))
    aimed = [one.what.split()[0] for one in figures if one.aim is not None]
    assert aimed == ["appending", "appending", "folding"]
    assert all(math.isfinite(one.ratio) and one.ratio > 0 for one in figures)
