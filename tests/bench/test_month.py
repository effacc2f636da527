"""What a month of one phone costs in bytes: of this, unlike of speed, a test may judge."""

import shutil
from collections import Counter
from collections.abc import Iterator

import pytest

from bench import month
from bench.village import MonthClock, Village
from sync_server.app import create_app
from sync_server.db import db
from sync_server.settings import load
from tests.support.promises import promise

DAYS = 4
VISITS = {(2, 3): 5}  # five children in one hour of the third day


@pytest.fixture(scope="module")
def lived(sqlite_template, tmp_path_factory) -> Iterator[month.Month]:
    """Some days of a small posyandu; forms are not checked by Java, which is not tried here."""
    home = tmp_path_factory.mktemp("month")
    database = shutil.copy(sqlite_template, home / "simpul.db")
    environ = {"SIMPUL_HOME": str(home), "SIMPUL_DATABASE_URL": f"sqlite:///{database}"}
    clock = MonthClock()
    app = create_app(load(environ), clock=clock)
    with app.app_context(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        village = Village(clock, "Melati", 8)
        yield month.live(app, clock, village, days=DAYS, visits=VISITS)
        db.engine.dispose()


@promise("O31")
def test_lists_cost_a_twentieth_of_what_they_would_if_any_edit_altered_their_hashes(lived):
    assert lived.times_less >= month.TIMES_LESS


@promise("O76")
def test_an_idle_poll_of_two_entity_forms_brings_no_body(lived):
    assert Counter(one.what for one in lived.idle) == {"formList": 1, "manifest": 2, "form": 2}
    assert {one.status for one in lived.idle} == {304}
    assert sum(one.up + one.down for one in lived.idle) <= month.MOST_OF_A_POLL


def test_a_month_at_this_pace_stays_below_two_megabytes(lived):
    per_day = month.bytes_of(lived.ours) / DAYS
    assert per_day * 30 < month.MOST_BYTES


def test_visits_are_all_made():
    for due in (month.opening_day(30, 50), month.every_day(30, 50)):
        assert sum(due.values()) == 50
        assert all(day < 30 and poll < month.POLLS_A_DAY for day, poll in due)
