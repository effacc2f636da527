"""Who decided, wherever it is read: a person has an account at one server and a name at all."""

import uuid

import pytest

from sync_server.accounts import people
from tests.pages.visitor import Visitor, at
from tests.support.api import administrator
from tests.support.promises import promise
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

# What travels is tried on both databases in `test_relaying.py`.
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture
def child():
    return str(uuid.uuid4())


@pytest.fixture
def phones(centre):
    return centre.phone("A"), centre.phone("B")


def disputed(server, phones, child) -> None:
    """A child of whom two phones of a server say something different."""
    here, there = (server.phone(one) for one in phones)
    here.send(here.register(child, posyandu="melati", rt="05"))
    there.sync()
    here.sync()
    here.send(here.measure(child, rt="06"))
    there.send(there.measure(child, rt="07"))


def decided(server, child) -> None:
    """Bidan Sri, who has an account at this server alone, settles what is asked of a child."""
    with server.app.app_context():
        sri = people.create_user(
            "sri@example.org", "bidan-tanjung-8", display_name="Bidan Sri", clock=server.clock
        )
    server.village.admin = sri
    server.village.settle(child, "rt", "06")


def history(village, child):
    path = f"/projects/{village.project.id}/sync/entities/{child}/history"
    return administrator(village.client).done("GET", path)["changes"]


def decision_of(village, child):
    return next(one for one in history(village, child) if one["op"] == "resolve")


def page_of(app, village, child) -> str:
    return Visitor(app).log_in(ADMIN_EMAIL, ADMIN_PASSWORD).see(at(village, f"records/{child}"))


@promise("P112")
def test_who_decided_at_a_hub_has_a_name_at_the_centre(centre, hub, phones, child):
    hub.pair("Tanjung", posyandu="melati")
    disputed(hub, phones, child)
    decided(hub, child)
    hub.relay()
    decision = decision_of(centre, child)
    assert decision["author"] == {"deviceId": "", "name": "Bidan Sri", "hub": "Tanjung"}
    assert decision["userId"] is None
    assert "Bidan Sri (di hub Tanjung)" in page_of(centre.app, centre, child)
    assert "Bidan Sri (di" not in page_of(hub.app, hub.village, child)
    for one in history(centre, child):
        assert one["author"]["hub"] == "Tanjung"
    assert [one["author"]["name"] for one in history(centre, child)].count("A") == 2


@promise("P112", "P113")
def test_behind_a_second_hub_people_and_hubs_keep_their_names(centre, hub, beyond, phones, child):
    hub.pair("Tanjung", posyandu="melati")
    far = beyond()
    far.pair("Jauh", posyandu="melati")
    disputed(far, phones, child)
    decided(far, child)
    far.relay()
    hub.relay()
    for village in (hub.village, centre):
        decision = decision_of(village, child)
        assert decision["author"] == {"deviceId": "", "name": "Bidan Sri", "hub": "Jauh"}
    assert [one["hub"] for one in decision["path"]] == ["Jauh", "Tanjung", None]
    page = page_of(centre.app, centre, child)
    assert "Bidan Sri (di hub Jauh)" in page
    assert "di hub Jauh 21 Nov 2026 10.00 · di hub Tanjung 21 Nov 2026 10.00" in page


@promise("P112")
def test_who_decided_at_the_centre_has_a_name_at_its_hubs(centre, hub, phones, child):
    hub.pair("Tanjung", posyandu="melati")
    disputed(hub, phones, child)
    hub.relay()
    centre.settle(child, "rt", "07")
    hub.relay()
    name = decision_of(centre, child)["author"]["name"]
    assert decision_of(hub.village, child)["author"] == {"deviceId": "", "name": name}


@promise("P112")
def test_a_device_gives_nobody_another_name(centre, phones, child):
    (phone, _) = phones
    forged = {"author": {"name": "Bidan Sri"}, "path": [], "actor": "device:0"}
    batch = {
        "protocol": 1,
        "batchId": str(uuid.uuid4()),
        "items": [
            {
                "kind": "change",
                "changeId": str(uuid.uuid4()),
                "list": "anak",
                "entity": child,
                "op": "create",
                "label": "Siti",
                "data": {"posyandu": "melati"},
                **forged,
            }
        ],
    }
    answer = centre.client.post(f"{phone.base}/sync/push", json=batch)
    assert answer.json["results"][0]["status"] == "applied"
    (one,) = history(centre, child)
    assert one["author"] == {"appUserId": phone.actor_id, "deviceId": "", "name": "A"}


