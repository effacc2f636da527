"""The sync board: who has sent, who has not, and how sure that is."""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sync_server.context import context
from sync_server.pages.door import bp, enter, see_other
from sync_server.pages.hubs import standing_here
from sync_server.pages.words import language
from sync_server.reports.board import Health, sync_board
from sync_server.reports.labels import labels_of


@bp.get("/projects/<int:project_id>")
def project(project_id: int) -> AnyResponse:
    return see_other("pages.board", project_id=project_id)


@bp.get("/projects/<int:project_id>/board")
def board(project_id: int) -> str:
    """One row for each device account, worst first."""
    visit = enter(project_id)
    health, search = request.args.get("health", ""), request.args.get("q", "").strip()
    found = sync_board(
        project_id,
        visit.area,
        clock=context().clock,
        late_days=context().settings.late_days,
        health=health if health in list(Health) else "",
        search=search,
        page=request.args.get("page", 1, int),
    )
    return render_template(
        "board/board.html",
        board=found,
        labels=labels_of(project_id, language()),
        health=health,
        search=search,
        healths=list(Health),
        relaying=standing_here(project_id),
    )
