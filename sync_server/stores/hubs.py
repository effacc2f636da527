"""Hubs as their centre knows them, and the codes that pair them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from sync_server.models.hubs import Hub, HubInvitation
from sync_server.models.people import Actor
from sync_server.stores.upsert import insert_rows, table_of

_H = table_of(Hub).c
_I = table_of(HubInvitation).c
_A = table_of(Actor).c

_HUB = (*_H, _A.display_name, _A.created_at)


def insert_hub(connection: Connection, row: Mapping[str, Any]) -> None:
    insert_rows(connection, Hub, [row])


def update_hub(
    connection: Connection, project_id: int, actor_id: int, changed: Mapping[str, Any]
) -> None:
    connection.execute(
        update(table_of(Hub))
        .where(_H.project_id == project_id, _H.actor_id == actor_id)
        .values(**changed)
    )


def find_hub_by_token(connection: Connection, project_id: int, token_hash: str) -> Any:
    """The hub behind a token, revoked or not; None when unknown."""
    return connection.execute(
        select(*_H).where(_H.project_id == project_id, _H.token_hash == token_hash)
    ).one_or_none()


def find_hub(connection: Connection, project_id: int, actor_id: int) -> Any:
    """A hub with its name, or None."""
    return connection.execute(_hubs(project_id).where(_H.actor_id == actor_id)).one_or_none()


def list_hubs(connection: Connection, project_id: int) -> Sequence[Any]:
    """Every hub of a project by name, revoked ones too: its row, display_name, created_at."""
    return connection.execute(_hubs(project_id).order_by(_A.display_name, _A.id)).all()


def name_nodes(connection: Connection, project_id: int) -> dict[str, str]:
    """The names of the hubs of a project by their nodes."""
    rows = connection.execute(_hubs(project_id).where(_H.node.is_not(None)))
    return {row.node: row.display_name for row in rows}


def _hubs(project_id: int) -> Any:
    return (
        select(*_HUB)
        .join_from(table_of(Hub), table_of(Actor), _A.id == _H.actor_id)
        .where(_H.project_id == project_id)
    )


def insert_invitation(connection: Connection, row: Mapping[str, Any]) -> None:
    insert_rows(connection, HubInvitation, [row])


def void_invitations(connection: Connection, project_id: int, actor_id: int, *, at: str) -> None:
    """Let no code of a hub pair anything any more."""
    connection.execute(
        update(table_of(HubInvitation))
        .where(_I.project_id == project_id, _I.actor_id == actor_id, _I.used_at.is_(None))
        .values(used_at=at)
    )


def take_invitation(connection: Connection, code_hash: str, *, at: str) -> Any:
    """Use a code up: project_id and actor_id of its hub; None when it is not good (any more)."""
    return connection.execute(
        update(table_of(HubInvitation))
        .where(_I.code_hash == code_hash, _I.used_at.is_(None), _I.expires_at > at)
        .values(used_at=at)
        .returning(_I.project_id, _I.actor_id)
    ).one_or_none()
