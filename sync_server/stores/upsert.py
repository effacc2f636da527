"""INSERT … ON CONFLICT, said the same way to both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session


def table_of(model: type[DeclarativeBase]) -> Table:
    """The Core table behind a model: the write path pays for no unit of work."""
    return cast("Table", model.__table__)


def insert_rows(
    session: Session, model: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows of equal keys in one statement."""
    if rows:
        session.execute(table_of(model).insert(), list(rows))


def insert_missing(
    session: Session, model: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert the rows whose primary key is not there yet; leave the others as they are."""
    if rows:
        statement = _insert(session, model)
        session.execute(statement.on_conflict_do_nothing(), list(rows))


def upsert_rows(
    session: Session,
    model: type[DeclarativeBase],
    rows: Sequence[Mapping[str, Any]],
    *,
    keep: Sequence[str] = (),
) -> None:
    """Insert rows, or overwrite those whose primary key is there, but for the columns of `keep`."""
    if not rows:
        return
    statement = _insert(session, model)
    key = [column.name for column in table_of(model).primary_key]
    changed = {n: statement.excluded[n] for n in rows[0] if n not in key and n not in keep}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), list(rows))


def _insert(session: Session, model: type[DeclarativeBase]) -> Any:
    dialect = session.get_bind().dialect.name
    maker = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return maker(table_of(model))
