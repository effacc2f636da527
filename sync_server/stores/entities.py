"""Records as programs read them: each with its newest version and who wrote that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, false, func, or_, select, true

from conflict.types import RecordStatus
from sync_server.models.people import Actor
from sync_server.models.records import (
    ChangeRow,
    RecordRow,
    RecordScope,
    RecordVersion,
    Submission,
)
from sync_server.stores.upsert import table_of

_R = table_of(RecordRow).c
_V = table_of(RecordVersion).c
_C = table_of(ChangeRow).c
_S = table_of(RecordScope).c
_U = table_of(Submission).c
_A = table_of(Actor).c

_SERVED = (_R.version + _R.version_offset).label("served")
_AT_ONCE = 500

Scopes = Sequence[str] | None
"""The scopes of a list that a reader may see; None for everything."""


def list_entities(
    connection: Connection,
    project_id: int,
    list_name: str,
    *,
    scopes: Scopes,
    deleted: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> Sequence[Any]:
    """The records of a list, newest first; those that are deleted, or those that are not.

    Columns   entity, label, data, status, state, open_reviews, creator_id, created_at,
              updated_at, served (the version's number); of its newest version: writer_id,
              base_version, written_at, user_agent; merged: whether versions were merged.
    """
    statement = _entities(project_id, list_name, scopes).where(_is_deleted(deleted))
    statement = statement.order_by(_R.created_at.desc(), _R.entity).limit(limit).offset(offset)
    return connection.execute(statement).all()


def find_entity(
    connection: Connection, project_id: int, list_name: str, entity: str, *, scopes: Scopes
) -> Any:
    """One record of a list that the reader may see, or None; columns as in `list_entities`."""
    statement = _entities(project_id, list_name, scopes).where(_R.entity == entity)
    return connection.execute(statement).one_or_none()


def _entities(project_id: int, list_name: str, scopes: Scopes) -> Any:
    newest = (
        (_V.project_id == _R.project_id)
        & (_V.entity == _R.entity)
        & (_V.served == _R.version + _R.version_offset)
    )
    written = (_C.project_id == _V.project_id) & (_C.change_id == _V.change_id)
    merged = exists().where(
        _C.project_id == _R.project_id, _C.entity == _R.entity, _C.status == "merged"
    )
    return (
        select(
            _R.entity,
            _R.label,
            _R.data,
            _R.status,
            _R.state,
            _R.open_reviews,
            _R.creator_id,
            _R.created_at,
            _R.updated_at,
            _SERVED,
            _V.at.label("written_at"),
            _C.actor_id.label("writer_id"),
            _C.base_version,
            _U.user_agent,
            merged.correlate(table_of(RecordRow)).label("merged"),
        )
        .select_from(table_of(RecordRow))
        .outerjoin(table_of(RecordVersion), newest)
        .outerjoin(table_of(ChangeRow), written)
        .outerjoin(table_of(Submission), _is_source())
        .where(_R.project_id == project_id, _R.list_name == list_name)
        .where(_is_visible(project_id, list_name, scopes))
    )


def _is_source() -> ColumnElement[bool]:
    """The submission that a change came in."""
    return and_(
        _U.project_id == _C.project_id,
        _U.xml_form_id == _C.xml_form_id,
        _U.instance_id == _C.instance_id,
    )


def _is_visible(project_id: int, list_name: str, scopes: Scopes) -> ColumnElement[bool]:
    if scopes is None:
        return true()
    seen = select(_S.entity).where(
        _S.project_id == project_id, _S.list_name == list_name, _S.scope.in_(sorted(scopes))
    )
    return _R.entity.in_(seen)


def _is_deleted(deleted: bool) -> ColumnElement[bool]:
    gone: ColumnElement[bool] = _R.status == RecordStatus.DELETED.value
    return gone if deleted else ~gone


def find_known(connection: Connection, project_id: int, entities: Iterable[str]) -> list[str]:
    """Those of the ids named that a record has already, whatever its list and status."""
    ids = sorted(set(entities))
    found: list[str] = []
    for start in range(0, len(ids), _AT_ONCE):
        rows = connection.execute(
            select(_R.entity).where(
                _R.project_id == project_id, _R.entity.in_(ids[start : start + _AT_ONCE])
            )
        )
        found += [row.entity for row in rows]
    return found


def count_entities(
    connection: Connection, project_id: int, scopes: Mapping[str, Sequence[str]] | None
) -> dict[str, Any]:
    """By list: entities, conflicts (with an open review), last_entity (when one was made).

    `scopes` are those of each list that the reader may see; None for everything.
    """
    seen = [_is_visible(project_id, name, mine) for name, mine in (scopes or {}).items()]
    asked = func.count(case((_R.open_reviews > 0, 1)))
    rows = connection.execute(
        select(
            _R.list_name,
            func.count().label("entities"),
            asked.label("conflicts"),
            func.max(_R.created_at).label("last_entity"),
        )
        .where(_R.project_id == project_id, _is_deleted(False))
        .where(true() if scopes is None else or_(false(), *seen))
        .group_by(_R.list_name)
    )
    return {row.list_name: row for row in rows}


def list_versions(connection: Connection, project_id: int, entity: str) -> Sequence[Any]:
    """The steps of a record, newest first, each with the change that made it.

    Columns   served, undo, at; change_id, actor_id, base_version, op, status, label, data,
              xml_form_id, form_version, instance_id and user_agent, None where a step came
              of no change.
    """
    return connection.execute(
        select(
            _V.served,
            _V.undo,
            _V.at,
            _C.change_id,
            _C.actor_id,
            _C.base_version,
            _C.op,
            _C.status,
            _C.label,
            _C.data,
            _C.xml_form_id,
            _C.form_version,
            _C.instance_id,
            _U.user_agent,
        )
        .select_from(table_of(RecordVersion))
        .outerjoin(
            table_of(ChangeRow),
            (_C.project_id == _V.project_id) & (_C.change_id == _V.change_id),
        )
        .outerjoin(table_of(Submission), _is_source())
        .where(_V.project_id == project_id, _V.entity == entity)
        .order_by(_V.served.desc())
    ).all()


def list_rows_for_csv(
    connection: Connection, project_id: int, list_name: str, *, scopes: Scopes
) -> Sequence[Any]:
    """The records of a list that are not deleted, oldest first, for a table.

    Columns   entity, label, data, created_at, updated_at, creator_id, creator_name, served.
    """
    return connection.execute(
        select(
            _R.entity,
            _R.label,
            _R.data,
            _R.created_at,
            _R.updated_at,
            _R.creator_id,
            _A.display_name.label("creator_name"),
            _SERVED,
        )
        .select_from(table_of(RecordRow))
        .outerjoin(table_of(Actor), _A.id == _R.creator_id)
        .where(_R.project_id == project_id, _R.list_name == list_name, _is_deleted(False))
        .where(_is_visible(project_id, list_name, scopes))
        .order_by(_R.created_at, _R.entity)
    ).all()
