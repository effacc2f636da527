"""What comes into the sight of a hub, and what leaves it, when nobody has changed the record."""

import uuid

import pytest

from conflict.areas import Rule
from sync_server.accounts import devices
from sync_server.db import read_transaction
from sync_server.publishing import lists
from sync_server.stores.records import find_scopes
from tests.hubs.test_relaying import move
from tests.support.promises import promise

POSYANDU = Rule("posyandu", "posyandu")


@pytest.fixture
def phone(centre):
    return centre.phone("A")


@pytest.fixture
def filtered(centre):
    """Set the access filter of the list at the centre."""

    def set_filter(*rules: Rule) -> None:
        centre.pass_time()
        with centre.app.app_context():
            manager = {"by": centre.admin, "clock": centre.clock}
            lists.set_access_filter(centre.project.id, "anak", rules, **manager)

    return set_filter


@promise("P66", "P67", "P109")
def test_another_filter_brings_a_record_into_sight_and_out_of_it(hub, phone, centre, filtered):
    hub.pair(posyandu="melati")
    here, child, other = hub.phone(phone), str(uuid.uuid4()), str(uuid.uuid4())
    here.send(here.register(child, posyandu="melati", rt="05"), here.register(other, posyandu="?"))
    hub.relay()
    for far in (child, other):
        centre.pass_time()
        move(centre, far, "mawar")
    hub.relay()
    here.sync()
    assert here.anak.entities == {}
    for rules, seen in (((), {child, other}), ((POSYANDU,), set()), ((), {child, other})):
        filtered(*rules)
        hub.relay()
        here.sync()
        assert set(here.anak.entities) == seen
    assert here.screen(child)["posyandu"] == "mawar"
    assert hub.village.shown(child) == centre.shown(child)
    assert len(hub.village.changes(child)) == 2
    done = hub.relay()
    assert (done.sent, done.fetched) == (0, 0)


@promise("P109")
def test_the_same_value_is_another_place_under_another_rule(hub, phone, centre, filtered):
    with centre.app.app_context():
        devices.add_actor_property(centre.project.id, "dusun", by=centre.admin, clock=centre.clock)
    hub.pair(posyandu="mawar", dusun="melati")
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu="melati", rt="05"))
    hub.relay()
    assert hub.village.changes(child) == []
    filtered(Rule("posyandu", "dusun"))
    hub.relay()
    assert len(hub.village.changes(child)) == 1
    assert seen_by(hub, child) == {'["melati"]'}
    filtered(POSYANDU)
    hub.relay()
    assert seen_by(hub, child) == {"-"}


def test_what_left_does_not_come_back_because_its_list_is_read_anew(hub, phone, centre):
    hub.pair(posyandu="melati")
    here, child = hub.phone(phone), str(uuid.uuid4())
    here.send(here.register(child, posyandu="melati", rt="05"))
    hub.relay()
    centre.pass_time()
    move(centre, child, "mawar")
    hub.relay()
    with centre.app.app_context():
        manager = {"by": centre.admin, "clock": centre.clock}
        lists.set_policy(centre.project.id, "anak", "rt", "last", **manager)
        lists.set_phone(centre.project.id, "anak", "rt", False, **manager)
    hub.relay()
    here.sync()
    assert here.anak.entities == {}


def seen_by(hub, child: str) -> set[str]:
    with hub.app.app_context(), read_transaction() as connection:
        return find_scopes(connection, hub.project, [child]).get(child, set())


@promise("P102")
def test_what_is_settled_anew_within_the_same_millisecond_is_no_echo(hub, phone, centre):
    hub.pair(posyandu="melati")
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu="melati", rt="05"))
    hub.relay()
    here = hub.phone(phone)
    here.sync()
    first, second = here.measure(child, rt="06"), here.measure(child, rt="07")
    here.send(second)
    hub.relay()
    assert [one.waiting for one in centre.changes(child)].count(True) == 1
    phone.send(first)
    assert hub.relay().fetched == 2
    assert centre.shown(child)["rt"] == hub.village.shown(child)["rt"] == "07"
    assert hub.relay().fetched == 0


@promise("P130")
def test_what_a_hub_took_in_of_a_device_that_the_centre_had_revoked_is_kept_as_it_is(
    hub, phone, centre
):
    hub.pair(posyandu="melati")
    here, child = hub.phone(phone), str(uuid.uuid4())
    with centre.app.app_context():
        devices.revoke_app_user(
            centre.project.id, phone.actor_id, by=centre.admin, clock=centre.clock
        )
    here.send(here.register(child, posyandu="melati", rt="05"))
    hub.relay()
    assert centre.shown(child) == hub.village.shown(child)
    assert [one.actor_id for one in centre.changes(child)] == [phone.actor_id]
    assert here.post(here.register(str(uuid.uuid4()), posyandu="melati")).status_code == 403
