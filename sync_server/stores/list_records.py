"""Every record of one list at once, for what is asked of a whole list."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Text, or_, select, type_coerce

from conflict.record import Record
from sync_server.models.records import ChangeRow, RecordRow, RecordScope
from sync_server.stores.packing import unpack_state
from sync_server.stores.records import Held
from sync_server.stores.upsert import table_of

_R = table_of(RecordRow).c
_S = table_of(RecordScope).c
_C = table_of(ChangeRow).c


def load_list_records(
    connection: Connection,
    project_id: int,
    list_name: str,
    *,
    having: Collection[str] | None = None,
) -> list[Held]:
    """The records of a list, by entity, each with its scopes: two statements.

    With `having` only those where any of these properties stands, and perhaps a few more.
    """
    where = [_R.project_id == project_id, _R.list_name == list_name]
    if having is not None:
        where.append(or_(*_standing(having)))
    rows = connection.execute(
        select(_R.entity, _R.state, _R.version_offset, _R.born_at, _R.creator_id, _R.created_at)
        .where(*where)
        .order_by(_R.entity)
    ).all()
    scopes = _scopes_of_list(connection, project_id, list_name) if rows else {}
    return [
        Held(
            record=Record(
                state=unpack_state(row.state),
                offset=row.version_offset,
                born_at=row.born_at,
                whole=False,
            ),
            list_name=list_name,
            entity=row.entity,
            scopes=frozenset(scopes.get(row.entity, ())),
            creator_id=row.creator_id,
            created_at=row.created_at,
        )
        for row in rows
    ]


def has_values(connection: Connection, project_id: int, list_name: str, name: str) -> bool:
    """Whether a property, or an option of it, stands in any record of a list."""
    found = connection.execute(
        select(_R.entity)
        .where(_R.project_id == project_id, _R.list_name == list_name, or_(*_standing([name])))
        .limit(1)
    )
    return found.first() is not None


def find_list_writers(
    connection: Connection, project_id: int, list_name: str
) -> dict[str, set[int]]:
    """The actors that wrote each record of a list."""
    found: dict[str, set[int]] = {}
    rows = connection.execute(
        select(_C.entity, _C.actor_id)
        .where(_C.project_id == project_id, _C.list_name == list_name, _C.actor_id.is_not(None))
        .distinct()
    )
    for entity, actor_id in rows:
        found.setdefault(entity, set()).add(actor_id)
    return found


def find_present(
    connection: Connection, project_id: int, entities: Iterable[str]
) -> dict[str, Any]:
    """What some records show now, by entity: rows of entity, list_name, label, data, status."""
    rows = connection.execute(
        select(_R.entity, _R.list_name, _R.label, _R.data, _R.status).where(
            _R.project_id == project_id, _R.entity.in_(sorted(set(entities)))
        )
    )
    return {row.entity: row for row in rows}


def _standing(names: Iterable[str]) -> list[Any]:
    """Whether the stored JSON has a key: what looks like one inside a value has its quotes escaped.

    Data is written compactly, so that a key is followed by its colon; an option of a union
    follows its slash.
    """
    stored = type_coerce(_R.state, Text)
    return [
        stored.contains(f'"{name}{end}', autoescape=True)
        for name in sorted(names)
        for end in ('":', "/")
    ]


def _scopes_of_list(connection: Connection, project_id: int, list_name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    rows = connection.execute(
        select(_S.entity, _S.scope).where(_S.project_id == project_id, _S.list_name == list_name)
    )
    for entity, scope in rows:
        found.setdefault(entity, set()).add(scope)
    return found
