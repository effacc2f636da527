"""The review queue, and one review: choose, say otherwise, take it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sync_server.context import context
from sync_server.errors import BadValue, ReviewMoved
from sync_server.intake import resolve
from sync_server.pages.door import Visit, bp, enter, place_of, see_other
from sync_server.pages.words import language
from sync_server.reports.reviews import review_page, review_queue

_ONE = "/projects/<int:project_id>/reviews/<uuid:review_id>"


@bp.get("/projects/<int:project_id>/reviews")
def reviews(project_id: int) -> str:
    """What waits for a person, oldest first; or what was decided, newest first."""
    visit = enter(project_id)
    state = "closed" if request.args.get("state") == "closed" else "open"
    queue = review_queue(
        project_id,
        visit.area,
        language=language(),
        state=state,
        after=place_of(request.args.get("after", "")),
    )
    return render_template("reviews/queue.html", queue=queue, state=state)


@bp.get(_ONE)
def review(project_id: int, review_id: UUID) -> str:
    return _shown(enter(project_id), str(review_id))


@bp.post(f"{_ONE}/choose")
def choose(project_id: int, review_id: UUID) -> AnyResponse | tuple[str, int]:
    """Settle a review: by a contender, by another value with a note, or by living or deleted."""
    visit = enter(project_id)
    wanted = str(review_id)
    review_page(project_id, wanted, visit.area, language=language())  # it lies in their area
    try:
        resolve.choose(
            visit.project,
            wanted,
            contenders=request.form.getlist("contenders"),
            **_choice(),
            note=request.form.get("note", "").strip(),
            author=visit.author,
            clock=context().clock,
        )
    except ReviewMoved:  # what they decided on is not what is asked any more: show that, ask again
        return _shown(visit, wanted, moved=True), ReviewMoved("").status
    return see_other("pages.review", project_id=project_id, review_id=wanted)


@bp.post(f"{_ONE}/reopen")
def reopen(project_id: int, review_id: UUID) -> AnyResponse | tuple[str, int]:
    """Take a decision back: what it had replaced stands again."""
    visit = enter(project_id)
    wanted = str(review_id)
    review_page(project_id, wanted, visit.area, language=language())
    try:
        resolve.reopen(visit.project, wanted, author=visit.author, clock=context().clock)
    except ReviewMoved:
        return _shown(visit, wanted, moved=True), ReviewMoved("").status
    return see_other("pages.review", project_id=project_id, review_id=wanted)


def _choice() -> dict[str, Any]:
    """The one thing chosen. Errors: `BadValue` when a value of one's own comes without a note."""
    form = request.form
    if "status" in form:
        return {"status": form["status"]}
    if "choose" in form:
        return {"choose": form["choose"]}
    if not form.get("note", "").strip():
        raise BadValue("say in the note why it is neither", field="note")
    return {"value": form.get("value", "").strip()}


def _shown(visit: Visit, review_id: str, *, moved: bool = False) -> str:
    page = review_page(visit.project_id, review_id, visit.area, language=language())
    return render_template("reviews/review.html", review=page, moved=moved)
