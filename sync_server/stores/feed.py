"""What a feed reads: pages of records by their key, and of the journal by its number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from sync_server.models.records import JournalHead, JournalRow, RecordRow, RecordScope
from sync_server.stores.upsert import PROJECT, any_of, table_of

_H = table_of(JournalHead).c
_J = table_of(JournalRow).c
_R = table_of(RecordRow).c
_S = table_of(RecordScope).c

_SHOWN = (
    _R.entity,
    _R.list_name,
    _R.label,
    _R.data,
    _R.version,
    _R.status,
    _R.waiting,
    _R.open_reviews,
    _R.updated_at,
)
_RECORDS = select(*_SHOWN).where(_R.project_id == PROJECT, _R.entity.in_(any_of("ids")))


def find_journal_head(connection: Connection, project_id: int) -> int:
    """The last number of the journal; 0 before there is one."""
    found = connection.execute(select(_H.head).where(_H.project_id == project_id))
    return found.scalar_one_or_none() or 0


def page_of_rows(
    connection: Connection,
    project_id: int,
    *,
    after: str,
    limit: int,
    lists: Iterable[str],
    visible: Mapping[str, Sequence[str]] | None,
) -> Sequence[Any]:
    """The next records of some lists by entity; with `visible` only those of these scopes."""
    if visible is None:
        wanted = _R.entity > after
    else:
        of_lists = [
            select(_S.entity).where(
                _S.project_id == project_id, _S.list_name == name, _S.scope.in_(sorted(scopes))
            )
            for name, scopes in visible.items()
        ]
        if not of_lists:
            return []
        wanted = (_R.entity > after) & _R.entity.in_(of_lists[0].union_all(*of_lists[1:]))
    rows = connection.execute(
        select(*_SHOWN)
        .where(_R.project_id == project_id, wanted, _R.list_name.in_(sorted(lists)))
        .order_by(_R.entity)
        .limit(limit)
    )
    return rows.all()


def page_of_journal(
    connection: Connection, project_id: int, *, after: int, limit: int
) -> Sequence[Any]:
    """The next rows of the journal, in the order of commits."""
    rows = connection.execute(
        select(*_J).where(_J.project_id == project_id, _J.seq > after).order_by(_J.seq).limit(limit)
    )
    return rows.all()


def find_shown(connection: Connection, project_id: int, entities: Iterable[str]) -> dict[str, Any]:
    """What some records show now, by entity."""
    rows = connection.execute(_RECORDS, {"project_id": project_id, "ids": sorted(entities)})
    return {row.entity: row for row in rows}
