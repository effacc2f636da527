"""The people and days of the demo are plausible, and the same each time."""

import itertools
from datetime import date, timedelta
from random import Random

import pytest

from odk_forms import packs
from sync_server.demo.children import children
from sync_server.demo.kept import Kept, find, keep
from sync_server.demo.regency import POSYANDU, password, posts

SESSIONS = [date(2026, 7, 7) + timedelta(days=28 * number) for number in range(5)]


def test_a_posyandu_meets_on_its_own_day_of_the_month():
    melati, mawar, *_ = posts(packs.load("posyandu"))  # first Tuesday, first Wednesday

    assert melati.sessions(date(2026, 11, 4), 2) == [date(2026, 10, 6), date(2026, 11, 3)]
    assert mawar.sessions(date(2026, 11, 4), 2) == [date(2026, 9, 2), date(2026, 10, 7)]
    assert len(posts(packs.load("posyandu"))) == POSYANDU


def test_the_same_seed_gives_the_same_children():
    once, again = (children(30, SESSIONS, Random(4)) for _ in range(2))

    assert once == again
    assert len({(one.nama, one.nama_ibu) for one in once}) == 30
    assert {one.first_session for one in once} > {0}
    assert all(one.tgl_lahir < SESSIONS[one.first_session] for one in once)
    assert all(len(one.nik) in (0, 16) for one in once)


@pytest.mark.parametrize("seed", range(5))
def test_children_grow_but_not_every_month(seed):
    rng = Random(seed)
    gained = stalled = 0
    for child in children(40, SESSIONS, rng):
        for day in SESSIONS[child.first_session :]:
            child.measure(day, rng)
        weights = [float(one.weight) for one in child.history]
        lengths = [float(one.length) for one in child.history]
        assert lengths == sorted(lengths)
        assert 1.5 < weights[0] < 30
        for before, after in itertools.pairwise(weights):
            gained += after > before
            stalled += after <= before
    assert gained > stalled > 0


def test_what_a_home_remembers_is_for_the_operator_alone(tmp_path):
    kept = Kept(node="n", complete=True, admin=("a@demo.example", password()), children=137)

    keep(tmp_path, kept)

    assert find(tmp_path) == kept
    assert (tmp_path / "demo.json").stat().st_mode & 0o077 == 0
