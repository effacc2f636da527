"""Whatever is asked wrongly, the answer is JSON of one shape, and never a 500."""

import io

import pytest

from tests.support.api import Api


@pytest.mark.parametrize(
    ("method", "path", "kwargs", "status"),
    [
        ("GET", "/no-such-noun", {}, 404),
        ("GET", "/projects/x", {}, 404),
        ("GET", "/projects/-1", {}, 404),
        ("PUT", "/projects", {}, 405),
        ("POST", "/projects", {"data": "name=x"}, 415),
        ("POST", "/projects", {"data": "{", "content_type": "application/json"}, 400),
        ("POST", "/projects", {"data": b"\xff", "content_type": "application/json"}, 400),
        ("POST", "/projects", {"data": "", "content_type": "application/json"}, 400),
        ("POST", "/projects", {"data": "[" * 50_000, "content_type": "application/json"}, 400),
        ("POST", "/projects", {"data": "NaN", "content_type": "application/json"}, 400),
        (
            "POST",
            "/projects",
            {"data": '{"name":"\\ud800"}', "content_type": "application/json"},
            400,
        ),
        ("GET", "/projects?a=%00", {}, 400),
        ("GET", "/roles/a%00b", {}, 404),
        ("DELETE", "/sessions/a%00b", {}, 404),
    ],
)
def test_a_wrong_request_is_refused_in_json(admin, method, path, kwargs, status):
    refused = admin.call(method, path, **kwargs)
    assert refused.status_code == status
    assert refused.get_json().keys() == {"code", "message", "details", "retry"}
    assert int(refused.get_json()["code"]) == status


def test_a_wrong_method_says_which_are_right(admin):
    assert "POST" in admin.put("/projects", {}).headers["Allow"]


def test_an_unknown_key_is_named(admin):
    refused = admin.post("/projects", {"name": "x", "nmae": "y"}).get_json()
    assert refused["details"]["field"] == "nmae"
    assert "nmae" in refused["message"]


def test_nobody_learns_from_a_refusal_whether_a_project_is_there(client, project):
    assert Api(client).get(f"/projects/{project}").status_code == 401
    assert Api(client).get("/projects/77").status_code == 401


@pytest.mark.parametrize(
    ("path", "kind", "size"),
    [
        ("/v1/sessions", "application/json", 17 << 20),
        ("/v1/sessions", "application/problem+json", 17 << 20),
        ("/login", "application/x-www-form-urlencoded", 2 << 20),
    ],
)
def test_what_is_read_whole_is_small_before_anybody_is_asked_who_they_are(app, path, kind, size):
    answer = app.test_client().post(
        path,
        input_stream=io.BytesIO(),
        environ_overrides={"CONTENT_LENGTH": str(size)},
        content_type=kind,
    )
    assert answer.status_code == 413
