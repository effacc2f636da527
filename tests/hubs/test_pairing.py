"""Codes: good once, for a day, for one hub; and what a hub may do when it is one."""

import pytest

from sync_server.client import SyncRefused, SyncUnreachable
from sync_server.db import db
from sync_server.errors import AlreadyThere, BadValue
from sync_server.hubs import book
from sync_server.hubs.link import ask_to_pair
from sync_server.hubs.relaying import RelayFailed
from tests.support.api import Api, administrator
from tests.support.promises import promise

NODE = "22222222-0000-4000-8000-000000000002"


@pytest.fixture
def admin(centre) -> Api:
    return administrator(centre.client)


@pytest.fixture
def hubs(centre) -> str:
    return f"/projects/{centre.project.id}/sync/hubs"


def pair(centre, code, node=NODE):
    return centre.client.post("/v1/sync/pair", json={"code": code, "node": node})


@promise("P95", "P96", "P97", "P98")
def test_a_code_is_good_once(centre, admin, hubs):
    made = admin.done("POST", hubs, {"name": "Tanjung", "properties": {"posyandu": "melati"}})
    told = pair(centre, made["code"].lower().replace("-", " ")).get_json()
    assert told["project"] == {
        "id": centre.project.id,
        "uuid": centre.project.uuid,
        "name": "Sumedang",
    }
    assert told["node"] == centre.project.node
    again = pair(centre, made["code"])
    assert (again.status_code, again.get_json()["retry"]) == (403, "never")
    assert (
        pair(centre, "AAAA-BBBB-CCCC-DDDD-EEEE").get_json()["message"]
        == (again.get_json()["message"])
    )
    (listed,) = admin.done("GET", hubs)["hubs"]
    assert (listed["name"], listed["node"], listed["lastSeenAt"]) == ("Tanjung", NODE, None)


@promise("P95")
def test_a_code_is_good_for_a_day(centre, admin, hubs, clock):
    code = admin.done("POST", hubs, {"name": "Tanjung"})["code"]
    clock.pass_days(1.001)
    assert pair(centre, code).status_code == 403


def test_a_fresh_code_makes_the_older_one_useless_until_the_hub_is_at_work(centre, app, clock):
    with app.app_context():
        first = book.invite(centre.project.id, "Tanjung", by=None, clock=clock)
        second = book.invite(centre.project.id, "Tanjung", by=None, clock=clock)
        assert first.actor_id == second.actor_id
        with pytest.raises(Exception, match="not good"):
            book.pair(first.code, NODE, clock=clock)
        book.pair(second.code, NODE, clock=clock)
        with pytest.raises(AlreadyThere):
            book.invite(centre.project.id, "Tanjung", by=None, clock=clock)
        with pytest.raises(BadValue):
            book.invite(centre.project.id, " ", by=None, clock=clock)


@promise("P95")
def test_only_managers_invite_and_nobody_reads_a_code_from_the_store(centre, admin, hubs, app):
    viewer = admin.person("bidan@example.org", "viewer", centre.project.id)
    assert viewer.post(hubs, {"name": "Tanjung"}).status_code == 403
    assert viewer.get(hubs).status_code == 200
    code = admin.done("POST", hubs, {"name": "Tanjung"})["code"]
    assert admin.post(hubs, {"name": "X", "properties": {"desa": "a"}}).status_code == 400
    with app.app_context(), db.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM hub_invitations").all()
    assert code not in str(rows)


def test_a_server_is_no_hub_of_itself(centre, admin, hubs):
    code = admin.done("POST", hubs, {"name": "Tanjung"})["code"]
    assert pair(centre, code, centre.project.node).status_code == 400
    assert pair(centre, code).status_code == 200


@promise("P98")
def test_a_revoked_hub_is_let_in_nowhere(centre, hub, admin, hubs):
    hub.pair("Tanjung", posyandu="melati")
    (listed,) = admin.done("GET", hubs)["hubs"]
    admin.done("DELETE", f"{hubs}/{listed['id']}")
    with pytest.raises(RelayFailed, match="refuses: this hub is revoked"):
        hub.relay()
    assert admin.delete(f"{hubs}/999").status_code == 404


@promise("P60", "P99")
def test_setup_and_changes_are_not_for_devices(centre, hub, hubs):
    hub.pair("Tanjung", posyandu="melati")
    phone = centre.phone("A")
    device = Api(centre.client, phone.token)
    base = f"/projects/{centre.project.id}/sync"
    assert device.get(f"{base}/setup").status_code == 403
    assert device.get(f"{base}/pull?mode=changes").status_code == 403
    assert device.get(f"{base}/setup/xml?xmlFormId=ukur&version=1").status_code == 403


def test_an_address_that_is_no_centre_is_said_plainly(centre, line):
    with pytest.raises(SyncUnreachable, match="is no centre: give its address"):
        ask_to_pair("http://centre.test/projects/1", "HTBB", NODE)
    with pytest.raises(SyncRefused, match="this code is not good, or not any more"):
        ask_to_pair("http://centre.test/", "HTBB", NODE)
    line.up = False
    with pytest.raises(SyncUnreachable, match="does not answer: is the address right"):
        ask_to_pair("http://centre.test", "HTBB", NODE)
