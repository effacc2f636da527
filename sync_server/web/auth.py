"""Who is asking: a Bearer token for programs, the cookie `simpul_session` for pages.

A browser sends its cookie wherever a foreign page tells it to, so whatever a cookie
alters must also carry the token of its session. A Bearer header cannot be made to come along.
"""

from __future__ import annotations

import hmac
from datetime import timedelta

from flask import Response, g, request

from sync_server.accounts.people import (
    SESSION_LASTS,
    Login,
    csrf_of_token,
    get_project,
    person_of_token,
)
from sync_server.accounts.roles import Person
from sync_server.context import context
from sync_server.errors import CsrfFailed, NotAllowed, NotAuthenticated

COOKIE = "simpul_session"
CSRF_FIELD = "_csrf"
CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def bearer_token() -> str | None:
    """The token of the Authorization header, if there is one."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def session_token() -> str | None:
    """The token this request comes with: its header before its cookie."""
    return bearer_token() or request.cookies.get(COOKIE) or None


def current_person() -> Person | None:
    """Who is asking, or None. One look at the store for each request.

    Errors    `CsrfFailed` when a cookie alone asks for something to be altered.
    """
    if "person" not in g:
        g.person = _person_of_request()
    return g.person  # type: ignore[no-any-return]


def _person_of_request() -> Person | None:
    token = session_token()
    if token is None:
        return None
    person = person_of_token(token, clock=context().clock)
    if person is not None and bearer_token() is None and request.method not in _SAFE:
        _check_csrf(token)
    return person


def _check_csrf(token: str) -> None:
    expected = csrf_of_token(token, clock=context().clock) or ""
    sent = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    if not expected or not hmac.compare_digest(expected.encode(), sent.encode()):
        raise CsrfFailed("the form is not of this session; load the page again")


def csrf_token() -> str:
    """What the forms of this request's page must carry; "" when nobody is logged in."""
    token = request.cookies.get(COOKIE)
    return (csrf_of_token(token, clock=context().clock) or "") if token else ""


def require_person() -> Person:
    """Who is asking. Errors: `NotAuthenticated`."""
    person = current_person()
    if person is None:
        raise NotAuthenticated("could not tell who you are by what was sent")
    return person


def require_admin() -> Person:
    """Who is asking, if they may do anything anywhere."""
    person = require_person()
    if not person.is_admin:
        raise NotAllowed("this is for administrators")
    return person


def require_manager(project_id: int) -> Person:
    """Who is asking, if they manage the project. Errors: `NotFound` when there is no such one."""
    person = require_person()
    get_project(project_id)
    if not person.may_manage(project_id):
        raise NotAllowed("this is for managers of the project")
    return person


def require_viewer(project_id: int) -> Person:
    """Who is asking, if they may read what came into the project: a supervisor or a manager."""
    person = require_person()
    get_project(project_id)
    if not person.may_view(project_id):
        raise NotAllowed("this is for supervisors and managers of the project")
    return person


def remember(response: Response, login: Login) -> None:
    """Give the browser its session."""
    response.set_cookie(
        COOKIE,
        login.token,
        max_age=int(SESSION_LASTS / timedelta(seconds=1)),
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def forget(response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
