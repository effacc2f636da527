"""People and devices: actors, users, device accounts, and the roles they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from sync_server.models.people import (
    Actor,
    AppUser,
    Assignment,
    Contact,
    SiteAssignment,
    User,
)
from sync_server.stores.upsert import insert_missing, insert_rows, table_of, upsert_rows

_A = table_of(Actor).c
_U = table_of(User).c
_D = table_of(AppUser).c
_C = table_of(Contact).c
_SA = table_of(SiteAssignment).c
_PA = table_of(Assignment).c

_USER = (
    _A.id,
    _A.display_name,
    _A.created_at,
    _A.updated_at,
    _A.deleted_at,
    _U.actor_id,
    _U.email,
    _U.language,
    _U.password_hash,
)


def insert_actor(connection: Connection, *, kind: str, display_name: str, at: str) -> int:
    """A new actor; its id."""
    actor_id = connection.execute(
        table_of(Actor)
        .insert()
        .values(kind=kind, display_name=display_name, created_at=at)
        .returning(_A.id)
    ).scalar_one()
    return int(actor_id)


def update_actor(connection: Connection, actor_id: int, changed: Mapping[str, Any]) -> None:
    connection.execute(update(table_of(Actor)).where(_A.id == actor_id).values(**changed))


def find_actor(connection: Connection, actor_id: int) -> Any:
    """The row of an actor who is still here, or None."""
    return connection.execute(
        select(*_A).where(_A.id == actor_id, _A.deleted_at.is_(None))
    ).one_or_none()


def insert_user(
    connection: Connection,
    actor_id: int,
    *,
    email: str,
    password_hash: str | None,
    language: str | None,
) -> None:
    row = {"email": email, "password_hash": password_hash, "language": language}
    insert_rows(connection, User, [{"actor_id": actor_id, **row}])


def update_user(connection: Connection, actor_id: int, changed: Mapping[str, Any]) -> None:
    connection.execute(update(table_of(User)).where(_U.actor_id == actor_id).values(**changed))


def find_user(connection: Connection, actor_id: int) -> Any:
    """A user who is still here with their actor, or None."""
    return connection.execute(_users().where(_A.id == actor_id)).one_or_none()


def find_user_by_email(connection: Connection, email: str) -> Any:
    return connection.execute(_users().where(_U.email == email)).one_or_none()


def list_users(connection: Connection) -> Sequence[Any]:
    """Every user who is still here, by e-mail address."""
    return connection.execute(_users().order_by(_U.email)).all()


def _users() -> Any:
    return (
        select(*_USER)
        .join_from(table_of(User), table_of(Actor), _A.id == _U.actor_id)
        .where(_A.deleted_at.is_(None))
    )


def list_site_roles(connection: Connection, actor_id: int) -> list[str]:
    return [
        row.role for row in connection.execute(select(_SA.role).where(_SA.actor_id == actor_id))
    ]


def list_project_roles(connection: Connection, actor_id: int) -> Sequence[Any]:
    """What an actor is in each project: project_id, role, properties."""
    return connection.execute(
        select(_PA.project_id, _PA.role, _PA.properties).where(_PA.actor_id == actor_id)
    ).all()


def list_site_assignments(connection: Connection) -> Sequence[Any]:
    """Every role that holds everywhere: actor_id, role."""
    return connection.execute(select(*_SA).order_by(_SA.actor_id, _SA.role)).all()


def list_assignments(connection: Connection, project_id: int) -> Sequence[Any]:
    """The roles of a project: actor_id, role, properties."""
    return connection.execute(
        select(_PA.actor_id, _PA.role, _PA.properties)
        .where(_PA.project_id == project_id)
        .order_by(_PA.actor_id, _PA.role)
    ).all()


def list_actors(connection: Connection, actor_ids: Sequence[int]) -> Sequence[Any]:
    """The rows of actors who are still here, by id."""
    return connection.execute(
        select(*_A)
        .where(_A.id.in_(sorted(set(actor_ids))), _A.deleted_at.is_(None))
        .order_by(_A.id)
    ).all()


def find_authors(connection: Connection, actor_ids: Iterable[int | None]) -> dict[int, Any]:
    """Rows of kind and display_name by id; of those who are gone too: history has its authors."""
    ids = sorted({one for one in actor_ids if one is not None})
    rows = connection.execute(select(_A.id, _A.kind, _A.display_name).where(_A.id.in_(ids)))
    return {row.id: row for row in rows}


def put_site_assignment(connection: Connection, actor_id: int, role: str) -> None:
    insert_missing(connection, SiteAssignment, [{"actor_id": actor_id, "role": role}])


def put_assignment(
    connection: Connection, project_id: int, actor_id: int, role: str, properties: Mapping[str, Any]
) -> None:
    """Give a role in a project, or give the role already held another area."""
    row = {"project_id": project_id, "actor_id": actor_id, "role": role}
    upsert_rows(connection, Assignment, [{**row, "properties": dict(properties)}])


def delete_assignment(
    connection: Connection, project_id: int | None, actor_id: int, role: str
) -> bool:
    """Take a role away; False when it was not held. `project_id` None: the one held everywhere."""
    if project_id is None:
        statement = (
            delete(table_of(SiteAssignment))
            .where(_SA.actor_id == actor_id, _SA.role == role)
            .returning(_SA.actor_id)
        )
    else:
        statement = (
            delete(table_of(Assignment))
            .where(_PA.project_id == project_id, _PA.actor_id == actor_id, _PA.role == role)
            .returning(_PA.actor_id)
        )
    return connection.execute(statement).first() is not None


def insert_app_user(connection: Connection, row: Mapping[str, Any]) -> None:
    insert_rows(connection, AppUser, [row])


def update_app_user(
    connection: Connection, project_id: int, actor_id: int, changed: Mapping[str, Any]
) -> None:
    connection.execute(
        update(table_of(AppUser))
        .where(_D.project_id == project_id, _D.actor_id == actor_id)
        .values(**changed)
    )


def find_app_user(connection: Connection, project_id: int, actor_id: int) -> Any:
    """A device account of a project with its actor, or None."""
    return connection.execute(_app_users(project_id).where(_D.actor_id == actor_id)).one_or_none()


def list_app_users(connection: Connection, project_id: int) -> Sequence[Any]:
    """The device accounts of a project by name, revoked ones too, with when each last asked."""
    return connection.execute(_app_users(project_id).order_by(_A.display_name, _A.id)).all()


def _app_users(project_id: int) -> Any:
    last = (
        select(func.max(_C.last_at))
        .where(_C.project_id == _D.project_id, _C.actor_id == _D.actor_id)
        .scalar_subquery()
    )
    return (
        select(
            _D.project_id,
            _D.actor_id,
            _D.token_sealed,
            _D.properties,
            _D.created_by,
            _D.revoked_at,
            _D.part_bytes,
            _A.display_name,
            _A.created_at,
            _A.updated_at,
            _A.deleted_at,
            last.label("last_used"),
        )
        .join_from(table_of(AppUser), table_of(Actor), _A.id == _D.actor_id)
        .where(_D.project_id == project_id)
    )


def find_token(connection: Connection, token_hash: str) -> Any:
    """The device account of a token wherever it is: project_id, actor_id; None when nobody's."""
    return connection.execute(
        select(_D.project_id, _D.actor_id).where(_D.token_hash == token_hash)
    ).one_or_none()
