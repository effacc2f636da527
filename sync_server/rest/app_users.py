"""App users: the accounts that phones send under. Their tokens are for managers to see."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from odk_forms.collect import qr_text
from schemas.app_users import AppUserPatch, AppUserShape, NewAppUser
from sync_server.accounts import devices
from sync_server.accounts.credentials import password_of_token, unseal
from sync_server.accounts.devices import rename_app_user
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.stores import people as store
from sync_server.web.addresses import public_root
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
    """Give a device another name, another area, or parts of another size."""
    person = require_manager(project_id)
    sent, clock = read_body(AppUserPatch()), context().clock
    if "properties" in sent:
        devices.set_properties(
            project_id, actor_id, sent["properties"], by=person.actor_id, clock=clock
        )
    if "part_bytes" in sent:
        devices.set_part_bytes(
            project_id, actor_id, sent["part_bytes"], by=person.actor_id, clock=clock
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


@bp.get("/projects/<int:project_id>/app-users/<int:actor_id>/settings")
def phone_settings(project_id: int, actor_id: int) -> Any:
    """What the QR code of a device carries: Collect's settings, and the text of the code."""
    require_manager(project_id)
    here = context().settings
    wanted = devices.phone_settings(
        project_id,
        actor_id,
        base_url=public_root(),
        secret_key=here.secret_key,
        admin_password=here.collect_password,
    )
    return {"settings": wanted, "qr": qr_text(wanted)}


@bp.post("/projects/<int:project_id>/app-users/<int:actor_id>/rotate")
def rotate(project_id: int, actor_id: int) -> Any:
    """Give a device another token. The one before is let in no more."""
    person, here = require_manager(project_id), context()
    devices.rotate_token(
        project_id,
        actor_id,
        by=person.actor_id,
        clock=here.clock,
        secret_key=here.settings.secret_key,
    )
    return _one(project_id, actor_id)


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
