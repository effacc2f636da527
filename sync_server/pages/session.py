"""Logging in and out, and the way to one's projects."""

from __future__ import annotations

import hmac
import secrets

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sync_server.accounts import people
from sync_server.context import context
from sync_server.errors import CsrfFailed, SyncError, TooManyTries, WrongPassword
from sync_server.pages.door import bp, see_other
from sync_server.reports import masthead
from sync_server.web import auth

LOGIN_COOKIE = "simpul_login"
_LOGIN_LASTS = 3600


@bp.get("/")
def home() -> AnyResponse | str:
    """The board of the only project, or the list of projects."""
    person = auth.require_person()
    projects = masthead.projects_of(person)
    if len(projects) == 1 and "all" not in request.args:
        return see_other("pages.board", project_id=projects[0].id)
    return render_template("session/projects.html", projects=projects)


@bp.post("/projects")
def add_project() -> AnyResponse:
    person = auth.require_admin()
    project_id = people.create_project(
        request.form.get("name", ""), clock=context().clock, by=person.actor_id
    )
    return see_other("pages.board", project_id=project_id)


@bp.get("/login")
def login() -> AnyResponse:
    """The form to log in with; who is logged in already goes on."""
    if auth.current_person() is not None:
        return see_other("pages.home")
    return _login_page()


@bp.post("/login")
def log_in() -> AnyResponse:
    """Begin a session, and go where one had wanted to go."""
    _check_login_form()
    email = request.form.get("email", "")
    try:
        begun = people.log_in(email, request.form.get("password", ""), clock=context().clock)
    except (
        WrongPassword,
        TooManyTries,
    ) as exc:  # said on the form itself, not on a page of its own
        return _login_page(email, exc)
    response = see_other("pages.home")
    wanted = request.form.get("next", "")
    if _is_of_this_site(wanted):
        response.headers["Location"] = wanted
    auth.remember(response, begun)  # type: ignore[arg-type]
    response.delete_cookie(LOGIN_COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


@bp.post("/logout")
def log_out() -> AnyResponse:
    """End the session. Said twice it is ended once."""
    auth.current_person()  # a foreign page may not log somebody out: the form's token is checked
    token = auth.session_token()
    if token is not None:
        people.log_out(token, clock=context().clock)
    response = see_other("pages.login")
    auth.forget(response)  # type: ignore[arg-type]
    return response


def _login_page(email: str = "", problem: SyncError | None = None) -> AnyResponse:
    """The form, with a token that the browser also keeps in a cookie.

    There is no session yet to hold a token, and without one a foreign page could log
    somebody in as somebody else, who would then file data under that name.
    """
    token = request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(24)
    wanted = request.values.get("next", "")
    page = render_template(
        "session/login.html",
        email=email,
        problem=problem,
        login_token=token,
        next=wanted if _is_of_this_site(wanted) else url_for("pages.home"),
    )
    response = make_response(page, problem.status if problem else 200)
    response.set_cookie(
        LOGIN_COOKIE,
        token,
        max_age=_LOGIN_LASTS,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )
    return response


def _check_login_form() -> None:
    kept = request.cookies.get(LOGIN_COOKIE, "")
    sent = request.form.get(auth.CSRF_FIELD, "")
    if not kept or not hmac.compare_digest(kept.encode(), sent.encode()):
        raise CsrfFailed("the form is not of this browser; load the page again")


def _is_of_this_site(address: str) -> bool:
    """Whether an address is a path here: browsers read `//host` and `/\\host` as other sites."""
    return address.startswith("/") and address[1:2] not in ("/", "\\") and address.isprintable()
