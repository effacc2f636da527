"""Submissions: instance XML kept whole, and the files that came with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, union

from odk_forms.changes import submission_key
from sync_server.models.records import Submission, SubmissionAttachment
from sync_server.stores.upsert import PROJECT, any_of, insert_missing, insert_rows, table_of

_T = table_of(Submission).c
_A = table_of(SubmissionAttachment).c

_ROWS = select(
    _T.xml_form_id,
    _T.instance_id,
    _T.deprecated_id,
    _T.sha256,
    _T.actor_id,
    _T.device_id,
    _T.form_version,
)
_KNOWN = _ROWS.where(
    _T.project_id == PROJECT,
    _T.xml_form_id.in_(any_of("forms")),  # the key begins with it: without, all would be read
    _T.instance_id.in_(any_of("ids")),
)
_EDITS = _ROWS.where(_T.project_id == PROJECT, _T.deprecated_id.in_(any_of("ids")))
_FAMILY = union(_KNOWN, _EDITS)
_KEY = [column.name for column in table_of(SubmissionAttachment).primary_key]
_FILES = select(*(_A[name] for name in _KEY)).where(
    _A.project_id == PROJECT,
    _A.xml_form_id.in_(any_of("forms")),
    _A.instance_id.in_(any_of("ids")),
)
_HERE = (
    table_of(SubmissionAttachment)
    .update()
    .where(*(_A[name] == bindparam(f"{name}_") for name in _KEY), _A.here_at.is_(None))
    .values(here_at=bindparam("here_at_"))
)


def find_submissions(
    connection: Connection, project_id: int, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Any]:
    """What is known of submissions and of the edits of them, by (form, instance).

    Rows with their sha256 and where they came from. Of several forms some may be found that
    were not asked for.
    """
    pairs = set(wanted)
    if not pairs:
        return {}
    named = {
        "forms": sorted({form for form, _ in pairs}),
        "ids": sorted({instance for _, instance in pairs}),
    }
    rows = connection.execute(_FAMILY, {"project_id": project_id, **named})
    return {(row.xml_form_id, row.instance_id): row for row in rows}


def find_keys(connection: Connection, project_id: int, keys: Iterable[str]) -> frozenset[str]:
    """Which of some submissions are here; each is named as changes name theirs."""
    wanted = frozenset(keys)
    if not wanted:
        return frozenset()
    pairs = [key.partition("\n") for key in sorted(wanted)]
    named = {"forms": [form for form, _, _ in pairs], "ids": [one for _, _, one in pairs]}
    rows = connection.execute(_KNOWN, {"project_id": project_id, **named})
    return wanted & {submission_key(row.xml_form_id, row.instance_id) for row in rows}


def find_xml(
    connection: Connection, project_id: int, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], bytes]:
    """The XML of submissions, by (form, instance)."""
    pairs = set(wanted)
    rows = connection.execute(
        select(_T.xml_form_id, _T.instance_id, _T.xml).where(
            _T.project_id == project_id,
            _T.xml_form_id.in_(sorted({form for form, _ in pairs})),
            _T.instance_id.in_(sorted({instance for _, instance in pairs})),
        )
    )
    return {(row.xml_form_id, row.instance_id): bytes(row.xml) for row in rows}


def insert_submissions(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(connection, Submission, rows)


def complete_submissions(
    connection: Connection, project_id: int, keys: Sequence[tuple[str, str]]
) -> None:
    """Mark submissions whose last part has come."""
    if keys:
        connection.execute(
            table_of(Submission)
            .update()
            .where(
                _T.project_id == project_id,
                _T.xml_form_id == bindparam("form_"),
                _T.instance_id == bindparam("instance_"),
            )
            .values(complete=True),
            [{"form_": form, "instance_": instance} for form, instance in keys],
        )


def mark_deleted(
    connection: Connection,
    project_id: int,
    xml_form_id: str,
    instance_id: str,
    deleted_at: str | None,
) -> bool:
    """Mark a submission deleted, or no more; whether there was one that was not marked so."""
    is_other = _T.deleted_at.is_not(None) if deleted_at is None else _T.deleted_at.is_(None)
    done = connection.execute(
        table_of(Submission)
        .update()
        .where(
            _T.project_id == project_id,
            _T.xml_form_id == xml_form_id,
            _T.instance_id == instance_id,
            is_other,
        )
        .values(deleted_at=deleted_at)
    )
    return bool(done.rowcount)


def insert_attachments(
    connection: Connection, rows: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Keep files by name and content: other bytes stand beside; the forms that have more now.

    A resend adds nothing, but that the bytes are here now.
    """
    if not rows:
        return []
    known = {tuple(row) for row in connection.execute(_FILES, _files_of(rows))}
    insert_missing(connection, SubmissionAttachment, rows)
    came = [row for row in rows if row["here_at"] is not None]
    if came:
        connection.execute(
            _HERE, [{f"{name}_": row[name] for name in (*_KEY, "here_at")} for row in came]
        )
    more = (row for row in rows if tuple(row[name] for name in _KEY) not in known)
    return list(dict.fromkeys((row["xml_form_id"], row["instance_id"]) for row in more))


