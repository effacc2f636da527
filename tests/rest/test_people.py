"""Users, projects, roles and devices; and who may do what to them."""

import base64
import json
import zlib

import pytest

from tests.support.api import PASSWORD, Api

ROLES = ("admin", "manager", "viewer", "formfill", "nothing", "nobody")


def test_a_user_is_made_shown_and_altered(admin):
    made = admin.done("POST", "/users", {"email": "Bidan@Example.org", "password": PASSWORD})
    assert made | {"id": 0} == {
        "id": 0,
        "type": "user",
        "email": "bidan@example.org",
        "displayName": "bidan@example.org",
        "language": None,
        "createdAt": "2026-11-21T03:00:00.000Z",
        "updatedAt": None,
        "deletedAt": None,
    }
    altered = admin.done("PATCH", f"/users/{made['id']}", {"displayName": "Bidan Rina"})
    assert altered["displayName"] == "Bidan Rina"
    assert altered["updatedAt"]
    assert [u["email"] for u in admin.done("GET", "/users?q=rina")] == ["bidan@example.org"]
    again = admin.post("/users", {"email": "bidan@example.org", "password": PASSWORD})
    assert (again.status_code, again.get_json()["code"]) == (409, 409.3)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param({"email": "a@b.co", "password": "short"}, 400.21, id="short"),
        pytest.param({"email": "a@b.co", "password": "x" * 2000}, 400.21, id="endless"),
        pytest.param({"email": "no address", "password": PASSWORD}, 400.11, id="no-address"),
        pytest.param({"password": PASSWORD}, 400.2, id="missing"),
        pytest.param({"email": 5, "password": PASSWORD}, 400.11, id="number"),
        pytest.param({"email": ["a@b.co"], "password": PASSWORD}, 400.11, id="list"),
        pytest.param({"email": "a@b.co", "role": "admin"}, 400.4, id="unknown-key"),
        pytest.param({"email": "a\x00@b.co"}, 400.11, id="nul"),
        pytest.param({"email": "a@b.co", "displayName": {"$ne": 1}}, 400.11, id="object"),
        pytest.param([], 400.11, id="array"),
        pytest.param("text", 400.11, id="text"),
        pytest.param(0, 400.11, id="zero"),
    ],
)
def test_what_is_no_user_is_refused_by_name(admin, sent, code):
    refused = admin.post("/users", sent)
    assert (refused.status_code, refused.get_json()["code"]) == (400, code)
    assert refused.get_json()["message"]
    assert "x" * 50 not in refused.get_data(as_text=True)


def test_a_project_has_the_keys_of_central_and_its_uuid(admin, project):
    shown = admin.done("GET", f"/projects/{project}")
    assert (
        shown.items()
        >= {
            "id": project,
            "name": "Balita Sehat",
            "description": None,
            "archived": False,
            "keyId": None,
            "createdAt": "2026-11-21T03:00:00.000Z",
            "updatedAt": None,
            "deletedAt": None,
        }.items()
    )
    assert len(shown["uuid"]) == 36
    changed = {"name": "Balita", "description": "2026", "archived": True}
    assert admin.done("PATCH", f"/projects/{project}", changed).items() >= changed.items()
    headers = {"X-Extended-Metadata": "true"}
    extended = admin.done("GET", f"/projects/{project}", headers=headers)
    assert (extended["appUsers"], extended["forms"], extended["lastSubmission"]) == (0, 0, None)
    assert admin.get("/projects/77").status_code == 404
    assert admin.get("/projects/99999999999999999999").status_code == 404


def test_a_device_shows_its_token_to_managers_until_it_is_revoked(admin, project):
    base = f"/projects/{project}/app-users"
    sent = {"displayName": "Kader Ani", "properties": {"posyandu": "melati"}}
    made = admin.done("POST", base, sent)
    assert made.items() >= {"projectId": project, "type": "field_key", **sent}.items()
    assert len(made["token"]) == 64
    assert made.keys() >= {"id", "createdAt", "updatedAt", "deletedAt", "lastUsed"}
    assert admin.done("GET", base) == [made]

    both = {"properties": {"posyandu": ["melati", "mawar"]}}
    assert admin.done("PATCH", f"{base}/{made['id']}", both)["properties"] == both["properties"]
    admin.done("DELETE", f"/sessions/{made['token']}")
    assert [one["token"] for one in admin.done("GET", base)] == [None]
    admin.done("DELETE", f"{base}/{made['id']}")
    assert admin.done("GET", base) == []
    assert admin.get(f"{base}/{made['id']}").status_code == 404


def test_a_managers_program_reads_the_settings_of_a_phone_and_gives_it_another_token(
    admin, project
):
    base = f"/projects/{project}/app-users"
    made = admin.done("POST", base, {"displayName": "Kader Ani"})
    told = admin.done("GET", f"{base}/{made['id']}/settings")
    assert told == admin.done("GET", f"{base}/{made['id']}/settings")
    carried = json.loads(zlib.decompress(base64.b64decode(told["qr"], validate=True)))
    assert carried == told["settings"]
    assert made["token"] in carried["general"]["server_url"]
    after = admin.done("POST", f"{base}/{made['id']}/rotate")
    assert (after["id"], after["token"] == made["token"]) == (made["id"], False)
    admin.done("DELETE", f"{base}/{made['id']}")
    for gone in (admin.get(f"{base}/{made['id']}/settings"), admin.post(f"{base}/1/rotate", None)):
        assert gone.status_code == 404


