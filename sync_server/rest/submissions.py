"""Submissions: as they came, byte for byte, with their files and what is missing of them."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request, send_file

from odk_forms.encryption import DecryptionError, private_key
from schemas.submissions import PrivateKeyShape, SubmissionFileShape, SubmissionShape
from sync_server.accounts.people import get_project
from sync_server.context import context
from sync_server.errors import BadRequest, NotFound
from sync_server.intake.withdrawn import delete_submission, restore_submission
from sync_server.reports import submissions as report
from sync_server.reports.decrypted import open_into
from sync_server.reports.records import submission_page
from sync_server.reports.submissions import Filled
from sync_server.web.auth import require_manager, require_viewer
from sync_server.web.bodies import query_flag, query_number, read_body

bp = Blueprint("submissions", __name__)

_ALL = "/projects/<int:project_id>/forms/<path:xml_form_id>/submissions"
_ONE = f"{_ALL}/<path:instance_id>"
_MOST_LISTED = 250


@bp.get(_ALL)
def list_all(project_id: int, xml_form_id: str) -> Any:
    """The submissions of a form, newest first, at most 250 at once; for managers.

    With `deleted=true` those that were deleted.
    """
    require_manager(project_id)
    found = report.submissions_of_form(
        project_id,
        xml_form_id,
        limit=min(query_number("limit", _MOST_LISTED, least=1) or 1, _MOST_LISTED),
        offset=query_number("offset", 0) or 0,
        deleted=query_flag("deleted"),
    )
    return [_shown(one) for one in found]


@bp.get(_ONE)
def show(project_id: int, xml_form_id: str, instance_id: str) -> Any:
    """One submission: who sent it, whether it is whole, and what is missing."""
    return _shown(_seen(project_id, xml_form_id, instance_id))


@bp.delete(_ONE)
def delete(project_id: int, xml_form_id: str, instance_id: str) -> Any:
    """Take a submission out of sight. What it did to records stays."""
    person = require_manager(project_id)
    delete_submission(
        project_id, xml_form_id, instance_id, by=person.actor_id, clock=context().clock
    )
    return {"success": True}


@bp.post(f"{_ONE}/restore")
def restore(project_id: int, xml_form_id: str, instance_id: str) -> Any:
    """Show a deleted submission again."""
    person = require_manager(project_id)
    restore_submission(
        project_id, xml_form_id, instance_id, by=person.actor_id, clock=context().clock
    )
    return {"success": True}


@bp.get(f"{_ONE}.xml")
def show_xml(project_id: int, xml_form_id: str, instance_id: str) -> Response:
    """The XML, byte for byte as the phone sent it."""
    found = _seen(project_id, xml_form_id, instance_id)
    return Response(found.row.xml, content_type="application/xml")


@bp.get(f"{_ONE}/attachments")
def list_attachments(project_id: int, xml_form_id: str, instance_id: str) -> Any:
    """Its files, and those that its XML names and that are not here."""
    return SubmissionFileShape(many=True).dump(_seen(project_id, xml_form_id, instance_id).files)


@bp.get(f"{_ONE}/attachments/<path:name>")
def show_attachment(project_id: int, xml_form_id: str, instance_id: str, name: str) -> Response:
    """The newest bytes of a file; with `sha256`, those of that hash."""
    found = _seen(project_id, xml_form_id, instance_id)
    file = next((one for one in found.files if one.name == name), None)
    if file is None or file.sha256 is None:
        raise NotFound("the submission has no such file here")
    wanted = request.args.get("sha256", file.sha256)
    if wanted not in (*file.older, file.sha256):
        raise NotFound("there are no such bytes under this name")
    answer = send_file(
        context().blobs.path(wanted), mimetype="application/octet-stream", conditional=True
    )
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    answer.headers["Content-Type"] = file.content_type or "application/octet-stream"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@bp.post(f"{_ONE}/decrypt")
def decrypt(project_id: int, xml_form_id: str, instance_id: str) -> Response:
    """An encrypted submission, opened with the key in the body: a zip of its files.

    The key is used for this answer and kept nowhere. It is taken over https only, or from the
    machine itself.
    """
    require_manager(project_id)
    if not (request.is_secure or request.remote_addr in ("127.0.0.1", "::1")):
        raise BadRequest("a private key is taken over https only")
    sent = read_body(PrivateKeyShape())
    found = report.submission(project_id, xml_form_id, instance_id)
    try:
        key = private_key(sent["private_key"].encode(errors="replace"), sent["passphrase"])
    except DecryptionError as exc:
        raise BadRequest(str(exc)) from None
    out = TemporaryFile()  # noqa: SIM115 - Flask closes it when all is sent
    (done,) = open_into(out, [found], key, context().blobs)
    if done.error:
        out.close()
        raise BadRequest(done.error)
    out.seek(0)
    return send_file(out, mimetype="application/zip", as_attachment=True, download_name="form.zip")


def _seen(project_id: int, xml_form_id: str, instance_id: str) -> Filled:
    """A submission that whoever asks may see. Errors: `NotFound`."""
    person = require_viewer(project_id)
    get_project(project_id)
    submission_page(project_id, xml_form_id, instance_id, person.area(project_id))
    return report.submission(project_id, xml_form_id, instance_id)


def _shown(found: Filled) -> Any:
    facts = {name: getattr(found, name) for name in ("encrypted", "missing", "plaintext_beside")}
    return SubmissionShape().dump({**found.row._mapping, **facts})
