"""What this server holds, page after page and without the XML: what digests are made of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    exists,
    func,
    select,
    true,
    tuple_,
    type_coerce,
)

from sync_server.models.records import (
    ChangeRow,
    QuarantineRow,
    Submission,
    SubmissionAttachment,
)
from sync_server.stores.relayed import Key
from sync_server.stores.upsert import table_of

_A = table_of(SubmissionAttachment).c
_C = table_of(ChangeRow).c
_Q = table_of(QuarantineRow).c
_S = table_of(Submission).c

Buckets = Collection[str] | None
"""The first two hex digits of what a thing is put into buckets by; None for all of them."""

# Read off the text: to parse every settlement takes longer than all the rest. In JSON a quote
# inside a string is escaped, so that this is a key and nothing else.
_INEXACT = type_coerce(_C.settled, Text).like('%"inexact":true%').label("inexact")
_COPY = (
    *(_C.change_id, _C.list_name, _C.entity, _C.xml_form_id, _C.instance_id),
    *(_C.received_at, _C.path, _C.waiting, _INEXACT),
)
_WHOLE = (*_C, _INEXACT)


def page_of_forms(
    connection: Connection, project_id: int, *, after: Key, limit: int, buckets: Buckets
) -> Sequence[Any]:
    """The next submissions by (form, instance); their bucket is that of their SHA-256.

    `path` is the text of it.
    """
    path = type_coerce(_S.path, Text).label("path")
    rows = connection.execute(
        select(_S.xml_form_id, _S.instance_id, _S.sha256, _S.complete, path)
        .where(_S.project_id == project_id, tuple_(_S.xml_form_id, _S.instance_id) > after)
        .where(_is_in(_S.sha256, buckets))
        .order_by(_S.xml_form_id, _S.instance_id)
        .limit(limit)
    )
    return rows.all()


def find_copies_of_forms(
    connection: Connection, project_id: int, keys: Collection[Key]
) -> Sequence[Any]:
    """The changes of some submissions: which each is, and what decides which copy counts."""
    rows = connection.execute(
        select(*_COPY).where(
            _C.project_id == project_id,
            _C.instance_id.in_(sorted({instance for _, instance in keys})),
        )
    )
    return [row for row in rows if (row.xml_form_id, row.instance_id) in keys]


def find_whole_changes(
    connection: Connection, project_id: int, ids: Collection[str]
) -> Sequence[Any]:
    """All of some changes."""
    wanted = (_C.project_id == project_id, _C.change_id.in_(sorted(ids)))
    return connection.execute(select(*_WHOLE).where(*wanted)).all() if ids else []


def page_of_formless_changes(
    connection: Connection, project_id: int, *, after: str, limit: int, buckets: Buckets
) -> Sequence[Any]:
    """The next changes that came in no form, or whose form is not here; by change id."""
    form_here = exists().where(
        _S.project_id == _C.project_id,
        _S.xml_form_id == _C.xml_form_id,
        _S.instance_id == _C.instance_id,
    )
    rows = connection.execute(
        select(*_WHOLE)
        .where(_C.project_id == project_id, _C.change_id > after)
        .where(_C.instance_id.is_(None) | ~form_here, _is_in(_C.change_id, buckets))
        .order_by(_C.change_id)
        .limit(limit)
    )
    return rows.all()


def page_of_kept_rows(
    connection: Connection, project_id: int, *, after: str, limit: int
) -> Sequence[Any]:
    """The next things in quarantine, whatever was decided of them."""
    rows = connection.execute(
        select(*_Q)
        .where(_Q.project_id == project_id, _Q.quarantine_id > after)
        .order_by(_Q.quarantine_id)
        .limit(limit)
    )
    return rows.all()


def page_of_files(
    connection: Connection, project_id: int, *, after: str, limit: int
) -> Sequence[str]:
    """The next files of submissions whose bytes are here, by their SHA-256."""
    rows = connection.execute(
        select(_A.sha256)
        .where(_A.project_id == project_id, _A.sha256 > after, _A.here_at.is_not(None))
        .distinct()
        .order_by(_A.sha256)
        .limit(limit)
    )
    return list(rows.scalars())


def find_forms_of_files(
    connection: Connection, project_id: int, hashes: Collection[str]
) -> list[Key]:
    """The submissions that name one of these files."""
    rows = connection.execute(
        select(_A.xml_form_id, _A.instance_id)
        .where(_A.project_id == project_id, _A.sha256.in_(sorted(hashes)))
        .distinct()
    )
    return [(row.xml_form_id, row.instance_id) for row in rows]


def find_kept_with_files(connection: Connection, project_id: int) -> Sequence[Any]:
    """What is in quarantine by itself, undecided, with files: quarantine_id and attachments."""
    rows = connection.execute(
        select(_Q.quarantine_id, _Q.attachments)
        .where(_Q.project_id == project_id, _Q.state == "open", _Q.attachments != [])
        .order_by(_Q.quarantine_id)
    )
    return rows.all()


def _is_in(column: Any, buckets: Buckets) -> ColumnElement[bool]:
    return true() if buckets is None else func.substr(column, 1, 2).in_(sorted(buckets))