def test_what_a_phones_form_was_kept_for_counts_as_its_own_at_the_centre(centre, hub, phones):
    (phone, _) = phones
    hub.pair("Tanjung", posyandu="melati")
    xml = b"<data id='lain' version='1'><meta><instanceID>uuid:1</instanceID></meta></data>"
    assert hub.phone(phone).post(xml).status_code == 202
    hub.relay()
    (kept,) = centre.quarantine()
    assert kept.actor_id == phone.actor_id
    assert kept.device_id == "collect:A"
    seen = Visitor(centre.app).log_in(ADMIN_EMAIL, ADMIN_PASSWORD)
    page = seen.see(at(centre, f"quarantine/{kept.quarantine_id}"))
    assert "Dari A collect:A" in page
    assert "Hub Tanjung, 21 Nov 2026 10.00" in page


@promise("P114")
def test_devices_say_which_hub_a_phone_last_sent_through(centre, hub, phones):
    (phone, _) = phones
    hub.pair("Tanjung", posyandu="melati")

    def told() -> dict[str, object]:
        path = f"/projects/{centre.project.id}/sync/devices"
        devices = administrator(centre.client).done("GET", path)["devices"]
        return next(one["hub"] for one in devices if one["name"] == "A")

    assert told() == {"value": None, "certainty": "unknown"}
    here = hub.phone(phone)
    here.send(here.register(str(uuid.uuid4()), posyandu="melati"))
    hub.relay()
    assert told() == {"value": "Tanjung", "certainty": "sure"}
    centre.pass_time(days=1)
    phone.send(phone.register(str(uuid.uuid4()), posyandu="melati"))
    assert told() == {"value": None, "certainty": "sure"}


@promise("P117")
def test_what_a_hub_asked_and_decided_is_a_decision_at_the_centre_too(centre, hub, phones, child):
    hub.pair("Tanjung", posyandu="melati")
    disputed(hub, phones, child)
    decided(hub, child)
    hub.relay()
    manager, reviews = administrator(centre.client), f"/projects/{centre.project.id}/sync/reviews"
    assert manager.done("GET", reviews)["reviews"] == []
    (closed,) = manager.done("GET", f"{reviews}?state=closed")["reviews"]
    there = administrator(hub.village.client)
    (same,) = there.done("GET", f"/projects/{hub.project}/sync/reviews?state=closed")["reviews"]
    for name in ("id", "kind", "field", "base", "label"):
        assert closed[name] == same[name]
    assert {one["value"] for one in closed["contenders"]} == {"06", "07"}
    seen = Visitor(centre.app).log_in(ADMIN_EMAIL, ADMIN_PASSWORD)
    page = seen.see(at(centre, f"reviews/{closed['id']}"))
    assert "Bidan Sri (di hub Tanjung)" in page
    manager.done("POST", f"{reviews}/{closed['id']}/reopen", {})
    hub.relay()
    assert hub.village.asked(child) == centre.asked(child) == {"rt": {"06", "07"}}


def test_what_closed_a_question_in_one_batch_is_the_decision_and_not_what_came_after_it(
    centre, hub, phones, child
):
    hub.pair("Tanjung", posyandu="melati")
    disputed(hub, phones, child)
    hub.relay()
    assert centre.asked(child) == {"rt": {"06", "07"}}
    decided(hub, child)
    here = hub.phone(phones[0])
    centre.pass_time(days=1)
    here.sync()
    here.send(here.measure(child, bb="9.1", tgl="2026-11-22"))
    hub.relay()
    (row,) = [one for one in centre.changes(child) if one.op == "resolve"]
    path = f"/projects/{centre.project.id}/sync/reviews?state=closed"
    (closed,) = administrator(centre.client).done("GET", path)["reviews"]
    seen = Visitor(centre.app).log_in(ADMIN_EMAIL, ADMIN_PASSWORD)
    assert "Bidan Sri (di hub Tanjung)" in seen.see(at(centre, f"reviews/{closed['id']}"))
    assert row.author_name == "Bidan Sri"
