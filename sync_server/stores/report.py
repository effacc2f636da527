"""What pages list: records, reviews, quarantine and submissions, each within an area and a page.

`visible` maps a list to the scopes its reader may see, or is None for who sees everything.
Pages are walked by key ("after this one"), so that the last costs what the first does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, false, func, select, true, tuple_, union_all

from sync_server.models.people import Actor
from sync_server.models.records import (
    ChangeRow,
    QuarantineRow,
    RecordRow,
    RecordScope,
    ReviewRow,
    Submission,
)
from sync_server.stores.upsert import table_of

Visible = Mapping[str, Sequence[str]] | None

_A = table_of(Actor).c
_H = table_of(ChangeRow).c
_Q = table_of(QuarantineRow).c
_R = table_of(RecordRow).c
_S = table_of(Submission).c
_SC = table_of(RecordScope).c
_W = table_of(ReviewRow).c


def _in_area(project_id: int, entity: Any, visible: Visible) -> ColumnElement[bool]:
    """Whether a record is one of the reader's area; it costs what the area is large."""
    if visible is None:
        return true()
    # One search for each list: an OR of two would read the scopes of the whole project.
    of_lists = [
        select(_SC.entity).where(
            _SC.project_id == project_id, _SC.list_name == name, _SC.scope.in_(sorted(scopes))
        )
        for name, scopes in sorted(visible.items())
    ]
    return cast("ColumnElement[bool]", entity.in_(union_all(*of_lists))) if of_lists else false()


def list_labels(
    connection: Connection, project_id: int, entities: Iterable[str], visible: Visible
) -> list[tuple[str, str]]:
    """The records named that the reader may see, as (entity, label), by label."""
    rows = connection.execute(
        select(_R.entity, _R.label)
        .where(
            _R.project_id == project_id,
            _R.entity.in_(sorted(entities)),
            _in_area(project_id, _R.entity, visible),
        )
        .order_by(_R.label, _R.entity)
    )
    return [(row.entity, row.label) for row in rows]


def list_records(
    connection: Connection,
    project_id: int,
    list_name: str,
    *,
    visible: Visible,
    search: str = "",
    after: str = "",
    limit: int,
) -> Sequence[Any]:
    """Records of a list by label, from behind the record `after`."""
    here = None if visible is None else {list_name: visible.get(list_name, ())}
    wanted = [_R.project_id == project_id, _R.list_name == list_name]
    wanted.append(_in_area(project_id, _R.entity, here))
    if search:
        wanted.append(func.lower(_R.label).contains(search.lower(), autoescape=True))
    if after:
        of_last = (_R.project_id == project_id) & (_R.entity == after)
        last = select(_R.label).where(of_last).scalar_subquery()
        wanted.append(tuple_(_R.label, _R.entity) > tuple_(last, after))
    columns = (_R.entity, _R.label, _R.status, _R.waiting, _R.open_reviews, _R.updated_at, _R.data)
    return connection.execute(
        select(*columns).where(*wanted).order_by(_R.label, _R.entity).limit(limit)
    ).all()


def count_records(connection: Connection, project_id: int, visible: Visible) -> dict[str, int]:
    """How many records each list has for this reader."""
    rows = connection.execute(
        select(_R.list_name, func.count())
        .where(_R.project_id == project_id, _in_area(project_id, _R.entity, visible))
        .group_by(_R.list_name)
    )
    return {row[0]: row[1] for row in rows}


