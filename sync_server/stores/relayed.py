"""What is relayed, in bulk: submissions, changes that came by themselves, quarantined things."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select, tuple_

from sync_server.models.people import AppUser
from sync_server.models.records import (
    ChangeRow,
    QuarantineRow,
    Submission,
    SubmissionAttachment,
)
from sync_server.stores.upsert import table_of

Key = tuple[str, str]

_A = table_of(SubmissionAttachment).c
_C = table_of(ChangeRow).c
_D = table_of(AppUser).c
_Q = table_of(QuarantineRow).c
_S = table_of(Submission).c


def page_of_submissions(
    connection: Connection, project_id: int, *, after: Key, limit: int
) -> list[Key]:
    """The next submissions by (form, instance)."""
    rows = connection.execute(
        select(_S.xml_form_id, _S.instance_id)
        .where(_S.project_id == project_id, tuple_(_S.xml_form_id, _S.instance_id) > after)
        .order_by(_S.xml_form_id, _S.instance_id)
        .limit(limit)
    )
    return [(row.xml_form_id, row.instance_id) for row in rows]


def page_of_loose_changes(
    connection: Connection, project_id: int, *, after: str, limit: int
) -> list[str]:
    """The next changes that came by themselves, in no form."""
    rows = connection.execute(
        select(_C.change_id)
        .where(_C.project_id == project_id, _C.change_id > after, _C.instance_id.is_(None))
        .order_by(_C.change_id)
        .limit(limit)
    )
    return list(rows.scalars())


def page_of_kept(connection: Connection, project_id: int, *, after: str, limit: int) -> list[str]:
    """The next things in quarantine that nobody has decided about."""
    rows = connection.execute(
        select(_Q.quarantine_id)
        .where(_Q.project_id == project_id, _Q.quarantine_id > after, _Q.state == "open")
        .order_by(_Q.quarantine_id)
        .limit(limit)
    )
    return list(rows.scalars())


def find_submission_rows(
    connection: Connection, project_id: int, keys: Iterable[Key]
) -> Sequence[Any]:
    """The whole rows of some submissions."""
    return _of_keys(connection, _S, project_id, keys)


def find_attachment_rows(
    connection: Connection, project_id: int, keys: Iterable[Key]
) -> Sequence[Any]:
    """The files of some submissions."""
    return _of_keys(connection, _A, project_id, keys)


def find_kept_changes(
    connection: Connection, project_id: int, keys: Iterable[Key]
) -> Sequence[Any]:
    """What is in quarantine of some submissions, entity by entity."""
    rows = _of_keys(connection, _Q, project_id, keys)
    return [row for row in rows if row.kind == "change" and row.state == "open"]


def _of_keys(
    connection: Connection, columns: Any, project_id: int, keys: Iterable[Key]
) -> Sequence[Any]:
    wanted = set(keys)
    if not wanted:
        return []
    rows = connection.execute(
        select(*columns).where(
            columns.project_id == project_id,
            columns.xml_form_id.in_(sorted({form for form, _ in wanted})),
            columns.instance_id.in_(sorted({instance for _, instance in wanted})),
        )
    )
    return [row for row in rows if (row.xml_form_id, row.instance_id) in wanted]


def find_kept(connection: Connection, project_id: int, ids: Iterable[str]) -> Sequence[Any]:
    """The whole rows of some quarantined things."""
    wanted = sorted(set(ids))
    if not wanted:
        return []
    rows = connection.execute(
        select(*_Q).where(_Q.project_id == project_id, _Q.quarantine_id.in_(wanted))
    )
    return rows.all()


def find_change_ids(
    connection: Connection, project_id: int, entities: Iterable[str]
) -> Sequence[Any]:
    """Every change of some records: rows of change_id, entity, xml_form_id and instance_id."""
    wanted = sorted(set(entities))
    if not wanted:
        return []
    rows = connection.execute(
        select(_C.change_id, _C.entity, _C.xml_form_id, _C.instance_id).where(
            _C.project_id == project_id, _C.entity.in_(wanted)
        )
    )
    return rows.all()


def find_token_hashes(
    connection: Connection, project_id: int, actors: Iterable[int | None]
) -> dict[int, str]:
    """The token hashes of those actors that are devices."""
    wanted = sorted({actor for actor in actors if actor is not None})
    if not wanted:
        return {}
    rows = connection.execute(
        select(_D.actor_id, _D.token_hash).where(
            _D.project_id == project_id, _D.actor_id.in_(wanted)
        )
    )
    return {row.actor_id: row.token_hash for row in rows}
