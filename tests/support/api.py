"""The REST API as a program uses it: a token, JSON in, JSON out."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

PASSWORD = "kader-rajin-2026"


class Api:
    """Somebody at the API. Paths are below `/v1`; a refusal is an answer like any other."""

    def __init__(self, client: FlaskClient, token: str | None = None) -> None:
        self.client = client
        self.token = token

    def call(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        headers.update(kwargs.pop("headers", {}))
        if json is not None:
            kwargs["json"] = json
        return self.client.open(f"/v1{path}", method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.call("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.call("POST", path, json, **kwargs)

    def patch(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.call("PATCH", path, json, **kwargs)

    def put(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.call("PUT", path, json, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        return self.call("DELETE", path, **kwargs)

    def done(self, method: str, path: str, json: Any = None, **kwargs: Any) -> Any:
        """What a call that must succeed gives back."""
        response = self.call(method, path, json, **kwargs)
        assert response.status_code == 200, (response.status_code, response.get_data(as_text=True))
        return response.get_json()

    def log_in(self, email: str, password: str = PASSWORD) -> "Api":
        """The same program as somebody else."""
        sent = {"email": email, "password": password}
        return Api(self.client, Api(self.client).done("POST", "/sessions", sent)["token"])

    def person(self, email: str, role: str | None = None, project: int | None = None) -> "Api":
        """A new person, in a role if one is named, logged in."""
        made = self.done("POST", "/users", {"email": email, "password": PASSWORD})
        if role is not None:
            where = "" if project is None else f"/projects/{project}"
            self.done("POST", f"{where}/assignments/{role}/{made['id']}")
        return self.log_in(email)


def administrator(client: FlaskClient) -> Api:
    """The first administrator, logged in."""
    return Api(client).log_in(ADMIN_EMAIL, ADMIN_PASSWORD)
