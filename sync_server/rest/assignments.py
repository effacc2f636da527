"""Assignments: who holds which role, everywhere or in a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint

from schemas.assignments import AssignmentShape, NewAssignment
from schemas.users import ActorShape
from sync_server.accounts import people
from sync_server.accounts.roles import ADMIN, Person, role_named
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotAllowed
from sync_server.stores import people as store
from sync_server.web.auth import require_admin, require_manager
from sync_server.web.bodies import read_body

bp = Blueprint("assignments", __name__)


@bp.get("/assignments")
def list_site() -> Any:
    """Every role held everywhere."""
    require_admin()
    return _assignments(_site_rows())


@bp.get("/assignments/<word>")
def list_site_actors(word: str) -> Any:
    """Who holds a role everywhere."""
    require_admin()
    return _actors(_site_rows(), word)


@bp.post("/assignments/<word>/<int:actor_id>")
def assign_site(word: str, actor_id: int) -> Any:
    """Give a role that holds everywhere."""
    admin = require_admin()
    people.assign(actor_id, word, None, by=admin.actor_id, clock=context().clock)
    return {"success": True}


@bp.delete("/assignments/<word>/<int:actor_id>")
def unassign_site(word: str, actor_id: int) -> Any:
    """Take a role that holds everywhere; nobody takes their own administrator's role."""
    admin = require_admin()
    if actor_id == admin.actor_id and role_named(word) == ADMIN:
        raise NotAllowed("another administrator must do this")
    people.unassign(actor_id, word, None, by=admin.actor_id, clock=context().clock)
    return {"success": True}


@bp.get("/projects/<int:project_id>/assignments")
def list_project(project_id: int) -> Any:
    """Every role held in a project."""
    require_manager(project_id)
    return _assignments(_project_rows(project_id))


@bp.get("/projects/<int:project_id>/assignments/<word>")
def list_project_actors(project_id: int, word: str) -> Any:
    """Who holds a role in a project."""
    require_manager(project_id)
    return _actors(_project_rows(project_id), word)


@bp.post("/projects/<int:project_id>/assignments/<word>/<int:actor_id>")
def assign_project(project_id: int, word: str, actor_id: int) -> Any:
    """Give a role in a project; `{"properties": …}` in the body binds a viewer to an area."""
    person = _require_giver(project_id, word)
    sent = read_body(NewAssignment(), optional=True)
    people.assign(
        actor_id,
        word,
        project_id,
        properties=sent["properties"],
        by=person.actor_id,
        clock=context().clock,
    )
    return {"success": True}


@bp.delete("/projects/<int:project_id>/assignments/<word>/<int:actor_id>")
def unassign_project(project_id: int, word: str, actor_id: int) -> Any:
    """Take a role in a project."""
    person = _require_giver(project_id, word)
    people.unassign(actor_id, word, project_id, by=person.actor_id, clock=context().clock)
    return {"success": True}


def _require_giver(project_id: int, word: str) -> Person:
    """A manager; the administrator's role is no manager's to give."""
    person = require_manager(project_id)
    if role_named(word) == ADMIN and not person.is_admin:
        raise NotAllowed("this is for administrators")
    return person


def _site_rows() -> Sequence[Any]:
    with read_transaction() as connection:
        return store.list_site_assignments(connection)


def _project_rows(project_id: int) -> Sequence[Any]:
    with read_transaction() as connection:
        return store.list_assignments(connection, project_id)


def _assignments(rows: Sequence[Any]) -> Any:
    return AssignmentShape(many=True).dump(
        {**row._mapping, "role_id": role_named(row.role).id} for row in rows
    )


def _actors(rows: Sequence[Any], word: str) -> Any:
    system = role_named(word).system
    ids = [row.actor_id for row in rows if row.role == system]
    with read_transaction() as connection:
        return ActorShape(many=True).dump(store.list_actors(connection, ids))
