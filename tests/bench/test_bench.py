"""The benchmark runs and prints ratios. Whether they are good is no test's business: cores vary."""

import math
import re
import subprocess
import sys

import pytest

ROW = re.compile(
    r"^(?:memory|SQLite|PostgreSQL)  (?P<what>.+?)  +(?P<ratio>[\d.]+)(?:  +[\d.]+)?$", re.M
)
VERDICT = re.compile(r"^(?:met|missed by [\d.]+): ", re.M)


def quick_run(store: str) -> tuple[dict[str, float], str]:
    """The ratio of each row, and all that was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--store", store],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    rows = {match["what"]: float(match["ratio"]) for match in ROW.finditer(done.stdout)}
    assert all(math.isfinite(ratio) and ratio > 0 for ratio in rows.values())
    assert not re.search(r"\d ?(?:ms|s|seconds)\b", done.stdout)
    return rows, done.stdout


@pytest.mark.slow
def test_a_quick_run_prints_every_ratio_and_no_time():
    rows, printed = quick_run("sqlite")
    for connections in (1, 8, 32):
        assert any(what.endswith(f"a commit, {connections} at once") for what in rows)
    for beginning in ("CSV of 100 of", "304 of formList", "304 of manifest", "ingest of"):
        assert any(what.startswith(beginning) for what in rows), beginning
    assert len(VERDICT.findall(printed)) == len(rows) - 1  # parsing alone has no aim


@pytest.mark.slow
def test_a_quick_run_in_memory_needs_no_database():
    rows, printed = quick_run("memory")
    aimed = [what for what in rows if not what.startswith("apart:")]
    assert [what.split()[0] for what in aimed] == ["appending", "appending", "folding"]
    assert len(VERDICT.findall(printed)) == len(aimed)
