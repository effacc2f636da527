"""The feed of records: a snapshot, then what altered since, then what alters from now on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from conflict.areas import Area, scopes_of_actor
from conflict.types import RecordStatus
from sync_server.relay.cursors import Cursor
from sync_server.stores.feed import (
    find_journal_head,
    find_shown,
    page_of_journal,
    page_of_rows,
)
from sync_server.stores.journal import FILTER
from sync_server.stores.lists import ListInfo
from sync_server.stores.records import find_scopes

Visible = Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class Page:
    """One page of a feed, and where the next one begins."""

    cursor: Cursor
    more: bool
    records: list[dict[str, Any]] = field(default_factory=list)
    leave: list[dict[str, str]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)


def visible_to(lists: Mapping[str, ListInfo], area: Area) -> Visible:
    """The scopes of each list that an area may see."""
    return {name: tuple(scopes_of_actor(info.rules, area)) for name, info in lists.items()}


class Reader:
    """Who reads a feed: which lists, within which area, and what of them.

    `device` is whether it is one: what is kept off phones is not for it. `peer` is the node
    of a server that reads.
    """

    def __init__(
        self, lists: Mapping[str, ListInfo], area: Area, *, device: bool, peer: str = ""
    ) -> None:
        self.lists = lists
        self.area = area
        self.device = device
        self.peer = peer
        self.visible = visible_to(lists, area)

    def sees(self, list_name: str, scopes: Iterable[str]) -> bool:
        return not self.area.bound or not set(self.visible[list_name]).isdisjoint(scopes)

    def record(self, row: Row[Any]) -> dict[str, Any]:
        """A record as it stands; of a deleted one only that it is, of an unborn one no number."""
        deleted = row.status == RecordStatus.DELETED.value
        hidden = self.lists[row.list_name].policies.hides
        return {
            "list_name": row.list_name,
            "entity": row.entity,
            "version": 0 if row.status == RecordStatus.INCOMPLETE.value else row.version,
            "label": "" if deleted else row.label,
            "data": {}
            if deleted
            else {n: v for n, v in row.data.items() if not (self.device and hidden(n))},
            "status": row.status,
            "open_reviews": row.open_reviews,
            "waiting": row.waiting,
            "updated_at": row.updated_at,
        }


def page_of_records(
    connection: Connection, project_id: int, reader: Reader, cursor: Cursor, limit: int
) -> Page:
    """The page after a cursor: of the snapshot while that lasts, then of the journal's tail."""
    if cursor.after is None:
        return _tail(connection, project_id, reader, cursor, limit)
    return _snapshot(connection, project_id, reader, cursor, limit)


def _snapshot(
    connection: Connection, project_id: int, reader: Reader, cursor: Cursor, limit: int
) -> Page:
    rows = page_of_rows(
        connection,
        project_id,
        after=cursor.after[0] if cursor.after else "",
        limit=limit,
        lists=reader.lists,
        visible=reader.visible if reader.area.bound else None,
    )
    if len(rows) == limit:
        page = Page(cursor.at((rows[-1].entity,)), more=True)
    else:
        behind = find_journal_head(connection, project_id) > cursor.seq
        page = Page(cursor.tail(cursor.seq, reader.visible), more=behind)
    gone = RecordStatus.DELETED.value if reader.area.bound else None
    page.records = [reader.record(row) for row in rows if row.status != gone]
    return page


def _tail(
    connection: Connection, project_id: int, reader: Reader, cursor: Cursor, limit: int
) -> Page:
    steps = page_of_journal(connection, project_id, after=cursor.seq, limit=limit)
    more = len(steps) == limit
    last = steps[-1].seq if steps else cursor.seq
    page = Page(further(cursor, reader, last, more=more), more=more)
    known = _either(cursor.scopes, reader.visible)
    mine = [one for one in steps if one.entity and one.list_name in reader.lists]
    shown = find_shown(connection, project_id, {one.entity for one in mine}) if mine else {}
    scopes = find_scopes(connection, project_id, shown) if reader.area.bound else {}
    for entity, passed in _by_entity(mine).items():
        row = shown[entity]
        deleted = row.status == RecordStatus.DELETED.value
        visible = reader.sees(row.list_name, scopes.get(entity, ()))
        if visible and not (deleted and reader.area.bound):
            page.records.append(reader.record(row))
        elif _was_seen(passed, known.get(row.list_name, ())):
            reason = "deleted" if deleted and visible else _reason(passed)
            page.leave.append({"list": row.list_name, "entity": entity, "reason": reason})
    return page


def further(cursor: Cursor, reader: Reader, seq: int, *, more: bool) -> Cursor:
    """The cursor behind a page of the tail.

    While there is more, it keeps what the reader could see when it read last: what it is to be
    told that it lost may be on a later page.
    """
    known = _either(cursor.scopes, reader.visible) if more else reader.visible
    return cursor.tail(seq, known)


def leaving(
    connection: Connection, project_id: int, reader: Reader, cursor: Cursor, steps: Sequence[Any]
) -> list[dict[str, str]]:
    """The records that left the reader's area by these steps of the journal: ids, no values."""
    known = _either(cursor.scopes, reader.visible)
    mine = [one for one in steps if one.entity and one.list_name in reader.lists]
    if not (reader.area.bound and mine):
        return []
    scopes = find_scopes(connection, project_id, {one.entity for one in mine})
    return [
        {"list": passed[-1].list_name, "entity": entity, "reason": _reason(passed)}
        for entity, passed in _by_entity(mine).items()
        if not reader.sees(passed[-1].list_name, scopes.get(entity, ()))
        and _was_seen(passed, known.get(passed[-1].list_name, ()))
    ]


def _by_entity(steps: Iterable[Row[Any]]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = {}
    for one in steps:
        found.setdefault(one.entity, []).append(one)
    return found


def _was_seen(passed: Sequence[Row[Any]], scopes: Iterable[str]) -> bool:
    """Whether any step of a record began or ended where the reader could see it."""
    seen = set(scopes)
    return any(not seen.isdisjoint((*one.scopes_from, *one.scopes_to)) for one in passed)


def _reason(passed: Sequence[Row[Any]]) -> str:
    """Why a record left: no change of it moved it when its list was altered instead."""
    moved = [o for o in passed if o.kind == FILTER or set(o.scopes_from) != set(o.scopes_to)]
    return "policy" if moved and moved[-1].change_id is None else "moved"


def _either(one: Visible, other: Visible) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(sorted({*one.get(name, ()), *other.get(name, ())}))
        for name in one.keys() | other.keys()
    }
