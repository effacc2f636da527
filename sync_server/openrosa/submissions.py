"""The submissions a phone sends: preflight and POST, one form in one or several parts."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable
from contextlib import ExitStack, closing, suppress
from tempfile import SpooledTemporaryFile
from typing import IO
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import BadRequest

from odk_forms.openrosa import SUCCESS
from odk_forms.xml import MAX_BYTES as MAX_XML_BYTES
from sync_server.context import context
from sync_server.errors import MissingXmlPart, NotAllowed, StoreBusy, UnreadableBody
from sync_server.intake import revoked
from sync_server.intake.arrival import Attached, Result, SentSubmission, Status, SubmissionResult
from sync_server.intake.ingest import ingest, keep_request
from sync_server.openrosa.door import author, message, project
from sync_server.openrosa.parts import Sent, read_sent
from sync_server.openrosa.words import kept_for_a_person
from sync_server.web.addresses import public_root
from sync_server.web.multipart import Part
from sync_server.web.slashes import AS_SENT

REMEMBERED_BYTES = 8 << 20
_WRITTEN_BY_PROXIES = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
_READABLE = re.compile(r"[A-Za-z0-9._~:/@!$&'()*+,;=\[\]-]+")
_MEDIA_TYPE = re.compile("[!-~][ -~]{0,199}")
_PIECE_BYTES = 1 << 16


def add_routes(bp: Blueprint) -> None:
    bp.add_url_rule("/submission", view_func=preflight, methods=["HEAD", "GET"])
    bp.add_url_rule("/submission", view_func=submit, methods=["POST"])


def preflight() -> Response:
    """204, always: anything else looks to Collect like a captive portal.

    `Location` is the very address the phone used, so that it skips the preflight of the
    next forms. Collect decodes it and reads it strictly: left out when that would fail.
    """
    response = Response(status=204)
    del response.headers["Content-Type"]
    own = g.device.part_bytes if "device" in g else None
    most = own or context().settings.part_bytes
    response.headers["X-OpenRosa-Accept-Content-Length"] = str(most)
    target = f"{public_root()}{request.environ[AS_SENT]}"
    if _is_the_phones(target) and _READABLE.fullmatch(target):
        response.autocorrect_location_header = False
        response.headers["Location"] = target
    return response


def _is_the_phones(target: str) -> bool:
    """Whether the phone came by this address: to another host it would send nothing at all.

    What an unannounced proxy passes on says nothing of the scheme the phone used.
    """
    told = context().settings.public_url or context().settings.proxies
    passed_on = any(name in request.headers for name in _WRITTEN_BY_PROXIES)
    same_host = urlsplit(target).netloc.lower() == request.host.lower() != ""
    return same_host and bool(told or not passed_on)


def submit() -> Response:
    """Take one POST in; 201 once it is on the disk, 202 when a person must look at it.

    What a revoked device still brings is kept for a person, and the device is told that it is
    revoked: nothing it is told may look as if it were let in.
    """
    if not g.device.revoked_at:
        return _answer(_taken_in())
    if revoked.has_room(g.device.project_id, g.device.actor_id, g.device.revoked_at):
        with suppress(MissingXmlPart, UnreadableBody, BadRequest):
            _taken_in()
    raise NotAllowed("this device is revoked")


def _taken_in() -> list[Result]:
    with ExitStack() as opened:
        body = opened.enter_context(closing(Remembering(request.environ["wsgi.input"])))
        request.environ["wsgi.input"] = g.came = body
        request.max_content_length = current_app.config["MAX_CONTENT_LENGTH"]  # of whatever kind
        try:
            sent = _submissions(read_sent(opened))
        except (MissingXmlPart, UnreadableBody, BadRequest):
            _keep_what_came(body)
            raise
        return ingest(project(), sent, author=author(), clock=context().clock)


def _submissions(sent: Sent) -> list[SentSubmission]:
    """What the parts of a POST say; of several forms in one, the first has the files."""
    (first, large), *others = map(_xml, sent.forms)
    forms = [SentSubmission(first, (*large, *_kept_files(sent.files)), sent.complete)]
    return forms + [SentSubmission(xml, beside, sent.complete) for xml, beside in others]


def _answer(results: list[Result]) -> Response:
    for result in results:
        if isinstance(result, SubmissionResult) and result.status is Status.QUARANTINED:
            if result.code == "bad_xml":
                raise UnreadableBody("the XML could not be read; it is kept as it came")
            if not result.changes:
                return message(kept_for_a_person(), 202)
    return message(SUCCESS, 201)


class Remembering:
    """A request's body that remembers its beginning, for when no form can be found in it.

    `taken` is how many bytes of it have come.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        # Not in memory: hundreds of phones may be sending their photos at once.
        self._beginning = SpooledTemporaryFile(_PIECE_BYTES)  # noqa: SIM115 - lives as long as this
        self.taken = 0
        self._broke = False

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(size)
        except Exception:
            self._broke = True  # as the end of a body that does not say how long it is
            raise
        room = max(REMEMBERED_BYTES - self.taken, 0)
        self.taken += len(data)
        try:
            if not self._beginning.closed:
                self._beginning.write(data[:room])
        except OSError as exc:  # which in here would be taken for a link that broke
            with suppress(OSError):  # and remember no more: the rest is heard, and forgotten
                self._beginning.close()
            raise StoreBusy("there is no room for what comes just now") from exc
        return data

    def beginning(self) -> bytes:
        self._beginning.seek(0)
        return self._beginning.read()

    def close(self) -> None:
        self._beginning.close()

    def is_cut(self, announced: int | None) -> bool:
        """Whether the link broke before all had come."""
        return self._broke or (announced is not None and self.taken < announced)


def _keep_what_came(body: Remembering) -> None:
    """A known device's bytes are never dropped, even when they are no submission.

    What a broken link left of a body is: the phone has been told nothing, and sends it again.
    """
    with suppress(BadRequest):  # a link that broke has no more to give
        while request.stream.read(_PIECE_BYTES):
            pass
    if body.taken and not body.is_cut(request.content_length):
        keep_request(
            project(),
            body.beginning(),
            request.content_type or "application/octet-stream",
            author=author(),
            clock=context().clock,
        )


def _xml(part: Part) -> tuple[bytes, tuple[Attached, ...]]:
    """The XML of a form. One that is too large to be read is a file beside its beginning."""
    xml = part.file.read(MAX_XML_BYTES + 1)
    if len(xml) <= MAX_XML_BYTES:
        return xml, ()
    part.file.seek(0)
    return xml, _kept_files([part])


def _kept_files(parts: Iterable[Part]) -> tuple[Attached, ...]:
    """Files, put on the disk before any lock is taken."""
    try:
        return tuple(_kept(part) for part in parts)
    except OSError as exc:
        raise StoreBusy("the attachments could not be stored just now") from exc


def _kept(part: Part) -> Attached:
    sha256, size = context().blobs.put(part.file)
    guessed = mimetypes.guess_type(part.name)[0]
    told = part.content_type if _MEDIA_TYPE.fullmatch(part.content_type) else None
    content_type = told or guessed or "application/octet-stream"
    return Attached(part.name, sha256, size, content_type)
