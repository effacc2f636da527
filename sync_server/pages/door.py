"""Who is at the pages' door, what every page knows, and what every answer carries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, g, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from conflict.areas import Area
from schemas.base import LONGEST_NAME
from sync_server.accounts.roles import Person
from sync_server.context import context
from sync_server.errors import AtTheCentre, BadRequest, BadValue, NotAllowed, NotFound
from sync_server.intake.arrival import Author, Project
from sync_server.pages.words import LANGUAGE_COOKIE, LANGUAGES, language
from sync_server.reports.masthead import Masthead, masthead
from sync_server.web import auth
from sync_server.web.bodies import has_controls

bp = Blueprint("pages", __name__)

_YEAR = 365 * 24 * 3600
_STATIC = Path(__file__).parent.parent / "static"
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'none'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

View = Callable[..., str | AnyResponse]


@bp.before_request
def refuse_unreadable() -> None:
    """No field of a page holds a control character, or a name longer than programs may give."""
    fields = [*request.args.items(multi=True), *request.form.items(multi=True)]
    fields += [(name, file.filename or "") for name, file in request.files.items(multi=True)]
    for name, text in fields:
        if has_controls(name) or has_controls(text):
            raise BadRequest("a field has a character that cannot be read", field=name[:50])
    if any(len(name.strip()) > LONGEST_NAME for name in request.form.getlist("name")):
        raise BadValue(
            _("A name has at most %(number)s characters.", number=LONGEST_NAME), field="name"
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody looking into a project: who, where, and what of it they may see."""

    person: Person
    head: Masthead
    area: Area

    @property
    def project(self) -> Project:
        return self.head.project

    @property
    def project_id(self) -> int:
        return self.head.project.id

    @property
    def may_manage(self) -> bool:
        return self.person.may_manage(self.project_id)

    @property
    def may_shape(self) -> bool:
        """Whether forms and devices are made here: by a manager, and at a hub by nobody."""
        return self.may_manage and self.head.centre is None

    @property
    def author(self) -> Author:
        """The visitor as the author of a decision."""
        return Author(self.person.actor_id, area=self.area, may_decide=True)


def enter(project_id: int) -> Visit:
    """Let a supervisor or a manager into a project.

    Errors    `NotAuthenticated`; `NotFound` for a project that is not there and for one
              that is none of theirs alike.
    """
    person = auth.require_person()
    area = person.area(project_id)
    head = masthead(project_id, area) if person.may_view(project_id) else None
    if head is None:
        raise NotFound("there is no such project")
    g.visit = Visit(person, head, area)
    return g.visit  # type: ignore[no-any-return]


def enter_as_manager(project_id: int) -> Visit:
    """Let a manager into a project. Errors: as `enter`; `NotAllowed` for a supervisor."""
    visit = enter(project_id)
    if not visit.may_manage:
        raise NotAllowed("this is for managers of the project")
    return visit


def enter_to_shape(project_id: int) -> Visit:
    """Let a manager make forms or devices. Errors: as `enter_as_manager`; `AtTheCentre`."""
    visit = enter_as_manager(project_id)
    if visit.head.centre is not None:
        raise AtTheCentre("this server is a hub", url=visit.head.centre)
    return visit


def see_other(endpoint: str, **values: Any) -> AnyResponse:
    """Go and look, after something was altered: loading again alters nothing twice."""
    return redirect(url_for(endpoint, **values), 303)


def place_of(text: str) -> tuple[str, str] | None:
    """A place in a list that a link carried, as (time, id); None for the beginning."""
    at, _, key = text.partition("~")
    return (at, key) if key else None


def register(app: Flask) -> None:
    """What holds for every page of the app, the unfound ones too."""
    app.after_request(_finish)
    app.context_processor(_known_to_templates)


def _finish(response: Response) -> Response:
    if request.path.startswith("/v1/"):
        return response
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static":
        if request.args.get("v"):
            response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
        return response
    response.headers.setdefault("Cache-Control", "no-store")
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            request.args["lang"],
            max_age=_YEAR,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
        )
    return response


def _known_to_templates() -> dict[str, Any]:
    return {
        "asset": asset,
        "languages": LANGUAGES,
        "language": language(),
        "timezone": context().settings.timezone,
        "here_in": here_in,
        "person": g.get("person"),
        "visit": g.get("visit"),
        "csrf_field": auth.CSRF_FIELD,
        "csrf_token": auth.csrf_token,
    }


@cache
def _digest(filename: str) -> str:
    return hashlib.sha256((_STATIC / filename).read_bytes()).hexdigest()[:12]


def asset(filename: str) -> str:
    """The address of a static file, another one whenever its bytes are others."""
    return url_for("static", filename=filename, v=_digest(filename))


def here_in(wanted: str) -> str:
    """This page in another language; of what answered a posted form, the page it was on."""
    args = {**request.args.to_dict(), "lang": wanted}
    if request.endpoint is None or request.method not in ("GET", "HEAD"):
        return url_for("pages.home", lang=wanted)
    return url_for(request.endpoint, **{**args, **(request.view_args or {})})
