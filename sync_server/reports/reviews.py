"""The questions for a person: the queue, and one review with its contenders.

Deciding is in `resolve`; this is what somebody must see to decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from conflict.areas import Area
from conflict.standing import valid_date
from conflict.types import Op
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.reports.board import visible_to
from sync_server.reports.history import FieldOutcome, Past, Source, get_record
from sync_server.reports.labels import load_labels
from sync_server.stores import report as store
from sync_server.stores.lists import load_lists
from sync_server.stores.packing import unpack_state
from sync_server.stores.reviews import find_review


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One review in the queue."""

    review_id: str
    kind: str
    list_label: str
    entity: str
    record: str
    field: str  # its label; "" for a delete
    values: tuple[str, ...]
    opened_at: str
    closed_at: str | None


@dataclass(frozen=True, slots=True)
class Queue:
    """One page of reviews; `after` is the place behind its last, None at the end."""

    reviews: tuple[Asked, ...]
    open_count: int
    after: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One of the changes between which a person decides."""

    source: Source
    value: str
    observed_on: str | None
    date_is_valid: bool
    shown: bool
    replaced: tuple[str, ...]
    fields: tuple[FieldOutcome, ...] = ()  # what a change of a delete review wrote


@dataclass(frozen=True, slots=True)
class Decided:
    """What closed a review: a person's decision, or a later change that settled it."""

    source: Source
    value: str | None
    status: str | None
    note: str
    may_be_undone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage:
    """One review, open or closed. `base` is what the contenders' authors were shown."""

    review_id: str
    kind: str
    state: str
    entity: str
    record: str
    list_name: str
    list_label: str
    field: str
    field_label: str
    base: str | None
    contenders: tuple[Contender, ...]
    contender_ids: tuple[str, ...]
    policy: str
    opened_at: str
    decided: Decided | None
    next_open: str | None


def review_queue(
    project_id: int,
    area: Area,
    *,
    language: str,
    state: str = "open",
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> Queue:
    """The reviews of an area: open ones oldest first, closed ones newest first."""
    with read_transaction() as connection:
        visible = visible_to(load_lists(connection, project_id), area)
        rows = store.list_reviews(
            connection, project_id, state=state, visible=visible, after=after, limit=limit + 1
        )
        open_count = store.count_reviews(connection, project_id, visible)
        labels = load_labels(connection, project_id, language)
    more, rows = len(rows) > limit, rows[:limit]
    asked = tuple(
        Asked(
            review_id=row.review_id,
            kind=row.kind,
            list_label=labels.list(row.list_name),
            entity=row.entity,
            record=row.label,
            field=labels.property(row.list_name, row.field) if row.field else "",
            values=_values(row),
            opened_at=row.opened_at,
            closed_at=row.closed_at,
        )
        for row in rows
    )
    last = rows[-1] if more else None
    place = (
        (last.opened_at if state == "open" else last.closed_at, last.review_id) if last else None
    )
    return Queue(asked, open_count, place)


def _values(row: Any) -> tuple[str, ...]:
    standing = unpack_state(row.record_state).fields.get(row.field)
    writes = standing.writes if standing else ()
    return tuple(dict.fromkeys(w.value for w in writes if w.change_id in row.contenders))


def review_page(project_id: int, wanted: str, area: Area, *, language: str) -> ReviewPage:
    """One review of an area. Errors: `NotFound`, also outside the area."""
    with read_transaction() as connection:
        row = find_review(connection, project_id, wanted)
        if row is None:
            raise NotFound("there is no such review")
        record, lists = get_record(connection, project_id, row.entity, area)
        labels = load_labels(connection, project_id, language)
        past = Past(connection, project_id, record, lists[row.list_name], labels)
        following = _next_open(connection, project_id, row, area)
    policy = lists[row.list_name].policies.of(row.field)
    contenders = tuple(
        _contender(past, row, change_id, dated=policy.kind == "latest")
        for change_id in row.contenders
        if change_id in past.settled
    )
    return ReviewPage(
        review_id=row.review_id,
        kind=row.kind,
        state=row.state,
        entity=row.entity,
        record=record.label,
        list_name=row.list_name,
        list_label=labels.list(row.list_name),
        field=row.field,
        field_label=past.label(row.field) if row.field else "",
        base=_base(contenders),
        contenders=contenders,
        contender_ids=tuple(row.contenders),
        policy=policy.kind,
        opened_at=row.opened_at,
        decided=_decided(past, row) if row.state == "closed" else None,
        next_open=following,
    )


def _next_open(connection: Connection, project_id: int, row: Any, area: Area) -> str | None:
    visible = visible_to(load_lists(connection, project_id), area)
    found = store.list_reviews(connection, project_id, state="open", visible=visible, limit=2)
    return next((one.review_id for one in found if one.review_id != row.review_id), None)


def _contender(past: Past, row: Any, change_id: str, *, dated: bool) -> Contender:
    one = past.settled[change_id]
    observed_on = past.observed_on(change_id, row.field)
    return Contender(
        source=past.source(change_id),
        value=(past.value(change_id, row.field) or "") if row.field else "",
        observed_on=observed_on,
        date_is_valid=not dated or valid_date(observed_on, one.received_at) is not None,
        shown=change_id == row.shown,
        replaced=past.replaced(change_id, row.field),
        fields=() if row.field else _written(past, change_id),
    )


def _written(past: Past, change_id: str) -> tuple[FieldOutcome, ...]:
    one = past.settled[change_id]
    return tuple(
        FieldOutcome(
            name=name,
            label=past.label(name),
            value=past.value(change_id, name) or "",
            outcome="contender",
            option="/" in name,
        )
        for name, settled in one.properties.items()
        if settled.write
    )


def _base(contenders: tuple[Contender, ...]) -> str | None:
    """What had stood before: the one value that all who replaced something replaced."""
    shown = {value for one in contenders for value in one.replaced}
    return shown.pop() if len(shown) == 1 else None


def _decided(past: Past, row: Any) -> Decided | None:
    one = past.settled.get(row.closed_by or "")
    if one is None:
        return None
    change = one.change
    resolved = change.op is Op.RESOLVE
    return Decided(
        source=past.source(change.change_id),
        value=past.value(change.change_id, row.field) if resolved and row.field else None,
        status=change.status,
        note=(past.rows[change.change_id].decision or {}).get("note", ""),
        may_be_undone=resolved,
    )
