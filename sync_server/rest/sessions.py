"""Sessions: log in, log out, let a phone in no more."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.sessions import NewSession, SessionShape
from sync_server.accounts import devices, people
from sync_server.accounts.credentials import hash_of_token
from sync_server.accounts.roles import Person
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotAllowed, NotFound
from sync_server.stores.people import find_token
from sync_server.web.auth import require_person, session_token
from sync_server.web.bodies import read_body

bp = Blueprint("sessions", __name__)


@bp.post("/sessions")
def log_in() -> Any:
    """A session for a password. The token is for the Authorization header: `Bearer …`."""
    sent = read_body(NewSession())
    login = people.log_in(sent["email"], sent["password"], clock=context().clock)
    return SessionShape().dump(login)


@bp.get("/sessions/restore")
def restore() -> Any:
    """Whether the session this comes with is still good."""
    require_person()
    return {"success": True}


@bp.delete("/sessions/current")
def end_current() -> Any:
    """End the session this comes with."""
    require_person()
    people.log_out(session_token() or "", clock=context().clock)
    return {"success": True}


@bp.delete("/sessions/<token>")
def end(token: str) -> Any:
    """End one's own session, or revoke the device whose token this is."""
    person = require_person()
    clock = context().clock
    owner = people.person_of_token(token, clock=clock)
    if owner is None:
        _revoke(token, person)
        return {"success": True}
    if owner.actor_id != person.actor_id and not person.is_admin:
        raise NotAllowed("this is somebody else's session")
    people.log_out(token, clock=clock)
    return {"success": True}


def _revoke(token: str, person: Person) -> None:
    with read_transaction() as connection:
        row = find_token(connection, hash_of_token(token))
    if row is None or not person.may_manage(row.project_id):
        raise NotFound("there is no such session")
    devices.revoke_app_user(row.project_id, row.actor_id, by=person.actor_id, clock=context().clock)
