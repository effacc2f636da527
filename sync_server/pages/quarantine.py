"""Quarantine: what came and could not be used, why, and what to do with it."""

from __future__ import annotations

from uuid import UUID

from flask import Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sync_server.context import context
from sync_server.intake import quarantine as kept
from sync_server.pages.door import bp, enter, enter_as_manager, place_of, see_other
from sync_server.pages.records import download
from sync_server.reports import quarantined

_ONE = "/projects/<int:project_id>/quarantine/<uuid:quarantine_id>"
_STATES = ("open", "resolved", "discarded")


@bp.get("/projects/<int:project_id>/quarantine")
def quarantine(project_id: int) -> str:
    """What needs a person, newest first; or what was done with the rest."""
    visit = enter(project_id)
    state = request.args.get("state", "open")
    state = state if state in _STATES else "open"
    found = quarantined.quarantine_list(
        project_id, visit.area, state=state, after=place_of(request.args.get("after", ""))
    )
    return render_template("quarantine/list.html", found=found, state=state, states=_STATES)


@bp.get(_ONE)
def quarantined_item(project_id: int, quarantine_id: UUID) -> str:
    """One quarantined thing, its bytes shown as text."""
    visit = enter(project_id)
    item = quarantined.quarantine_item(project_id, str(quarantine_id), visit.area)
    return render_template("quarantine/item.html", item=item)


@bp.get(f"{_ONE}/raw")
def quarantined_raw(project_id: int, quarantine_id: UUID) -> Response:
    """The bytes as they came, to save."""
    visit = enter(project_id)
    item = quarantined.quarantine_item(project_id, str(quarantine_id), visit.area)
    return download(item.raw, f"{quarantine_id}.{'xml' if 'xml' in item.content_type else 'txt'}")


@bp.post(f"{_ONE}/retry")
def retry(project_id: int, quarantine_id: UUID) -> AnyResponse:
    """Take it in again, as its sender; it leaves the queue if that works now."""
    visit = enter_as_manager(project_id)
    kept.retry(
        visit.project,
        str(quarantine_id),
        by=visit.person.actor_id,
        clock=context().clock,
    )
    return see_other(
        "pages.quarantined_item", project_id=project_id, quarantine_id=quarantine_id, tried=1
    )


@bp.post(f"{_ONE}/discard")
def discard(project_id: int, quarantine_id: UUID) -> AnyResponse:
    """Set it aside; its bytes stay."""
    visit = enter_as_manager(project_id)
    kept.discard(visit.project, str(quarantine_id), by=visit.person.actor_id, clock=context().clock)
    return see_other("pages.quarantined_item", project_id=project_id, quarantine_id=quarantine_id)
