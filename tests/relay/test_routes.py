"""Phone to hub to centre, by any batches: the centre folds the same set to the same state."""

import random
import uuid

from tests.relay.servers import Server
from tests.support.promises import promise


def a_month(hub: Server, centre: Server) -> None:
    """Two phones at a hub: births, visits, a late form, a conflict, edits, a poison."""
    chance = random.Random(7)
    phones = [hub.village.phone("A"), hub.village.phone("B")]
    for phone in phones:
        centre.adopt(phone)
        phone.sync()
    a, b = phones
    children = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(5)]
    forms = [a.register(one, posyandu="melati", rt="05", nik=one[:8]) for one in children]
    a.send(*forms)
    b.sync()
    held: list[bytes] = []
    for day, child in enumerate([*children, *children, *children]):
        phone = chance.choice(phones)
        if child not in phone.anak.entities:
            phone.sync()
        hub.village.pass_time(days=1)
        xml = phone.measure(
            child,
            bb=str(8 + day / 10),
            tgl=f"2026-06-{day + 1:02d}",
            rt=chance.choice(["05", "06", "07"]),
            imunisasi=chance.choice(["bcg", "bcg dpt", "polio"]),
        )
        if chance.random() < 0.4:
            held.append(xml)
        else:
            phone.send(xml)
        if chance.random() < 0.3:
            phone.sync()
    wrong = a.measure(children[0], bb="3.3", tgl="2026-06-20")
    a.send(a.edit(wrong, children[1], rt="09"), wrong)
    chance.shuffle(held)
    a.send(*held)
    a.post(b"<data id='unknown'><meta><instanceID>uuid:1</instanceID></meta></data>")
    review = next(iter(hub.village.reviews(children[0])), None)
    if review is not None and review.kind == "field":
        hub.village.settle(children[0], review.field, "08")


@promise("P100")
def test_what_a_hub_took_in_stands_at_the_centre_as_it_stands_there(hub, centre):
    a_month(hub, centre)
    items = hub.feed()
    assert len(items) > 20
    for seed in range(3):
        centre.take_in_any_order(items, random.Random(seed))
        assert centre.records() == hub.records()
    assert [one.code for one in centre.village.quarantine()] == ["unknown_form"]


@promise("P101")
def test_the_centre_knows_which_phone_and_which_hub_and_when(hub, centre):
    phone = hub.village.phone("A")
    adopted = centre.adopt(phone)
    phone.sync()
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu="melati"))
    hub.village.pass_time(days=3)
    centre.take(hub.feed())
    (change,) = centre.village.changes(child)
    assert [stamp["node"] for stamp in change.path] == [
        hub.village.project.node,
        centre.village.project.node,
    ]
    assert change.path[0]["receivedAt"] < change.path[1]["receivedAt"]
    assert (change.actor_id, change.device_id) == (adopted.actor_id, "collect:A")
    assert change.received_at == change.path[0]["receivedAt"]


def test_what_comes_back_from_the_centre_is_known_already(hub, centre):
    a_month(hub, centre)
    centre.take(hub.feed())
    before = hub.records()
    results = hub.take(centre.feed())
    assert {one["status"] for one in results} <= {"duplicate", "quarantined"}
    assert hub.records() == before


def test_what_alters_later_is_in_the_tail_of_the_feed(hub, centre):
    a_month(hub, centre)
    centre.take(hub.feed())
    phone = hub.village.phone("C")
    centre.adopt(phone)
    phone.sync()
    child = next(iter(phone.anak.entities))
    late, early = phone.measure(child, rt="11"), phone.measure(child, rt="12")
    phone.send(early)
    centre.take(hub.feed())
    assert centre.records() == hub.records()
    phone.send(late)
    centre.take_in_any_order(hub.feed(), random.Random(1))
    assert centre.records() == hub.records()


def test_a_poison_that_is_sent_again_is_no_news(centre):
    phone = centre.village.phone("A")
    xml = b"<data id='unknown'><meta><instanceID>uuid:1</instanceID></meta></data>"
    for _ in range(3):
        phone.post(xml)
    steps = [one for one in centre.village.journal() if one.kind == "quarantine"]
    assert len(steps) == 1


def test_two_that_replace_the_same_value_may_come_in_one_batch(hub, centre):
    phones = [hub.village.phone("A"), hub.village.phone("B")]
    for phone in phones:
        centre.adopt(phone)
        phone.sync()
    child = str(uuid.uuid4())
    a, b = phones
    a.send(a.register(child, posyandu="melati", rt="05"))
    centre.take(hub.feed())
    a.sync()
    b.sync()
    a.send(a.measure(child, rt="06"))
    b.send(b.measure(child, rt="07"))
    centre.take(hub.feed()[1:])
    assert centre.records() == hub.records()
    assert centre.village.quarantine() == []
