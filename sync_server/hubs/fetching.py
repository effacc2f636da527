"""Down: what the centre knows and this hub does not, page after page of the centre's feed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sync_server.client import SyncRefused
from sync_server.clock import Clock
from sync_server.db import write_transaction
from sync_server.hubs.link import HubLink
from sync_server.intake.arrival import Author, Project
from sync_server.intake.batches import Pushed, push
from sync_server.intake.leaving import hide, show
from sync_server.relay.echoes import entities_of
from sync_server.stores import upstreams as store

_PAGE = 200
_GONE = 410


def fetch(
    project: Project, upstream: Any, link: HubLink, *, own_epoch: str, clock: Clock
) -> Iterator[int]:
    """Take everything in that is new; yields how many items came, page after page.

    A page is taken in before its cursor is kept: what comes twice is known the second time.
    """
    cursor: str | None = upstream.pull_cursor
    more = True
    while more:
        try:
            page = link.pull(cursor=cursor, mode="changes", limit=_PAGE)
        except SyncRefused as exc:
            if exc.status != _GONE or cursor is None:
                raise
            cursor = None  # the centre was restored, or this hub's area is another now
            continue
        items = page["changes"]
        batch_id = clock.new_id()
        if items:
            take_in(project, upstream, items, batch_id, own_epoch=own_epoch, clock=clock)
        hide(project, (one["entity"] for one in page["leave"]), clock=clock)
        cursor, more = page["cursor"], bool(page["more"])
        with write_transaction() as connection:
            store.update_upstream(connection, project.id, {"pull_cursor": cursor})
            store.forget_batch(connection, project.id, upstream.actor_id, batch_id)
        yield len(items)


def take_in(
    project: Project,
    upstream: Any,
    items: list[Any],
    batch_id: str,
    *,
    own_epoch: str,
    clock: Clock,
) -> None:
    """Take items in by the one road, as what another server has settled."""
    raw = json.dumps(items, ensure_ascii=False).encode("utf-8", "surrogatepass")
    centre = Author(upstream.actor_id, may_decide=True, relays=True, node=upstream.node)
    push(project, Pushed(batch_id, raw, items), author=centre, epoch=own_epoch, clock=clock)
    show(project, set().union(*map(entities_of, items)), clock=clock)
