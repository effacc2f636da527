"""What another server could not use, or this one cannot yet: kept whole, and judged again here."""

import pytest

from sync_server.context import context
from sync_server.intake import quarantine
from sync_server.publishing import publish
from tests.relay.servers import Server
from tests.scenarios.posyandu import checked_form
from tests.support.promises import promise
from tests.sync.test_push import batch, create, new, update


def publish_at(server: Server, form_id: str) -> None:
    with server.app.app_context():
        publish.publish_checked(
            server.village.project.id,
            checked_form(form_id, "create"),
            by=server.village.admin,
            clock=context().clock,
        )


def pushed(server: Server, token: str, *items: dict) -> list[dict]:
    path = f"/v1/key/{token}/projects/{server.village.project.id}/sync/push"
    answer = server.village.client.post(path, json=batch(*items))
    assert answer.status_code == 200, answer.text
    return answer.json["results"]


def retried(server: Server, row):
    with server.app.app_context():
        return quarantine.retry(
            server.village.project, row.quarantine_id, by=None, clock=context().clock
        )


def kept(server: Server, state: str = "open") -> list:
    return [one for one in server.village.quarantine() if one.state == state]


def test_a_form_that_came_before_its_definition_stands_as_the_hub_settled_it(hub, centre):
    phone, child = hub.village.phone("A"), new()
    adopted = centre.adopt(phone)
    publish_at(hub, "lama")
    phone.send(phone.register(child, posyandu="melati").replace(b"'daftar'", b"'lama'"))
    items = hub.feed()
    assert [one["status"] for one in centre.take(items)] == ["quarantined"]
    (row,) = kept(centre)
    assert retried(centre, row).code == "unknown_form"
    assert kept(centre) == [row]
    centre.village.pass_time(days=2)
    publish_at(centre, "lama")
    assert kept(centre) == []
    assert centre.records() == hub.records()
    (change,) = centre.village.changes(child)
    assert (change.actor_id, change.device_id) == (adopted.actor_id, "collect:A")
    assert change.path[0] == hub.village.changes(child)[0].path[0]


def test_a_relayed_change_of_a_list_that_is_not_here_keeps_what_was_settled(hub, centre):
    phone, mother = hub.village.phone("A"), new()
    centre.adopt(phone)
    add_list(hub)
    pushed(hub, phone.token, create(mother, rt="05") | {"list": "ibu"})
    centre.take(hub.feed())
    (row,) = kept(centre)
    assert (row.code, retried(centre, row).code) == ("unknown_list", "unknown_list")
    assert kept(centre) == [row]
    add_list(centre)
    assert centre.records() == hub.records()
    assert kept(centre) == []
    assert centre.village.changes(mother)[0].path[0]["node"] == hub.village.project.node


def add_list(server: Server) -> None:
    api = server.village.client
    login = {"email": "admin@example.org", "password": "posyandu-melati-7"}
    token = api.post("/v1/sessions", json=login).json["token"]
    address = f"/v1/projects/{server.village.project.id}/datasets"
    headers = {"Authorization": f"Bearer {token}"}
    assert api.post(address, json={"name": "ibu"}, headers=headers).status_code == 200


def test_what_a_device_may_not_do_it_may_not_do_by_way_of_a_hub(hub, centre):
    phone, child = hub.village.phone("A"), new()
    centre.adopt(phone)
    pushed(hub, phone.token, create(child, rt="05"))
    delete = update(child, 1) | {"op": "delete", "data": {}}
    (result,) = pushed(hub, phone.token, delete)
    assert result["code"] == "not_allowed"
    centre.take(hub.feed())
    (row,) = kept(centre)
    assert retried(centre, row).code == "not_allowed"
    assert kept(centre) == [row]
    assert centre.records() == hub.records()


def test_what_a_hub_refused_and_can_be_used_here_is_taken_in(hub, centre):
    phone, mother = hub.village.phone("A"), new()
    adopted = centre.adopt(phone)
    add_list(centre)
    pushed(hub, phone.token, create(mother, rt="05") | {"list": "ibu"})
    centre.take(hub.feed())
    (row,) = kept(centre)
    assert retried(centre, row).status == "applied"
    (change,) = centre.village.changes(mother)
    assert change.actor_id == adopted.actor_id


def test_a_poison_stays_as_it_came_first_unless_a_hub_brings_what_was_settled(hub, centre):
    phone = hub.village.phone("A")
    at_centre = centre.adopt(phone)
    publish_at(hub, "lama")
    xml = phone.register(new(), posyandu="melati").replace(b"'daftar'", b"'lama'")
    phone.send(xml)
    at_centre.post(xml)
    (first,) = kept(centre)
    centre.take(hub.feed())
    (second,) = kept(centre)
    at_centre.post(xml)
    assert kept(centre) == [second]
    assert (first.raw, first.quarantine_id) == (xml, second.quarantine_id)
    assert b"settled" in second.raw
    publish_at(centre, "lama")
    assert centre.records() == hub.records()


@pytest.mark.parametrize("kind", ["cabbage", "change"])
@promise("P38")
def test_a_path_of_a_devices_own_is_not_passed_on(hub, centre, kind):
    phone = hub.village.phone("A")
    forged = {"path": [{"node": new(), "receivedAt": "2020-01-01T00:00:00Z"}], "settled": {}}
    pushed(hub, phone.token, create(new()) | {"kind": kind, "entity": "?"} | forged)
    (row,) = kept(hub)
    assert retried(hub, row).status == "quarantined"
    (item,) = hub.feed()
    assert [stamp["node"] for stamp in item["path"]] == [hub.village.project.node]


def test_nothing_odd_in_a_relayed_item_breaks_the_retry(hub):
    good = create(new()) | {"path": [{"node": new(), "receivedAt": "2026-01-01T00:00:00Z"}]}
    odd = [
        good | {"path": 7, "entity": "?"},
        good | {"settled": 7},
        good | {"settled": {"properties": {}, "waiting": 3}},
        good | {"kind": "request", "rawBase64": "AA=="},
        good | {"op": "merge", "settled": {"properties": {}, "waiting": False}},
        good | {"kind": "submission", "xml": "<a/>", "changes": 7},
        good | {"kind": "submission", "xml": "<a/>", "changes": [7], "actor": 7},
        good | {"actor": "device:x", "deviceId": 7, "entity": "?"},
        good | {"verdict": {"status": "quarantined", "code": "bad_data"}, "entity": "?"},
    ]
    odd = [one | {"changeId": new()} for one in odd]
    assert {one["status"] for one in hub.take(odd)} == {"quarantined"}
    rows = kept(hub)
    assert len(rows) == len(odd)
    for row in rows:
        assert retried(hub, row).status == "quarantined"
    assert [one.quarantine_id for one in kept(hub)] == [one.quarantine_id for one in rows]