def list_reviews(
    connection: Connection,
    project_id: int,
    *,
    state: str,
    visible: Visible,
    list_name: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int,
) -> Sequence[Any]:
    """Reviews with their record's label and state; open ones oldest first, closed newest first."""
    at = _W.opened_at if state == "open" else _W.closed_at
    wanted = [_W.project_id == project_id, _W.state == state]
    wanted.append(_in_area(project_id, _W.entity, visible))
    if list_name is not None:
        wanted.append(_W.list_name == list_name)
    if after is not None:
        place = tuple_(at, _W.review_id)
        wanted.append(place > tuple_(*after) if state == "open" else place < tuple_(*after))
    order = (at, _W.review_id) if state == "open" else (at.desc(), _W.review_id.desc())
    return connection.execute(
        select(*_W, _R.label, _R.state.label("record_state"))
        .join_from(
            table_of(ReviewRow),
            table_of(RecordRow),
            (_R.project_id == _W.project_id) & (_R.entity == _W.entity),
        )
        .where(*wanted)
        .order_by(*order)
        .limit(limit)
    ).all()


def count_reviews(connection: Connection, project_id: int, visible: Visible) -> int:
    """How many open reviews this reader sees."""
    return connection.execute(
        select(func.count()).where(
            _W.project_id == project_id,
            _W.state == "open",
            _in_area(project_id, _W.entity, visible),
        )
    ).scalar_one()


def list_reviews_of(connection: Connection, project_id: int, entity: str) -> Sequence[Any]:
    """Every review a record has had, by field."""
    return connection.execute(
        select(*_W)
        .where(_W.project_id == project_id, _W.entity == entity)
        .order_by(_W.field, _W.kind)
    ).all()


def list_quarantine(
    connection: Connection,
    project_id: int,
    *,
    state: str | None,
    actors: Sequence[int] | None,
    after: tuple[str, str] | None = None,
    limit: int,
) -> Sequence[Any]:
    """Quarantined things without their bytes, newest first; `actors` None: whoever sent them.

    `state` None: decided ones too.
    """
    wanted = [_Q.project_id == project_id, _of_actors(actors)]
    if state is not None:
        wanted.append(_Q.state == state)
    if after is not None:
        wanted.append(tuple_(_Q.received_at, _Q.quarantine_id) < tuple_(*after))
    columns = [one for one in _Q if one.name != "raw"]
    return connection.execute(
        select(*columns)
        .where(*wanted)
        .order_by(_Q.received_at.desc(), _Q.quarantine_id.desc())
        .limit(limit)
    ).all()


def count_open_quarantine(
    connection: Connection, project_id: int, actors: Sequence[int] | None
) -> int:
    """How many quarantined things still need a person."""
    return connection.execute(
        select(func.count()).where(
            _Q.project_id == project_id, _Q.state == "open", _of_actors(actors)
        )
    ).scalar_one()


def _of_actors(actors: Sequence[int] | None) -> ColumnElement[bool]:
    return true() if actors is None else _Q.actor_id.in_(sorted(actors))


def list_names(connection: Connection, actor_ids: Iterable[int | None]) -> dict[int, str]:
    """The display names of actors, those no longer here too: history keeps its authors."""
    ids = sorted({one for one in actor_ids if one is not None})
    if not ids:
        return {}
    rows = connection.execute(select(_A.id, _A.display_name).where(_A.id.in_(ids)))
    return {row.id: row.display_name for row in rows}


def find_place_labels(
    connection: Connection, project_id: int, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The labels of the records that lie alone in a (list, scope): what a code stands for."""
    pairs = sorted(set(wanted))
    if not pairs:
        return {}
    rows = connection.execute(
        select(_SC.list_name, _SC.scope, func.min(_R.label).label("label"))
        .join_from(
            table_of(RecordScope),
            table_of(RecordRow),
            (_R.project_id == _SC.project_id) & (_R.entity == _SC.entity),
        )
        .where(_SC.project_id == project_id, tuple_(_SC.list_name, _SC.scope).in_(pairs))
        .group_by(_SC.list_name, _SC.scope)
        .having(func.count() == 1)
    )
    return {(row.list_name, row.scope): row.label for row in rows}


def list_entities_of(connection: Connection, project_id: int, instance_id: str) -> list[str]:
    """The records that a submission wrote."""
    rows = connection.execute(
        select(_H.entity)
        .where(_H.project_id == project_id, _H.instance_id == instance_id)
        .distinct()
    )
    return [row.entity for row in rows]
