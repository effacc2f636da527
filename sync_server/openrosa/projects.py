"""The phones' door without a token in its address: `/v1/projects/{id}`, by name and password.

Programs have the XML and the files of forms at the same addresses, in JSON's company: there a
phone is who comes by Digest or Basic, or says that it speaks OpenRosa and has no session.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from sync_server.errors import NotAuthenticated, SyncError, WrongPassword
from sync_server.openrosa import attachments, door, forms, submissions
from sync_server.openrosa.callers import add_challenges, caller
from sync_server.web.auth import session_token
from sync_server.web.converters import Name

bp = Blueprint("openrosa_projects", __name__, url_prefix="/v1/projects/<int:project_id>")
door.dress(bp)

_OF_VERSION = "/forms/<path:form_id>/versions/<path:version>"
for _path in ("/formList", "/formlist"):
    bp.add_url_rule(_path, view_func=forms.list_forms, methods=["GET"])
for _path in ("/forms/<path:form_id>", _OF_VERSION):
    bp.add_url_rule(f"{_path}/manifest", view_func=forms.form_manifest, methods=["GET"])
bp.add_url_rule(
    f"{_OF_VERSION}/attachments/<path:name>",
    view_func=attachments.form_attachment,
    methods=["GET"],
)
bp.add_url_rule(
    "/datasets/<list_name>/integrity", view_func=attachments.list_integrity, methods=["GET"]
)
submissions.add_routes(bp)

_SHARED = {"rest.forms.show_xml", "rest.forms.show_version_xml", "rest.forms.show_attachment"}
_VIEWS: dict[str, Callable[..., Response]] = {
    "xml": forms.form_xml,
    "file": attachments.form_attachment,
}
_ADDRESSES = Map(
    [
        Rule("/forms/<path:form_id>.xml", endpoint="xml"),
        Rule(f"{_OF_VERSION}.xml", endpoint="xml"),
        Rule("/forms/<path:form_id>/attachments/<path:name>", endpoint="file"),
        Rule(f"{_OF_VERSION}/attachments/<path:name>", endpoint="file"),
    ],
    strict_slashes=False,
    merge_slashes=False,
    converters={"path": Name},
)


@bp.before_request
def name_the_caller() -> None:
    args = request.view_args or {}
    _enter(args.pop("project_id"))


def _enter(project_id: int) -> None:
    fills = request.path.rstrip("/").endswith("/submission")
    g.device = caller(project_id, fills=fills)
    g.base = f"/v1/projects/{project_id}"


def ask_who(exc: SyncError) -> Response:
    """A 401 that says how to come back: a phone without a challenge gives up."""
    return add_challenges(door.refuse(exc), stale=bool(exc.details.get("stale")))


bp.register_error_handler(NotAuthenticated, ask_who)
bp.register_error_handler(WrongPassword, ask_who)


@bp.before_app_request
def take_from_programs() -> Response | None:
    """Answer a phone at an address that it shares with programs."""
    if request.endpoint not in _SHARED or not _is_phone():
        return None
    _, number, path = re.split(r"/projects/([0-9]+)", request.path, maxsplit=1)
    try:
        _enter(int(number))
        name, args = _ADDRESSES.bind("").match(path, method="GET")
        response = _VIEWS[name](**args)
    except (NotAuthenticated, WrongPassword) as exc:
        response = ask_who(exc)
    except SyncError as exc:
        response = door.refuse(exc)
    except HTTPException as exc:
        response = door.refuse_http(exc)
    return door.finish(response)


@bp.after_app_request
def challenge_at_shared(response: Response) -> Response:
    """A client that knows no better asks first without credentials."""
    shared = request.endpoint in _SHARED and response.status_code == 401
    if shared and "WWW-Authenticate" not in response.headers:
        add_challenges(response)
    return response


def _is_phone() -> bool:
    said: Any = request.authorization
    if said is not None:
        return said.type in ("basic", "digest")
    return session_token() is None and door.says_openrosa()
