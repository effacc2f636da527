"""Entities over REST: made, read, decided, deleted, restored; and seen only in one's area."""

import csv
import io

import pytest

SITI = "6f3a8a4e-4a55-4f0b-9d5b-2f7a1d1c0a01"
BUDI = "6f3a8a4e-4a55-4f0b-9d5b-2f7a1d1c0a02"


@pytest.fixture
def base(admin, project) -> str:
    """The path of a list's entities; `bb` is measured on `tgl`, `imunisasi` is many of several."""
    path = f"/projects/{project}/datasets"
    admin.done("POST", path, {"name": "anak"})
    policies = {"bb": "latest(tgl)", "imunisasi": "union"}
    for name in ("nama", "posyandu", "tgl", "bb", "imunisasi"):
        sent = {"name": name, "policy": policies.get(name, "review")}
        admin.done("POST", f"{path}/anak/properties", sent)
    return f"{path}/anak/entities"


def child(entity=SITI, label="Siti", **data):
    return {"uuid": entity, "label": label, "data": data}


def test_one_entity_is_made_with_the_keys_of_central(admin, base):
    made = admin.done("POST", base, child(nama="Siti", posyandu="melati"))
    me = admin.done("GET", "/users/current")["id"]
    at = "2026-11-21T03:00:00.000Z"
    assert made == {
        "uuid": SITI,
        "creatorId": me,
        "createdAt": at,
        "updatedAt": None,
        "deletedAt": None,
        "conflict": None,
        "currentVersion": {
            "label": "Siti",
            "current": True,
            "createdAt": at,
            "creatorId": me,
            "userAgent": "",
            "version": 1,
            "baseVersion": None,
            "conflictingProperties": None,
            "data": {"nama": "Siti", "posyandu": "melati"},
        },
    }
    assert admin.done("GET", f"{base}/{SITI.upper()}") == made
    listed = admin.done("GET", base)
    assert [one["uuid"] for one in listed] == [SITI]
    assert "data" not in listed[0]["currentVersion"]


def test_an_entity_without_an_id_is_given_one(admin, base):
    made = admin.done("POST", base, {"label": "Tanpa id"})
    assert len(made["uuid"]) == 36


def test_many_are_made_at_once_or_none(admin, base):
    sent = {
        "entities": [child(), child(BUDI, "Budi", nama="Budi")],
        "source": {"name": "a.csv", "size": "12"},
    }
    assert admin.done("POST", base, sent) == {"success": True}
    assert {one["uuid"] for one in admin.done("GET", base)} == {SITI, BUDI}
    third = "6f3a8a4e-4a55-4f0b-9d5b-2f7a1d1c0a03"
    for bad in (child(), child(third), child(BUDI, "x", no_such="1"), child("x"), {"label": ""}):
        refused = admin.post(base, {"entities": [child(third), bad]})
        assert refused.status_code in (400, 409)
    assert len(admin.done("GET", base)) == 2
    assert admin.done("GET", base + "?limit=1&offset=1")[0]["uuid"] in (SITI, BUDI)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({}, id="empty"),
        pytest.param([], id="array"),
        pytest.param({"label": "x", "data": []}, id="data-list"),
        pytest.param({"label": "x", "data": {"nama": 5}}, id="number"),
        pytest.param({"label": "x", "data": {"nama": None}}, id="null"),
        pytest.param({"label": "x", "data": {"nama": ["x"]}}, id="list"),
        pytest.param({"label": "x", "data": {"nama": {"x": 1}}}, id="object"),
        pytest.param({"label": "x", "data": {"nama": "a\x00b"}}, id="nul"),
        pytest.param({"label": "x", "data": {"nama": "\ud800"}}, id="half-a-pair"),
        pytest.param({"label": "x", "data": {"nope": "1"}}, id="unknown-property"),
        pytest.param({"label": 1}, id="label-number"),
        pytest.param({"label": ""}, id="label-blank"),
        pytest.param({"label": "x", "uuid": "../../etc/passwd"}, id="id-path"),
        pytest.param({"label": "x", "uuid": 7}, id="id-number"),
        pytest.param({"label": "x", "version": 3}, id="unknown-key"),
        pytest.param({"entities": {}}, id="entities-object"),
        pytest.param({"entities": []}, id="entities-none"),
        pytest.param({"entities": ["x"]}, id="entities-text"),
        pytest.param({"entities": [child()], "source": "a.csv"}, id="source-text"),
    ],
)
def test_what_is_no_entity_is_refused_whole(admin, base, sent):
    refused = admin.post(base, sent)
    assert (refused.status_code, int(refused.get_json()["code"])) == (400, 400)
    assert admin.done("GET", base) == []


