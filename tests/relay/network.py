"""Servers of one project in one process, each set back in a moment to where a story began.

A server is a copy of another's store that bears a node of its own: what was settled before is
the same everywhere, and so are the numbers that phones were shown.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, event, func, select, text

from conflict.areas import UNBOUND
from sync_server.accounts.people import current_node
from sync_server.app import create_app
from sync_server.context import context
from sync_server.db import db, write_transaction
from sync_server.intake.arrival import Author, Project
from sync_server.intake.batches import Pushed, push
from sync_server.models.base import Base
from sync_server.models.people import Node
from sync_server.models.people import Project as ProjectRow
from sync_server.relay import files
from sync_server.relay.cursors import CHANGES, Cursor
from sync_server.relay.pull import pull_page
from sync_server.settings import load
from sync_server.stores.upsert import table_of
from tests.scenarios.arrivals import PROJECT
from tests.scenarios.hamlet import Place
from tests.support.clock import FrozenClock

Item = dict[str, Any]
NAMES = ("centre", "melati", "mawar", "dusun", "office")
_NODES = {name: f"{str(n) * 8}-0000-4000-8000-{n:012}" for n, name in enumerate(NAMES, 1)}
_TAKEN = {"applied", "merged", "waiting", "conflict", "duplicate", "quarantined"}


@dataclass
class Machine:
    """One server of the project; `tails` is how far each other server has read its feed."""

    app: Flask
    name: str
    database: Path | None
    project: Project
    tails: dict[str, Cursor] = field(default_factory=dict)
    exported: str | None = None

    @classmethod
    def install(
        cls, folder: Path, name: str, clock: FrozenClock, project: Project, url: str = ""
    ) -> Machine:
        home = folder / name
        home.mkdir()
        database = None if url else home / "simpul.db"
        environ = {
            "SIMPUL_HOME": str(home),
            "SIMPUL_DATABASE_URL": url or f"sqlite:///{database}",
            "SIMPUL_SECRET_KEY": f"the own key of {name}",
        }
        app = create_app(load(environ), clock=clock)
        app.testing = True
        if not url:
            with app.app_context():
                event.listen(db.engine, "connect", _no_waiting_for_the_disk)
        return cls(app, name, database, replace(project, node=_NODES[name]))

    def become(self, store: Path) -> Machine:
        """What the server of another store is, under a node of its own."""
        with self.app.app_context():
            db.engine.dispose()
            if self.database is None:
                _copy_rows(store)
            else:
                shutil.copy(store, self.database)
            with write_transaction() as connection:
                connection.execute(table_of(Node).update().values(node=self.project.node))
        self.tails, self.exported = {}, None
        return self

    def save(self, store: Path) -> None:
        """Keep a copy of the whole store, as a file."""
        assert self.database is not None
        self.close()
        shutil.copy(self.database, store)

    def close(self) -> None:
        with self.app.app_context():
            db.engine.dispose()

    @contextmanager
    def at_work(self) -> Iterator[str]:
        """Within this server; gives its epoch."""
        with self.app.app_context():
            yield current_node()[1]

    def take(self, items: Sequence[Item], author: Author) -> list[Item]:
        """Take a batch in by the sync door's use case; one result per item."""
        raw = json.dumps(items).encode()
        with self.at_work() as epoch:
            pushed = Pushed(str(uuid.uuid4()), raw, items)
            clock = context().clock
            answer = push(self.project, pushed, author=author, epoch=epoch, clock=clock)
        assert {one["status"] for one in answer["results"]} <= _TAKEN
        return list(answer["results"])

    def take_as_relayed(self, items: Sequence[Item], by: Author, random: Random) -> None:
        """Items of another server's feed, some twice, in any order and any batches."""
        every = [*items, *random.sample(items, len(items) // 4)]
        random.shuffle(every)
        for batch in cut(every, random):
            self.take(batch, by)

    def feed(self, reader: Machine | None, random: Random, *, anew: bool = False) -> list[Item]:
        """What is new in this server's feed for another, page after page, or all of it."""
        name, peer = (reader.name, reader.project.node) if reader is not None else ("", "")
        cursor, more = None if anew else self.tails.get(name), True
        found: list[Item] = []
        with self.at_work() as epoch:
            while more:
                page = pull_page(
                    self.project,
                    epoch=epoch,
                    area=UNBOUND,
                    device=False,
                    mode=CHANGES,
                    lists=None,
                    cursor=cursor,
                    limit=random.choice([1, 3, 10, 200]) if len(found) < 40 else 200,
                    peer=peer,
                )
                found += page.changes
                cursor, more = page.cursor, page.more
        assert cursor is not None
        self.tails[name] = cursor
        return found

    def export(self, file: Path, *, since: str | None) -> None:
        """Write a .syncbatch file, of all or since an earlier one."""
        with self.at_work() as epoch:
            here = context()
            done = files.export_batch(
                self.project,
                file,
                since=since,
                epoch=epoch,
                secret_key=here.settings.secret_key,
                blobs=here.blobs,
            )
        self.exported = done.cursor

    def bring(self, file: Path, by: Author) -> None:
        """Import a .syncbatch file."""
        assert by.actor_id is not None
        with self.at_work() as epoch:
            here = context()
            files.import_batch(
                self.project,
                file,
                by=by.actor_id,
                epoch=epoch,
                blobs=here.blobs,
                clock=here.clock,
            )


@dataclass
class Network:
    """A centre and three servers that may be its hubs; stories begin at the `office`.

    `folder` is for files. `clock` is everybody's.
    """

    folder: Path
    clock: FrozenClock
    place: Prepared
    blank: Path
    machines: Mapping[str, Machine]

    @classmethod
    def install(cls, folder: Path, template: Path, centre_url: str = "") -> Network:
        """All servers, of a database as `simpul init` leaves it; the centre on `centre_url`."""
        clock = FrozenClock()
        begun = Machine.install(folder, "office", clock, Project(0, PROJECT, ""))
        shutil.copy(template, str(begun.database))
        with begun.app.app_context():
            place = Place.begin(clock)
            made = place.project()
            with write_transaction() as connection:
                connection.execute(table_of(ProjectRow).update().values(uuid=PROJECT))
        blank = folder / "blank.db"
        begun.save(blank)
        begun.project = replace(made, node=_NODES["office"])
        machines = {"office": begun}
        for name in NAMES[:-1]:
            url = centre_url if name == "centre" else ""
            machines[name] = Machine.install(folder, name, clock, made, url)
        return cls(folder, clock, Prepared(clock, place.bidan, made), blank, machines)

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    @property
    def hub(self) -> Author:
        """Who brings what other servers have settled."""
        return Author(self.place.bidan, may_decide=True, manages=True, relays=True)

    def begin_at(self, *, centre: bool) -> None:
        """Stories begin at the centre itself, or at a server that takes no part afterwards."""
        one = self["centre"]
        one.project = replace(one.project, node=_NODES["office" if centre else "centre"])

    def set_clock(self, moment: datetime) -> None:
        self.clock.pass_seconds((moment - self.clock.now()).total_seconds())

    def close(self) -> None:
        for one in self.machines.values():
            one.close()


@dataclass(frozen=True)
class Prepared(Place):
    """A place whose project is there already."""

    made: Project

    def project(self) -> Project:
        return self.made


def cut(items: Sequence[Any], random: Random) -> Iterator[Sequence[Any]]:
    """Batches of random sizes, in order."""
    start = 0
    while start < len(items):
        size = random.choice([1, 2, 5, 20, 100])
        yield items[start : start + size]
        start += size


def _no_waiting_for_the_disk(connection: Any, _record: object) -> None:
    """The power will not go in these tests."""
    connection.execute("PRAGMA synchronous = OFF")


def _copy_rows(store: Path) -> None:
    """Every row of an SQLite store into the tables of this application's PostgreSQL."""
    source = create_engine(f"sqlite:///{store}")
    tables = Base.metadata.sorted_tables
    with source.connect() as found, write_transaction() as connection:
        names = ", ".join(f'"{table.name}"' for table in tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        for table in tables:
            rows = [dict(row._mapping) for row in found.execute(select(table))]
            if rows:
                connection.execute(table.insert(), rows)
        for table in tables:
            number = table.autoincrement_column
            if number is not None and number.identity is None:
                sequence = func.pg_get_serial_sequence(table.name, number.name)
                last = select(func.coalesce(func.max(number), 0) + 1).scalar_subquery()
                connection.execute(select(func.setval(sequence, last, False)))
    source.dispose()
