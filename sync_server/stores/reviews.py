"""Reviews: open questions, and the closed ones as history."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from conflict.types import Review
from sync_server.models.records import ReviewRow
from sync_server.stores.upsert import insert_missing, table_of, upsert_rows

_T = table_of(ReviewRow).c


def review_id(entity: str, review: Review) -> str:
    """The same on every server, stable while contenders grow."""
    return str(uuid.uuid5(uuid.UUID(entity), f"{review.kind}\n{review.field}"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a batch did to the questions of one record."""

    list_name: str
    entity: str
    opened: tuple[Review, ...]
    moved: tuple[Review, ...]
    closed: tuple[Review, ...]
    closed_by: str | None


def save_reviews(
    connection: Connection, project_id: int, asked: Sequence[Asked], *, at: str
) -> None:
    """Open, move and close reviews."""
    upsert_rows(
        connection,
        ReviewRow,
        [
            {
                "project_id": project_id,
                "review_id": review_id(one.entity, review),
                "list_name": one.list_name,
                "entity": one.entity,
                "kind": review.kind,
                "field": review.field,
                "contenders": list(review.contenders),
                "shown": review.shown,
                "state": "open",
                "opened_at": at,
                "closed_at": None,
                "closed_by": None,
            }
            for one in asked
            for review in one.opened
        ],
    )
    table = table_of(ReviewRow)
    here = (_T.project_id == project_id, _T.review_id == bindparam("id_"))
    moved = [
        {
            "id_": review_id(one.entity, review),
            "contenders_": list(review.contenders),
            "shown_": review.shown,
        }
        for one in asked
        for review in one.moved
    ]
    if moved:
        connection.execute(
            table.update()
            .where(*here)
            .values(contenders=bindparam("contenders_"), shown=bindparam("shown_")),
            moved,
        )
    closed = [
        {"id_": review_id(one.entity, review), "by_": one.closed_by}
        for one in asked
        for review in one.closed
    ]
    if closed:
        connection.execute(
            table.update()
            .where(*here)
            .values(state="closed", closed_at=at, closed_by=bindparam("by_")),
            closed,
        )


@dataclass(frozen=True, slots=True)
class Decided:
    """A question, and the change by which a person decided it."""

    list_name: str
    entity: str
    review: Review
    closed_by: str


def close_decided(
    connection: Connection, project_id: int, decided: Sequence[Decided], *, at: str
) -> None:
    """Keep questions as decided: those never asked here, and those that closed just now, `at`."""
    rows = [
        {
            "project_id": project_id,
            "review_id": review_id(one.entity, one.review),
            "list_name": one.list_name,
            "entity": one.entity,
            "kind": one.review.kind,
            "field": one.review.field,
            "contenders": list(one.review.contenders),
            "shown": None,
            "state": "closed",
            "opened_at": at,
            "closed_at": at,
            "closed_by": one.closed_by,
        }
        for one in decided
    ]
    insert_missing(connection, ReviewRow, rows)
    connection.execute(
        table_of(ReviewRow)
        .update()
        .where(
            _T.project_id == project_id,
            _T.review_id == bindparam("id_"),
            _T.state == "closed",
            _T.closed_at == at,
        )
        .values(closed_by=bindparam("by_")),
        [{"id_": row["review_id"], "by_": row["closed_by"]} for row in rows],
    )


def find_review(connection: Connection, project_id: int, wanted: str) -> Any:
    """The row of a review, or None."""
    return connection.execute(
        select(*_T).where(_T.project_id == project_id, _T.review_id == wanted)
    ).one_or_none()