def test_a_decision_needs_the_version_it_was_made_on(admin, base):
    admin.done("POST", base, child(nama="Siti"))
    path = f"{base}/{SITI}"
    altered = admin.done("PATCH", f"{path}?baseVersion=1", {"data": {"nama": "Siti A"}})
    assert altered["currentVersion"]["version"] == 2
    assert altered["currentVersion"]["data"] == {"nama": "Siti A"}
    assert altered["conflict"] is None

    stale = admin.patch(f"{path}?baseVersion=1", {"data": {"nama": "Siti B"}})
    assert (stale.status_code, stale.get_json()["code"]) == (409, 409.15)
    assert stale.get_json()["details"] == {"current": 2, "provided": 1}
    assert stale.get_json()["retry"] == "after_pull"
    forced = admin.done("PATCH", f"{path}?force=True", {"label": "Siti Aminah"})
    assert forced["currentVersion"]["label"] == "Siti Aminah"
    assert forced["currentVersion"]["data"] == {"nama": "Siti A"}

    assert admin.patch(path, {"label": "x"}).get_json()["code"] == 400.2
    assert admin.patch(f"{path}?baseVersion=x", {"label": "x"}).status_code == 400
    assert admin.patch(f"{path}?baseVersion=99999999999", {"label": "x"}).status_code == 400
    assert admin.patch(f"{path}?force=true", {}).get_json()["code"] == 400.28
    assert admin.patch(f"{path}?force=true", {"label": ""}).status_code == 400
    assert admin.patch(f"{path}?force=true", {"data": {"nope": ""}}).status_code == 400
    assert admin.patch(f"{base}/{BUDI}?force=true", {"label": "x"}).status_code == 404


def test_a_date_alone_moves_what_was_measured_on_it(admin, base):
    admin.done("POST", base, child(bb="9.1", tgl="2026-11-01"))
    path = f"{base}/{SITI}?baseVersion=1"
    moved = admin.done("PATCH", path, {"data": {"tgl": "2026-11-02"}})
    assert moved["currentVersion"]["data"] == {"bb": "9.1", "tgl": "2026-11-02"}


def test_options_of_a_union_are_decided_as_a_whole(admin, base):
    admin.done("POST", base, child(imunisasi="bcg polio"))
    path = f"{base}/{SITI}?baseVersion=1"
    decided = admin.done("PATCH", path, {"data": {"imunisasi": "campak"}})
    assert decided["currentVersion"]["data"] == {"imunisasi": "campak"}


def test_versions_read_as_they_once_stood(admin, base, clock):
    admin.done("POST", base, child(nama="A", imunisasi="bcg"))
    for version, name in ((1, "B"), (2, "C")):
        clock.pass_seconds(60)
        admin.done("PATCH", f"{base}/{SITI}?baseVersion={version}", {"data": {"nama": name}})
    found = admin.done("GET", f"{base}/{SITI}/versions")
    assert [(v["version"], v["data"]["nama"], v["current"]) for v in found] == [
        (1, "A", False),
        (2, "B", False),
        (3, "C", True),
    ]
    assert found[0]["data"]["imunisasi"] == "bcg"
    assert found[1]["dataReceived"] == {"nama": "B"}
    assert found[2]["createdAt"] == "2026-11-21T03:02:00.000Z"


def test_a_deleted_entity_is_out_of_sight_and_can_come_back(admin, base):
    admin.done("POST", base, child(nama="Siti"))
    path = f"{base}/{SITI}"
    assert admin.post(f"{path}/restore").status_code == 404
    assert admin.done("DELETE", path) == {"success": True}
    assert admin.get(path).status_code == 404
    assert admin.delete(path).status_code == 404
    assert admin.done("GET", base) == []
    assert admin.done("GET", f"{base}?deleted=true")[0]["deletedAt"]
    assert admin.patch(f"{path}?force=true", {"label": "x"}).status_code == 404
    admin.done("POST", f"{path}/restore")
    assert admin.done("GET", path)["currentVersion"]["data"] == {"nama": "Siti"}
    assert admin.post(base, child()).get_json()["code"] == 409.3