@pytest.mark.parametrize(
    "sent",
    [
        {"displayName": "Ani", "properties": {"desa": "x"}},
        {"displayName": "Ani", "properties": {"posyandu": 3}},
        {"displayName": "Ani", "properties": {"posyandu": [["x"]]}},
        {"displayName": "Ani", "properties": ["posyandu"]},
        {"displayName": "  "},
        {"displayName": ""},
        {},
    ],
)
def test_what_is_no_device_is_refused(admin, project, sent):
    assert admin.post(f"/projects/{project}/app-users", sent).status_code == 400
    assert admin.done("GET", f"/projects/{project}/app-users") == []


def test_roles_have_the_ids_of_central(admin):
    roles = {role["system"]: role["id"] for role in admin.done("GET", "/roles")}
    assert roles == {"admin": 1, "app-user": 2, "manager": 5, "viewer": 6, "formfill": 7}
    assert admin.done("GET", "/roles/viewer") == admin.done("GET", "/roles/6")
    assert admin.get("/roles/owner").status_code == 404


def test_a_role_is_given_listed_and_taken(admin, project):
    bidan = admin.person("bidan@example.org")
    me = bidan.done("GET", "/users/current")["id"]
    assert bidan.done("GET", "/projects") == []
    base = f"/projects/{project}/assignments"
    area = {"properties": {"posyandu": ["melati"]}}
    admin.done("POST", f"{base}/viewer/{me}", area)
    assert [one["id"] for one in bidan.done("GET", "/projects")] == [project]
    assert admin.done("GET", base) == [{"actorId": me, "roleId": 6, **area}]
    assert [one["id"] for one in admin.done("GET", f"{base}/6")] == [me]
    assert admin.post(f"{base}/manager/{me}", area).status_code == 400
    assert admin.post(f"{base}/viewer/999").status_code == 404
    admin.done("DELETE", f"{base}/6/{me}")
    assert admin.delete(f"{base}/6/{me}").status_code == 404
    assert bidan.get(f"/projects/{project}").status_code == 403


def test_nobody_makes_themselves_an_administrator(admin, project):
    manager = admin.person("m@example.org", "manager", project)
    me = manager.done("GET", "/users/current")["id"]
    assert manager.post(f"/assignments/admin/{me}").status_code == 403
    assert manager.post(f"/projects/{project}/assignments/admin/{me}").status_code == 403
    first = admin.done("GET", "/users/current")["id"]
    assert admin.delete(f"/assignments/admin/{first}").status_code == 403


@pytest.fixture
def people(client, admin, project):
    """Somebody in each role of the project."""
    found = {"admin": admin, "nobody": Api(client), "nothing": admin.person("n@example.org")}
    for role in ("manager", "viewer", "formfill"):
        found[role] = admin.person(f"{role}@example.org", role, project)
    return found


# For each act: how it is answered to an admin, manager, viewer, formfill, nothing, nobody.
@pytest.mark.parametrize(
    ("method", "path", "sent", "answers"),
    [
        ("GET", "/users", None, "200 200 200 200 200 401"),
        ("POST", "/users", {"email": "x@example.org"}, "200 403 403 403 403 401"),
        ("PATCH", "/users/1", {"displayName": "X"}, "200 403 403 403 403 401"),
        ("POST", "/projects", {"name": "X"}, "200 403 403 403 403 401"),
        ("GET", "/projects/P", None, "200 200 200 200 403 401"),
        ("PATCH", "/projects/P", {"name": "X"}, "200 200 403 403 403 401"),
        ("GET", "/projects/P/app-users", None, "200 200 403 403 403 401"),
        ("POST", "/projects/P/app-users", {"displayName": "X"}, "200 200 403 403 403 401"),
        ("GET", "/projects/P/actor-properties", None, "200 200 200 403 403 401"),
        ("POST", "/projects/P/actor-properties", {"name": "rt"}, "200 200 403 403 403 401"),
        ("GET", "/projects/P/assignments", None, "200 200 403 403 403 401"),
        ("POST", "/projects/P/assignments/viewer/1", None, "200 200 403 403 403 401"),
        ("GET", "/assignments", None, "200 403 403 403 403 401"),
        ("POST", "/assignments/manager/1", None, "200 403 403 403 403 401"),
        ("GET", "/roles", None, "200 200 200 200 200 401"),
    ],
)
def test_who_may_do_what(people, project, method, path, sent, answers):
    path = path.replace("P", str(project), 1) if "/P" in path else path
    found = [people[role].call(method, path, sent).status_code for role in reversed(ROLES)]
    assert " ".join(map(str, reversed(found))) == answers


def test_others_find_a_user_only_by_the_whole_address(people):
    assert people["viewer"].done("GET", "/users") == []
    assert people["viewer"].done("GET", "/users?q=manager") == []
    found = people["viewer"].done("GET", "/users?q=manager@example.org")
    assert [one["email"] for one in found] == ["manager@example.org"]
