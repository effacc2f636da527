"""The submissions a phone sends: preflight and POST, one form in one or several parts."""

from __future__ import annotations

import mimetypes
from urllib.parse import unquote

from flask import Blueprint, Response, request
from werkzeug.datastructures import FileStorage

from odk_forms.openrosa import SUCCESS
from sync_server.context import context
from sync_server.errors import MissingXmlPart, StoreBusy, UnreadableBody
from sync_server.intake.arrival import Attached, SentSubmission, Status, SubmissionResult
from sync_server.intake.ingest import ingest
from sync_server.openrosa.door import author, message, project, public_root
from sync_server.openrosa.words import kept_for_a_person

XML_PART = "xml_submission_file"
MORE_TO_COME = "*isIncomplete*"


def add_routes(bp: Blueprint) -> None:
    bp.add_url_rule("/submission", view_func=preflight, methods=["HEAD", "GET"])
    bp.add_url_rule("/submission", view_func=submit, methods=["POST"])


def preflight() -> Response:
    """204, always: anything else looks to Collect like a captive portal.

    `Location` is the very address the phone used, so that it skips the preflight of the
    next forms. Collect decodes it and reads it strictly: left out when that would fail.
    """
    response = Response(status=204)
    response.headers["X-OpenRosa-Accept-Content-Length"] = str(context().settings.part_bytes)
    target = f"{public_root()}{request.path}"
    if unquote(target) == target and target.isascii() and " " not in target:
        response.autocorrect_location_header = False
        response.headers["Location"] = target
    return response


def submit() -> Response:
    """Take one POST in; 201 once it is on the disk, 202 when a person must look at it."""
    xml = _xml_part()
    complete = MORE_TO_COME not in request.form
    sent = SentSubmission(xml, _kept_files(), complete)
    result = ingest(project(), [sent], author=author(), clock=context().clock)[0]
    if isinstance(result, SubmissionResult) and result.status is Status.QUARANTINED:
        if result.code == "bad_xml":
            raise UnreadableBody("the XML could not be read; it is kept as it came")
        if not result.changes:
            return message(kept_for_a_person(), 202)
    return message(SUCCESS, 201)


def _xml_part() -> bytes:
    """The form itself, from a file part or a plain one; MissingXmlPart when there is none."""
    part = request.files.get(XML_PART)
    if part is not None:
        return part.stream.read()
    text = request.form.get(XML_PART)
    if text is None:
        raise MissingXmlPart("the submission has no part called xml_submission_file")
    return text.encode()


def _kept_files() -> tuple[Attached, ...]:
    """Every other file, put on the disk before any lock is taken."""
    try:
        return tuple(
            _kept(name, file) for name, file in request.files.items(multi=True) if name != XML_PART
        )
    except OSError as exc:
        raise StoreBusy("the attachments could not be stored just now") from exc


def _kept(name: str, file: FileStorage) -> Attached:
    sha256, size = context().blobs.put(file.stream)  # type: ignore[arg-type]
    guessed = mimetypes.guess_type(name)[0]
    content_type = file.content_type or guessed or "application/octet-stream"
    return Attached(name or file.filename or "", sha256, size, content_type)
