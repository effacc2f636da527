"""Hubs: at a centre those it has and when each was heard; at a hub what waits to be sent."""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.hubs import book
from sync_server.hubs.book import Invitation
from sync_server.hubs.upstream import Standing, standing
from sync_server.pages.door import bp, enter, enter_as_manager, see_other
from sync_server.pages.words import language
from sync_server.reports.cards import places_to_choose
from sync_server.reports.labels import labels_of
from sync_server.stores.hubs import list_hubs
from sync_server.stores.upstreams import list_refused
from sync_server.web.addresses import public_root


@bp.get("/projects/<int:project_id>/hubs")
def hubs(project_id: int) -> str:
    """The hubs of this centre, or how this hub stands with its centre."""
    enter(project_id)
    return _shown(project_id)


@bp.post("/projects/<int:project_id>/hubs")
def invite_hub(project_id: int) -> str:
    """Make a code. It is shown on the page that answers, and never again."""
    visit = enter_as_manager(project_id)
    given = {
        name.removeprefix("property."): text.strip()
        for name, text in request.form.items()
        if name.startswith("property.") and text.strip()
    }
    made = book.invite(
        project_id,
        request.form.get("name", ""),
        given,
        by=visit.person.actor_id,
        clock=context().clock,
    )
    return _shown(project_id, made)


@bp.post("/projects/<int:project_id>/hubs/<int:actor_id>/revoke")
def revoke_hub(project_id: int, actor_id: int) -> AnyResponse:
    """Let a hub in no more: its laptop was lost, or is needed elsewhere."""
    visit = enter_as_manager(project_id)
    book.revoke(project_id, actor_id, by=visit.person.actor_id, clock=context().clock)
    return see_other("pages.hubs", project_id=project_id)


def standing_here(project_id: int) -> Standing | None:
    """How this server stands with its centre; None where it is no hub."""
    return standing(project_id, secret_key=context().settings.secret_key)


def _shown(project_id: int, made: Invitation | None = None) -> str:
    with read_transaction() as connection:
        rows = list_hubs(connection, project_id)
        refused = list_refused(connection, project_id)
    return render_template(
        "hubs/list.html",
        hubs=rows,
        relaying=standing_here(project_id),
        refused=refused,
        made=made,
        url=public_root(),
        labels=labels_of(project_id, language()),
        properties=places_to_choose(project_id),
    )
