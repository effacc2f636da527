"""Audits: who did what to whom. Never a value of a record, never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from sync_server.models.people import Audit
from sync_server.stores.upsert import table_of


def add_audit(
    connection: Connection,
    action: str,
    *,
    at: str,
    by: int | None = None,
    project_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note one act. `action` is Central's word where it has one: `user.create`."""
    connection.execute(
        table_of(Audit)
        .insert()
        .values(
            project_id=project_id,
            actor_id=by,
            action=action,
            details=dict(details or {}),
            logged_at=at,
        )
    )
