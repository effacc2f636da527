"""A hub and a centre in one process: two apps, two stores, one project, the same devices."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import select

from sync_server.accounts.people import current_node, get_project
from sync_server.db import read_transaction, write_transaction
from sync_server.intake.arrival import Author
from sync_server.intake.batches import Pushed, push
from sync_server.models.people import AppUser, Node, Project
from sync_server.models.records import RecordRow, ReviewRow
from sync_server.relay.cursors import CHANGES, Cursor
from sync_server.relay.pull import pull_page
from sync_server.stores.upsert import table_of
from tests.scenarios.posyandu import Phone, Village
from tests.support.clock import FrozenClock

Item = dict[str, Any]
PROJECT = "5d1f7e55-0000-4000-8000-000000000001"


@dataclass
class Server:
    """One server of a project, with its people and phones."""

    village: Village

    @classmethod
    def begin(cls, app: Flask, clock: FrozenClock, *, node: str | None = None) -> Server:
        if node is not None:
            with app.app_context(), write_transaction() as connection:
                connection.execute(table_of(Node).update().values(node=node))
        village = Village.begin(app, clock)
        with app.app_context():
            with write_transaction() as connection:
                connection.execute(table_of(Project).update().values(uuid=PROJECT))
            village.project = get_project(village.project.id)
        return cls(village)

    @property
    def app(self) -> Flask:
        return self.village.app

    def adopt(self, phone: Phone, posyandu: str = "melati") -> Phone:
        """The same device account at this server, as hubs have them from their centre."""
        mine = self.village.phone(phone.name, posyandu)
        there, here = table_of(AppUser), table_of(AppUser)
        with phone.village.app.app_context(), read_transaction() as connection:
            found = connection.execute(
                select(there.c.token_hash).where(there.c.actor_id == phone.actor_id)
            ).scalar_one()
        with self.app.app_context(), write_transaction() as connection:
            connection.execute(
                here.update().where(here.c.actor_id == mine.actor_id).values(token_hash=found)
            )
        mine.token = phone.token
        return mine

    def feed(self, *, limit: int = 7, cursor: Cursor | None = None) -> list[Item]:
        """Every item of this server, page after page."""
        found: list[Item] = []
        more = True
        with self.app.app_context():
            project, (_, epoch) = get_project(self.village.project.id), current_node()
            while more:
                page = pull_page(
                    project,
                    epoch=epoch,
                    area=Author(None).area,
                    device=False,
                    mode=CHANGES,
                    lists=None,
                    cursor=cursor,
                    limit=limit,
                )
                found += page.changes
                cursor, more = page.cursor, page.more
        return found

    def take(self, items: Sequence[Item]) -> list[Item]:
        """Take a batch in, as from a hub."""
        body = repr(items).encode()
        with self.app.app_context():
            _, epoch = current_node()
            author = Author(self.village.admin, may_decide=True, relays=True)
            answer = push(
                get_project(self.village.project.id),
                Pushed(str(uuid.uuid4()), body, items),
                author=author,
                epoch=epoch,
                clock=self.village.clock,
            )
        return list(answer["results"])

    def take_in_any_order(self, items: Iterable[Item], chance: random.Random) -> None:
        """All of them, some twice, in random batches."""
        every = list(items)
        every += chance.sample(every, len(every) // 3)
        chance.shuffle(every)
        while every:
            size = chance.randint(1, 6)
            results = self.take(every[:size])
            assert {one["status"] for one in results} <= {
                *("applied", "merged", "waiting", "conflict", "duplicate", "quarantined")
            }
            del every[:size]

    def records(self) -> dict[str, Any]:
        """What every record shows, stands on and asks."""
        with self.app.app_context(), read_transaction() as connection:
            rows = connection.execute(select(*table_of(RecordRow).c)).all()
            asked = connection.execute(
                select(*table_of(ReviewRow).c).where(ReviewRow.state == "open")
            ).all()
        reviews: dict[str, set[Any]] = {}
        for one in asked:
            about = (one.kind, one.field, frozenset(one.contenders), one.shown)
            reviews.setdefault(one.entity, set()).add(about)
        return {
            row.entity: (
                *(row.list_name, row.label, row.data, row.version, row.status, row.waiting),
                _in_order(row.state),
                reviews.get(row.entity, set()),
            )
            for row in rows
        }


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_order(one) for name, one in sorted(value.items())}
    return value
