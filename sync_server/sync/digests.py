"""Digests: two servers find out what one of them lacks, and only that goes over the link."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, request

from schemas.digests import (
    DigestsShape,
    FilesAsked,
    ItemsShape,
    LackingShape,
    MarksAsked,
    MarksQuery,
    MarksShape,
)
from sync_server.accounts.people import current_node, get_project
from sync_server.clock import instant
from sync_server.context import context
from sync_server.errors import BadValue, MissingParameter, NotAllowed
from sync_server.intake import uploads
from sync_server.intake.arrival import Author
from sync_server.relay import cursors
from sync_server.relay.digests import digests_for, held_in, items_at, refs_of
from sync_server.sync.senders import sender_of
from sync_server.web.bodies import read_body
from sync_server.web.documented import documented

bp = Blueprint("digests", __name__)

_DIGESTS = "/v1/projects/<int:project_id>/sync/digests"
_BUCKETS = re.compile(r"[0-9a-f]{2}(,[0-9a-f]{2}){0,255}")


@bp.get(_DIGESTS)
@documented(DigestsShape)
def show(project_id: int) -> Any:
    """A digest of each of 256 buckets, and the cursor behind what is in them."""
    reader, here = _reader(project_id), context()
    _, epoch = current_node()
    found = digests_for(get_project(project_id), reader, epoch=epoch)
    return {
        "buckets": {
            bucket: {"count": one.count, "digest": one.digest}
            for bucket, one in found.buckets.items()
        },
        "cursor": cursors.sign(found.cursor, here.settings.secret_key),
        "epoch": epoch,
        "serverTime": instant(here.clock.now()),
    }


@bp.get(f"{_DIGESTS}/marks")
@documented(MarksShape, query=MarksQuery)
def list_marks(project_id: int) -> Any:
    """The marks of some buckets."""
    reader = _reader(project_id)
    asked = request.args.get("buckets")
    if asked is None:
        raise MissingParameter("Required parameter buckets missing.", field="buckets")
    if not _BUCKETS.fullmatch(asked):
        raise BadValue(
            "buckets are two hex digits each, with commas between them",
            field="buckets",
            value=asked[:50],
        )
    return {"marks": sorted(held_in(get_project(project_id), reader, set(asked.split(","))))}


@bp.post(f"{_DIGESTS}/items")
@documented(ItemsShape, body=MarksAsked, refused=(413, 415))
def give(project_id: int) -> Any:
    """The items of these marks, as a feed of changes gives them; none where there is none any more.

    What altered meanwhile has another mark, and is in the feed behind the cursor.
    """
    reader, project = _reader(project_id), get_project(project_id)
    marks = set(read_body(MarksAsked())["marks"])
    return {"changes": items_at(project, reader, refs_of(project, reader, marks))}


@bp.post(f"{_DIGESTS}/files")
@documented(LackingShape, body=FilesAsked, refused=(413, 415))
def list_lacking(project_id: int) -> Any:
    """Those of these blobs that are not all here: what HEAD says of each, for many at once."""
    reader = _reader(project_id)
    files = read_body(FilesAsked())["files"]
    blobs = context().blobs
    return {"lacking": uploads.lacking(project_id, files, sender=reader, blobs=blobs)}


def _reader(project_id: int) -> Author:
    caller = sender_of(project_id)
    if not (caller.relays or caller.manages):
        raise NotAllowed("digests are for hubs and managers of the project")
    return caller
