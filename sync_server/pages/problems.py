"""What went wrong, said kindly: every refusal as a page that says what to do next."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, current_app, g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from sync_server.accounts.people import person_of_token
from sync_server.context import context
from sync_server.errors import (
    AtTheCentre,
    BadValue,
    CsrfFailed,
    NotAuthenticated,
    SyncError,
    WrongPassword,
)
from sync_server.pages.door import bp, see_other
from sync_server.web import auth

LOG = logging.getLogger(__name__)

_SAYINGS = {
    400: (_l("This could not be read"), _l("Go back, check what you filled in, and try again.")),
    403: (
        _l("This is not for your account"),
        _l("Ask an administrator of the project if you need it."),
    ),
    404: (
        _l("This page is not here"),
        _l("It may have been moved, or it belongs to another area."),
    ),
    405: (_l("This page is not here"), _l("Start again from the first page.")),
    409: (
        _l("Something changed in the meantime"),
        _l("Go back, load the page again, and look once more before deciding."),
    ),
    413: (_l("The file is too large"), _l("Choose a smaller file.")),
    429: (
        _l("Too many tries"),
        _l("Wait a few minutes, then try again."),
    ),
    503: (
        _l("The server is busy"),
        _l("Nothing was lost and nothing was altered. Try again in a moment."),
    ),
}
_STALE = (
    _l("This page was open for too long"),
    _l("Nothing was altered. Load the page again, then press the button once more."),
)
_OURS = (
    _l("Something went wrong on the server"),
    _l("Nothing you typed on a phone is lost. Try again; if it stays, tell your administrator."),
)


def register(app: Flask) -> None:
    """Dress addresses that lead nowhere; what this door refuses is dressed below."""
    app.register_error_handler(404, nowhere)
    app.register_error_handler(405, nowhere)


@bp.errorhandler(SyncError)
def refused(exc: SyncError) -> AnyResponse | tuple[str, int]:
    """A refusal of a use case. Who is not logged in is asked to, and comes back here."""
    if isinstance(exc, NotAuthenticated) and not isinstance(exc, WrongPassword):
        here = request.full_path.rstrip("?") if request.method == "GET" else None
        return see_other("pages.login", next=here)
    # A value that a person typed is the one thing whose refusal they can read something from.
    detail = exc.message if isinstance(exc, BadValue) else None
    if isinstance(exc, CsrfFailed):
        return _page(exc.status, _STALE)
    if isinstance(exc, AtTheCentre):
        return _page(exc.status, _at_the_centre(str(exc.details["url"])))
    return _page(exc.status, detail=detail)


def _at_the_centre(url: str) -> tuple[str, str]:
    return (
        _("This is done at the centre"),
        _(
            "This server is a hub. Forms, lists and devices are made at its centre, %(url)s, and "
            "come here by themselves.",
            url=url,
        ),
    )


@bp.errorhandler(HTTPException)
def refused_by_http(exc: HTTPException) -> AnyResponse | tuple[str, int]:
    if exc.response is not None or (exc.code or 500) < 400:
        return exc.get_response()  # a redirect is no problem
    return _page(exc.code or 500)


@bp.errorhandler(Exception)
def unforeseen(exc: Exception) -> tuple[str, int]:
    """A bug of ours: logged without what was sent, and never shown."""
    shown = current_app.debug or current_app.testing
    LOG.error("%s at %s", type(exc).__name__, request.endpoint, exc_info=exc if shown else None)
    return _page(500)


def nowhere(exc: HTTPException) -> AnyResponse | tuple[str, int]:
    """An address that no door knows. Programs under /v1 are answered by their own doors."""
    if request.path.startswith("/v1/"):
        return exc.get_response()
    return _page(exc.code or 404)


def _page(
    status: int, saying: tuple[Any, Any] | None = None, *, detail: str | None = None
) -> tuple[str, int]:
    _know_the_person()
    title, advice = saying or _SAYINGS.get(status, _OURS)
    back = request.path if request.method == "GET" else request.referrer or url_for("pages.home")
    page = render_template(
        "problem.html", title=title, advice=advice, status=status, back=back, detail=detail
    )
    return page, status


def _know_the_person() -> None:
    """Find out who is looking, for the page's head, if nobody asked yet."""
    if "person" not in g:
        token = auth.session_token()
        g.person = None if token is None else person_of_token(token, clock=context().clock)
