"""A form on its way: uploaded and checked on one page, published or made a draft from the next."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import render_template
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage

from sync_server.context import context
from sync_server.errors import BadRequest, SyncError

_KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Upload:
    """A form that was checked: its file's name and bytes, and its attachments by name."""

    name: str
    content: bytes
    attachments: Mapping[str, bytes]


def keep_upload(project_id: int, name: str, content: bytes, files: Sequence[FileStorage]) -> str:
    """Keep an upload until its author says what becomes of it; the token that finds it again.

    It is signed, so that nobody can publish other bytes of the blob folder by naming them.
    """
    blobs = context().blobs
    attachments = {
        file.filename: blobs.put(io.BytesIO(file.read()))[0] for file in files if file.filename
    }
    kept = {
        "project": project_id,
        "name": name,
        "sha256": blobs.put(io.BytesIO(content))[0],
        "attachments": attachments,
    }
    return str(_signer().dumps(kept))


def kept_upload(project_id: int, token: str) -> Upload:
    """What a token stands for. Errors: `BadRequest` for one that is old, made up or elsewhere's."""
    try:
        kept = _signer().loads(token, max_age=_KEPT_SECONDS)
    except BadData as exc:
        raise BadRequest("the upload is too old; choose the file again") from exc
    if kept["project"] != project_id:
        raise BadRequest("the upload is of another project")
    files = {name: _bytes(sha256) for name, sha256 in kept["attachments"].items()}
    return Upload(kept["name"], _bytes(kept["sha256"]), files)


def refused(exc: SyncError, filename: str) -> tuple[str, int]:
    """What is wrong with a form, cell by cell, over the form to upload it mended."""
    page = render_template("forms/upload.html", messages=messages_of(exc), filename=filename)
    return page, exc.status


def messages_of(exc: SyncError) -> object:
    """The messages of a refused form, as its page lists them."""
    return exc.details.get("messages") or [{"severity": "error", "text": exc.message}]


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(context().settings.secret_key, salt="form upload")


def _bytes(sha256: str) -> bytes:
    return context().blobs.path(sha256).read_bytes()
