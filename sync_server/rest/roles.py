"""Roles: there are five, with ODK Central's ids."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.assignments import RoleShape
from sync_server.accounts.roles import ROLES, role_named
from sync_server.web.auth import require_person

bp = Blueprint("roles", __name__)


@bp.get("/roles")
def list_all() -> Any:
    """Every role with what it allows."""
    require_person()
    return RoleShape(many=True).dump(ROLES)


@bp.get("/roles/<word>")
def show(word: str) -> Any:
    """One role by its id or system name."""
    require_person()
    return RoleShape().dump(role_named(word))
