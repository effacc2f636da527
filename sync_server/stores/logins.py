"""Sessions of users, and the wrong passwords that slow a guesser down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_server.models.people import Actor, LoginFailure, LoginSession, User
from sync_server.stores.upsert import insert_rows, table_of

_S = table_of(LoginSession).c
_A = table_of(Actor).c
_U = table_of(User).c
_F = table_of(LoginFailure).c


def insert_session(connection: Connection, row: Mapping[str, Any]) -> None:
    """Keep a session, and let go of those of its user that are over."""
    connection.execute(
        delete(table_of(LoginSession)).where(
            _S.actor_id == row["actor_id"], _S.expires_at <= row["created_at"]
        )
    )
    insert_rows(connection, LoginSession, [row])


def find_session(connection: Connection, token_hash: str, *, at: str) -> Any:
    """A session still good at `at` with its user: actor_id, csrf, expires_at and who it is."""
    return connection.execute(
        select(_S.actor_id, _S.csrf, _S.expires_at, _A.display_name, _U.email, _U.language)
        .join_from(table_of(LoginSession), table_of(Actor), _A.id == _S.actor_id)
        .join(table_of(User), _U.actor_id == _S.actor_id)
        .where(_S.token_hash == token_hash, _S.expires_at > at, _A.deleted_at.is_(None))
    ).one_or_none()


def delete_session(connection: Connection, token_hash: str) -> int | None:
    """End one session; whose it was, or None when there is none."""
    return connection.execute(
        delete(table_of(LoginSession)).where(_S.token_hash == token_hash).returning(_S.actor_id)
    ).scalar_one_or_none()


def delete_sessions_of(connection: Connection, actor_id: int) -> None:
    connection.execute(delete(table_of(LoginSession)).where(_S.actor_id == actor_id))


def find_failure(connection: Connection, email: str) -> Any:
    """The wrong passwords for an address: count and last_at, or None."""
    return connection.execute(select(_F.count, _F.last_at).where(_F.email == email)).one_or_none()


def lock_failure(connection: Connection, email: str, *, at: str, forgotten_before: str) -> Any:
    """As `find_failure`, and no other connection counts for this address until the end of this one.

    Counts that have rested since `forgotten_before` are forgotten. A count of 0 is one that
    was not there.
    """
    connection.execute(delete(table_of(LoginFailure)).where(_F.last_at < forgotten_before))
    maker = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = maker(table_of(LoginFailure)).values(email=email, count=0, last_at=at)
    return connection.execute(
        # Overwritten with what it is: that locks the row, where doing nothing would not.
        statement.on_conflict_do_update(
            index_elements=["email"], set_={"count": _F.count}
        ).returning(_F.count, _F.last_at)
    ).one()


def add_failure(connection: Connection, email: str, *, at: str) -> None:
    """Count one more for an address that is locked."""
    newest = case((_F.last_at < at, at), else_=_F.last_at)
    connection.execute(
        update(table_of(LoginFailure))
        .where(_F.email == email)
        .values(count=_F.count + 1, last_at=newest)
    )


def clear_failures(connection: Connection, email: str) -> None:
    connection.execute(delete(table_of(LoginFailure)).where(_F.email == email))
