"""Edits and copies that come by a hub, in batches that part them: settled as their hub has it."""

import pytest

from tests.relay.servers import Server
from tests.scenarios.posyandu import Phone
from tests.sync.test_push import create, new, update


@pytest.fixture
def phone(hub, centre) -> Phone:
    """A phone of both servers, whose list has one child."""
    phone, child = hub.village.phone("A"), new()
    centre.adopt(phone)
    phone.send(phone.register(child, posyandu="melati", rt="05", nik="3201"))
    phone.sync()
    centre.take(hub.feed())
    hub.village.pass_time(days=1)
    return phone


def the_child(phone: Phone) -> str:
    (child,) = phone.anak.entities
    return child


def naming_nobody(edit: bytes) -> bytes:
    assert b'update="1"' in edit
    return edit.replace(b'update="1"', b'update="0"')


def settled(server: Server, child: str) -> dict:
    return {
        one.change_id: (one.settled, one.received_at, one.waiting)
        for one in server.village.changes(child)
    }


def item_of(server: Server, xml: bytes) -> dict:
    (item,) = (one for one in server.feed() if one.get("xml") == xml.decode())
    return item


def test_a_phone_of_another_place_takes_nothing_back_by_way_of_a_hub(hub, centre, phone):
    child = the_child(phone)
    xml = phone.measure(child, rt="06")
    phone.send(xml)
    stranger = hub.village.phone("Z", posyandu="mawar")
    centre.adopt(stranger, posyandu="mawar")
    stranger.send(naming_nobody(phone.edit(xml)))
    assert hub.village.shown(child)["rt"] == "06"
    centre.take(hub.feed())
    assert centre.village.shown(child)["rt"] == "06"
    assert centre.records() == hub.records()


def test_an_edit_that_names_nobody_takes_back_what_it_took_back_at_its_hub(hub, centre, phone):
    child = the_child(phone)
    xml = phone.measure(child, rt="06")
    phone.send(xml, naming_nobody(phone.edit(xml)))
    hub.village.pass_time(days=3)
    centre.take(hub.feed())
    assert hub.village.shown(child)["rt"] == "05"
    assert len(settled(hub, child)) == 3
    assert settled(centre, child) == settled(hub, child)


def test_an_edit_waits_for_its_original_also_where_that_is_later_in_the_batch(hub, centre, phone):
    child = the_child(phone)
    xml = phone.measure(child, bb="9.1", tgl="2026-10-03")
    middle = phone.edit(xml)
    last = phone.edit(middle, child)  # numbered as if it stood on the first
    phone.send(xml, last)
    centre.take(hub.feed())
    phone.send(middle)
    other = update(child, 1, nama="Budi")
    hub.take([other])
    (told,) = (one for one in hub.feed() if one.get("changeId") == other["changeId"])
    centre.take([told, item_of(hub, middle)])
    centre.take([item_of(hub, last)])
    assert settled(centre, child) == settled(hub, child)


def test_of_one_batch_the_hubs_own_copy_of_an_edit_is_what_is_kept(hub, centre, phone):
    child = the_child(phone)
    xml = phone.measure(child, bb="9.1", tgl="2026-10-03")
    edit = phone.edit(xml, rt="05")  # as the screen had it, but only the hub knows that
    phone.send(edit)
    centre.take(hub.feed())
    phone.send(xml)
    centre.take([item_of(hub, xml), item_of(hub, edit)])
    assert settled(centre, child) == settled(hub, child)
    assert centre.records() == hub.records()


def test_an_edit_that_is_sent_again_beside_its_original_waits_no_more(hub, phone):
    other = new()
    phone.send(phone.register(other, posyandu="melati", rt="05"))
    phone.sync()
    wrong = phone.measure(next(one for one in phone.anak.entities if one != other), rt="06")
    edit = phone.edit(wrong, other)
    phone.send(edit)
    assert hub.village.record(other).waiting == 1
    hub.take([{"kind": "submission", "xml": one.decode()} for one in (edit, wrong)])
    assert hub.village.record(other).waiting == 0


def test_an_earlier_copy_of_what_waits_for_its_create_is_kept_in_its_place(hub, other, centre):
    child = new()
    one, two = update(child, 1, rt="06"), update(child, 1, rt="07")
    del one["clientTime"], two["clientTime"]
    other.take([two])
    hub.village.pass_time()
    hub.take([one])
    hub.village.pass_time()
    hub.take([two])
    centre.take(hub.feed())
    assert centre.village.shown(child)["rt"] == "07"
    (result,) = centre.take(other.feed())
    assert result["status"] == "duplicate"
    assert centre.village.shown(child)["rt"] == "06"
    assert centre.village.quarantine() == []
    centre.take([create(child, posyandu="melati")])
    assert centre.village.record(child).waiting == 0
