"""Logging in, staying in, getting out; and the cookie that foreign pages must not use."""

import pytest

from sync_server.accounts.people import log_in
from sync_server.web.auth import remember
from tests.support.api import PASSWORD, Api
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD


def test_a_password_gives_a_token(client, admin):
    assert admin.done("GET", "/users/current")["email"] == ADMIN_EMAIL
    sent = {"email": f"  {ADMIN_EMAIL.upper()} ", "password": ADMIN_PASSWORD}
    login = Api(client).done("POST", "/sessions", sent)
    assert login.keys() == {"token", "csrf", "createdAt", "expiresAt"}
    assert (login["createdAt"], login["expiresAt"]) == (
        "2026-11-21T03:00:00.000Z",
        "2026-11-22T03:00:00.000Z",
    )
    assert login["token"] != login["csrf"]


@pytest.mark.parametrize("email", [ADMIN_EMAIL, "nobody@example.org", "no address", ""])
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(client, email):
    refused = Api(client).post("/sessions", {"email": email, "password": "not the password"})
    assert refused.status_code == 401
    assert refused.get_json() == {
        "code": 401.2,
        "message": "the e-mail address or the password is not right",
        "details": {},
        "retry": "never",
    }


def test_guessing_is_slowed_for_an_address_and_only_for_it(client, admin, clock):
    admin.person("bidan@example.org")
    wrong = {"email": ADMIN_EMAIL, "password": "wrong"}
    right = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
    for _ in range(5):
        assert Api(client).post("/sessions", wrong).status_code == 401

    refused = Api(client).post("/sessions", right)
    assert (refused.status_code, refused.get_json()["retry"]) == (429, "later")
    assert int(refused.headers["Retry-After"]) > 0
    Api(client).log_in("bidan@example.org")

    clock.pass_seconds(16)
    assert Api(client).post("/sessions", wrong).status_code == 401
    clock.pass_seconds(16)
    assert Api(client).post("/sessions", right).status_code == 429
    clock.pass_seconds(16)
    assert Api(client).post("/sessions", right).status_code == 200
    assert Api(client).post("/sessions", wrong).status_code == 401


def test_a_session_ends_by_itself_after_a_day(admin, clock):
    clock.pass_days(0.99)
    assert admin.get("/users/current").status_code == 200
    clock.pass_days(0.02)
    assert admin.get("/users/current").status_code == 401


def test_a_session_ends_when_its_owner_says_so(client, admin):
    other = admin.person("bidan@example.org")
    assert other.delete(f"/sessions/{admin.token}").status_code == 403
    assert admin.delete("/sessions/current").status_code == 200
    assert admin.get("/users/current").status_code == 401
    assert other.delete(f"/sessions/{other.token}").status_code == 200
    assert other.get("/users/current").status_code == 401


def test_another_password_ends_the_sessions_of_the_old_one(client, admin):
    bidan = admin.person("bidan@example.org")
    me = bidan.done("GET", "/users/current")["id"]
    wrong = bidan.put(f"/users/{me}/password", {"old": "not it", "new": "another-password"})
    assert wrong.status_code == 401
    short = bidan.put(f"/users/{me}/password", {"old": PASSWORD, "new": "short"})
    assert (short.status_code, short.get_json()["code"]) == (400, 400.21)
    bidan.done("PUT", f"/users/{me}/password", {"old": PASSWORD, "new": "another-password"})
    assert bidan.get("/users/current").status_code == 401
    assert Api(client).log_in("bidan@example.org", "another-password")


@pytest.mark.parametrize("header", ["Bearer x", "Bearer ", "Basic YTpi", "x" * 5000, "Bearer a b"])
def test_a_token_that_is_nobodys_opens_nothing(client, header):
    refused = client.get("/v1/projects", headers={"Authorization": header})
    assert (refused.status_code, refused.get_json()["code"]) == (401, 401.2)


def browser(app, client):
    """A browser whose session is in its cookie; what its pages' forms carry."""
    with app.test_request_context():
        login = log_in(ADMIN_EMAIL, ADMIN_PASSWORD, clock=app.extensions["simpul"].clock)
        response = app.make_response("")
        remember(response, login)
    client.set_cookie("simpul_session", login.token)
    return login.csrf, response.headers["Set-Cookie"]


def test_what_a_cookie_alone_asks_for_is_not_done(app, client):
    csrf, cookie = browser(app, client)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get("/v1/projects").get_json() == []

    for headers in ({}, {"X-CSRF-Token": "guess"}, {"X-CSRF-Token": csrf[:-1]}):
        refused = client.post("/v1/projects", json={"name": "Palsu"}, headers=headers)
        assert (refused.status_code, refused.get_json()["code"]) == (403, 403.5)
    assert client.get("/v1/projects").get_json() == []

    made = client.post("/v1/projects", json={"name": "Asli"}, headers={"X-CSRF-Token": csrf})
    assert made.status_code == 200


def test_the_cookie_is_only_for_https_where_there_is_https(app, client):
    with app.test_request_context(base_url="https://simpul.example.go.id"):
        login = log_in(ADMIN_EMAIL, ADMIN_PASSWORD, clock=app.extensions["simpul"].clock)
        response = app.make_response("")
        remember(response, login)
    assert "Secure" in response.headers["Set-Cookie"]
