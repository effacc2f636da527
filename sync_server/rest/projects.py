"""Projects."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from schemas.projects import ExtendedProjectShape, NewProject, ProjectPatch, ProjectShape
from sync_server.accounts import people
from sync_server.accounts.roles import Person
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotAllowed
from sync_server.stores import projects as store
from sync_server.web.auth import require_admin, require_manager, require_person
from sync_server.web.bodies import read_body

bp = Blueprint("projects", __name__)


@bp.get("/projects")
def list_all() -> Any:
    """The projects that whoever asks has any business in."""
    person = require_person()
    with read_transaction() as connection:
        rows = store.list_projects(connection)
    return [_shown(row, person) for row in rows if person.may_enter(row.id)]


@bp.post("/projects")
def create() -> Any:
    """Make a project."""
    admin = require_admin()
    sent = read_body(NewProject())
    project_id = people.create_project(
        sent["name"],
        description=sent["description"],
        by=admin.actor_id,
        clock=context().clock,
    )
    return _one(project_id, admin)


@bp.get("/projects/<int:project_id>")
def show(project_id: int) -> Any:
    """One project."""
    person = require_person()
    people.get_project(project_id)
    if not person.may_enter(project_id):
        raise NotAllowed("this project is for others")
    return _one(project_id, person)


@bp.patch("/projects/<int:project_id>")
def update(project_id: int) -> Any:
    """Alter a project's name, description, or whether it is archived."""
    person = require_manager(project_id)
    sent = read_body(ProjectPatch())
    if sent:
        people.update_project(project_id, sent, by=person.actor_id, clock=context().clock)
    return _one(project_id, person)


def _one(project_id: int, person: Person) -> Any:
    with read_transaction() as connection:
        rows = store.list_projects(connection, only=project_id)
    return _shown(rows[0], person)


def _shown(row: Any, person: Person) -> Any:
    if request.headers.get("X-Extended-Metadata") != "true":
        return ProjectShape().dump(row)
    return {**ExtendedProjectShape().dump(row), "verbs": person.verbs(row.id)}
