"""The plan: the same for the same seed, and of everybody on their own."""

from dataclasses import replace

import pytest

from odk_forms import packs
from sync_server.simulator.options import Options
from sync_server.simulator.plan import chance as stream
from sync_server.simulator.plan import date_properties, plan, subject_of, typed

ASKED = Options(seed=7, phones=8, hubs=2, programs=2, kills=3)


@pytest.fixture(scope="module")
def pack():
    return packs.load("posyandu")


def test_the_same_seed_gives_the_same_plan_and_another_seed_another(pack):
    assert plan(ASKED, pack) == plan(ASKED, pack)
    assert plan(ASKED, pack) != plan(replace(ASKED, seed=8), pack)


def test_one_program_more_alters_nothing_of_what_the_others_do(pack):
    one, more = plan(ASKED, pack), plan(replace(ASKED, programs=3), pack)
    assert more.phones == one.phones
    assert more.programs[:2] == one.programs


def test_every_hub_has_a_village_and_every_village_a_phone(pack):
    found = plan(Options(seed=1, phones=30, hubs=4), pack)
    assert {*found.village_hub} == {None, 0, 1, 2, 3}
    assert {one.village for one in found.phones} == {*range(len(found.villages))}
    assert {one.hub for one in found.phones} == {None, 0, 1, 2, 3}


def test_everybody_types_something_and_nobody_where_a_record_belongs(pack):
    main = subject_of(pack)
    assert main.name == "anak"
    assert date_properties(main) == {"tgl_ukur"}
    rng = stream(3, "somebody")
    said = [typed(rng, main) for _ in range(50)]
    assert all(said)
    assert not {"posyandu", "tgl_ukur"} & {name for one in said for name in one}


def test_kills_fall_into_weeks_and_hit_servers_of_the_fleet(pack):
    kills = plan(ASKED, pack).kills
    assert sum(len(ones) for ones in kills.values()) == 3
    assert {*kills} <= {*range(ASKED.weeks)}
    assert all(one.victim in (None, 0, 1) for ones in kills.values() for one in ones)
