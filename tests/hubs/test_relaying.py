"""Up and down between a hub and its centre, and what happens when the line goes."""

import uuid

import pytest

from sync_server.clock import instant
from sync_server.hubs.relaying import RelayFailed
from sync_server.hubs.upstream import standing
from tests.support.api import administrator
from tests.support.clock import FrozenClock
from tests.support.promises import promise


@pytest.fixture
def phone(centre):
    return centre.phone("A")


@pytest.fixture
def paired(hub, phone):
    hub.pair(posyandu="melati")
    return hub


def test_a_phone_works_at_the_hub_by_the_card_it_has(paired, phone, centre, line):
    line.up = False
    here, child = paired.phone(phone), str(uuid.uuid4())
    here.sync()
    here.send(here.register(child, posyandu="melati", nik="3201", rt="05"))
    here.sync()
    assert here.screen(child)["rt"] == "05"
    assert "nik" not in here.screen(child)
    here.send(here.measure(child, bb="9.1", tgl="2026-10-03"))
    line.up = True
    done = paired.relay()
    assert (done.sent, done.refused, done.waiting) == (2, 0, 0)
    assert centre.shown(child) == paired.village.shown(child)
    (first, second) = sorted(centre.changes(child), key=lambda one: one.received_at)
    assert {one.actor_id for one in (first, second)} == {phone.actor_id}
    nodes = [stamp["node"] for stamp in second.path]
    assert nodes == [paired.village.project.node, centre.project.node]


def test_what_alters_at_the_centre_comes_to_the_hubs_phones(paired, phone, centre):
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu="melati", rt="07"))
    done = paired.relay()
    assert (done.fetched, done.sent) == (1, 0)
    here = paired.phone(phone)
    here.sync()
    assert here.screen(child)["rt"] == "07"


def test_a_hub_whose_clock_is_decades_off_relays(paired, phone, centre, clock):
    context = paired.app.extensions["simpul"]
    object.__setattr__(context, "clock", FrozenClock("1970-01-01T00:00:00"))
    assert paired.relay().sent == 0
    here, child = paired.phone(phone), str(uuid.uuid4())
    here.send(here.register(child, posyandu="melati"))
    assert paired.relay().sent == 1
    (change,) = centre.changes(child)
    assert change.received_at == instant(clock.now())


@promise("P102")
def test_nothing_is_echoed(paired, phone, line):
    here, child = paired.phone(phone), str(uuid.uuid4())
    here.send(here.register(child, posyandu="melati"))
    assert paired.relay().sent == 1
    line.asked.clear()
    done = paired.relay()
    assert (done.sent, done.fetched) == (0, 0)
    assert line.asked == ["GET info", "GET setup", "GET pull"]


def test_a_centre_that_is_away_is_said_in_one_line(paired, phone, line):
    here, child = paired.phone(phone), str(uuid.uuid4())
    line.up = False
    here.send(here.register(child, posyandu="melati"))
    with pytest.raises(RelayFailed, match=r"the centre at http://centre\.test is away"):
        paired.relay()
    with paired.app.app_context():
        found = standing(paired.project, secret_key=secret_of(paired))
        assert (found.waiting, found.pushed_at, "away" in found.trouble) == (1, None, True)
    line.up = True
    assert paired.relay().sent == 1
    phone.send(phone.register(str(uuid.uuid4()), posyandu="melati"))
    paired.relay(sends=False)
    with paired.app.app_context():
        assert standing(paired.project, secret_key=secret_of(paired)).waiting == 0


def secret_of(hub) -> str:
    return hub.app.extensions["simpul"].settings.secret_key


def test_a_hub_of_a_hub_comes_to_rest(paired, beyond, phone, centre):
    """Two laptops in a row, both between the same phones and the centre."""
    far = beyond()
    far.pair("Jauh", posyandu="melati")
    there, child = far.phone(phone), str(uuid.uuid4())
    there.sync()
    there.send(there.register(child, posyandu="melati", rt="05"))
    for server in (far, paired, far):
        server.relay()
    phone.sync()
    phone.send(phone.measure(child, bb="9.1", tgl="2026-10-03"))
    for server in (far, paired, far):
        server.relay()
    assert centre.shown(child)["bb"] == "9.1"
    assert centre.shown(child) == paired.village.shown(child) == far.village.shown(child)
    (born, _) = sorted(centre.changes(child), key=lambda one: one.op)
    nodes = [far.village.project.node, paired.village.project.node, centre.project.node]
    assert [stamp["node"] for stamp in born.path] == nodes
    for server in (far, paired, far, paired):
        done = server.relay()
        assert (done.sent, done.fetched) == (0, 0)


def move(village, child: str, place: str) -> None:
    """A manager says that a child belongs to another posyandu now."""
    manager = administrator(village.client)
    path = f"/projects/{village.project.id}/datasets/anak/entities/{child}?force=true"
    manager.done("PATCH", path, {"data": {"posyandu": place}})


def test_a_child_that_moves_away_leaves_the_hubs_phones_and_may_come_back(paired, phone, centre):
    here, child = paired.phone(phone), str(uuid.uuid4())
    here.send(here.register(child, posyandu="melati", rt="05"))
    paired.relay()
    centre.pass_time()
    move(centre, child, "mawar")
    paired.relay()
    here.sync()
    assert here.anak.entities == {}
    assert len(paired.village.changes(child)) == 1  # where it went is not told
    centre.pass_time()
    move(centre, child, "melati")
    paired.relay()
    here.sync()
    assert here.screen(child)["rt"] == "05"
    assert centre.shown(child) == paired.village.shown(child)
    assert len(paired.village.changes(child)) == 3
