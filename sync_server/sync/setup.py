"""Setup: what a hub gets from its centre besides records. For hubs alone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request, send_file

from conflict.instants import as_instant
from schemas.hubs import SetupQuery, SetupShape, XmlQuery
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import MissingParameter, NotAllowed, NotFound
from sync_server.hubs import book
from sync_server.hubs.setup import setup_for, xml_for
from sync_server.intake.arrival import Author
from sync_server.stores.setup import is_form_file
from sync_server.sync.senders import sender_of
from sync_server.web.auth import bearer_token
from sync_server.web.documented import documented

bp = Blueprint("setup", __name__)

_SETUP = "/v1/projects/<int:project_id>/sync/setup"


@bp.get(_SETUP)
@documented(SetupShape, query=SetupQuery, headers=("If-None-Match",), statuses=(200, 304))
def show(project_id: int) -> Any:
    """Lists, forms and device accounts; 304 when the hub has just these.

    `sentAt` is the hub's own time, by which the centre knows how wrong its clock is.
    """
    hub = _hub(project_id)
    sent_at = as_instant(request.args.get("sentAt", ""))
    here = context()
    book.note_heard(project_id, hub.actor_id or 0, sent_at=sent_at, clock=here.clock)
    setup = setup_for(
        project_id,
        hub.actor_id or 0,
        hub_token=bearer_token() or "",
        secret_key=here.settings.secret_key,
    )
    if setup.tag in request.if_none_match:
        return _private(Response(status=304), setup.tag)
    return _private(jsonify(setup.plain), setup.tag)


@bp.get(f"{_SETUP}/xml")
@documented(query=XmlQuery)
def show_xml(project_id: int) -> Any:
    """The XML of the version `version` of the form `xmlFormId`, byte for byte."""
    _hub(project_id)
    xml = xml_for(project_id, _named("xmlFormId"), request.args.get("version", ""))
    return _private(Response(xml, mimetype="text/xml"))


@bp.get(f"{_SETUP}/files/<sha256>")
@documented(headers=("Range",), statuses=(200, 206, 304), refused=(416,))
def show_file(project_id: int, sha256: str) -> Any:
    """The bytes of a file of a form, or a range of them."""
    _hub(project_id)
    blobs = context().blobs
    with read_transaction() as connection:
        known = is_form_file(connection, project_id, sha256)
    if not known or blobs.size(sha256) is None:
        raise NotFound("no form here has such a file")
    kind = "application/octet-stream"
    return send_file(blobs.path(sha256), mimetype=kind, conditional=True, etag=sha256)


def _hub(project_id: int) -> Author:
    caller = sender_of(project_id)
    if not caller.relays:
        raise NotAllowed("this is for hubs")
    return caller


def _named(name: str) -> str:
    text = request.args.get(name)
    if not text:
        raise MissingParameter(f"Required parameter {name} missing.", field=name)
    return text


def _private(response: Response, tag: str | None = None) -> Response:
    response.headers["Cache-Control"] = "no-store"
    if tag is not None:
        response.set_etag(tag)
    return response
