"""A centre, a hub and the people of a district as real processes, with bad links between them.

    phones, a program ──near──► hub ──line──► centre ◄──far── a phone, a program

Each arrow is a proxy that a test can cut at any byte; each server can be killed and started.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Self

import requests
from sqlalchemy import create_engine, select

from sync_server.app import create_app
from sync_server.clock import SystemClock
from sync_server.db import db
from sync_server.hubs import book as hub_book
from sync_server.models.base import Base
from sync_server.settings import load
from tests.client.links import Proxy
from tests.hubs.field import AREA, Book, Cadre, Program
from tests.scenarios.posyandu import Phone, Village
from tests.support.nursery import Child, Nursery
from tests.support.serving import Served, free_port

HUB_NODE = "11111111-0000-4000-8000-000000000001"
_TRIES = 60


class Nursed(Served):
    """A server whose processes come from a nursery. `said` is all it and its commands printed."""

    def __init__(self, nursery: Nursery, home: Path, database_url: str, **environ: str) -> None:
        home.mkdir(exist_ok=True)
        secret_key = f"that of the {home.name}"
        super().__init__(home, database_url, SIMPUL_SECRET_KEY=secret_key, **environ)
        self.nursery = nursery
        self.said = ""
        self.starts = 0

    def begin(self, *arguments: str) -> Child:
        """A command that goes on beside the test; it prints into the log."""
        return self.nursery.begin(arguments, self._environ, self._commands)

    def done(self, *arguments: str) -> str:
        """What a command printed, which must end well."""
        before = len(self._printed())
        assert self.begin(*arguments).wait() == 0, self._printed()[before:]
        return self._printed()[before:]

    def json(self, *arguments: str) -> Any:
        """The JSON that a command printed."""
        return json.loads(self.done(*arguments))

    def move(self) -> None:
        """Listen elsewhere when it is started again: its port may be another's by now."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def is_up(self) -> bool:
        return self._process is not None

    def everything(self) -> str:
        """What was printed since the beginning, by every process of this install."""
        return self.said + self.log() + self._printed()

    def _spawn(self, *arguments: str) -> Any:
        self.said += self.log()
        self._log.write_bytes(b"")
        self.starts += 1
        return self.nursery.begin(arguments, self._environ, self._log)

    @property
    def _commands(self) -> Path:
        return self.home.parent / f"{self.home.name}.commands.log"

    def _printed(self) -> str:
        return self._commands.read_text() if self._commands.exists() else ""


class Api:
    """The administrator at a server; what they ask must be answered."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.session = requests.Session()
        login = {"email": server.admin_email, "password": server.admin_password}
        token = requests.post(f"{server.url}/v1/sessions", json=login).json()["token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **asked: object) -> requests.Response:
        url = f"{self.server.url}/v1/projects/1/{path}"
        answer = self.session.get(url, params=asked)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer

    def pulled(self, mode: str) -> list[dict[str, Any]]:
        """All of a feed, from its beginning."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"more": True}
        while page["more"]:
            cursor = {"cursor": page["cursor"]} if "cursor" in page else {}
            page = self.get("sync/pull", mode=mode, limit=500, **cursor).json()
            found += page[mode]
        return found


