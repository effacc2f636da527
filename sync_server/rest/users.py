"""Users: people who log in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from schemas.users import NewPassword, NewUser, UserPatch, UserShape
from sync_server.accounts import people
from sync_server.accounts.credentials import fits
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotAllowed, NotFound, WrongPassword
from sync_server.stores import people as store
from sync_server.web.auth import require_admin, require_person
from sync_server.web.bodies import read_body

bp = Blueprint("users", __name__)


@bp.get("/users/current")
def show_current() -> Any:
    """Who is asking, with the verbs of the roles they hold everywhere."""
    person = require_person()
    return {**_shown(person.actor_id), "verbs": person.verbs()}


@bp.get("/users")
def list_all() -> Any:
    """Everybody for an administrator; for others only who has exactly the address `q`."""
    person = require_person()
    wanted = request.args.get("q", "").strip().lower()
    with read_transaction() as connection:
        rows = store.list_users(connection)
    if not person.is_admin:
        rows = [row for row in rows if wanted and row.email == wanted]
    elif wanted:
        rows = [row for row in rows if wanted in f"{row.email}\n{row.display_name}".lower()]
    return UserShape(many=True).dump(rows)


@bp.post("/users")
def create() -> Any:
    """Let somebody in."""
    admin = require_admin()
    sent = read_body(NewUser())
    actor_id = people.create_user(
        sent["email"],
        sent["password"],
        display_name=sent["display_name"],
        language=sent["language"],
        by=admin.actor_id,
        clock=context().clock,
    )
    return _shown(actor_id)


@bp.get("/users/<int:actor_id>")
def show(actor_id: int) -> Any:
    """One user, for themselves and for administrators."""
    _require_self_or_admin(actor_id)
    return _shown(actor_id)


@bp.patch("/users/<int:actor_id>")
def update(actor_id: int) -> Any:
    """Alter a user. A password is altered here by administrators only."""
    by, clock = _require_self_or_admin(actor_id), context().clock
    sent = read_body(UserPatch())
    password = sent.pop("password", None)
    if password is not None:
        require_admin()
    if sent:
        people.update_user(actor_id, sent, by=by, clock=clock)
    if password is not None:
        people.set_password(actor_id, password, by=by, clock=clock)
    return _shown(actor_id)


@bp.put("/users/<int:actor_id>/password")
def set_password(actor_id: int) -> Any:
    """Another password; whoever alters their own says the old one first."""
    by = _require_self_or_admin(actor_id)
    sent = read_body(NewPassword())
    if by == actor_id:
        with read_transaction() as connection:
            user = store.find_user(connection, actor_id)
        if not fits(sent["old"], user.password_hash if user else None):
            raise WrongPassword("the old password is not right")
    people.set_password(actor_id, sent["new"], by=by, clock=context().clock)
    return {"success": True}


def _require_self_or_admin(actor_id: int) -> int:
    person = require_person()
    if person.actor_id != actor_id and not person.is_admin:
        raise NotAllowed("this is somebody else")
    return person.actor_id


def _shown(actor_id: int) -> dict[str, Any]:
    with read_transaction() as connection:
        row = store.find_user(connection, actor_id)
    if row is None:
        raise NotFound("there is no such user")
    shown: dict[str, Any] = UserShape().dump(row)
    return shown
