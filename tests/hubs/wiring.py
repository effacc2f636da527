"""A centre and a hub in one process, with a line between them that a test can cut."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from urllib3 import HTTPResponse

from sync_server.accounts.people import current_node, get_project
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.hubs import book
from sync_server.hubs.link import ask_to_pair
from sync_server.hubs.relaying import Relayed, relay
from sync_server.hubs.upstream import become_hub
from sync_server.stores.people import list_app_users
from tests.scenarios.posyandu import Phone, Village
from tests.support.clock import FrozenClock

URL = "http://centre.test"


@dataclass
class Line(requests.adapters.BaseAdapter):
    """Requests go straight into the app of their host. `up` False: the village has no link.

    `lose` may swallow an answer after the server has worked on it.
    """

    apps: dict[str, Flask]
    up: bool = True
    asked: list[str] = field(default_factory=list)
    lose: Callable[[str], bool] = lambda _path: False

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        self.asked.append(f"{request.method} {parts.path.rpartition('/sync/')[2]}")
        if not self.up:
            raise requests.ConnectionError("no link")
        answer = (
            self.apps[parts.netloc]
            .test_client()
            .open(
                f"{parts.path}?{parts.query}",
                method=request.method,
                headers=dict(request.headers),
                data=request.body,
            )
        )
        body = answer.get_data()
        answer.close()
        if self.lose(parts.path):
            raise requests.ConnectionError("cut")
        found = requests.Response()
        found.status_code, found.request = answer.status_code, request
        found.headers.update(dict(answer.headers))
        found.raw = HTTPResponse(
            io.BytesIO(body), dict(answer.headers), answer.status_code, preload_content=False
        )
        found.url = request.url or ""
        return found

    def close(self) -> None:
        """Nothing to hang up."""


@dataclass
class Hub:
    """An install that is, or becomes, a hub of the centre's project."""

    app: Flask
    clock: FrozenClock
    centre: Village
    village: Village | None = None
    url: str = URL

    def pair(self, name: str = "Melati", **properties: str) -> None:
        self.pair_by(self.invited(name, **properties))

    def pair_by(self, code: str) -> None:
        with self.app.app_context():
            node, _ = current_node()
            paired = ask_to_pair(self.url, code, node)
            secret = context().settings.secret_key
            project = become_hub(self.url, paired, clock=self.clock, secret_key=secret)
            self.village = Village(
                self.app, self.app.test_client(), self.clock, get_project(project), 1
            )
        self.relay()

    def invited(self, name: str, **properties: str) -> str:
        with self.centre.app.app_context():
            project = self.centre.project.id
            made = book.invite(project, name, properties, by=self.centre.admin, clock=self.clock)
        return made.code

    def relay(self, **wanted: bool) -> Relayed:
        with self.app.app_context():
            return relay(self.project, **wanted)

    @property
    def project(self) -> int:
        assert self.village is not None
        return self.village.project.id

    def phone(self, phone: Phone) -> Phone:
        """The same cadre's phone, with this hub as its server."""
        with self.app.app_context(), read_transaction() as connection:
            rows = list_app_users(connection, self.project)
        actor_id = next(row.actor_id for row in rows if row.display_name == phone.name)
        assert self.village is not None
        return Phone(self.village, phone.name, phone.token, actor_id, phone.anak)
