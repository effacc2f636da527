"""A short run of the rounds of `rounds.py`; `make test-nightly` plays two hundred."""

from random import Random

import pytest

from tests.hubs.district import District
from tests.hubs.rounds import play, too_rare

pytestmark = [pytest.mark.scenario, pytest.mark.slow]
SEED = 11  # its plans have five kills of the hub and three of the centre


def test_cut_and_killed_nothing_acknowledged_is_lost_or_taken_in_twice(tmp_path, sqlite_template):
    with District(tmp_path, sqlite_template, Random(SEED)) as district:
        happened = play(district, 20, seed=SEED)
    assert too_rare(happened) == []
