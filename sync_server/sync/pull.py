"""Pull: records as they stand, or all that came in; a snapshot first, then what altered."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from schemas.pull import ChangesPage, PullQuery, RecordsPage
from schemas.records import RecordShape
from sync_server.accounts.people import current_node, get_project
from sync_server.clock import instant
from sync_server.context import context
from sync_server.errors import BadValue, NotAllowed
from sync_server.relay import cursors
from sync_server.relay.pull import pull_page
from sync_server.sync.paging import limit_asked
from sync_server.sync.senders import sender_of
from sync_server.web.documented import documented

bp = Blueprint("pull", __name__)

_RECORD = RecordShape()


@bp.get("/v1/projects/<int:project_id>/sync/pull")
@bp.get("/v1/key/<token>/projects/<int:project_id>/sync/pull")
@documented(RecordsPage, ChangesPage, query=PullQuery, refused=(410,))
def pull(project_id: int, token: str | None = None) -> Any:
    """The page after `cursor`; without one, the beginning of a snapshot."""
    here, caller = context(), sender_of(project_id, token)
    mode = request.args.get("mode", cursors.RECORDS)
    if mode not in cursors.MODES:
        raise BadValue("mode is records or changes", field="mode", value=mode[:50])
    if mode == cursors.CHANGES and not (caller.relays or caller.manages):
        raise NotAllowed("changes are for hubs and managers of the project")
    text = request.args.get("cursor")
    asked = request.args.get("lists")
    _, epoch = current_node()
    page = pull_page(
        get_project(project_id),
        epoch=epoch,
        area=caller.area,
        device=not caller.may_decide,
        mode=mode,
        lists=None if asked is None else [name for name in asked.split(",") if name],
        cursor=cursors.read(text, here.settings.secret_key) if text else None,
        limit=limit_asked(500, 5000),
        peer=caller.node,
    )
    if mode == cursors.CHANGES:
        found: dict[str, Any] = {"changes": page.changes}
    else:
        found = {"records": [_RECORD.dump(one) for one in page.records]}
    return {
        **found,
        "leave": page.leave,
        "aliases": [],
        "cursor": cursors.sign(page.cursor, here.settings.secret_key),
        "more": page.more,
        "epoch": epoch,
        "serverTime": instant(here.clock.now()),
    }
