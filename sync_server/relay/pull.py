"""Pull: a page of a feed for whoever may read it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from conflict.areas import Area
from sync_server.db import read_transaction
from sync_server.errors import BadValue, CursorGone
from sync_server.intake.arrival import Project
from sync_server.relay import cursors
from sync_server.relay.changes import page_of_changes
from sync_server.relay.cursors import Cursor, reader_of
from sync_server.relay.records import Page, Reader, page_of_records
from sync_server.stores.feed import find_journal_head
from sync_server.stores.form_devices import find_lists_kept_from
from sync_server.stores.lists import ListInfo, load_lists


def pull_page(
    project: Project,
    *,
    epoch: str,
    area: Area,
    device: bool,
    mode: str,
    lists: Collection[str] | None,
    cursor: Cursor | None,
    limit: int,
    peer: str = "",
) -> Page:
    """The records or the changes after a cursor, or from the beginning without one.

    `peer` is the node of a server that reads: what came through it is told it again only in
    a snapshot, and when it has altered here since.

    Errors    `CursorGone` for a cursor of another project, epoch, filter or reader;
              `BadValue` for a list that is not here.
    """
    with read_transaction() as connection:
        here, kept = lists_for(connection, project.id, area.actor_id if device else None)
        for name in lists or ():
            if name not in here:
                raise BadValue("there is no such list", field="lists", value=name[:50])
        wanted = {name: info for name, info in here.items() if lists is None or name in lists}
        reader = Reader(wanted, area, device=device, peer=peer)
        if cursor is None:
            head = find_journal_head(connection, project.id)
            cursor = begun(project, epoch, mode, lists, reader_of(area, kept), head)
        else:
            check(cursor, begun(project, epoch, mode, lists, reader_of(area, kept), cursor.seq))
        if mode == cursors.CHANGES:
            return page_of_changes(connection, project.id, project.node, reader, cursor, limit)
        return page_of_records(connection, project.id, reader, cursor, limit)


def lists_for(
    connection: Connection, project_id: int, device: int | None
) -> tuple[dict[str, ListInfo], frozenset[str]]:
    """The lists that somebody may know of, and the names of those that are kept from a device."""
    here = load_lists(connection, project_id)
    kept = find_lists_kept_from(connection, project_id, device) & here.keys()
    return {name: info for name, info in here.items() if name not in kept}, kept


def begun(
    project: Project,
    epoch: str,
    mode: str,
    lists: Collection[str] | None,
    reader: str,
    head: int,
) -> Cursor:
    """The cursor at the beginning of a snapshot."""
    chosen = None if lists is None else tuple(sorted(set(lists)))
    return Cursor(project.uuid, epoch, mode, chosen, reader, head)


def check(cursor: Cursor, wanted: Cursor) -> None:
    """Errors: `CursorGone` when a cursor is of another feed than the one that is asked for."""
    for name in ("project", "epoch", "mode", "lists", "reader"):
        if getattr(cursor, name) != getattr(wanted, name):
            raise CursorGone(
                "this cursor is of another feed; begin without one", mustRefetch=True, moved=name
            )
