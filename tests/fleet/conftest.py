"""A project of one form that a phone can reach over HTTP, at the frozen clock's time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from sync_server.accounts import devices, people
from sync_server.db import read_transaction
from sync_server.demo.loading import StoryClock, listening
from sync_server.fleet.phone import Phone
from sync_server.publishing import publish
from sync_server.stores.records import find_record
from tests.fleet.forms import VISIT
from tests.support.clock import FrozenClock


@dataclass
class Field:
    """A project and its server; `phone("Ani")` is another cadre with an account of her own."""

    app: Flask
    clock: FrozenClock
    project_id: int
    url: str
    last: devices.AppUser | None = None

    def publish(self, markdown: str) -> None:
        with self.app.app_context():
            publish.publish_checked(self.project_id, checked(markdown), by=None, clock=self.clock)

    def phone(self, name: str = "Ani", **options: Any) -> Phone:
        with self.app.app_context():
            self.last = devices.create_app_user(
                self.project_id,
                name,
                by=None,
                clock=self.clock,
                secret_key="a secret of this test and no other",
            )
        url = f"{self.url}/v1/key/{self.last.token}/projects/{self.project_id}"
        clock = StoryClock(self.clock.now())
        return Phone(url, f"collect:{name}", clock=clock, **options)

    def standing(self, entity: str) -> Any:
        """The row of a record; None when there is none."""
        with self.app.app_context(), read_transaction() as connection:
            return find_record(connection, self.project_id, entity)

    def count(self, model: Any) -> int:
        """How many rows of a table the project has."""
        with self.app.app_context(), read_transaction() as connection:
            mine = select(func.count()).where(model.project_id == self.project_id)
            return connection.scalar(mine)


@cache
def checked(markdown: str) -> publish.Checked:
    """A form ready to publish: ODK Validate takes seconds, so it sees each only once."""
    return publish.check(markdown.encode(), "form.md")


@pytest.fixture
def field(app: Flask, clock: FrozenClock) -> Iterator[Field]:
    with app.app_context():
        project_id = people.create_project("Posyandu", clock=clock)
    with listening(app) as url:
        field = Field(app, clock, project_id, url)
        field.publish(VISIT)
        yield field