def test_the_table_has_the_columns_of_central(admin, base, project):
    admin.done("POST", base, child(nama='Siti, "adik"\nkedua', bb="9.1", tgl="2026-11-01"))
    admin.done("PATCH", f"{base}/{SITI}?baseVersion=1", {"data": {"posyandu": "melati"}})
    response = admin.get(f"/projects/{project}/datasets/anak/entities.csv")
    assert response.content_type == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(response.get_data(as_text=True), newline=""))
    assert list(row)[:7] == ["__id", "label", "nama", "posyandu", "tgl", "bb", "imunisasi"]
    assert row["nama"] == 'Siti, "adik"\nkedua'
    assert (row["__id"], row["posyandu"], row["__version"], row["__updates"]) == (
        SITI,
        "melati",
        "2",
        "1",
    )


def test_a_supervisor_decides_and_a_data_collector_reads_nothing(admin, base, project):
    admin.done("POST", base, child(nama="Siti"))
    viewer = admin.person("v@example.org", "viewer", project)
    assert viewer.post(base, child(BUDI)).status_code == 403
    sent = {"data": {"nama": "Siti A"}}
    assert viewer.done("PATCH", f"{base}/{SITI}?baseVersion=1", sent)["currentVersion"]["data"]
    viewer.done("DELETE", f"{base}/{SITI}")
    viewer.done("POST", f"{base}/{SITI}/restore")
    fill = admin.person("f@example.org", "formfill", project)
    for path in (base, f"{base}/{SITI}", f"{base}/{SITI}/versions", f"{base}.csv"):
        assert fill.get(path).status_code == 403


def test_a_supervisor_of_one_posyandu_sees_no_child_of_another(admin, base, project):
    rule = {"datasetProperty": "posyandu", "actorProperty": "posyandu"}
    sent = {"accessFilter": {"type": "property", "rules": [rule]}}
    admin.done("PATCH", base.removesuffix("/entities"), sent)
    two = [child(posyandu="melati"), child(BUDI, "Budi", posyandu="mawar")]
    admin.done("POST", base, {"entities": two})
    viewer = admin.person("v@example.org")
    me = viewer.done("GET", "/users/current")["id"]
    area = {"properties": {"posyandu": "melati"}}
    admin.done("POST", f"/projects/{project}/assignments/viewer/{me}", area)

    assert [one["uuid"] for one in viewer.done("GET", base)] == [SITI]
    (listed,) = viewer.done("GET", f"/projects/{project}/datasets")
    assert listed["entities"] == 1
    assert "Budi" not in viewer.get(f"{base}.csv").get_data(as_text=True)
    for method, path, body in (
        ("GET", f"{base}/{BUDI}", None),
        ("GET", f"{base}/{BUDI}/versions", None),
        ("PATCH", f"{base}/{BUDI}?force=true", {"label": "x"}),
        ("DELETE", f"{base}/{BUDI}", None),
    ):
        refused = viewer.call(method, path, body)
        unknown = viewer.call(method, path.replace(BUDI, SITI[:-2] + "99"), body)
        assert (refused.status_code, refused.data) == (404, unknown.data)
    moved = viewer.done("PATCH", f"{base}/{SITI}?force=true", {"data": {"posyandu": "mawar"}})
    assert moved["currentVersion"]["data"] == {"posyandu": "mawar"}
    assert viewer.done("GET", base) == []
    assert admin.done("GET", f"{base}/{BUDI}")["currentVersion"]["label"] == "Budi"


def test_entities_of_one_project_are_not_in_another(admin, base):
    admin.done("POST", base, child())
    other = admin.done("POST", "/projects", {"name": "Lain"})["id"]
    admin.done("POST", f"/projects/{other}/datasets", {"name": "anak"})
    path = f"/projects/{other}/datasets/anak/entities"
    assert admin.get(f"{path}/{SITI}").status_code == 404
    assert admin.done("POST", path, child())["uuid"] == SITI
