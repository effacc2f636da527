"""Backups taken and put back in this process, by a test's own clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask

from sync_server.app import create_app
from sync_server.backups.archive import Contents, Tell, opened
from sync_server.backups.taking import take
from sync_server.commands.backup import restored
from sync_server.db import db, read_transaction
from sync_server.settings import Settings, load
from sync_server.stores import tables as store
from tests.support.clock import FrozenClock


def untold(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def back_up(app: Flask, file: Path) -> Contents:
    """Take a backup of what `app` holds."""
    here = app.extensions["simpul"]
    with app.app_context():
        return take(
            file,
            secret_key=here.settings.secret_key,
            blobs=here.blobs,
            clock=here.clock,
            tell=untold,
        )


def settings_of(home: Path, database_url: str = "") -> Settings:
    """The settings of a home; SQLite in it unless a URL is given."""
    return load({"SIMPUL_HOME": str(home), "SIMPUL_DATABASE_URL": database_url})


def put_back(
    file: Path, home: Path, clock: FrozenClock, database_url: str = "", tell: Tell = untold
) -> Flask:
    """An app on the install made of a backup."""
    restored(settings_of(home, database_url), file, clock=clock, tell=tell)
    return create_app(settings_of(home, database_url), clock=clock)


def close(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()


def rows_of(app: Flask) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in one order on both engines."""
    with app.app_context(), read_transaction() as connection:
        found = {}
        for table in store.list_tables(connection):
            rows = [row for some in store.read_rows(connection, table) for row in some]
            names = [column.name for column in table.columns]
            found[table.name] = sorted(
                (dict(zip(names, row, strict=True)) for row in rows),
                key=lambda r: repr(sorted(r.items())),
            )
    return found


def tables_in(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row in a backup."""
    with file.open("rb") as stream, opened(stream, file.name, tell=untold) as archive:
        return {
            table.name: [
                dict(zip(table.columns, row, strict=True))
                for some in archive.read_table(table)
                for row in some
            ]
            for table in archive.contents.tables
        }
