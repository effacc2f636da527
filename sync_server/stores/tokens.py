"""Device accounts as the phones' door finds them: by the hash of a token, in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from sync_server.models.people import Actor, AppUser, FormerToken, Node, Project
from sync_server.stores.upsert import PROJECT, insert_rows, table_of

_D = table_of(AppUser).c
_A = table_of(Actor).c
_P = table_of(Project).c
_N = table_of(Node).c
_F = table_of(FormerToken).c

_DEVICE = (
    select(
        _D.actor_id,
        _D.project_id,
        _D.properties,
        _D.revoked_at,
        _D.part_bytes,
        _A.display_name,
        _P.uuid,
        _P.name.label("project_name"),
        _N.node,
    )
    .join_from(table_of(AppUser), table_of(Actor), _A.id == _D.actor_id)
    .join(table_of(Project), _P.id == _D.project_id)
    .join(table_of(Node), _N.id == 1)
)
_BY_TOKEN = _DEVICE.where(_D.project_id == PROJECT, _D.token_hash == bindparam("token_hash"))

_BY_FORMER = (
    _DEVICE.with_only_columns(
        *(one for one in _DEVICE.selected_columns if one.key != "revoked_at"),
        func.coalesce(_D.revoked_at, _F.replaced_at).label("revoked_at"),
        maintain_column_froms=True,
    )
    .join(table_of(FormerToken), (_F.project_id == _D.project_id) & (_F.actor_id == _D.actor_id))
    .where(_F.project_id == PROJECT, _F.token_hash == bindparam("token_hash"))
)


def find_device(connection: Connection, project_id: int, token_hash: str) -> Any:
    """The device account behind a token, with its project and this node; None when unknown.

    By a token it had before, it is one that was revoked when it got another.
    """
    wanted = {"project_id": project_id, "token_hash": token_hash}
    found = connection.execute(_BY_TOKEN, wanted).one_or_none()
    return found or connection.execute(_BY_FORMER, wanted).one_or_none()


def keep_former(
    connection: Connection, project_id: int, actor_id: int, token_hash: str, *, at: str
) -> None:
    """Note that a token is replaced by another."""
    row = {"token_hash": token_hash, "actor_id": actor_id, "replaced_at": at}
    insert_rows(connection, FormerToken, [{"project_id": project_id, **row}])


def device_key(token_hash: str) -> str:
    """How a device account is named on every server: a hub has its accounts from the centre."""
    return f"device:{token_hash}"


def find_actors(connection: Connection, project_id: int, keys: Iterable[str]) -> dict[str, int]:
    """The accounts here of what other servers name by these keys."""
    hashes = {key.removeprefix("device:") for key in keys if key.startswith("device:")}
    if not hashes:
        return {}
    found: dict[str, int] = {}
    for one in (_F, _D):  # what a hub calls a device may be what it was called before
        rows = connection.execute(
            select(one.token_hash, one.actor_id).where(
                one.project_id == project_id, one.token_hash.in_(sorted(hashes))
            )
        )
        found |= {device_key(row.token_hash): row.actor_id for row in rows}
    return found


def find_device_by_id(connection: Connection, project_id: int, actor_id: int) -> Any:
    """The device account of an actor, or None."""
    return connection.execute(
        _DEVICE.where(_D.actor_id == actor_id, _D.project_id == project_id)
    ).one_or_none()


def find_devices_called(connection: Connection, project_id: int, name: str) -> list[Any]:
    """The device accounts whose id or name this is, with their sealed tokens; ten at most.

    Names need not differ: who has the password of one of them is that one.
    """
    called = _A.display_name == name
    if name.isascii() and name.isdecimal() and len(name) < 10:
        called = called | (_D.actor_id == int(name))
    rows = connection.execute(
        _DEVICE.add_columns(_D.token_sealed)
        .where(_D.project_id == project_id, called)
        .order_by(_D.revoked_at.is_not(None), _D.actor_id)
        .limit(10)
    )
    return list(rows)
