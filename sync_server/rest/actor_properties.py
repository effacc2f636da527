"""Actor properties: what devices and people of a project may bear, so that areas can be drawn."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.app_users import ActorPropertyShape
from sync_server.accounts import devices
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.stores.projects import list_actor_properties
from sync_server.web.auth import require_manager, require_viewer
from sync_server.web.bodies import read_body

bp = Blueprint("actor_properties", __name__)


@bp.get("/projects/<int:project_id>/actor-properties")
def list_all(project_id: int) -> Any:
    """The properties, by name."""
    require_viewer(project_id)
    with read_transaction() as connection:
        return [{"name": name} for name in list_actor_properties(connection, project_id)]


@bp.post("/projects/<int:project_id>/actor-properties")
def create(project_id: int) -> Any:
    """Declare a property. Said twice it is said once."""
    person = require_manager(project_id)
    sent = read_body(ActorPropertyShape())
    devices.add_actor_property(project_id, sent["name"], by=person.actor_id, clock=context().clock)
    return {"name": sent["name"]}
