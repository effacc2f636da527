"""A centre's hubs: invited, paired once by a code, heard of, revoked.

A code is told once and kept only as a hash. It has a hundred bits, so that nobody comes on
one by trying before it is a day old.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sync_server.accounts.credentials import hash_of_token, new_token
from sync_server.accounts.devices import bearable
from sync_server.clock import Clock, instant, moment
from sync_server.db import write_transaction
from sync_server.errors import AlreadyThere, BadValue, NotAllowed, NotFound
from sync_server.stores import hubs as store
from sync_server.stores import people, projects
from sync_server.stores.audits import add_audit

CODE_LASTS = timedelta(hours=24)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is read aloud as another
_GROUPS, _GROUP = 5, 4


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code that was just made, for the hub `actor_id`."""

    actor_id: int
    code: str = field(repr=False)
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """What an install is told when it becomes a hub. `token` is told once."""

    token: str = field(repr=False)
    project_id: int
    project_uuid: str
    project_name: str
    hub_name: str
    node: str
    epoch: str


def invite(
    project_id: int,
    name: str,
    properties: Mapping[str, Any] | None = None,
    *,
    by: int | None,
    clock: Clock,
) -> Invitation:
    """A code for a new hub, or a fresh one for a hub of this name that has not been paired yet.

    Errors    `NotFound`; `BadValue` for a blank name or a property that the project has not;
              `AlreadyThere` when a hub of this name is at work.
    """
    name, now = name.strip(), clock.now()
    at, expires, code = instant(now), instant(now + CODE_LASTS), _new_code()
    if not name:
        raise BadValue("a hub has a name", field="name", value=name)
    with write_transaction() as connection:
        if projects.find_project(connection, project_id) is None:
            raise NotFound("there is no such project")
        borne = bearable(connection, project_id, properties or {})
        actor_id = _invited(connection, project_id, name, borne, by=by, at=at)
        row = {"project_id": project_id, "actor_id": actor_id, "code_hash": _hash(code)}
        times = {"created_at": at, "expires_at": expires, "used_at": None}
        store.insert_invitation(connection, {**row, **times})
        details = {"actorId": actor_id, "properties": borne}
        add_audit(connection, "hub.invite", at=at, by=by, project_id=project_id, details=details)
    return Invitation(actor_id, code, expires)


def _invited(
    connection: Any,
    project_id: int,
    name: str,
    borne: Mapping[str, Any],
    *,
    by: int | None,
    at: str,
) -> int:
    """The hub a code is for: a new one, or the one of this name that nobody has paired."""
    for row in store.list_hubs(connection, project_id):
        if row.display_name != name or row.revoked_at is not None:
            continue
        if row.paired_at is not None:
            raise AlreadyThere(
                "a hub of this name is at work; revoke it first, or choose another name",
                field="name",
                value=name,
            )
        store.void_invitations(connection, project_id, row.actor_id, at=at)
        store.update_hub(connection, project_id, row.actor_id, {"properties": borne})
        return int(row.actor_id)
    actor_id = people.insert_actor(connection, kind="hub", display_name=name, at=at)
    row = {"project_id": project_id, "actor_id": actor_id, "properties": borne, "created_by": by}
    store.insert_hub(connection, row)
    return actor_id


def pair(code: str, node: str, *, clock: Clock) -> Paired:
    """Make the install that knows the code, `node`, a hub.

    Errors    `NotAllowed` for a code that is unknown, used or too old, in the same words;
              `BadValue` when the node is this server itself.
    """
    token, at = new_token(), instant(clock.now())
    with write_transaction() as connection:
        here = projects.find_node(connection)
        if node == here.node:
            raise BadValue("a server is no hub of itself", field="node", value=node)
        found = store.take_invitation(connection, _hash(code), at=at)
        if found is None:
            raise NotAllowed("this code is not good, or not any more; ask the centre for another")
        project = projects.find_project(connection, found.project_id)
        hub = store.find_hub(connection, found.project_id, found.actor_id)
        paired = {"token_hash": hash_of_token(token), "node": node, "paired_at": at}
        store.update_hub(connection, found.project_id, found.actor_id, paired)
        details = {"actorId": found.actor_id, "node": node}
        add_audit(connection, "hub.pair", at=at, project_id=found.project_id, details=details)
    return Paired(
        token=token,
        project_id=project.id,
        project_uuid=project.uuid,
        project_name=project.name,
        hub_name=hub.display_name,
        node=here.node,
        epoch=here.epoch,
    )


def revoke(project_id: int, actor_id: int, *, by: int | None, clock: Clock) -> None:
    """Let a hub in no more. What it still holds can be imported by file. Twice is once."""
    at = instant(clock.now())
    with write_transaction() as connection:
        row = store.find_hub(connection, project_id, actor_id)
        if row is None:
            raise NotFound("there is no such hub")
        store.void_invitations(connection, project_id, actor_id, at=at)
        revoked = {"revoked_at": row.revoked_at or at}
        store.update_hub(connection, project_id, actor_id, revoked)
        people.update_actor(connection, actor_id, {"updated_at": at})
        details = {"actorId": actor_id}
        add_audit(connection, "hub.revoke", at=at, by=by, project_id=project_id, details=details)


def note_heard(project_id: int, actor_id: int, *, sent_at: str | None, clock: Clock) -> None:
    """Note that a hub was heard, and how far its clock is from this one, as far as it says."""
    now = clock.now()
    heard: dict[str, Any] = {"last_seen_at": instant(now)}
    if sent_at is not None:
        heard["clock_offset_ms"] = round((now - moment(sent_at)).total_seconds() * 1000)
    with write_transaction() as connection:
        store.update_hub(connection, project_id, actor_id, heard)


def _new_code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _hash(code: str) -> str:
    """What a code is found by, however it was typed: in lower case, with spaces for hyphens.

    >>> _hash("abcd efgh") == _hash("ABCD-EFGH")
    True
    """
    plain = "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())
    return hash_of_token(plain)
