"""Somebody with a browser: cookies, the hidden token of each form, and text without tags."""

import html
import re

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sync_server.accounts import people
from tests.scenarios.posyandu import Village

PASSWORD = "melati-mawar-2026"
ADMIN = ("admin@example.org", "posyandu-melati-7")


class Visitor:
    """One browser. `post` sends the token that the last page's forms carry."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.token = ""

    def get(self, path: str, **headers: str) -> TestResponse:
        response = self.client.get(path, headers=headers, buffered=True)
        found = re.search(r'name="_csrf" value="([^"]*)"', response.text)
        if found:
            self.token = found[1]
        return response

    def see(self, path: str) -> str:
        """The text of a page that must be there."""
        response = self.get(path)
        assert response.status_code == 200, (path, response.status_code, text_of(response))
        return text_of(response)

    def post(self, path: str, token: str | None = None, **fields: object) -> TestResponse:
        given = {"_csrf": self.token if token is None else token, **fields}
        return self.client.post(path, data=given)

    def log_in(self, email: str, password: str = PASSWORD) -> "Visitor":
        self.get("/login")
        answer = self.post("/login", email=email, password=password)
        assert answer.status_code == 303, text_of(answer)
        self.get("/?all=1")
        return self


def text_of(response: TestResponse) -> str:
    """What a page says, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.text)).split())


def administrator(app: Flask) -> Visitor:
    return Visitor(app).log_in(*ADMIN)


def supervisor(
    village: Village,
    email: str = "bidan@example.org",
    *,
    role: str = "viewer",
    **properties: object,
) -> Visitor:
    """A new person with a role in the village's project, logged in."""
    with village.app.app_context():
        actor = people.create_user(
            email, PASSWORD, display_name="Bidan Ani", by=village.admin, clock=village.clock
        )
        people.assign(actor, role, village.project.id, properties=properties, clock=village.clock)
    return Visitor(village.app).log_in(email)


def at(village: Village, path: str = "") -> str:
    """A path below the village's project."""
    return f"/projects/{village.project.id}/{path}"
