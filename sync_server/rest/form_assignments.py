"""Which devices a form is given to, at Central's addresses for assignments of forms.

What is assigned counts once the form is kept for those it is given to: `access` says so. Scripts
written for Central assign each form to some app user, and must not take it from all the others.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.assignments import AssignmentShape, FormAccess
from schemas.users import ActorShape
from sync_server.accounts.roles import APP_USER, role_named
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.publishing import access
from sync_server.stores.form_devices import list_devices_of
from sync_server.stores.forms import find_version
from sync_server.stores.people import list_actors
from sync_server.web.auth import require_manager
from sync_server.web.bodies import read_body

_FORM = "/projects/<int:project_id>/forms/<path:xml_form_id>"
_ONE = f"{_FORM}/assignments/<word>/<int:actor_id>"

bp = Blueprint("form_assignments", __name__)


@bp.get(f"{_FORM}/access")
def show_access(project_id: int, xml_form_id: str) -> Any:
    """Whether all devices have the form, or those it is given to."""
    require_manager(project_id)
    with read_transaction() as connection:
        row = find_version(connection, project_id, xml_form_id)
    if row is None:
        raise NotFound("there is no such form")
    return FormAccess().dump({"devices": "given" if row.given else "all"})


@bp.put(f"{_FORM}/access")
def set_access(project_id: int, xml_form_id: str) -> Any:
    """Keep the form for the devices it is given to, or let all have it."""
    person = require_manager(project_id)
    given = read_body(FormAccess())["devices"] == "given"
    clock = context().clock
    access.set_given(project_id, xml_form_id, given=given, by=person.actor_id, clock=clock)
    return {"success": True}


@bp.get(f"{_FORM}/assignments")
def list_all(project_id: int, xml_form_id: str) -> Any:
    """The devices that the form is given to, with the role of each."""
    ids = _devices(project_id, xml_form_id)
    rows = [{"actor_id": one, "role_id": APP_USER.id} for one in ids]
    return AssignmentShape(many=True).dump(rows)


@bp.get(f"{_FORM}/assignments/<word>")
def list_actors_of(project_id: int, xml_form_id: str, word: str) -> Any:
    """The devices that the form is given to."""
    ids = _devices(project_id, xml_form_id) if role_named(word) == APP_USER else []
    with read_transaction() as connection:
        return ActorShape(many=True).dump(list_actors(connection, ids))


@bp.post(_ONE)
def assign(project_id: int, xml_form_id: str, word: str, actor_id: int) -> Any:
    """Give the form to a device."""
    person = require_manager(project_id)
    _require_app_user(word)
    clock = context().clock
    access.give(project_id, xml_form_id, actor_id, by=person.actor_id, clock=clock)
    return {"success": True}


@bp.delete(_ONE)
def unassign(project_id: int, xml_form_id: str, word: str, actor_id: int) -> Any:
    """Take the form from a device."""
    person = require_manager(project_id)
    _require_app_user(word)
    clock = context().clock
    access.take(project_id, xml_form_id, actor_id, by=person.actor_id, clock=clock)
    return {"success": True}


def _devices(project_id: int, xml_form_id: str) -> list[int]:
    require_manager(project_id)
    with read_transaction() as connection:
        if find_version(connection, project_id, xml_form_id) is None:
            raise NotFound("there is no such form")
        return list_devices_of(connection, project_id, xml_form_id)


def _require_app_user(word: str) -> None:
    if role_named(word) != APP_USER:
        raise NotFound("only app users are assigned to forms here")
