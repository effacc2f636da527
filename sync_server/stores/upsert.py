"""INSERT … ON CONFLICT, said the same way to both databases.

Statements are built once and kept: on the hot path, building one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase

Model = type[DeclarativeBase]

PROJECT: BindParameter[int] = bindparam("project_id")
"""The project, in statements that are built once."""


def any_of(name: str) -> BindParameter[Any]:
    """The list of an IN, in statements that are built once."""
    return bindparam(name, expanding=True)


@cache
def table_of(model: Model) -> Table:
    """The Core table behind a model: the write path pays for no unit of work."""
    return cast("Table", model.__table__)


def insert_rows(connection: Connection, model: Model, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of equal keys in one statement."""
    if rows:
        connection.execute(_plain(model), list(rows))


def insert_missing(connection: Connection, model: Model, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose primary key is not there yet; leave the others as they are."""
    if rows:
        connection.execute(_missing(_dialect(connection), model), list(rows))


def upsert_rows(
    connection: Connection,
    model: Model,
    rows: Sequence[Mapping[str, Any]],
    *,
    keep: Sequence[str] = (),
) -> None:
    """Insert rows, or overwrite those whose primary key is there, but for the columns of `keep`."""
    if rows:
        names = tuple(name for name in rows[0] if name not in keep)
        connection.execute(_upsert(_dialect(connection), model, names), list(rows))


def _dialect(connection: Connection) -> str:
    return connection.dialect.name


@cache
def _plain(model: Model) -> Any:
    return table_of(model).insert()


@cache
def _missing(dialect: str, model: Model) -> Any:
    return _insert(dialect, model).on_conflict_do_nothing()


@cache
def _upsert(dialect: str, model: Model, names: tuple[str, ...]) -> Any:
    statement = _insert(dialect, model)
    key = [column.name for column in table_of(model).primary_key]
    changed = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=changed)


def _insert(dialect: str, model: Model) -> Any:
    maker = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return maker(table_of(model))
