"""Reviews: the queue, a decision, and its undoing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from conflict.areas import UNBOUND
from schemas.records import RecordShape
from schemas.reviews import Reopen, Resolve, ReviewShape, ReviewsPage, ReviewsQuery
from sync_server.accounts.people import get_project
from sync_server.accounts.roles import Person
from sync_server.context import context
from sync_server.errors import BadValue
from sync_server.intake import resolve
from sync_server.intake.arrival import Author
from sync_server.reports.facts import get_record_facts, get_review_facts, list_review_facts
from sync_server.sync.paging import cursor_of, limit_asked, place_asked
from sync_server.web.auth import require_viewer
from sync_server.web.bodies import read_body
from sync_server.web.documented import documented

bp = Blueprint("reviews", __name__)

_REVIEWS = "/v1/projects/<int:project_id>/sync/reviews"


@bp.get(_REVIEWS)
@documented(ReviewsPage, query=ReviewsQuery)
def list_all(project_id: int) -> Any:
    """Open reviews oldest first, or closed ones newest first."""
    person = require_viewer(project_id)
    state = request.args.get("state", "open")
    if state not in ("open", "closed"):
        raise BadValue("state is open or closed", field="state", value=state[:50])
    found, after = list_review_facts(
        project_id,
        person.area(project_id),
        state=state,
        list_name=request.args.get("list") or None,
        within=request.args.get("area") or None,
        after=place_asked(),
        limit=limit_asked(),
    )
    return {
        "reviews": ReviewShape(many=True).dump(found),
        "cursor": cursor_of(after),
        "more": after is not None,
    }


@bp.get(f"{_REVIEWS}/<review>")
@documented(ReviewShape)
def show(project_id: int, review: str) -> Any:
    """One review, open or closed."""
    person = require_viewer(project_id)
    return ReviewShape().dump(get_review_facts(project_id, review, person.area(project_id)))


@bp.post(f"{_REVIEWS}/<review>/resolve")
@documented(RecordShape, body=Resolve, refused=(409, 413, 415))
def decide(project_id: int, review: str) -> Any:
    """Choose a contender, or give another value, or say whether the record lives."""
    person = require_viewer(project_id)
    sent = read_body(Resolve())
    facts = get_review_facts(project_id, review, person.area(project_id))
    resolve.choose(
        get_project(project_id),
        review,
        contenders=sent["contenders"],
        choose=sent["choose"],
        value=sent["value"],
        status=sent["status"],
        note=sent["note"],
        author=_author(project_id, person),
        clock=context().clock,
    )
    return _record(project_id, facts["entity"])


@bp.post(f"{_REVIEWS}/<review>/reopen")
@documented(RecordShape, body=Reopen, optional=True, refused=(409, 413, 415))
def undo(project_id: int, review: str) -> Any:
    """Void the decision: what it replaced stands again, and is asked about again."""
    person = require_viewer(project_id)
    sent = read_body(Reopen(), optional=True)
    facts = get_review_facts(project_id, review, person.area(project_id))
    resolve.reopen(
        get_project(project_id),
        review,
        note=sent["note"],
        author=_author(project_id, person),
        clock=context().clock,
    )
    return _record(project_id, facts["entity"])


def _record(project_id: int, entity: str) -> Any:
    # Unbound: whoever decides that a child moved away has still decided it.
    return RecordShape().dump(get_record_facts(project_id, entity, UNBOUND))


def _author(project_id: int, person: Person) -> Author:
    return Author(
        actor_id=person.actor_id,
        user_agent=(request.user_agent.string or "")[:300],
        area=person.area(project_id),
        may_decide=True,
    )
