"""Sessions of users, and the wrong passwords that slow a guesser down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from sync_server.models.people import Actor, LoginFailure, LoginSession, User
from sync_server.stores.upsert import insert_rows, table_of

_S = table_of(LoginSession).c
_A = table_of(Actor).c
_U = table_of(User).c
_F = table_of(LoginFailure).c


def insert_session(session: Session, row: Mapping[str, Any]) -> None:
    """Keep a session, and let go of those of its user that are over."""
    session.execute(
        delete(table_of(LoginSession)).where(
            _S.actor_id == row["actor_id"], _S.expires_at <= row["created_at"]
        )
    )
    insert_rows(session, LoginSession, [row])


def find_session(session: Session, token_hash: str, *, at: str) -> Any:
    """A session still good at `at` with its user: actor_id, csrf, expires_at and who it is."""
    return session.execute(
        select(_S.actor_id, _S.csrf, _S.expires_at, _A.display_name, _U.email, _U.language)
        .join_from(table_of(LoginSession), table_of(Actor), _A.id == _S.actor_id)
        .join(table_of(User), _U.actor_id == _S.actor_id)
        .where(_S.token_hash == token_hash, _S.expires_at > at, _A.deleted_at.is_(None))
    ).one_or_none()


def delete_session(session: Session, token_hash: str) -> int | None:
    """End one session; whose it was, or None when there is none."""
    return session.execute(
        delete(table_of(LoginSession)).where(_S.token_hash == token_hash).returning(_S.actor_id)
    ).scalar_one_or_none()


def delete_sessions_of(session: Session, actor_id: int) -> None:
    session.execute(delete(table_of(LoginSession)).where(_S.actor_id == actor_id))


def find_failure(session: Session, email: str) -> Any:
    """The wrong passwords for an address: count and last_at, or None."""
    return session.execute(select(_F.count, _F.last_at).where(_F.email == email)).one_or_none()


def add_failure(session: Session, email: str, *, at: str, forgotten_before: str) -> None:
    """Count one more; counts that have rested since `forgotten_before` start from one again."""
    session.execute(delete(table_of(LoginFailure)).where(_F.last_at < forgotten_before))
    maker = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = maker(table_of(LoginFailure)).values(email=email, count=1, last_at=at)
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["email"],
            set_={
                "count": _F.count + 1,
                "last_at": case((new.last_at > _F.last_at, new.last_at), else_=_F.last_at),
            },
        )
    )


def clear_failures(session: Session, email: str) -> None:
    session.execute(delete(table_of(LoginFailure)).where(_F.email == email))
