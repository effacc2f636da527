"""The submissions of a form read for an export: newest first, the XML apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from sync_server.models.people import Actor
from sync_server.models.records import Submission, SubmissionAttachment
from sync_server.stores.upsert import table_of

_T = table_of(Submission).c
_A = table_of(SubmissionAttachment).c
_P = table_of(Actor).c

_FACTS = (
    _T.instance_id,
    _T.received_at,
    _T.form_version,
    _T.actor_id,
    _T.author_name,
    _P.display_name,
    _T.device_id,
    func.length(_T.xml).label("size"),
)


def list_pages(
    connection: Connection, project_id: int, xml_form_id: str, *, rows: int
) -> Iterator[Sequence[Any]]:
    """Submissions that are not deleted, the newest first, so many rows at once.

    One statement, whose rows stay with the database until they are asked for: to ask anew for each
    page would sort the whole form as often.

    Rows      instance_id, received_at, form_version, actor_id, author_name, display_name (of the
              account), device_id, size (of the XML, in bytes).
    """
    asked = _of_form(select(*_FACTS), project_id, xml_form_id).where(_T.deleted_at.is_(None))
    order = asked.order_by(_T.received_at.desc(), _T.instance_id)
    with connection.execute(order, execution_options={"yield_per": rows}) as found:
        yield from found.partitions()


def find_facts(
    connection: Connection, project_id: int, xml_form_id: str, instances: Sequence[str]
) -> dict[str, Any]:
    """The same of some that are named, deleted or not, by instance_id."""
    if not instances:
        return {}
    asked = _of_form(select(*_FACTS), project_id, xml_form_id)
    rows = connection.execute(asked.where(_T.instance_id.in_(instances)))
    return {row.instance_id: row for row in rows}


def list_edits(connection: Connection, project_id: int, xml_form_id: str) -> Sequence[Any]:
    """Those that are edits: instance_id, deprecated_id, received_at, deleted_at."""
    return connection.execute(
        select(_T.instance_id, _T.deprecated_id, _T.received_at, _T.deleted_at).where(
            _T.project_id == project_id,
            _T.deprecated_id.is_not(None),
            _T.xml_form_id == xml_form_id,
        )
    ).all()


def sum_up(connection: Connection, project_id: int, xml_form_id: str) -> list[tuple[Any, ...]]:
    """What alters whenever an export of the form would: counts and last times by author, those
    that are deleted, and how many files there are and are here."""
    came = _of_form(
        select(
            _T.actor_id,
            _T.author_name,
            _P.display_name,
            func.count(),
            func.max(_T.received_at),
            func.count(_T.deleted_at),
        ),
        project_id,
        xml_form_id,
    ).group_by(_T.actor_id, _T.author_name, _P.display_name)
    authors = [tuple(row) for row in connection.execute(came)]
    authors.sort(key=repr)
    deleted = connection.execute(
        select(_T.instance_id, _T.deleted_at)
        .where(
            _T.project_id == project_id,
            _T.xml_form_id == xml_form_id,
            _T.deleted_at.is_not(None),
        )
        .order_by(_T.instance_id)
    )
    files = connection.execute(
        select(func.count(), func.count(_A.here_at), func.max(_A.here_at)).where(
            _A.project_id == project_id, _A.xml_form_id == xml_form_id
        )
    )
    gone = [tuple(row) for row in deleted] if any(one[-1] for one in authors) else []
    return [*authors, *gone, *(tuple(row) for row in files)]


def _of_form(asked: Select[Any], project_id: int, xml_form_id: str) -> Select[Any]:
    named = asked.select_from(table_of(Submission).outerjoin(table_of(Actor), _P.id == _T.actor_id))
    return named.where(_T.project_id == project_id, _T.xml_form_id == xml_form_id)
