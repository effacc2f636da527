"""Installs put back from a backup, a village at work, and whether all is level afterwards."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from sync_server.db import read_transaction
from sync_server.stores.upsert import table_of
from tests.hubs.wiring import Line
from tests.relay.servers import Server
from tests.scenarios.posyandu import Village
from tests.support.backups import back_up, put_back


@dataclass
class Backup:
    """`take()` keeps an install as it is; `put_back()` makes it of that again, an hour later."""

    village: Village
    host: str
    line: Line
    folder: Path
    url: str = ""
    made: list[Flask] = field(default_factory=list)

    def take(self) -> None:
        back_up(self.village.app, self.folder / f"{self.host}.zip")

    def put_back(self) -> Flask:
        self.village.clock.pass_seconds(3600)
        home = self.folder / f"{self.host}-{len(self.made)}"
        app = put_back(self.folder / f"{self.host}.zip", home, self.village.clock, self.url)
        self.made.append(app)
        self.village.app, self.village.client = app, app.test_client()
        self.line.apps[self.host] = app
        return app


def birth(phone, posyandu="melati", **values) -> str:
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu=posyandu, rt="05", **values))
    phone.sync()
    return child


def visits(phone, children, month: int, **values) -> None:
    for day, child in enumerate(children, start=1):
        phone.sync()
        phone.village.pass_time(days=1)
        sent = {"bb": str(8 + month / 10), "tgl": f"2026-{month:02d}-{day:02d}"}
        phone.send(phone.measure(child, **sent, **values))


def at_odds(one, other, child) -> None:
    """Two values of one property by two who did not see each other."""
    one.sync()
    other.sync()
    one.send(one.measure(child, rt="06"))
    other.send(other.measure(child, rt="07"))


def rows(app, model):
    with app.app_context(), read_transaction() as connection:
        return connection.execute(select(*table_of(model).c)).all()


def same(*villages) -> bool:
    first, *others = (Server(village).records() for village in villages)
    return all(one == first for one in others) and bool(first)


def settled(*hubs) -> bool:
    """Whether nobody has anything more to tell."""
    for hub in (*hubs, *hubs):
        done = hub.relay()
    return (done.sent, done.fetched, done.waiting) == (0, 0, 0)
