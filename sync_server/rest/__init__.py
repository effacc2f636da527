"""The door for programs: addresses, fields and error codes are those of ODK Central's REST API.

Only what a module of this package serves is here; `NOUNS` lists them.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, request

from sync_server.rest import (
    actor_properties,
    app_users,
    assignments,
    datasets,
    drafts,
    entities,
    form_assignments,
    forms,
    projects,
    roles,
    sessions,
    submissions,
    submissions_csv,
    users,
)
from sync_server.web.bodies import refuse_unstorable_query
from sync_server.web.problems import handle_problems, refuse_http

NOUNS = (
    sessions,
    users,
    roles,
    assignments,
    projects,
    app_users,
    actor_properties,
    datasets,
    drafts,
    form_assignments,
    entities,
    submissions,
    submissions_csv,
    forms,
)

bp = Blueprint("rest", __name__, url_prefix="/v1")
bp.before_request(refuse_unstorable_query)
handle_problems(bp)
for noun in NOUNS:
    bp.register_blueprint(noun.bp)


@bp.before_app_request
def refuse_unrouted() -> Any:
    """What no door has a route for, under `/v1`, is refused in JSON too."""
    exc = request.routing_exception
    if exc is None or not request.path.startswith("/v1/"):
        return None
    return refuse_http(exc)


def register(app: Flask) -> None:
    """Put the door for programs into the app."""
    app.register_blueprint(bp)
