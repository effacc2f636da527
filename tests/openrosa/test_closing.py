"""A form is closed slowly or at once, and opened again: what phones are handed, what is taken."""

import uuid
from types import SimpleNamespace

import pytest

from tests.support.api import administrator
from tests.support.promises import promise


@pytest.fixture
def desk(village):
    admin = administrator(village.client)
    form = f"/projects/{village.project.id}/forms/daftar"

    def be(state):
        return admin.done("PATCH", form, {"state": state})

    return SimpleNamespace(admin=admin, form=form, be=be)


def listed(answer):
    return answer.text.count("<formID>daftar<")


@promise("O22", "O28")
def test_phones_lose_a_closing_form_from_their_lists_and_find_it_again(village, desk, phone):
    first = phone.get("formList")
    held = {"If-None-Match": first.headers["ETag"]}
    assert (listed(first), phone.get("formList", **held).status_code) == (1, 304)

    for state in ("closing", "closed"):
        village.pass_time()
        assert desk.be(state)["state"] == state
        now = phone.get("formList", **held)
        assert (now.status_code, listed(now)) == (200, 0)
        assert now.text.count("<formID>ukur<") == 1
        assert phone.get("forms/daftar/versions/1.xml").status_code == 200

    desk.be("open")
    assert phone.get("formList", **held).status_code == 304


@promise("O53")
def test_what_came_while_a_form_was_closed_is_taken_in_when_it_is_opened_again(
    village, desk, phone
):
    late, later = str(uuid.uuid4()), str(uuid.uuid4())
    xml = phone.register(late, nama="Siti", posyandu="melati")
    desk.be("closing")
    assert phone.post(phone.register(later, nama="Dewi", posyandu="melati")).status_code == 201
    desk.be("closed")
    assert [phone.post(xml).status_code for _ in range(2)] == [202, 202]
    unknown = b"<data id='lain'><meta><instanceID>uuid:1</instanceID></meta></data>"
    assert phone.post(unknown).status_code == 202
    assert village.changes(late) == []

    desk.be("closing")
    assert village.shown(late)["nama"] == "Siti"
    kept = {row.xml_form_id: row.state for row in village.quarantine()}
    assert kept == {"daftar": "resolved", "lain": "open"}
    assert phone.post(xml).status_code == 201


def test_a_form_is_altered_as_central_alters_it(village, desk, admin_of_nothing):
    at_first = desk.admin.done("GET", desk.form)
    assert desk.admin.done("PATCH", desk.form, {}) == at_first
    assert desk.be("open") == at_first
    village.pass_time()
    closing = desk.be("closing")
    assert closing | {"state": "open", "updatedAt": at_first["updatedAt"]} == at_first
    assert closing["updatedAt"] > at_first["updatedAt"]
    assert desk.admin.done("GET", desk.form) == closing

    refused = desk.admin.patch(desk.form, {"state": "shut"})
    assert (refused.status_code, refused.json["code"]) == (400, 400.11)
    assert "open, closing, closed" in refused.json["message"]
    assert desk.admin.patch(desk.form, {"name": "Lain"}).status_code == 400
    assert desk.admin.patch(f"{desk.form}-tidak", {"state": "open"}).status_code == 404
    assert admin_of_nothing.patch(desk.form, {"state": "open"}).status_code == 403
    assert desk.admin.done("GET", desk.form) == closing


@pytest.fixture
def admin_of_nothing(village, desk):
    """A supervisor of the project, who may look and not alter."""
    return desk.admin.person("bidan@example.org", "viewer", village.project.id)
