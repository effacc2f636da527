"""Whole tables, whatever is in them: for copies of the store.

They are read and written as they are in the database, not as this program's models have
them, so that a copy made by an earlier version goes back into the tables it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    Connection,
    Integer,
    MetaData,
    Table,
    func,
    inspect,
    literal,
    select,
    table,
    text,
)

from sync_server.models.forms import Blob
from sync_server.stores.upsert import table_of

_AT_ONCE = 200  # a row may hold a form of a megabyte
_ALEMBIC = "alembic_version"
_B = table_of(Blob).c
_FOLLOW = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")


def list_tables(connection: Connection) -> list[Table]:
    """Every table but Alembic's own, in an order in which none refers to a later one."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [each for each in metadata.sorted_tables if each.name != _ALEMBIC]


def find_revision(connection: Connection) -> str | None:
    """The revision that the tables stand at; None where there are none."""
    return MigrationContext.configure(connection).get_current_revision()


def count_rows(connection: Connection, one: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(one)).scalar_one())


def list_filled(connection: Connection) -> list[str]:
    """The tables that have a row, by name."""
    names = set(inspect(connection).get_table_names()) - {_ALEMBIC}
    asked = ((n, select(literal(1)).select_from(table(n)).limit(1)) for n in sorted(names))
    return [name for name, first in asked if connection.execute(first).first()]


def read_rows(connection: Connection, one: Table) -> Iterator[Sequence[Sequence[Any]]]:
    """Every row of a table, some at a time."""
    options = {"yield_per": _AT_ONCE}
    yield from connection.execute(select(one), execution_options=options).partitions()


def write_rows(connection: Connection, one: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(one.insert(), rows)


def follow_ids(connection: Connection, tables: Iterable[Table]) -> None:
    """Let PostgreSQL number new rows after those written; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for one in tables:
        key = list(one.primary_key)
        if len(key) != 1 or not isinstance(key[0].type, Integer) or key[0].foreign_keys:
            continue
        last = connection.execute(select(func.max(key[0]))).scalar_one()
        if last is not None:
            where = {"table": one.name, "column": key[0].name, "last": last}
            connection.execute(_FOLLOW, where)


def list_blobs(connection: Connection) -> set[str]:
    """The SHA-256 of all bytes that any project names."""
    return set(connection.execute(select(_B.sha256).distinct()).scalars())
