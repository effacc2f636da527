"""A program that speaks to the REST door with somebody's password, as offices script it."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from sync_server.demo.regency import Account


class Refused(Exception):
    """The server did not do what was asked."""


class Program:
    """Requests with a session of `account`, begun with the first of them."""

    def __init__(self, url: str, account: Account) -> None:
        self._host = urlsplit(url).netloc
        self._account = account

    def request(self, method: str, path: str, body: object | None = None) -> Any:
        """The JSON of an answer. Errors: `Refused` for any status from 400 on."""
        sent = {"email": self._account.email, "password": self._account.password}
        token = self._exchange("POST", "/v1/sessions", sent, {})["token"]
        return self._exchange(method, path, body, {"Authorization": f"Bearer {token}"})

    def _exchange(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
        connection = HTTPConnection(self._host, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            told = {"Content-Type": "application/json", **headers}
            connection.request(method, path, text, told)
            answer = connection.getresponse()
            received = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise Refused(f"{method} {path}: {answer.status} {received[:300]!r}")
        return json.loads(received) if received else None
