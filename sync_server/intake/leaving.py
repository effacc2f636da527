"""Records that left the area of a hub: its centre says so, and not where they went."""

from __future__ import annotations

from collections.abc import Iterable

from sync_server.clock import Clock, instant
from sync_server.db import write_transaction
from sync_server.intake.arrival import Project
from sync_server.stores.feed import find_shown
from sync_server.stores.journal import Entry, append_journal
from sync_server.stores.lists import hold_lists, touch_heads
from sync_server.stores.records import delete_scopes, find_scopes, lock_records
from sync_server.stores.stamps import stamp_at


def hide(project: Project, entities: Iterable[str], *, clock: Clock) -> None:
    """Take records out of every phone's list here. Nothing of their history goes.

    They show again when a change of them is taken in: one that brings them back, or one that a
    phone had made before it heard.
    """
    wanted, now = sorted(set(entities)), instant(clock.now())
    if not wanted:
        return
    with write_transaction() as connection:
        hold_lists(connection, project.id)
        lock_records(connection, project.id, wanted)
        at = stamp_at(connection, project.id, now)
        lists = {e: row.list_name for e, row in find_shown(connection, project.id, wanted).items()}
        scopes = find_scopes(connection, project.id, lists)
        delete_scopes(connection, project.id, list(lists))
        entries = [
            Entry(lists[entity], entity, None, frozenset(seen), frozenset())
            for entity, seen in scopes.items()
            if seen
        ]
        touch_heads(connection, project.id, append_journal(connection, project.id, entries, at=at))
