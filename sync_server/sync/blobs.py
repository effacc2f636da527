"""Blobs: the bytes of attachments, up in as many pieces as the link needs, down by ranges."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, send_file
from werkzeug.exceptions import ClientDisconnected

from sync_server.blobs import is_sha256
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import (
    BadValue,
    BlobDiffers,
    BlobMoved,
    MissingParameter,
    NotFound,
    UnsupportedEncoding,
)
from sync_server.intake import uploads
from sync_server.reports.blobs import readable_blobs
from sync_server.sync.senders import sender_of
from sync_server.web.documented import documented
from sync_server.web.problems import refuse

bp = Blueprint("blobs", __name__)

_BLOB = "/v1/projects/<int:project_id>/sync/blobs/<sha256>"
_OF_KEY = "/v1/key/<token>/projects/<int:project_id>/sync/blobs/<sha256>"
_LARGEST = 2**53


@bp.get(_BLOB)
@bp.get(_OF_KEY)
@documented(
    headers=("Range", "If-Range", "If-None-Match"),
    statuses=(200, 206, 304),
    head=(204,),
    refused=(416,),
)
def show(project_id: int, sha256: str, token: str | None = None) -> Any:
    """The bytes, or a range of them; for HEAD, how many have come from who is asking.

    Whoever sent them is not trusted: a browser only saves them, and is not told what they
    might be.
    """
    reader = sender_of(project_id, token)
    _check(sha256)
    blobs = context().blobs
    if request.method == "HEAD":
        return _answer(uploads.progress(project_id, sha256, sender=reader, blobs=blobs))
    with read_transaction() as connection:
        allowed = readable_blobs(connection, project_id, reader, [sha256])
    if not allowed or blobs.size(sha256) is None:
        raise NotFound("there is no such blob here")
    response = send_file(
        blobs.path(sha256),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=sha256,
        conditional=True,
        etag=sha256,
    )
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@bp.patch(_BLOB)
@bp.patch(_OF_KEY)
@documented(
    takes_bytes=True,
    headers=("Upload-Offset!", "Upload-Length"),
    statuses=(204,),
    refused=(409, 413, 415),
)
def append(project_id: int, sha256: str, token: str | None = None) -> Any:
    """Add bytes at Upload-Offset; 204 once they are on the disk."""
    sender = sender_of(project_id, token)
    _check(sha256)
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", ""):
        raise UnsupportedEncoding("a blob is sent as it is", encoding=encoding[:40])
    offset = _number("Upload-Offset")
    if offset is None:
        raise MissingParameter("Required header Upload-Offset missing.", field="Upload-Offset")
    here = context()
    piece = uploads.Piece(offset, _number("Upload-Length"), request.content_length, _read)
    return _answer(
        uploads.append(
            project_id,
            sha256,
            piece,
            sender=sender,
            most=here.settings.max_body_bytes,
            blobs=here.blobs,
            clock=here.clock,
        )
    )


@bp.errorhandler(BlobMoved)
@bp.errorhandler(BlobDiffers)
def refuse_moved(exc: BlobMoved | BlobDiffers) -> Response:
    """A refusal that says where to go on."""
    complete = bool(exc.details.get("complete"))
    return _with_place(refuse(exc), uploads.Progress(int(str(exc.details["offset"])), complete))


def _answer(progress: uploads.Progress) -> Response:
    return _with_place(Response(status=204), progress)


def _with_place(response: Response, progress: uploads.Progress) -> Response:
    response.headers["Upload-Offset"] = str(progress.offset)
    response.headers["Upload-Complete"] = "?1" if progress.complete else "?0"
    response.headers["Cache-Control"] = "no-store"
    return response


def _read(most: int) -> bytes:
    """More of the body; nothing when the link is cut, so that what came before it is kept."""
    try:
        return request.stream.read(most)
    except ClientDisconnected:
        return b""


def _check(sha256: str) -> None:
    if not is_sha256(sha256):
        raise BadValue("a blob is named by its SHA-256 in lower case", field="sha256")


def _number(name: str) -> int | None:
    """A whole number of the headers. Errors: `BadValue`."""
    text = request.headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text[:17]) > _LARGEST or len(text) > 16:
        raise BadValue(f"{name} is a whole number of bytes", field=name, value=text[:50])
    return int(text)
