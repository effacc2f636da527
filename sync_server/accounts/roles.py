"""The five roles, and what a person may do and see by those they hold.

Ids and system names are ODK Central's, so that scripts written for it find them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conflict.areas import UNBOUND, Area, area_of
from sync_server.errors import NotFound


@dataclass(frozen=True, slots=True)
class Role:
    """A role by Central's id and system name; `name` is what a person calls it."""

    id: int
    system: str
    name: str
    verbs: tuple[str, ...]


_VIEW = [
    "project.read",
    "form.list",
    "form.read",
    "submission.list",
    "submission.read",
    "dataset.list",
    "dataset.read",
    "entity.list",
    "entity.read",
]
_FILL = [
    "project.read",
    "form.list",
    "form.read",
    "submission.create",
]
_DECIDE = [
    "entity.update",
    "entity.delete",
    "entity.restore",
    "review.resolve",
]
_MANAGE = [
    "project.update",
    "form.create",
    "form.update",
    "form.delete",
    "submission.create",
    "submission.update",
    "dataset.create",
    "dataset.update",
    "entity.create",
    "field_key.create",
    "field_key.delete",
    "field_key.list",
    "field_key.update",
    "assignment.create",
    "assignment.delete",
    "assignment.list",
    "session.end",
    "audit.read",
]
_ADMIN = [
    "project.create",
    "project.delete",
    "user.create",
    "user.list",
    "user.read",
    "user.update",
    "user.delete",
    "config.read",
    "config.set",
    "role.create",
    "role.update",
    "role.delete",
]

ADMIN = Role(1, "admin", "Administrator", (*_VIEW, *_DECIDE, *_MANAGE, *_ADMIN))
APP_USER = Role(2, "app-user", "App User", ("form.list", "form.read", "submission.create"))
MANAGER = Role(5, "manager", "Project Manager", (*_VIEW, *_DECIDE, *_MANAGE))
VIEWER = Role(6, "viewer", "Project Viewer", (*_VIEW, *_DECIDE))
FORMFILL = Role(7, "formfill", "Data Collector", tuple(_FILL))

ROLES = (ADMIN, APP_USER, MANAGER, VIEWER, FORMFILL)


def role_named(word: str | int) -> Role:
    """A role by its id or its system name. Errors: `NotFound` for any other word."""
    for role in ROLES:
        if str(word) in (str(role.id), role.system):
            return role
    raise NotFound("there is no such role")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who logged in, with the roles held everywhere and in each project.

    `areas` has the properties that bind a viewer, by project.
    """

    actor_id: int
    display_name: str
    email: str
    language: str | None = None
    site_roles: frozenset[str] = frozenset()
    project_roles: Mapping[int, frozenset[str]] = field(default_factory=dict)
    areas: Mapping[int, Area] = field(default_factory=dict)

    @property
    def is_admin(self) -> bool:
        return ADMIN.system in self.site_roles

    def may_manage(self, project_id: int) -> bool:
        """Whether this person alters the project: forms, devices, people, lists."""
        return self.is_admin or self._holds(MANAGER, project_id)

    def may_view(self, project_id: int) -> bool:
        """Whether this person reads what came in, and decides reviews: a supervisor."""
        return self.may_manage(project_id) or self._holds(VIEWER, project_id)

    def may_enter(self, project_id: int) -> bool:
        """Whether this person has any business in the project."""
        return self.may_view(project_id) or self._holds(FORMFILL, project_id)

    def may_fill(self, project_id: int) -> bool:
        """Whether this person sends filled forms."""
        return self.may_manage(project_id) or self._holds(FORMFILL, project_id)

    def area(self, project_id: int) -> Area:
        """What this person sees of the project; everything, but for a viewer with properties."""
        if self.may_manage(project_id) or VIEWER.system in self.site_roles:
            return UNBOUND
        return self.areas.get(project_id, UNBOUND)

    def verbs(self, project_id: int | None = None) -> list[str]:
        """The verbs of the roles held everywhere, and of those held in a project."""
        held = set(self.site_roles)
        if project_id is not None:
            held |= self.project_roles.get(project_id, frozenset())
        return sorted({verb for role in ROLES if role.system in held for verb in role.verbs})

    def _holds(self, role: Role, project_id: int) -> bool:
        here = self.project_roles.get(project_id, frozenset())
        return role.system in self.site_roles or role.system in here


def person(user: Any, site_roles: Iterable[str], held: Iterable[Any]) -> Person:
    """A person from their row and their assignments (project_id, role, properties)."""
    project_roles: dict[int, set[str]] = {}
    areas: dict[int, Area] = {}
    for row in held:
        project_roles.setdefault(row.project_id, set()).add(row.role)
        if row.role == VIEWER.system and row.properties:
            areas[row.project_id] = area_of(user.actor_id, row.properties)
    return Person(
        actor_id=user.actor_id,
        display_name=user.display_name,
        email=user.email,
        language=user.language,
        site_roles=frozenset(site_roles),
        project_roles={project: frozenset(roles) for project, roles in project_roles.items()},
        areas=areas,
    )
