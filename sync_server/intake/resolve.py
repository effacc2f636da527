"""A supervisor's decision: an ordinary change on the one road, that lists what it replaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from conflict.areas import UNBOUND
from conflict.policy import LABEL, Policies
from conflict.record import Record
from conflict.standing import reviews
from conflict.types import Change, Op, RecordStatus
from schemas.reviews import ReviewShape
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction
from sync_server.errors import BadValue, NotFound, ReviewMoved
from sync_server.intake.arrival import Author, ChangeResult, Project, SentChange
from sync_server.intake.ingest import ingest_or_refuse
from sync_server.reports.facts import get_review_facts
from sync_server.stores.packing import unpack_state
from sync_server.stores.records import find_record
from sync_server.stores.reviews import find_review


def choose(
    project: Project,
    review: str,
    *,
    contenders: Sequence[str],
    choose: str | None = None,
    value: str | None = None,
    status: str | None = None,
    note: str = "",
    author: Author,
    clock: Clock,
) -> ChangeResult:
    """Settle an open review with the value of one contender, or another value, or a status.

    Shapes    exactly one of `choose` (a change id), `value` (text) and `status`
              ("active" or "deleted", for a delete review). `contenders` are those shown.
    Errors    `NotFound`; `ReviewMoved` when the contenders are others by now or the
              review is closed; `BadValue` for a choice that is none.
    """
    with read_transaction() as connection:
        row = find_review(connection, project.id, review)
        if row is None:
            raise NotFound("there is no such review")
        record = find_record(connection, project.id, row.entity)
    if row.state != "open" or set(contenders) != set(row.contenders):
        raise ReviewMoved("the contenders are others by now", review=_as_it_stands(project, row))
    data, label = _decided(row, record, choose, value, status)
    change = Change(
        change_id=clock.new_id(),
        list_name=row.list_name,
        entity=row.entity,
        op=Op.RESOLVE,
        label=label,
        data=data,
        client_time=instant(clock.now()),
        author=str(author.actor_id or ""),
        contenders=tuple(contenders),
        status=status,
    )
    return _decide(project, row, change, set(contenders), note, author, clock)


def reopen(
    project: Project, review: str, *, note: str = "", author: Author, clock: Clock
) -> ChangeResult:
    """Void the decision that closed a review; what it had replaced stands again."""
    with read_transaction() as connection:
        row = find_review(connection, project.id, review)
    if row is None:
        raise NotFound("there is no such review")
    if row.closed_by is None:
        raise ReviewMoved("this review is open", review=_as_it_stands(project, row))
    change = Change(
        change_id=clock.new_id(),
        list_name=row.list_name,
        entity=row.entity,
        op=Op.REOPEN,
        client_time=instant(clock.now()),
        author=str(author.actor_id or ""),
        of=row.closed_by,
    )
    return _decide(project, row, change, set(), note, author, clock)


def _as_it_stands(project: Project, row: Any) -> dict[str, Any]:
    """The review with its present contenders, as programs read it."""
    facts = get_review_facts(project.id, row.review_id, UNBOUND)
    return cast("dict[str, Any]", ReviewShape().dump(facts))


def _decided(
    row: Any, record: Any, choose: str | None, value: str | None, status: str | None
) -> tuple[dict[str, str], str | None]:
    """The data and the label that a choice comes to."""
    if row.kind == "delete":
        if status not in (RecordStatus.ACTIVE.value, RecordStatus.DELETED.value):
            raise BadValue("a delete review is settled as active or deleted", field="status")
        return {}, None
    if status is not None or (choose is None) == (value is None):
        raise BadValue("name one contender to choose, or one value", field="choose")
    text = value if value is not None else _value_of(row, record, str(choose))
    return ({}, text) if row.field == LABEL else ({row.field: text}, None)


def _value_of(row: Any, record: Any, chosen: str) -> str:
    standing = unpack_state(record.state).fields.get(row.field)
    for write in standing.writes if standing else ():
        if write.change_id == chosen and chosen in row.contenders:
            return write.value
    raise BadValue("what is chosen is not among the contenders", field="choose", value=chosen)


def _decide(
    project: Project,
    row: Any,
    change: Change,
    shown: set[str],
    note: str,
    author: Author,
    clock: Clock,
) -> ChangeResult:
    """Take a decision in, if what it was made on still stands once the record is locked.

    `shown` are the contenders it was made on; none at all for a review that was closed.
    """

    def if_unmoved(change: Change, record: Record | None, policies: Policies) -> Change:
        if _contenders_now(record, policies, row) != shown:
            raise ReviewMoved("the contenders are others by now")
        return change

    sent = SentChange(change, note, under_lock=if_unmoved)
    try:
        (result,) = ingest_or_refuse(project, [sent], author=author, clock=clock)
    except ReviewMoved as exc:  # what they are now can be read only after the refusal
        raise ReviewMoved(exc.message, review=_as_it_stands(project, row)) from exc
    return result


def _contenders_now(record: Record | None, policies: Policies, row: Any) -> set[str]:
    """The contenders of a review as the record stands; none when it is not open."""
    asked = reviews(record.state, policies) if record is not None else ()
    return {
        contender
        for review in asked
        if (review.kind, review.field) == (row.kind, row.field)
        for contender in review.contenders
    }