def find_files(
    connection: Connection, project_id: int, wanted: Iterable[tuple[str, str]]
) -> frozenset[tuple[str, str, str, str]]:
    """The files of submissions: (form, instance, name, sha256)."""
    pairs = set(wanted)
    named = {
        "forms": sorted({form for form, _ in pairs}),
        "ids": sorted({instance for _, instance in pairs}),
    }
    rows = connection.execute(_FILES, {"project_id": project_id, **named}) if pairs else ()
    return frozenset((r.xml_form_id, r.instance_id, r.name, r.sha256) for r in rows)


def list_submissions(
    connection: Connection,
    project_id: int,
    xml_form_id: str,
    *,
    limit: int,
    offset: int,
    deleted: bool,
) -> Sequence[Any]:
    """The submissions of a form, newest first; those that are `deleted`, or the others."""
    marked = _T.deleted_at.is_not(None) if deleted else _T.deleted_at.is_(None)
    return connection.execute(
        select(*_T)
        .where(_T.project_id == project_id, _T.xml_form_id == xml_form_id, marked)
        .order_by(_T.received_at.desc(), _T.instance_id)
        .limit(limit)
        .offset(offset)
    ).all()


def _files_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What `_FILES` asks for the files of the forms that these are of."""
    return {
        "project_id": rows[0]["project_id"],
        "forms": sorted({row["xml_form_id"] for row in rows}),
        "ids": sorted({row["instance_id"] for row in rows}),
    }


def find_submission(
    connection: Connection, project_id: int, xml_form_id: str, instance_id: str
) -> Any:
    """The row of one submission, or None."""
    return connection.execute(
        select(*_T).where(
            _T.project_id == project_id,
            _T.xml_form_id == xml_form_id,
            _T.instance_id == instance_id,
        )
    ).one_or_none()


def list_attachments(
    connection: Connection, project_id: int, xml_form_id: str, instance_id: str
) -> Sequence[Any]:
    """The files of a submission, by name, oldest first."""
    return list_attachments_of(connection, project_id, xml_form_id, [instance_id])[instance_id]


def list_attachments_of(
    connection: Connection, project_id: int, xml_form_id: str, instances: Sequence[str]
) -> dict[str, list[Any]]:
    """The files of submissions of a form, each by name, oldest first."""
    found: dict[str, list[Any]] = {instance: [] for instance in instances}
    rows = connection.execute(
        select(*_A)
        .where(
            _A.project_id == project_id,
            _A.xml_form_id == xml_form_id,
            _A.instance_id.in_(instances),
        )
        .order_by(_A.name, _A.received_at, _A.sha256)
    )
    for row in rows:
        found[row.instance_id].append(row)
    return found
