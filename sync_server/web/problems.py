"""A refusal as JSON: `{"message", "code", "details", "retry"}`, as ODK Central has it.

The doors that speak JSON use it; phones and pages dress their refusals otherwise.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, current_app, jsonify, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from sync_server.errors import Retry, SyncError

LOG = logging.getLogger(__name__)

_CODES = {400: 400.1, 404: 404.1, 405: 405.50, 413: 413.50, 415: 415.50}
_MESSAGES = {404: "there is no such address here"}
_WAIT_SECONDS = 30
_TOLD = ("Allow", "Content-Range")


def handle_problems(bp: Blueprint) -> None:
    """Let a blueprint, and those inside it, refuse in JSON."""
    bp.register_error_handler(SyncError, refuse)
    bp.register_error_handler(HTTPException, refuse_http)
    bp.register_error_handler(OperationalError, refuse_busy)
    bp.register_error_handler(Exception, refuse_unforeseen)


def refuse(exc: SyncError) -> Response:
    """A refusal of ours."""
    response = _problem(exc.status, exc.code, exc.message, exc.details, exc.retry)
    if exc.retry is Retry.LATER:
        response.headers["Retry-After"] = str(exc.details.get("retryAfter", _WAIT_SECONDS))
    return response


def refuse_http(exc: HTTPException) -> Response:
    """A refusal of Flask's: no such path or method, no JSON, too large a body or range."""
    status = exc.code or 500
    message = _MESSAGES.get(status) or exc.description or exc.name
    response = _problem(status, _CODES.get(status, status), message)
    for name, value in exc.get_headers():
        if name in _TOLD:
            response.headers[name] = value
    return response


def refuse_busy(exc: OperationalError) -> Response:
    """The database is away: nothing is wrong with what was asked."""
    LOG.error("the database cannot be reached: %s", type(exc.orig).__name__)
    response = _problem(503, 503.50, "the store cannot be read just now", retry=Retry.LATER)
    response.headers["Retry-After"] = str(_WAIT_SECONDS)
    return response


def refuse_unforeseen(exc: Exception) -> Response:
    """A bug of ours, logged without what was sent: these are children."""
    told = exc if current_app.debug or current_app.testing else None
    LOG.error("%s at %s", type(exc).__name__, request.endpoint, exc_info=told)
    return _problem(500, 500.1, "something went wrong here", retry=Retry.LATER)


def _problem(
    status: int,
    code: float,
    message: str,
    details: object | None = None,
    retry: Retry = Retry.NEVER,
) -> Response:
    body = {"message": message, "code": code, "details": details or {}, "retry": retry.value}
    response = jsonify(body)
    response.status_code = status
    return response
