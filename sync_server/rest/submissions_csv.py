"""The submissions of a form as CSV: its own table, or a zip of all its tables and their files."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryFile
from threading import BoundedSemaphore
from typing import IO
from urllib.parse import quote

from flask import Blueprint, Response, request, send_file

from odk_forms.tables import plain_name
from sync_server.context import context
from sync_server.errors import BadValue, StoreBusy, UnexpectedParameter
from sync_server.reports.entries import Options
from sync_server.reports.exports import (
    ROOT_ALONE,
    TABLES,
    WITH_FILES,
    bundle,
    tag_of,
    write_root,
)
from sync_server.reports.filters import parse_filter
from sync_server.settings import make_home
from sync_server.web.auth import require_manager

bp = Blueprint("submissions_csv", __name__)

_ALL = "/projects/<int:project_id>/forms/<path:xml_form_id>/submissions"
_CSV = f"{_ALL}.csv"
_FLAGS = ("attachments", "groupPaths", "deletedFields", "splitSelectMultiples")
_KNOWN = (*_FLAGS, "$filter", "safe")
_WORDS = {"true": True, "false": False}
_BLANK_BODIES = (b"", b"{}", b"[]", b"null")
_LONGEST_BLANK = 100
_AT_ONCE = 4
_WAIT_SECONDS = 5.0

# Each holds a snapshot of the store and a core: phones must find both free.
_writing = BoundedSemaphore(_AT_ONCE)


@bp.get(f"{_ALL}/keys")
def list_keys(project_id: int, xml_form_id: str) -> list[object]:
    """The keys that an export takes a passphrase for: none, whatever the form; for managers."""
    require_manager(project_id)
    return []


@bp.route(_CSV, methods=["GET", "POST"])
def show_root(project_id: int, xml_form_id: str) -> Response:
    """The form's own table, without its repeats; for managers."""
    require_manager(project_id)
    options = _options()
    tag = tag_of(project_id, xml_form_id, ROOT_ALONE, options)

    def answer() -> Response:
        out = _new_file()
        try:
            written = write_root(project_id, xml_form_id, options, out)
            return _resumable(out, written)
        except BaseException:
            out.close()
            raise

    return _dressed(
        tag, "text/csv; charset=utf-8", f"{plain_name(xml_form_id)}.{ROOT_ALONE}", answer
    )


@bp.route(f"{_CSV}.zip", methods=["GET", "POST"])
def show_all(project_id: int, xml_form_id: str) -> Response:
    """Every table of the form, and their files unless `attachments=false`; for managers."""
    require_manager(project_id)
    options, attachments = _options(), _flag("attachments", default=True)
    kind = WITH_FILES if attachments else TABLES
    tag = tag_of(project_id, xml_form_id, kind, options)

    def answer() -> Response:
        made = bundle(
            project_id,
            xml_form_id,
            options,
            attachments=attachments,
            blobs=context().blobs,
            new_file=_new_file,
        )
        response = Response(made.pieces())
        response.call_on_close(made.close)
        response.set_etag(made.tag)
        return response

    return _dressed(tag, "application/zip", f"{plain_name(xml_form_id)}.{kind}", answer)


def _dressed(tag: str, content_type: str, name: str, answer: Callable[[], Response]) -> Response:
    """The answer, written only for who has not got it and wants more than its headers.

    What is written bears a tag of its own: something may have come meanwhile.
    """
    if request.method != "POST" and request.if_none_match.contains_weak(tag):
        response = Response(status=304)
    elif request.method == "HEAD":
        response = Response(iter(()))  # how long it would be is known once it is written
    else:
        response = _in_turn(answer)
    if "ETag" not in response.headers:
        response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    if response.status_code in (200, 206):
        response.headers["Content-Type"] = content_type
        plain = name.encode("ascii", "replace").decode().replace("?", "_")
        response.headers["Content-Disposition"] = (
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _resumable(out: IO[bytes], tag: str) -> Response:
    """A file that is written, or the part of it that is asked for, if it is of the same table:
    who lost the link half-way wants only the rest."""
    length = out.tell()
    out.seek(0)
    response = send_file(out, mimetype="text/csv")
    response.content_length = length
    response.set_etag(tag)
    response.make_conditional(request, accept_ranges=True, complete_length=length)
    return response


def _in_turn(answer: Callable[[], Response]) -> Response:
    """Errors: `StoreBusy` when others are being written just now."""
    if not _writing.acquire(timeout=_WAIT_SECONDS):
        raise StoreBusy("others are fetching their submissions just now")
    try:
        return answer()
    finally:
        _writing.release()


def _new_file() -> IO[bytes]:
    """A file without a name, where the data is: elsewhere it might be in memory."""
    home = context().settings.home
    make_home(home)
    return TemporaryFile(dir=home)


def _options() -> Options:
    """What the query asks for. Errors: `UnexpectedParameter`, `BadValue`, `BadRequest`.

    What is blank asks for nothing. What is not known here might have left rows out.
    """
    long = (request.content_length or 0) > _LONGEST_BLANK
    if long or request.get_data().strip() not in _BLANK_BODIES:
        raise UnexpectedParameter("a passphrase opens nothing here: send no body", field="body")
    for name, value in request.args.items():
        if name not in _KNOWN and value:
            raise UnexpectedParameter(
                f"{name[:50]} is not understood here, only: {', '.join(_KNOWN)}", field=name[:50]
            )
    safe = request.args.get("safe", "")
    if safe not in ("", "excel"):
        raise BadValue("safe is excel or is left out", field="safe", value=safe[:50])
    return Options(
        group_paths=_flag("groupPaths", default=True),
        deleted_fields=_flag("deletedFields"),
        split_many=_flag("splitSelectMultiples"),
        safe=bool(safe),
        terms=parse_filter(request.args.get("$filter", "")),
    )


def _flag(name: str, *, default: bool = False) -> bool:
    word = request.args.get(name, "").lower()
    if word and word not in _WORDS:
        raise BadValue(f"{name} is true or false", field=name, value=word[:50])
    return _WORDS.get(word, default)
