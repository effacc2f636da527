"""Records that left the area of a hub, or are in it again: its centre says so, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from conflict.areas import AWAY, scopes_of_record
from conflict.standing import reviews
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction, write_transaction
from sync_server.intake.arrival import Project
from sync_server.stores.changes import find_writers
from sync_server.stores.journal import Entry, append_journal
from sync_server.stores.lists import hold_lists, load_lists, touch_heads
from sync_server.stores.records import (
    Held,
    find_scopes,
    load_standing,
    lock_records,
    save_scopes,
)
from sync_server.stores.stamps import stamp_at

_AWAY = frozenset({AWAY})
Scopes = Callable[[Held], frozenset[str]]


def hide(project: Project, entities: Iterable[str], *, clock: Clock) -> None:
    """Take records out of every phone's list here. Nothing of their history goes.

    They show again when the centre sends anything of them, and when a change of them is taken
    in that a phone had made before it heard.
    """
    wanted = set(entities)
    if wanted:
        _move(project, wanted, lambda _: lambda held: _AWAY, clock=clock)


def show(project: Project, entities: Iterable[str], *, clock: Clock) -> None:
    """Let records be seen again, of which the centre has sent something, by what they say."""
    with read_transaction() as connection:
        scopes = find_scopes(connection, project.id, entities)
    away = {entity for entity, mine in scopes.items() if AWAY in mine}
    if away:
        _move(project, away, lambda connection: _own(connection, project.id, away), clock=clock)


def _own(connection: Connection, project_id: int, entities: set[str]) -> Scopes:
    """The scopes that a record has by its own values, and by who wrote it."""
    lists = load_lists(connection, project_id)
    writers = find_writers(connection, project_id, sorted(entities))

    def scopes(held: Held) -> frozenset[str]:
        info, state = lists[held.list_name], held.record.state
        asked = reviews(state, info.policies)
        return scopes_of_record(info.rules, state, asked, writers.get(held.entity, set()))

    return scopes


def _move(
    project: Project,
    entities: set[str],
    scopes: Callable[[Connection], Scopes],
    *,
    clock: Clock,
) -> None:
    now = instant(clock.now())
    with write_transaction() as connection:
        hold_lists(connection, project.id)
        lock_records(connection, project.id, entities)
        at, after = stamp_at(connection, project.id, now), scopes(connection)
        held = load_standing(connection, project.id, entities)
        moved = [(one, after(one)) for one in held.values()]
        moved = [(one, to) for one, to in moved if one.scopes != to]
        save_scopes(connection, project.id, moved)
        entries = [Entry(one.list_name, one.entity, None, one.scopes, to) for one, to in moved]
        touch_heads(connection, project.id, append_journal(connection, project.id, entries, at=at))
