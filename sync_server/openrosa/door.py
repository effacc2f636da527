"""Who is at the phones' door, and how it is answered: headers, tags, gzip, refusals.

`/v1/key/{token}/projects/{id}` is the base of every address; the token is the device.
`projects` has the same door for who comes with a name and a password.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal
from urllib.parse import quote

from flask import Blueprint, Response, current_app, g, request
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException, PreconditionFailed

from conflict.areas import Area, area_of
from odk_forms import openrosa
from odk_forms.collect_date import seconds_ahead
from sync_server.accounts.contacts import Heard
from sync_server.accounts.credentials import hash_of_token
from sync_server.clock import instant
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotAllowed, Retry, StoreBusy, SyncError
from sync_server.intake.arrival import Author, Project
from sync_server.openrosa.callers import WebUser, add_challenges
from sync_server.openrosa.words import say, say_status
from sync_server.stores.form_devices import find_kept_from
from sync_server.stores.tokens import find_device
from sync_server.web.addresses import public_root
from sync_server.web.bodies import without_controls
from sync_server.web.deadlines import DEADLINES
from sync_server.web.packing import pack

LOG = logging.getLogger(__name__)

_WAIT_SECONDS = 30
_HEARING_SECONDS = 120
"""How long who is refused may go on sending: anybody can be refused, and each holds a thread."""
_PIECE_BYTES = 1 << 16

bp = Blueprint("openrosa", __name__, url_prefix="/v1/key/<token>/projects/<int:project_id>")

_OF_PHONES = re.compile(
    r"/v1/(?:(?:key|test)(?:/.*)?|projects/[^/]+/(?:formlist|submission|datasets/[^/]+/integrity"
    r"|forms/[^/]+/(?:manifest|versions/[^/]+/(?:manifest|attachments/.+))))",
    re.IGNORECASE | re.DOTALL,
)
_OF_PROGRAMS = re.compile(r"/v1/(?:key/[^/]+/)?projects/[^/]+/sync(?:/.*)?", re.DOTALL)
_KEPT_OF_A_REFUSAL = ("Allow", "Retry-After", "WWW-Authenticate")


@bp.before_request
def name_the_device() -> None:
    """Find the device of the token; 403 for one that is unknown or revoked, never 401.

    A 401 would open a password prompt on the phone, and no password can help here. A revoked one
    is heard out when it sends a form, and refused then.
    """
    args = request.view_args or {}
    digest = hash_of_token(args.pop("token"))
    with read_transaction() as connection:
        row = find_device(connection, args.pop("project_id"), digest)
    brings = request.endpoint == "openrosa.submit"
    if row is None or (row.revoked_at is not None and not brings):
        raise NotAllowed("this device is not known here any more")
    g.device = row
    g.base = "/".join(request.path.split("/", 6)[:6])


def project() -> Project:
    return Project(g.device.project_id, g.device.uuid, g.device.node)


def area() -> Area:
    if isinstance(g.device, WebUser):
        return g.device.area
    return area_of(g.device.actor_id, g.device.properties)


def phone() -> int | None:
    """The device account of this request; None for a person."""
    return None if isinstance(g.device, WebUser) else g.device.actor_id


def is_kept(connection: Connection, forms: Sequence[str]) -> bool:
    """Whether each of these forms, if there are any, is kept from this device."""
    device = phone()
    if device is None or not forms:
        return False
    return len(find_kept_from(connection, g.device.project_id, forms, device)) == len(forms)


def device_id() -> str:
    """What Collect calls its install, such as "collect:gX4…"; "" when it does not say."""
    return without_controls(request.args.get("deviceID", ""), 200)


def user_agent() -> str:
    return without_controls(request.user_agent.string or "", 300)


def author() -> Author:
    return Author(
        actor_id=g.device.actor_id,
        device_id=device_id(),
        user_agent=user_agent(),
        area=area(),
        revoked=g.device.revoked_at is not None,
    )


def address(*segments: str) -> str:
    """An absolute address below this device's base, every segment percent-escaped."""
    base = f"{public_root()}{g.base}"
    return "/".join([base, *(quote(segment, safe="") for segment in segments)])


def answer(
    body: bytes, content_type: str, *, tag: str | None = None, status: int = 200
) -> Response:
    """A body with what every OpenRosa answer carries; a 304 when the phone has it already."""
    response = Response(body, status=status, content_type=content_type)
    if status == 200:
        tag = tag or hashlib.md5(body, usedforsecurity=False).hexdigest()
        response.set_etag(tag)
        return unchanged(tag) or response
    return response


def tag_of(*told: object) -> str:
    """A tag of what an answer will say, known before the answer is built."""
    return hashlib.md5(repr(told).encode(), usedforsecurity=False).hexdigest()


def unchanged(tag: str) -> Response | None:
    """The 304 for a phone that holds `tag`, before anything is built; else None.

    Errors    `PreconditionFailed` for who wants it only under another tag.
    """
    if request.if_match and not request.if_match.contains(tag):
        raise PreconditionFailed
    if not request.if_none_match.contains_weak(tag):
        return None
    response = Response(status=304)
    response.set_etag(tag)
    return response


