"""Entity lists over REST: their properties, policies and access filters."""

import pytest

from tests.support.promises import promise


@pytest.fixture
def base(admin, project) -> str:
    path = f"/projects/{project}/datasets"
    admin.done("POST", path, {"name": "anak"})
    for name in ("nama", "posyandu"):
        admin.done("POST", f"{path}/anak/properties", {"name": name})
    return path


def test_a_list_has_the_keys_of_central(admin, project, base):
    listed = admin.done("GET", base)
    assert listed == [
        {
            "name": "anak",
            "projectId": project,
            "createdAt": "2026-11-21T03:00:00.000Z",
            "approvalRequired": False,
            "ownerOnly": False,
            "accessFilter": None,
            "entities": 0,
            "conflicts": 0,
            "lastEntity": None,
        }
    ]
    shown = admin.done("GET", f"{base}/anak")
    assert shown.items() >= listed[0].items()
    assert (shown["sourceForms"], shown["linkedForms"]) == ([], [])
    assert shown["properties"][0] == {
        "name": "nama",
        "odataName": "nama",
        "publishedAt": "2026-11-21T03:00:00.000Z",
        "policy": "review",
        "phone": True,
        "forms": [],
    }


@promise("P64")
def test_a_policy_and_what_phones_hold_are_set(admin, base):
    path = f"{base}/anak/properties/nama"
    shown = admin.done("PATCH", path, {"policy": "last", "phone": False})
    assert [(p["name"], p["policy"], p["phone"]) for p in shown["properties"]] == [
        ("nama", "last", False),
        ("posyandu", "review", True),
    ]
    shown = admin.done("PATCH", path, {"policy": "latest(posyandu)"})
    assert shown["properties"][0]["policy"] == "latest(posyandu)"


@promise("P63")
def test_an_access_filter_is_set_and_taken_away(admin, base):
    rule = {"datasetProperty": "posyandu", "actorProperty": "posyandu"}
    sent = {"type": "property", "rules": [rule]}
    assert admin.done("PATCH", f"{base}/anak", {"accessFilter": sent})["accessFilter"] == sent
    assert admin.done("PATCH", f"{base}/anak", {"accessFilter": None})["accessFilter"] is None


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", "", {"name": "anak"}, 409),
        ("POST", "", {"name": "Anak"}, 409),
        ("POST", "", {"name": "__anak"}, 400),
        ("POST", "", {"name": "a.b"}, 400),
        ("POST", "", {"name": ""}, 400),
        ("POST", "", {"name": 7}, 400),
        ("POST", "", {"name": "ibu", "approvalRequired": "true"}, 400),
        ("POST", "/anak/properties", {"name": "nama"}, 409),
        ("POST", "/anak/properties", {"name": "label"}, 400),
        ("POST", "/anak/properties", {"name": "rt", "policy": "sometimes"}, 400),
        ("POST", "/ibu/properties", {"name": "rt"}, 404),
        ("PATCH", "/anak/properties/rt", {"policy": "last"}, 404),
        ("PATCH", "/anak/properties/nama", {"policy": "newest"}, 400),
        ("PATCH", "/anak/properties/nama", {"policy": None}, 400),
        ("PATCH", "/anak/properties/nama", {"phone": "no"}, 400),
        ("PATCH", "/anak/properties/nama", {"phone": 1}, 400),
        ("PATCH", "/anak", {"accessFilter": {"type": "property", "rules": []}}, 400),
        ("PATCH", "/anak", {"accessFilter": {"type": "owner", "rules": [{}]}}, 400),
        ("PATCH", "/anak", {"accessFilter": "posyandu"}, 400),
        ("PATCH", "/anak", {}, 400),
        ("GET", "/ibu", None, 404),
    ],
)
def test_what_cannot_be_is_refused(admin, base, method, path, sent, status):
    refused = admin.call(method, base + path, sent)
    assert refused.status_code == status
    assert refused.get_json()["message"]


def test_a_filter_by_what_nobody_bears_is_refused(admin, base):
    rule = {"datasetProperty": "posyandu", "actorProperty": "desa"}
    sent = {"accessFilter": {"type": "property", "rules": [rule]}}
    assert admin.patch(f"{base}/anak", sent).get_json()["details"]["field"] == "actorProperty"


def test_only_managers_alter_lists(admin, project, base):
    viewer = admin.person("v@example.org", "viewer", project)
    assert viewer.get(f"{base}/anak").status_code == 200
    assert viewer.post(base, {"name": "ibu"}).status_code == 403
    assert viewer.patch(f"{base}/anak", {"accessFilter": None}).status_code == 403
    assert viewer.post(f"{base}/anak/properties", {"name": "rt"}).status_code == 403
    fill = admin.person("f@example.org", "formfill", project)
    assert fill.get(base).status_code == 403
