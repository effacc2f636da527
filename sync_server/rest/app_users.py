"""App users: the accounts that phones send under. Their tokens are for managers to see."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.app_users import AppUserPatch, AppUserShape, NewAppUser
from sync_server.accounts import devices
from sync_server.accounts.credentials import password_of_token, unseal
from sync_server.accounts.devices import rename_app_user
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.stores import people as store
from sync_server.stores.forms import find_version
from sync_server.web.auth import require_manager
from sync_server.web.bodies import read_body

bp = Blueprint("app_users", __name__)


@bp.get("/projects/<int:project_id>/app-users")
def list_all(project_id: int) -> Any:
    """The device accounts of a project, with their tokens."""
    require_manager(project_id)
    with read_transaction() as connection:
        rows = store.list_app_users(connection, project_id)
    return [_shown(row) for row in rows if row.deleted_at is None]


@bp.post("/projects/<int:project_id>/app-users")
def create(project_id: int) -> Any:
    """Make a device account; a QR of its token sets a phone up."""
    person = require_manager(project_id)
    sent = read_body(NewAppUser())
    made = devices.create_app_user(
        project_id,
        sent["display_name"],
        sent["properties"],
        by=person.actor_id,
        clock=context().clock,
        secret_key=context().settings.secret_key,
    )
    return _one(project_id, made.actor_id)


@bp.get("/projects/<int:project_id>/app-users/<int:actor_id>")
def show(project_id: int, actor_id: int) -> Any:
    """One device account."""
    require_manager(project_id)
    return _one(project_id, actor_id)


@bp.patch("/projects/<int:project_id>/app-users/<int:actor_id>")
def update(project_id: int, actor_id: int) -> Any:
    """Give a device another name or another area."""
    person = require_manager(project_id)
    sent, clock = read_body(AppUserPatch()), context().clock
    if "properties" in sent:
        devices.set_properties(
            project_id, actor_id, sent["properties"], by=person.actor_id, clock=clock
        )
    if "display_name" in sent:
        rename_app_user(project_id, actor_id, sent["display_name"], by=person.actor_id, clock=clock)
    return _one(project_id, actor_id)


@bp.delete("/projects/<int:project_id>/app-users/<int:actor_id>")
def delete(project_id: int, actor_id: int) -> Any:
    """Let a device in no more, and list it no more. What it wrote stays under its name."""
    person = require_manager(project_id)
    devices.delete_app_user(project_id, actor_id, by=person.actor_id, clock=context().clock)
    return {"success": True}


@bp.post("/projects/<int:project_id>/forms/<path:xml_form_id>/assignments/<role>/<int:actor_id>")
def assign_form(project_id: int, xml_form_id: str, role: str, actor_id: int) -> Any:
    """Let a device fill a form. Every device of a project may fill every open form of it.

    Scripts written for Central assign each form to each app user: they find it done.
    """
    require_manager(project_id)
    if role not in ("2", "app-user"):
        raise NotFound("only app users are assigned to forms here")
    with read_transaction() as connection:
        if find_version(connection, project_id, xml_form_id) is None:
            raise NotFound("there is no such form")
    _one(project_id, actor_id)
    return {"success": True}


def _one(project_id: int, actor_id: int) -> Any:
    with read_transaction() as connection:
        row = store.find_app_user(connection, project_id, actor_id)
    if row is None or row.deleted_at is not None:
        raise NotFound("there is no such app user")
    return _shown(row)


def _shown(row: Any) -> Any:
    token = None
    if row.revoked_at is None:
        token = unseal(row.token_sealed, context().settings.secret_key)
    password = None if token is None else password_of_token(token)
    shown = {"token": token, "username": str(row.actor_id), "password": password}
    return AppUserShape().dump({**row._mapping, **shown})