class District:
    """All of it, working: the hub is paired, and everybody has a card."""

    def __init__(
        self, folder: Path, template: Path, chance: Random, *, centre_url: str | None = None
    ) -> None:
        self.folder = folder
        self.template = template
        self.chance = chance
        self.centre_url = centre_url
        self.book = Book()
        self.compared: set[str] = set()
        self.admin: dict[Nursed, Api] = {}
        self._relay: Child | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            nursery = stack.enter_context(Nursery())
            url = self.centre_url or self._store("centre")
            self.centre = Nursed(nursery, self.folder / "centre", url)
            hub_url = self._store("hub")
            with sqlite3.connect(self.folder / "hub.db") as store:
                store.execute("UPDATE nodes SET node = ?", (HUB_NODE,))
            store.close()
            # It relays by itself every few seconds too, when its last contact went well.
            self.hub = Nursed(nursery, self.folder / "hub", hub_url, SIMPUL_RELAY_SECONDS="1")
            phones, code, self.project = self._begun()
            for server in (self.centre, self.hub):
                stack.callback(server.kill)
                server.start()
                self.admin[server] = Api(server)
            near, line, far = (
                stack.enter_context(Proxy(one.url)) for one in (self.hub, self.centre, self.centre)
            )
            self.near, self.line, self.far = near, line, far
            self.hub.done("hub", "pair", line.url, code)
            self.people = self._people(phones)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def relay(self, command: str) -> None:
        """Relay once, whatever comes of it."""
        self._relay = self.hub.begin(command)
        self._relay.wait()

    def kill(self, name: str) -> None:
        """Cut the power of a server: everything that runs on it ends."""
        if name == "hub" and self._relay is not None:
            self._relay.kill()
        (self.hub if name == "hub" else self.centre).kill()

    def heal(self) -> None:
        """Mend every link and start whatever is down."""
        for server in (self.centre, self.hub):
            if not server.is_up():
                server.move()
                server.start()
        servers = (self.hub, self.centre, self.centre)
        for proxy, server in zip((self.near, self.line, self.far), servers, strict=True):
            proxy.aim(server.url)
            proxy.mend()

    def drain(self) -> None:
        """Let everybody send and the hub relay until nobody has anything left."""
        self.heal()
        for _ in range(_TRIES):
            for one in self.people:
                one.send()
            if all(one.is_done() for one in self.people):
                break
        left = [one for one in self.people if not one.is_done()]
        assert not left, f"{len(left)} still have something to send: {self.book.strange[-3:]}"
        for command in ("push", "pull"):
            self._relayed(command)

    def _relayed(self, command: str) -> None:
        for _ in range(_TRIES):
            if self.hub.begin(command).wait() == 0:
                return
            time.sleep(0.2)  # the hub's own worker may be speaking with the centre just now
        raise AssertionError(f"simpul {command} does not end well:\n{self.hub.everything()[-500:]}")

    def cut_power(self) -> None:
        """Everything ends at once."""
        for name in ("hub", "centre"):
            self.kill(name)

    def rows(self, server: Served, name: str) -> list[Any]:
        """What is in a table of a store, asked of the store itself."""
        engine = create_engine(server.database_url)
        try:
            with engine.connect() as connection:
                return list(connection.execute(select(Base.metadata.tables[name])))
        finally:
            engine.dispose()

    def _store(self, name: str) -> str:
        path = self.folder / f"{name}.db"
        shutil.copy(self.template, path)
        return f"sqlite:///{path}"

    def _begun(self) -> tuple[list[Phone], str, str]:
        """The centre's project: its phones, a code for the hub, and its uuid."""
        clock, environ = SystemClock(), self.centre._environ
        app = create_app(load(environ))
        village = Village.begin(app, clock)
        phones = [village.phone(name) for name in ("A", "B", "C", "P", "Q")]
        with app.app_context():
            area = {"posyandu": AREA}
            code = hub_book.invite(village.project.id, "Tanjung", area, by=None, clock=clock).code
            db.engine.dispose()
        return phones, code, village.project.uuid

    def _people(self, phones: list[Phone]) -> list[Cadre | Program]:
        near, far = self.near.url, self.far.url
        at = [[near], [near, far], [far]]  # the second one walks between the two
        people: list[Cadre | Program] = [
            Cadre(phone, urls, self.book, Random(self.chance.random()))
            for phone, urls in zip(phones, at, strict=False)
        ]
        for phone, url in zip(phones[3:], (near, far), strict=True):
            folder = self.folder / f"program-{phone.name}"
            folder.mkdir()
            chance = Random(self.chance.random())
            people.append(Program(phone, url, self.book, chance, folder))
        return people
