"""A form may be for some devices only; by default every device of a project has it."""

from types import SimpleNamespace

import pytest

from sync_server.models.records import Submission
from sync_server.publishing import publish
from tests.scenarios.posyandu import form
from tests.support.api import administrator
from tests.support.promises import promise

CHILD = "7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e01"
PATHS = (
    "forms/ukur.xml",
    "forms/ukur/versions/1.xml",
    "forms/ukur/manifest",
    "forms/ukur/attachments/anak.csv",
    "forms/ukur/versions/1/attachments/anak.csv",
    "datasets/anak/integrity",
)


@pytest.fixture
def desk(village):
    """What a manager says of the form `ukur`."""
    admin = administrator(village.client)
    form = f"/projects/{village.project.id}/forms/ukur"

    def have(devices):
        admin.done("PUT", f"{form}/access", {"devices": devices})

    return SimpleNamespace(admin=admin, form=form, have=have)


def statuses(phone):
    return {phone.get(path).status_code for path in PATHS}


def listed(phone):
    return phone.get("formList").text.count("<formID>ukur<")


@promise("O20")
def test_a_form_may_be_for_the_devices_that_it_is_given_to(village, desk):
    mine, other = village.phone("a"), village.phone("b")
    desk.admin.done("POST", f"{desk.form}/assignments/app-user/{mine.actor_id}")
    for phone in (mine, other):  # scripts of Central's assign; that takes from nobody
        assert (listed(phone), statuses(phone)) == (1, {200})

    desk.have("given")
    assert (listed(mine), statuses(mine)) == (1, {200})
    assert (listed(other), statuses(other)) == (0, {404})
    assert other.get("formList").text.count("<formID>daftar<") == 1

    desk.admin.done("DELETE", f"{desk.form}/assignments/2/{mine.actor_id}")
    assert (listed(mine), statuses(mine)) == (0, {404})
    desk.have("all")
    assert (listed(other), statuses(other)) == (1, {200})


@promise("O20", "P150", "P151")
def test_its_list_comes_to_other_devices_by_no_door_and_anew_when_they_are_given_it(village, desk):
    mine, other = village.phone("a"), village.phone("b")
    mine.send(mine.register(CHILD, posyandu="melati"))

    def lists(phone):
        return [one["name"] for one in phone.get("sync/info").json["lists"]]

    def pulled(phone, cursor=None):
        answer = phone.get("sync/pull" + (f"?cursor={cursor}" if cursor else ""))
        return answer.status_code, answer.json

    cursor = pulled(other)[1]["cursor"]
    desk.have("given")
    desk.admin.done("POST", f"{desk.form}/assignments/2/{mine.actor_id}")
    assert ("anak" in lists(mine), "anak" in lists(other)) == (True, False)
    assert [one["entity"] for one in pulled(mine)[1]["records"]] == [CHILD]
    assert pulled(other, cursor)[0] == 410
    assert pulled(other)[1]["records"] == []
    assert other.get("sync/pull?lists=anak").status_code == 400

    cursor = pulled(other)[1]["cursor"]
    desk.admin.done("POST", f"{desk.form}/assignments/2/{other.actor_id}")
    assert pulled(other, cursor)[0] == 410
    assert [one["entity"] for one in pulled(other)[1]["records"]] == [CHILD]


@promise("O20", "O33")
def test_a_list_that_its_form_lost_stays_kept(village, desk, monkeypatch):
    monkeypatch.setenv("PATH", "")  # without ODK Validate, which is slow
    mine, other = village.phone("a"), village.phone("b")
    mine.send(mine.register(CHILD, posyandu="melati"))
    desk.have("given")
    without_list = publish.check(form("ukur", "create").replace("| 1 |", "| 2 |").encode(), "u.md")
    with village.app.app_context():
        publish.publish_checked(
            village.project.id, without_list, by=village.admin, clock=village.clock
        )
    assert other.get("datasets/anak/integrity").status_code == 404
    desk.admin.done("POST", f"{desk.form}/assignments/2/{other.actor_id}")
    assert CHILD in other.get("datasets/anak/integrity").text


@promise("O20")
def test_a_form_of_other_devices_is_kept_for_a_supervisor(village, desk):
    mine, other = village.phone("a"), village.phone("b")
    mine.send(mine.register(CHILD, posyandu="melati"))
    mine.sync()
    other.sync()
    desk.admin.done("POST", f"{desk.form}/assignments/2/{mine.actor_id}")
    desk.have("given")

    assert mine.post(mine.measure(CHILD, bb="8.1", tgl="2026-11-01")).status_code == 201
    xml = other.measure(CHILD, bb="9.9", tgl="2026-11-02")
    assert other.post(xml).status_code == 202
    (kept,) = village.quarantine()
    assert (kept.code, kept.raw, kept.actor_id) == ("not_allowed", xml, other.actor_id)
    assert village.shown(CHILD)["bb"] == "8.1"
    assert len(village._rows(Submission)) == 2

    third = village.phone("c")
    desk.admin.done("POST", f"{desk.form}/assignments/2/{third.actor_id}")
    assert village.shown(CHILD)["bb"] == "8.1"
    desk.admin.done("POST", f"{desk.form}/assignments/2/{other.actor_id}")
    assert village.shown(CHILD)["bb"] == "9.9"
    assert [row.state for row in village.quarantine()] == ["resolved"]
    assert other.post(xml).status_code == 201


@promise("O20", "O53")
def test_what_was_kept_stays_kept_while_its_form_is_closed(village, desk):
    phone = village.phone("a")
    desk.have("given")
    desk.admin.done("PATCH", desk.form, {"state": "closed"})
    xml = b"<data id='ukur'><meta><instanceID>uuid:1</instanceID></meta></data>"
    assert phone.post(xml).status_code == 202
    desk.have("all")
    desk.have("given")
    desk.admin.done("PATCH", desk.form, {"state": "open"})
    assert [row.state for row in village.quarantine()] == ["open"]
    desk.have("all")
    assert [row.state for row in village.quarantine()] == ["resolved"]


def test_who_has_a_form_is_told_as_central_tells_it(village, desk):
    phone, path = village.phone("a"), f"{desk.form}/assignments"
    desk.admin.done("POST", f"{path}/2/{phone.actor_id}")
    assert desk.admin.done("GET", path) == [{"actorId": phone.actor_id, "roleId": 2}]
    (told,) = desk.admin.done("GET", f"{path}/app-user")
    assert told["id"] == phone.actor_id
    assert desk.admin.done("GET", f"{path}/manager") == []
    assert desk.admin.done("GET", f"{desk.form}/access") == {"devices": "all"}

    assert desk.admin.post(f"{path}/5/{phone.actor_id}").status_code == 404
    assert desk.admin.post(f"{path}/2/{village.admin}").status_code == 404
    assert desk.admin.delete(f"{path}/2/999").status_code == 404
    tidak = desk.form.replace("ukur", "tidak")
    assert desk.admin.post(f"{tidak}/assignments/2/{phone.actor_id}").status_code == 404
    assert desk.admin.get(f"{tidak}/assignments").status_code == 404
    assert desk.admin.put(f"{tidak}/access", {"devices": "all"}).status_code == 404
    assert desk.admin.put(f"{desk.form}/access", {"devices": "some"}).status_code == 400
    assert village.client.get(f"/v1{path}").status_code == 401
