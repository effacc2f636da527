"""A record's history, and the board of devices, as JSON."""

import uuid

from tests.support.promises import promise

SITI = str(uuid.UUID(int=7))


@promise("P92", "P93", "P94")
def test_a_history_says_what_became_of_every_value(admin, sync, village, phones):
    a, b = phones
    a.send(a.register(SITI, nama="Siti", posyandu="melati"))
    village.pass_time()
    for phone in phones:
        phone.sync()
    a.send(a.measure(SITI, bb="9.1", tgl="2026-11-01"))
    village.pass_time()
    b.send(b.measure(SITI, bb="8.7", tgl="2026-10-01"))

    history = admin.done("GET", f"{sync}/entities/{SITI.upper()}/history")
    assert (history["entity"], history["list"], history["version"], history["status"]) == (
        SITI,
        "anak",
        3,
        "active",
    )
    born, weighed, late = history["changes"]
    assert (born["op"], born["formId"], born["formVersion"]) == ("create", "daftar", "1")
    assert (late["deviceId"], late["userId"], late["author"]["name"]) == ("collect:b", None, "b")
    assert late["instanceId"].startswith("uuid:")

    def outcome(change, name):
        return next(f["outcome"] for f in change["fields"] if f["name"] == name)

    assert outcome(born, "nama") == "current"
    assert (outcome(weighed, "bb"), outcome(weighed, "tgl")) == ("current", "current")
    assert (outcome(late, "bb"), outcome(late, "tgl")) == ("settled", "superseded")

    record = admin.done("GET", f"{sync}/entities/{SITI}")
    assert record["data"]["bb"] == "9.1"
    assert (record["reviews"], record["waiting"], record["status"]) == (0, 0, "active")
    assert admin.get(f"{sync}/entities/{uuid.UUID(int=9)}/history").status_code == 404


@promise("P84", "P94")
def test_a_decision_over_rest_is_in_the_history_with_its_note(admin, sync, village, phones):
    phones[0].send(phones[0].register(SITI, nama="Siti", posyandu="melati"))
    village.pass_time()
    path = f"/projects/{village.project.id}/datasets/anak/entities/{SITI}?baseVersion=1"
    headers = {"X-Action-Notes": "sesuai KK"}
    admin.done("PATCH", path, {"data": {"nama": "Siti A"}}, headers=headers)
    decided = admin.done("GET", f"{sync}/entities/{SITI}/history")["changes"][-1]
    me = admin.done("GET", "/users/current")["id"]
    assert (decided["op"], decided["note"], decided["userId"]) == ("resolve", "sesuai KK", me)
    born = admin.done("GET", f"{sync}/entities/{SITI}/history")["changes"][0]
    assert decided["fields"][0]["replaces"] == [born["changeId"]]


@promise("P90", "P91")
def test_the_board_says_how_sure_it_is(admin, bidan, sync, village, phones):
    far = village.phone("jauh", posyandu="mawar")
    far.get("formList")
    phones[0].send(phones[0].register(SITI, nama="Siti", posyandu="melati"))
    found = {one["name"]: one for one in admin.done("GET", f"{sync}/devices")["devices"]}
    assert set(found) == {"a", "b", "jauh"}
    assert found["b"]["status"] == {"value": "never", "certainty": "sure"}
    assert found["b"]["lastContact"] == {"value": None, "certainty": "unknown"}
    assert found["a"]["lastSubmission"]["value"] == "2026-11-21T03:00:00.000Z"
    assert found["a"]["area"]["posyandu"][0]["value"] == "melati"
    versions = {form["xmlFormId"]: form["version"] for form in found["a"]["forms"]}
    assert versions["daftar"] == {"value": "1", "certainty": "used"}
    assert versions["ukur"] == {"value": None, "certainty": "unknown"}
    assert {one["name"] for one in bidan.done("GET", f"{sync}/devices")["devices"]} == {"a", "b"}
