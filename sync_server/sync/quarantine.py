"""Quarantine: what could not be used, why, its bytes; tried again or set aside."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from schemas.batches import ChangeResultShape, SubmissionResultShape
from schemas.quarantine import (
    STATES,
    QuarantinedShape,
    QuarantinePage,
    QuarantineQuery,
    RetryShape,
)
from sync_server.accounts.people import get_project
from sync_server.accounts.roles import Person
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import BadValue
from sync_server.intake import quarantine
from sync_server.intake.arrival import ChangeResult
from sync_server.reports.quarantined import get_kept, list_kept
from sync_server.sync.paging import cursor_of, limit_asked, place_asked
from sync_server.web.auth import require_manager, require_viewer
from sync_server.web.documented import documented

bp = Blueprint("quarantine", __name__)

_QUARANTINE = "/v1/projects/<int:project_id>/sync/quarantine"


@bp.get(_QUARANTINE)
@documented(QuarantinePage, query=QuarantineQuery)
def list_all(project_id: int) -> Any:
    """What devices of the reader's area sent that could not be used, newest first."""
    person = require_viewer(project_id)
    state = request.args.get("state") or None
    if state is not None and state not in STATES:
        raise BadValue(f"state is one of {', '.join(STATES)}", field="state", value=state[:50])
    with read_transaction() as connection:
        rows, after = list_kept(
            connection,
            project_id,
            person.area(project_id),
            state=state,
            after=place_asked(),
            limit=limit_asked(),
        )
    return {
        "quarantine": QuarantinedShape(many=True).dump(rows),
        "cursor": cursor_of(after),
        "more": after is not None,
    }


@bp.get(f"{_QUARANTINE}/<wanted>")
@documented(QuarantinedShape)
def show(project_id: int, wanted: str) -> Any:
    """One quarantined thing; its bytes are at `/raw`."""
    return QuarantinedShape().dump(_kept(project_id, wanted, require_viewer(project_id)))


@bp.get(f"{_QUARANTINE}/<wanted>/raw")
@documented()
def show_raw(project_id: int, wanted: str) -> Any:
    """The bytes as they came. Whoever sent them is not trusted: a browser only saves them."""
    row = _kept(project_id, wanted, require_viewer(project_id))
    return Response(
        row.raw,
        content_type=row.content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{row.quarantine_id}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )


@bp.post(f"{_QUARANTINE}/<wanted>/retry")
@documented(RetryShape)
def retry(project_id: int, wanted: str) -> Any:
    """Take it in again, as the device that sent it; what became of it now. For managers."""
    person = require_manager(project_id)
    row = _kept(project_id, wanted, person)
    result = quarantine.retry(
        get_project(project_id), row.quarantine_id, by=person.actor_id, clock=context().clock
    )
    shape = ChangeResultShape if isinstance(result, ChangeResult) else SubmissionResultShape
    state = _kept(project_id, wanted, person).state
    return {"id": row.quarantine_id, "state": state, "result": shape().dump(result)}


@bp.post(f"{_QUARANTINE}/<wanted>/discard")
@documented(QuarantinedShape)
def discard(project_id: int, wanted: str) -> Any:
    """Set it aside: marked and kept. For managers."""
    person = require_manager(project_id)
    row = _kept(project_id, wanted, person)
    quarantine.discard(
        get_project(project_id), row.quarantine_id, by=person.actor_id, clock=context().clock
    )
    return QuarantinedShape().dump(_kept(project_id, wanted, person))


def _kept(project_id: int, wanted: str, person: Person) -> Any:
    with read_transaction() as connection:
        return get_kept(connection, project_id, wanted, person.area(project_id))
