"""Forms: published here in one request, or kept as drafts until then."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

from flask import Blueprint, Response, request
from sqlalchemy import Connection

from odk_forms.convert import MAX_UPLOAD_BYTES
from odk_forms.definition import Field
from schemas.forms import AlteredForm, DraftShape, FieldShape, FormAttachmentShape, FormShape
from sync_server.accounts import people
from sync_server.accounts.credentials import unseal
from sync_server.accounts.roles import Person
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import FormWarnings, NotAllowed, NotFound, TooLarge
from sync_server.publishing import publish
from sync_server.publishing.closing import set_state
from sync_server.publishing.drafts import draft_of, keep_draft, trial_address
from sync_server.publishing.form_files import attach
from sync_server.publishing.publish import Checked
from sync_server.reports.entity_lists import list_csv
from sync_server.stores import forms as store
from sync_server.stores.lists import load_lists
from sync_server.web.addresses import public_root
from sync_server.web.auth import require_manager, require_person, require_viewer
from sync_server.web.bodies import query_flag, read_body

BLANK_VERSION = "___"
"""How a blank version is written in an address, as Central does."""

_FORMS = "/projects/<int:project_id>/forms"
_FORM = f"{_FORMS}/<path:xml_form_id>"
_SUFFIXES = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "text/csv": ".csv",
    "text/markdown": ".md",
    "application/xml": ".xml",
    "text/xml": ".xml",
}

bp = Blueprint("forms", __name__)


@bp.get(_FORMS)
def list_all(project_id: int) -> Any:
    """The published forms of a project."""
    _enter(project_id)
    with read_transaction() as connection:
        rows = store.list_forms(connection, project_id)
    return [_shown(project_id, row) for row in rows]


@bp.post(_FORMS)
def create(project_id: int) -> Any:
    """Publish the XLSForm or XForm of the body: a new form, or a new version of one.

    Without `publish=true` it is kept as the form's draft. What is wrong with it is in
    `details.messages`, by sheet and cell.
    """
    person = require_manager(project_id)
    checked = check_sent()
    if not query_flag("publish"):
        return keep_as_draft(project_id, checked, person)
    done = publish.publish_checked(
        project_id,
        checked,
        by=person.actor_id,
        clock=context().clock,
        confirm_policies=query_flag("confirmPolicies"),
    )
    with read_transaction() as connection:
        return _shown(project_id, _found(connection, project_id, done.xml_form_id, done.version))


def check_sent() -> Checked:
    """The form of the body. Errors: `BadForm`, `FormWarnings`, `TooLarge`."""
    checked = publish.check(_sent(), _file_name())
    if not query_flag("ignoreWarnings"):
        _refuse_warnings(checked)
    return checked


def keep_as_draft(
    project_id: int, checked: Checked, person: Person, xml_form_id: str | None = None
) -> Any:
    """Keep a form as a draft and show it."""
    here = context()
    made = keep_draft(
        project_id,
        checked,
        by=person.actor_id,
        clock=here.clock,
        secret_key=here.settings.secret_key,
        xml_form_id=xml_form_id,
    )
    return shown_draft(project_id, made)


def shown_draft(project_id: int, xml_form_id: str) -> Any:
    """A draft with the token and the address that phones try it at. Errors: `NotFound`."""
    settings = context().settings
    with read_transaction() as connection:
        row = draft_of(connection, project_id, xml_form_id)
    token = unseal(row.token_sealed, settings.secret_key)
    root = public_root()
    test_url = trial_address(root, token, project_id, xml_form_id)
    facts = {"state": "open", "published_at": None, "updated_at": None}
    return DraftShape().dump({**row._mapping, **facts, "draft_token": token, "test_url": test_url})


def _sent() -> bytes:
    if (request.content_length or 0) > MAX_UPLOAD_BYTES:
        raise TooLarge(f"a form has at most {MAX_UPLOAD_BYTES // 1024 // 1024} MB")
    return request.get_data()


def _file_name() -> str:
    """What the file would be called: its ending tells its kind, its stem the id of last resort."""
    stem = unquote(request.headers.get("X-XlsForm-FormId-Fallback", "")).strip() or "form"
    return f"{stem}{_SUFFIXES.get(request.mimetype, '')}"


def _refuse_warnings(checked: Checked) -> None:
    """Ask whether the warnings were read. What no author can mend in the file is not asked."""
    warnings = [one for one in checked.messages if one.sheet is not None]
    if warnings:
        raise FormWarnings(
            "the form can be published, but has warnings: send ?ignoreWarnings=true to publish it",
            warnings={"xlsFormWarnings": [one.text for one in warnings], "workflowWarnings": []},
            messages=[asdict(one) for one in warnings],
        )


@bp.get(_FORM)
def show(project_id: int, xml_form_id: str) -> Any:
    """A form in its newest version."""
    _enter(project_id)
    with read_transaction() as connection:
        return _shown(project_id, _found(connection, project_id, xml_form_id))


@bp.patch(_FORM)
def alter(project_id: int, xml_form_id: str) -> Any:
    """Open or close a form, and show it."""
    person = require_manager(project_id)
    state = read_body(AlteredForm()).get("state")
    if state is not None:
        set_state(project_id, xml_form_id, state, by=person.actor_id, clock=context().clock)
    return show(project_id, xml_form_id)


@bp.get(f"{_FORM}.xml")
def show_xml(project_id: int, xml_form_id: str) -> Any:
    """The XForm of the newest version, byte for byte."""
    return _xml(project_id, xml_form_id, None)


@bp.get(f"{_FORM}/versions/<version>.xml")
def show_version_xml(project_id: int, xml_form_id: str, version: str) -> Any:
    """The XForm of any version, byte for byte."""
    return _xml(project_id, xml_form_id, version)


def _xml(project_id: int, xml_form_id: str, version: str | None) -> Response:
    _enter(project_id)
    with read_transaction() as connection:
        row = _found(connection, project_id, xml_form_id, version)
    return _answer(row.xml, "application/xml", row.hash)


@bp.get(f"{_FORM}/versions")
def list_versions(project_id: int, xml_form_id: str) -> Any:
    """Every version that was published, newest first."""
    _enter(project_id)
    with read_transaction() as connection:
        form = _found(connection, project_id, xml_form_id)
        rows = store.list_versions(connection, project_id, xml_form_id)
    shared = {name: getattr(form, name) for name in ("xml_form_id", "state", "created_at")}
    return [
        FormShape().dump({**row._mapping, **shared, "project_id": project_id, "updated_at": None})
        for row in rows
    ]


@bp.get(f"{_FORM}/versions/<version>")
def show_version(project_id: int, xml_form_id: str, version: str) -> Any:
    """One version of a form."""
    _enter(project_id)
    with read_transaction() as connection:
        return _shown(project_id, _found(connection, project_id, xml_form_id, version))


@bp.get(f"{_FORM}/fields")
def list_fields(project_id: int, xml_form_id: str) -> Any:
    """The fields of the newest version; with `odata=true` named as OData names them."""
    _enter(project_id)
    with read_transaction() as connection:
        row = _found(connection, project_id, xml_form_id)
        definition = store.load_definitions(connection, project_id, [row.hash])[row.hash]
    odata = query_flag("odata")
    return [_field(one, odata=odata) for one in definition.fields]


@bp.get(f"{_FORM}/attachments")
def list_attachments(project_id: int, xml_form_id: str) -> Any:
    """The files that the newest version expects."""
    _enter(project_id)
    with read_transaction() as connection:
        return [_file(row) for row in _files(connection, project_id, xml_form_id)]


@bp.get(f"{_FORM}/attachments/<name>")
def show_attachment(project_id: int, xml_form_id: str, name: str) -> Any:
    """The bytes of a file; of an entity list, its rows as whoever asks may see them."""
    person = require_viewer(project_id)
    with read_transaction() as connection:
        row = _file_named(connection, project_id, xml_form_id, name)
        if row.list_name is not None:
            info = load_lists(connection, project_id)[row.list_name]
            content = list_csv(connection, project_id, info, person.area(project_id))
            return Response(content, content_type="text/csv; charset=utf-8")
    if row.sha256 is None:
        raise NotFound("this file has not been given yet")
    return _answer(context().blobs.read(row.sha256), row.content_type, row.md5)


@bp.post(f"{_FORM}/attachments/<name>")
def give_attachment(project_id: int, xml_form_id: str, name: str) -> Any:
    """Give the newest version a file it expects, or newer bytes of it."""
    person = require_manager(project_id)
    attach(
        project_id,
        xml_form_id,
        name,
        request.get_data(),
        by=person.actor_id,
        clock=context().clock,
    )
    return {"success": True}


def _enter(project_id: int) -> Person:
    person = require_person()
    people.get_project(project_id)
    if not person.may_enter(project_id):
        raise NotAllowed("this project is for others")
    return person


def _found(
    connection: Connection, project_id: int, xml_form_id: str, version: str | None = None
) -> Any:
    wanted = "" if version == BLANK_VERSION else version
    row = store.find_version(connection, project_id, xml_form_id, wanted)
    if row is None:
        raise NotFound("there is no such form")
    return row


def _files(connection: Connection, project_id: int, xml_form_id: str) -> list[Any]:
    form = _found(connection, project_id, xml_form_id)
    return store.list_form_attachments(connection, project_id, xml_form_id, form.version)


def _file_named(connection: Connection, project_id: int, xml_form_id: str, name: str) -> Any:
    for row in _files(connection, project_id, xml_form_id):
        if row.name == name:
            return row
    raise NotFound(f"the form does not expect a file '{name}'")


def _shown(project_id: int, row: Any) -> Any:
    return FormShape().dump({**row._mapping, "project_id": project_id})


def _file(row: Any) -> Any:
    blob, linked = row.sha256 is not None, row.list_name is not None
    facts = {"exists": blob or linked, "blob_exists": blob, "dataset_exists": linked}
    return FormAttachmentShape().dump({**row._mapping, **facts})


def _field(one: Field, *, odata: bool) -> Any:
    """A field as Central tells it: flags that do not apply are null."""
    path, name = one.path, one.name
    if odata:
        path = "/".join(map(_odata_name, path.split("/")))
        name = _odata_name(name)
    return FieldShape().dump(
        {
            "path": path,
            "name": name,
            "type": one.type,
            "binary": one.binary or None,
            "select_multiple": one.select_multiple or None,
        }
    )


def _odata_name(name: str) -> str:
    """A name as OData allows it.

    >>> _odata_name("tgl-ukur.2"), _odata_name("2bb"), _odata_name("")
    ('tgl_ukur_2', '_2bb', '')
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"_{plain}" if plain[:1].isdigit() else plain


def _answer(content: bytes, content_type: str, tag: str) -> Response:
    """Bytes that never alter under their tag; 304 for who has them."""
    response = Response(content, content_type=content_type)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response
