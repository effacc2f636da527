"""The files that forms expect beside them: bytes in the blob folder, or an entity list."""

from __future__ import annotations

import hashlib
import io
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from sync_server.accounts.centre import refuse_at_a_hub
from sync_server.clock import Clock, instant
from sync_server.context import context
from sync_server.db import write_transaction
from sync_server.errors import BadValue, NotFound
from sync_server.stores import blobs as store_blobs
from sync_server.stores import forms as store
from sync_server.stores.audits import add_audit


@dataclass(frozen=True, slots=True)
class FormFile:
    """Bytes that are in the blob folder. Phones compare files by their md5."""

    sha256: str
    size: int
    md5: str
    content_type: str


def attach(
    project_id: int,
    xml_form_id: str,
    name: str,
    content: bytes,
    *,
    by: int | None,
    clock: Clock,
    version: str | None = None,
) -> None:
    """Give a published version (the newest by default) a file it expects, or newer bytes of it.

    Errors    `NotFound` for the form, its version, or a file it does not expect; `BadValue` for
              one that is linked to an entity list: its rows come from there.
    """
    at, files = instant(clock.now()), put_files({name: content})
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        form = store.find_version(connection, project_id, xml_form_id, version)
        if form is None:
            raise NotFound("there is no such form in this project")
        rows = store.list_form_attachments(connection, project_id, xml_form_id, form.version)
        row = next((row for row in rows if row.name == name), None)
        if row is None:
            raise NotFound(f"the form does not expect a file '{name}'")
        if row.list_name is not None:
            raise BadValue(
                f"'{name}' is the entity list '{row.list_name}': import rows into the list",
                field="name",
                value=name,
            )
        known = {"project_id": project_id, "xml_form_id": xml_form_id, "version": form.version}
        keep_blobs(connection, project_id, files.values(), at=at)
        expected = {**known, "name": name, "type": row.type, "list_name": None}
        store.save_form_attachments(connection, [{**expected, **present(files[name], at)}])
        details = {"xmlFormId": xml_form_id, "version": form.version, "name": name}
        act = "form.attachment.update"
        add_audit(connection, act, at=at, by=by, project_id=project_id, details=details)


def put_files(given: Mapping[str, bytes]) -> dict[str, FormFile]:
    """Put files on the disk, before any row names them."""
    blobs = context().blobs
    files: dict[str, FormFile] = {}
    for name, content in sorted(given.items()):
        sha256, size = blobs.put(io.BytesIO(content))
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        files[name] = FormFile(sha256, size, md5, kind)
    return files


def keep_blobs(
    connection: Connection, project_id: int, files: Iterable[FormFile], *, at: str
) -> None:
    sizes = {file.sha256: file.size for file in files}
    store_blobs.keep_blobs(connection, project_id, sizes, at=at)


def present(file: FormFile | None, at: str) -> dict[str, Any]:
    return {
        "sha256": file.sha256 if file else None,
        "md5": file.md5 if file else None,
        "content_type": file.content_type if file else None,
        "updated_at": at,
    }


def carried(row: Any) -> dict[str, Any]:
    """What the version before had of a file; nothing when it was missing there too."""
    names = ("sha256", "md5", "content_type", "updated_at")
    return {name: getattr(row, name, None) for name in names}
