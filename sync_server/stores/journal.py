"""The journal: every step of every record, numbered in the order of commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Integer, bindparam

from sync_server.models.records import JournalHead, JournalRow
from sync_server.stores.upsert import insert_rows, table_of

_H = table_of(JournalHead)
_TAKE = (
    _H.update()
    .where(_H.c.project_id == bindparam("project_"))
    .values(head=_H.c.head + bindparam("count", type_=Integer))
    .returning(_H.c.head)
)


STEP, SUBMISSION, QUARANTINE = "step", "submission", "quarantine"
AGAIN, MORE = "again", "more"
"""Steps of a change, and parts of a submission, that had been taken in before."""
FILTER = "filter"
"""Steps of a record whose list has another access filter."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of one record, as the journal tells it; or what came and altered none.

    `on_phones` is whether any list of a phone had the record before the step, or has it now.
    """

    list_name: str
    entity: str
    change_id: str | None
    scopes_from: frozenset[str] = frozenset()
    scopes_to: frozenset[str] = frozenset()
    kind: str = STEP
    ref: str | None = None
    on_phones: bool = True


def append_journal(
    connection: Connection, project_id: int, entries: Sequence[Entry], *, at: str
) -> dict[tuple[str, str], int]:
    """Write entries under the project's counter; the last number of each (list, scope) touched.

    A scope is touched by what phones see of it.

    Updating the one counter row makes concurrent writers wait for each other here, at
    the very end. A database sequence would not: a reader could pass 12 before 11
    commits, and never see 11.
    """
    if not entries:
        return {}
    head = connection.execute(_TAKE, {"project_": project_id, "count": len(entries)}).scalar_one()
    first = head - len(entries) + 1
    insert_rows(
        connection,
        JournalRow,
        [
            {
                "project_id": project_id,
                "seq": first + place,
                "kind": entry.kind,
                "ref": entry.ref,
                "list_name": entry.list_name,
                "entity": entry.entity,
                "change_id": entry.change_id,
                "scopes_from": sorted(entry.scopes_from),
                "scopes_to": sorted(entry.scopes_to),
                "at": at,
            }
            for place, entry in enumerate(entries)
        ],
    )
    touched: dict[tuple[str, str], int] = {}
    for place, entry in enumerate(entries):
        for scope in (entry.scopes_from | entry.scopes_to) if entry.on_phones else ():
            touched[entry.list_name, scope] = first + place
    return touched
