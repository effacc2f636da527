"""What a server holds, told so shortly that two servers find out what one of them lacks.

Each item of the feed of changes has a *mark*, 24 hex digits made of what it is and of what is
settled of it here; the first two name its bucket. A digest is that of a bucket's marks. Two
marks are equal exactly when neither server has use for the other's copy, so a mark covers all
that decides between copies (`docs/merge.md`, section 2) and nothing that each has for itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from conflict.areas import UNBOUND
from sync_server.db import read_transaction
from sync_server.intake.arrival import Author, Project
from sync_server.relay.cursors import CHANGES, Cursor, reader_of
from sync_server.relay.items import Item, items_of
from sync_server.relay.pull import begun
from sync_server.relay.records import Reader
from sync_server.stores import digests as store
from sync_server.stores.feed import find_journal_head
from sync_server.stores.lists import load_lists
from sync_server.stores.quarantine import RELAYED_ITEM
from sync_server.stores.records import find_scopes
from sync_server.stores.relayed import Key, find_attachment_rows, find_kept_changes

OURS = Author(None, area=UNBOUND)
"""Who sees all that this server holds: itself."""

FORM, CHANGE, KEPT = "submission", "change", "quarantine"
Ref = tuple[str, ...]
"""What a mark is of: (FORM, form, instance), (CHANGE, id) or (KEPT, id)."""
Marked = tuple[str, Ref | None]

_PAGE, _LARGE = 500, 50  # rows at once, and rows with all their bytes
_BUCKET = 2
_DIGITS = 24
_OWN = ("deviceId", "actor", "author", "path", "verdict")
"""What each server says for itself of a thing in quarantine."""


@dataclass(frozen=True, slots=True)
class Digest:
    """How many marks a bucket has, and the digest of them: 32 hex digits."""

    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class Digests:
    """The buckets that are not empty, and where the feed goes on from what is in them."""

    buckets: Mapping[str, Digest]
    cursor: Cursor


def digests_for(project: Project, reader: Author, *, epoch: str) -> Digests:
    """The digests of all that `reader` may see, in twelve bytes of memory for each item."""
    marks: dict[str, bytearray] = {}
    with read_transaction() as connection:
        seer = _seer(connection, project.id, reader)
        head = find_journal_head(connection, project.id)
        for mark, _ in _held(connection, project.id, seer, reader.actor_id, None):
            marks.setdefault(mark[:_BUCKET], bytearray()).extend(bytes.fromhex(mark))
    begin = begun(project, epoch, CHANGES, None, reader_of(reader.area), head)
    told = {bucket: _digest(marks.pop(bucket)) for bucket in sorted(marks)}
    return Digests(told, begin.tail(head, seer.visible))


def held_in(project: Project, reader: Author, buckets: Collection[str]) -> dict[str, Ref | None]:
    """The marks in some buckets, and what each is of; None where there is nothing to give."""
    with read_transaction() as connection:
        seer = _seer(connection, project.id, reader)
        return dict(_held(connection, project.id, seer, reader.actor_id, buckets))


def refs_of(project: Project, reader: Author, marks: Collection[str]) -> list[Ref]:
    """What these marks are of, where it is here and there is something to give."""
    buckets = {mark[:_BUCKET] for mark in marks}
    with read_transaction() as connection:
        seer = _seer(connection, project.id, reader)
        held = _held(connection, project.id, seer, reader.actor_id, buckets)
        return [ref for mark, ref in held if ref is not None and mark in marks]


def items_at(project: Project, reader: Author, refs: Iterable[Ref]) -> list[Item]:
    """The items, as `reader` may have them."""
    every = list(refs)
    with read_transaction() as connection:
        return items_of(
            connection,
            project.id,
            project.node,
            _seer(connection, project.id, reader),
            submissions=[(ref[1], ref[2]) for ref in every if ref[0] == FORM],
            changes=[ref[1] for ref in every if ref[0] == CHANGE],
            kept=[ref[1] for ref in every if ref[0] == KEPT],
        )


def _seer(connection: Connection, project_id: int, reader: Author) -> Reader:
    lists = load_lists(connection, project_id)
    return Reader(lists, reader.area, device=False, peer=reader.node)


def _held(
    connection: Connection,
    project_id: int,
    seer: Reader,
    actor_id: int | None,
    buckets: Collection[str] | None,
) -> Iterator[Marked]:
    """Every mark with what it is of, as far as it may be seen; a form's changes are in its mark.

    Of a form that it may not have whole, a reader with an area has the changes of its own
    records, each by itself: they are in other buckets than the form. What came through a server
    is no secret to it.
    """
    narrowed = None if seer.area.bound else buckets
    every = chain(
        _forms(connection, project_id, seer, narrowed),
        _formless(connection, project_id, seer, narrowed),
        _kept(connection, project_id, seer, actor_id),
    )
    return (one for one in every if buckets is None or one[0][:_BUCKET] in buckets)


def _forms(
    connection: Connection, project_id: int, seer: Reader, buckets: store.Buckets
) -> Iterator[Marked]:
    def page(after: Key) -> Sequence[Any]:
        return store.page_of_forms(
            connection, project_id, after=after, limit=_PAGE, buckets=buckets
        )

    for rows in _pages(page, ("", ""), _key):
        keys = {_key(row) for row in rows}
        copies = store.find_copies_of_forms(connection, project_id, keys)
        changes = _by_key(copies)
        files = _by_key(find_attachment_rows(connection, project_id, keys))
        refused = _by_key(find_kept_changes(connection, project_id, keys))
        seen = _seen(connection, project_id, seer, copies)
        parts: list[str] = []
        for row in rows:
            key = _key(row)
            mine = changes.get(key, [])
            visible = [one.change_id for one in mine if one.entity in seen]
            whole = not seer.area.bound or (mine and len(visible) == len(mine))
            if whole or (seer.peer and seer.peer in (row.path or "")):
                mark = _mark_of_form(row, mine, files.get(key, []), refused.get(key, []))
                yield mark, (FORM, *key)
            else:
                parts += visible
        for one in store.find_whole_changes(connection, project_id, parts):
            yield _mark_of_change(one), (CHANGE, one.change_id)


def _formless(
    connection: Connection, project_id: int, seer: Reader, buckets: store.Buckets
) -> Iterator[Marked]:
    def page(after: str) -> Sequence[Any]:
        return store.page_of_formless_changes(
            connection, project_id, after=after, limit=_PAGE, buckets=buckets
        )

    for rows in _pages(page, "", lambda row: row.change_id):
        seen = _seen(connection, project_id, seer, rows)
        for row in rows:
            if row.entity in seen or any(one["node"] == seer.peer for one in row.path):
                yield _mark_of_change(row), (CHANGE, row.change_id)


def _kept(
    connection: Connection, project_id: int, seer: Reader, actor_id: int | None
) -> Iterator[Marked]:
    """What is in quarantine by itself; what is an entity of a form is in the mark of the form.

    What was decided of a thing each server knows for itself. A reader with an area sees what it
    sent.
    """

    def page(after: str) -> Sequence[Any]:
        return store.page_of_kept_rows(connection, project_id, after=after, limit=_LARGE)

    for rows in _pages(page, "", lambda row: row.quarantine_id, limit=_LARGE):
        for row in rows:
            if row.kind == "change" and row.content_type == "text/xml":
                continue
            if not seer.area.bound or row.actor_id == actor_id:
                is_open = row.state == "open"
                yield _mark_of_kept(row), (KEPT, row.quarantine_id) if is_open else None


def _pages(
    page: Callable[[Any], Sequence[Any]],
    after: Any,
    key: Callable[[Any], Any],
    *,
    limit: int = _PAGE,
) -> Iterator[Sequence[Any]]:
    """Page after page, each after the key of the last row of the one before."""
    while rows := page(after):
        yield rows
        if len(rows) < limit:
            return
        after = key(rows[-1])


def _seen(
    connection: Connection, project_id: int, seer: Reader, changes: Iterable[Any]
) -> set[str]:
    """The records of some changes that a reader may see."""
    lists = {row.entity: row.list_name for row in changes}
    if not seer.area.bound:
        return set(lists)
    scopes = find_scopes(connection, project_id, lists)
    return {one for one, name in lists.items() if seer.sees(name, scopes.get(one, ()))}


def _by_key(rows: Iterable[Any]) -> dict[Key, list[Any]]:
    found: dict[Key, list[Any]] = {}
    for row in rows:
        found.setdefault(_key(row), []).append(row)
    return found


def _key(row: Any) -> Key:
    return row.xml_form_id, row.instance_id


def _mark_of_form(
    row: Any, changes: Iterable[Any], files: Iterable[Any], refused: Iterable[Any]
) -> str:
    return _mark(
        row.sha256,
        row.xml_form_id,
        row.instance_id,
        row.complete,
        sorted([one.change_id, *_copy(one)] for one in changes),
        sorted([one.name, one.sha256] for one in files),
        sorted(one.change_id for one in refused),
    )


def _mark_of_change(row: Any) -> str:
    sent = (row.label, row.data, row.base_version, row.trunk_version, row.branch_id)
    form = (row.from_form, row.xml_form_id, row.instance_id, row.deprecated_id)
    about = (row.list_name, row.entity, row.op, row.client_time, row.decision)
    return _mark(row.change_id, *about, *sent, *form, *_copy(row))


def _copy(row: Any) -> tuple[Any, ...]:
    """What decides which of two copies counts (`conflict.taking.counts_before`)."""
    return row.waiting, bool(row.inexact), row.received_at, row.path[0]["node"]


def _mark_of_kept(row: Any) -> str:
    """A mark by what was sent: each server keeps it under an id of its own."""
    files = sorted([one["name"], one["sha256"]] for one in row.attachments)
    name: Any = row.quarantine_id
    if row.kind == "change" and row.content_type in ("application/json", RELAYED_ITEM):
        plain = json.loads(row.raw)
        if plain.get("kind") == "request":
            name = plain["changeId"]
        else:
            name = {key: value for key, value in plain.items() if key not in _OWN}
    digest = hashlib.sha256(_canonical([name, files])).hexdigest()
    return _mark(digest, name, files)


def _mark(bucket: str, *told: Any) -> str:
    return bucket[:_BUCKET] + hashlib.sha256(_canonical(told)).hexdigest()[: _DIGITS - _BUCKET]


def _canonical(told: Any) -> bytes:
    """The same bytes for the same values on every server and on both databases."""
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _digest(marks: bytearray) -> Digest:
    size = _DIGITS // 2
    ordered = sorted(bytes(marks[at : at + size]) for at in range(0, len(marks), size))
    return Digest(len(ordered), hashlib.sha256(b"".join(ordered)).hexdigest()[:32])
