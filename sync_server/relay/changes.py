"""The feed of changes: all that came in, with what was settled; for hubs, managers and files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from sync_server.relay.cursors import Cursor
from sync_server.relay.echoes import without_echoes
from sync_server.relay.items import items_of
from sync_server.relay.records import Page, Reader, further, leaving
from sync_server.stores.feed import find_journal_head, page_of_journal
from sync_server.stores.journal import FILTER, MORE, QUARANTINE, SUBMISSION
from sync_server.stores.relayed import (
    Key,
    find_change_ids,
    page_of_kept,
    page_of_loose_changes,
    page_of_submissions,
)

# The snapshot goes through three tables, one after the other; a cursor names where it is.
_FORMS, _LOOSE, _KEPT = "forms", "changes", "quarantine"


def page_of_changes(
    connection: Connection,
    project_id: int,
    node: str,
    reader: Reader,
    cursor: Cursor,
    limit: int,
) -> Page:
    """The page after a cursor: of the snapshot while that lasts, then of the journal's tail."""
    if cursor.after is None:
        return _tail(connection, project_id, node, reader, cursor, limit)
    return _snapshot(connection, project_id, node, reader, cursor, limit)


def _snapshot(
    connection: Connection, project_id: int, node: str, reader: Reader, cursor: Cursor, limit: int
) -> Page:
    table, *after = cursor.after or (_FORMS, "", "")
    forms: list[Key] = []
    loose: list[str] = []
    kept: list[str] = []
    if table == _FORMS:
        form, instance = after
        forms = page_of_submissions(connection, project_id, after=(form, instance), limit=limit)
        place: tuple[str, ...] = (_FORMS, *forms[-1]) if len(forms) == limit else (_LOOSE, "")
    elif table == _LOOSE:
        loose = page_of_loose_changes(connection, project_id, after=after[0], limit=limit)
        place = (_LOOSE, loose[-1]) if len(loose) == limit else (_KEPT, "")
    else:
        kept = page_of_kept(connection, project_id, after=after[0], limit=limit)
        place = (_KEPT, kept[-1]) if len(kept) == limit else ()
    if place:
        page = Page(cursor.at(place), more=True)
    else:
        behind = find_journal_head(connection, project_id) > cursor.seq
        page = Page(cursor.tail(cursor.seq, reader.visible), more=behind)
    page.changes = items_of(
        connection, project_id, node, reader, submissions=forms, changes=loose, kept=kept
    )
    return page


def _tail(
    connection: Connection, project_id: int, node: str, reader: Reader, cursor: Cursor, limit: int
) -> Page:
    steps = page_of_journal(connection, project_id, after=cursor.seq, limit=limit)
    more, last = len(steps) == limit, steps[-1].seq if steps else cursor.seq
    page = Page(further(cursor, reader, last, more=more), more=more)
    stepped = {one.change_id for one in steps if one.change_id is not None}
    entering = [one for one in steps if _enters(one, reader)]
    whole = {one.entity for one in entering}
    came_back = {one.entity for one in entering if one.scopes_from}  # or was it born
    changed = find_change_ids(connection, project_id, {*whole, *_entities(steps)})
    wanted = [row for row in changed if row.change_id in stepped or row.entity in whole]
    forms = {(row.xml_form_id, row.instance_id) for row in wanted if row.instance_id is not None}
    forms |= {_key(one.ref) for one in steps if one.kind in (SUBMISSION, MORE)}
    items = items_of(
        connection,
        project_id,
        node,
        reader,
        submissions=forms,
        changes=[row.change_id for row in wanted if row.instance_id is None],
        kept=[one.ref for one in steps if one.kind == QUARANTINE],
    )
    page.changes = without_echoes(items, reader.peer, steps, came_back)
    page.leave = leaving(connection, project_id, reader, cursor, steps)
    return page


def _enters(step: Any, reader: Reader) -> bool:
    """Whether a record came into the reader's area by this step: its whole history follows.

    Under another access filter the same scope means another place: whatever is seen now may
    not have been seen before.
    """
    if not reader.area.bound or not step.entity or step.list_name not in reader.lists:
        return False
    if step.kind == FILTER:
        return reader.sees(step.list_name, step.scopes_to)
    return reader.sees(step.list_name, step.scopes_to) and not reader.sees(
        step.list_name, step.scopes_from
    )


def _entities(steps: Iterable[Any]) -> set[str]:
    return {one.entity for one in steps if one.entity}


def _key(ref: str) -> Key:
    form, _, instance = ref.partition("\n")
    return form, instance