@bp.after_request
def finish(response: Response) -> Response:
    """OpenRosa's own headers, gzip where it pays, and a note that this phone was here."""
    response.headers.update(openrosa.HEADERS)
    if response.status_code in (200, 304):
        response.headers["Cache-Control"] = "private, no-cache"
        response.vary.add("Accept-Encoding")
    kind = response.mimetype or ""
    if kind.startswith("text/") or kind.endswith(("xml", "json")):
        pack(response)
    if "device" in g and not isinstance(g.device, WebUser) and not g.device.revoked_at:
        _note(response)
    return response


def _note(response: Response) -> None:
    """A phone that is refused was here too. Only an answer with a body, or a 304, hands it over."""
    is_handed = request.method == "GET" and response.status_code in (200, 304)
    served = g.get("served_form", (None, None)) if is_handed else (None, None)
    context().contacts.note(
        Heard(
            project_id=g.device.project_id,
            actor_id=g.device.actor_id,
            device_id=device_id(),
            at=instant(context().clock.now()),
            user_agent=user_agent(),
            bytes_up=g.came.taken if "came" in g else 0,
            bytes_down=0 if request.method == "HEAD" else response.content_length or 0,
            submission=request.method == "POST" and response.status_code < 400,
            xml_form_id=served[0],
            version=served[1],
            clock_ahead=_clock_ahead(),
            lists_told=g.get("lists_told", {}) if is_handed else {},
            lists_served=g.get("lists_served", {}) if is_handed else {},
        )
    )


def _clock_ahead() -> int | None:
    """By `Date`, of a question: a body may have been on its way for a quarter of an hour."""
    header = request.headers.get("Date", "")
    asks = header and request.method == "GET"
    return seconds_ahead(header, context().clock.now()) if asks else None


Nature = Literal["submit_success", "submit_error"]


def message(text: str, status: int, nature: Nature = "submit_success") -> Response:
    """An OpenRosaResponse: the only text a phone will show."""
    return Response(
        openrosa.response(text, nature), status=status, content_type=openrosa.CONTENT_TYPE
    )


@bp.errorhandler(SyncError)
def refuse(exc: SyncError) -> Response:
    """A refusal, in the words of the phone's user."""
    response = message(say(exc), exc.status, "submit_error")
    if exc.retry is Retry.LATER:
        response.headers["Retry-After"] = str(_WAIT_SECONDS)
    return response


@bp.errorhandler(HTTPException)
def refuse_http(exc: HTTPException) -> Response:
    response = message(say(exc), exc.code or 500, "submit_error")
    for name, value in exc.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def says_openrosa() -> bool:
    """Whether the request says that it speaks OpenRosa, in whichever version."""
    return next(iter(openrosa.HEADERS)) in request.headers


@bp.after_app_request
def answer_phones(response: Response) -> Response:
    """What another door says, or none, to a phone: a refusal is made one that phones read.

    A phone is who says so, and whoever asks at an address that phones alone have. Below
    `/sync` there are programs, which read JSON.
    """
    asked_so = says_openrosa() or _OF_PHONES.fullmatch(request.path)
    if not asked_so or _OF_PROGRAMS.fullmatch(request.path):
        return response
    if response.status_code >= 400:
        _hear_out()
    if next(iter(openrosa.HEADERS)) in response.headers:
        return response
    if response.status_code >= 400:
        response = _as_phones_read_it(response)
    response.headers.update(openrosa.HEADERS)
    return response


def _hear_out() -> None:
    """Read what is refused to its end, of a size that might have been taken.

    A phone reads no answer while it still writes. To hang up on it would take the answer along:
    it would never hear that its nonce is stale, and try with it again and again.
    """
    if "turn" in g:
        g.turn.waive()
    link = request.environ.get("gunicorn.socket")
    if link is not None:
        DEADLINES.set(link, _HEARING_SECONDS)
    with suppress(HTTPException, SyncError, OSError, ValueError):  # the link broke, or was left
        while request.stream.read(_PIECE_BYTES):
            pass
    if link is not None:
        DEADLINES.clear(link)


def _as_phones_read_it(refusal: Response) -> Response:
    response = message(say_status(refusal.status_code), refusal.status_code, "submit_error")
    for name in _KEPT_OF_A_REFUSAL:
        for value in refusal.headers.getlist(name):
            response.headers.add(name, value)
    if response.status_code == 401 and "WWW-Authenticate" not in response.headers:
        add_challenges(response)
    return response


@bp.errorhandler(OSError)
def refuse_full(exc: OSError) -> Response:
    """No room for what came, or a disk that is away: the phone keeps it and tries again."""
    LOG.error("%s at %s", exc.strerror or type(exc).__name__, request.endpoint)
    return refuse(StoreBusy("the disk could not be used just now"))


@bp.errorhandler(Exception)
def refuse_unforeseen(exc: Exception) -> Response:
    """A bug of ours: logged without what was sent; the phone keeps its form and tries again."""
    LOG.error("%s at %s", type(exc).__name__, request.endpoint, exc_info=current_app.debug and exc)
    return message(say(exc), 500, "submit_error")


def dress(other: Blueprint) -> None:
    """Let another blueprint answer and refuse as this one does."""
    other.after_request(finish)
    for handlers in bp.error_handler_spec[None].values():
        for kind, handler in handlers.items():
            other.register_error_handler(kind, handler)
