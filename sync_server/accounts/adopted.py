"""Device accounts of another server, with the same tokens: one QR card is good at both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from sync_server.accounts.credentials import hash_of_token, seal
from sync_server.clock import Clock, instant
from sync_server.db import write_transaction
from sync_server.stores import people as store
from sync_server.stores.audits import add_audit
from sync_server.stores.setup import list_accounts


@dataclass(frozen=True, slots=True)
class Account:
    """A device account as its own server has it. A revoked one comes without its token."""

    token_hash: str
    name: str
    properties: Mapping[str, Any]
    token: str | None = field(default=None, repr=False)


def adopt(
    project_id: int,
    accounts: Sequence[Account],
    *,
    of: int,
    clock: Clock,
    secret_key: str,
) -> int:
    """Have the accounts of `of`, the server they are from, as they are there; how many altered.

    One that is not among them any more, or has no token, is let in no more. Accounts that were
    made here are left alone.
    """
    at, altered = instant(clock.now()), 0
    wanted = {one.token_hash: one for one in accounts}
    with write_transaction() as connection:
        here = {row.token_hash: row for row in list_accounts(connection, project_id)}
        for token_hash, one in wanted.items():
            row = here.get(token_hash)
            if row is None:
                altered += _take(connection, project_id, one, of, at, secret_key)
            elif row.created_by == of:
                altered += _alter(connection, project_id, row, one, at)
        for token_hash, row in here.items():
            if row.created_by == of and token_hash not in wanted:
                gone = Account(token_hash, row.display_name, row.properties)
                altered += _alter(connection, project_id, row, gone, at)
        if altered:
            details = {"altered": altered, "of": of}
            act = "field_key.adopt"
            add_audit(connection, act, at=at, by=of, project_id=project_id, details=details)
    return altered


def _take(
    connection: Connection, project_id: int, one: Account, of: int, at: str, secret_key: str
) -> int:
    if one.token is None or hash_of_token(one.token) != one.token_hash:
        return 0
    actor_id = store.insert_actor(connection, kind="app_user", display_name=one.name, at=at)
    row = {
        "project_id": project_id,
        "actor_id": actor_id,
        "token_hash": one.token_hash,
        "token_sealed": seal(one.token, secret_key),
        "properties": dict(one.properties),
        "created_by": of,
        "revoked_at": None,
    }
    store.insert_app_user(connection, row)
    return 1


def _alter(connection: Connection, project_id: int, row: Any, one: Account, at: str) -> int:
    revoked = None if one.token is not None else row.revoked_at or at
    if (row.display_name, row.properties, row.revoked_at) == (one.name, one.properties, revoked):
        return 0
    changed = {"properties": dict(one.properties), "revoked_at": revoked}
    store.update_app_user(connection, project_id, row.actor_id, changed)
    renamed = {"display_name": one.name, "updated_at": at}
    store.update_actor(connection, row.actor_id, renamed)
    return 1
