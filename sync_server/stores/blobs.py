"""Which blobs a project has, and whose. Their bytes are in the blob folder before any row says so.

A hash names bytes and is no key to them. Bytes belong to a submission from when somebody who sent
the submission has sent them too, or might have read them; until then its attachment is only a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    false,
    func,
    or_,
    select,
    update,
)

from sync_server.models.forms import Blob, BlobAwaited, BlobSender
from sync_server.models.records import (
    ChangeRow,
    JournalRow,
    RecordScope,
    Submission,
    SubmissionAttachment,
)
from sync_server.stores.records import lock_records
from sync_server.stores.upsert import insert_missing, table_of

Visible = Mapping[str, Sequence[str]] | None
"""The scopes of each list that somebody may see; None for everything."""

_A = table_of(SubmissionAttachment).c
_B = table_of(BlobSender).c
_C = table_of(ChangeRow).c
_J = table_of(JournalRow).c
_S = table_of(Submission).c
_SC = table_of(RecordScope).c
_T = table_of(Blob).c
_W = table_of(BlobAwaited).c

_AT_ONCE = 500


def keep_blobs(
    connection: Connection,
    project_id: int,
    sizes: Mapping[str, int],
    *,
    at: str,
    sender: int | None = None,
) -> None:
    """Note blobs by their SHA-256, with their sizes in bytes, and who sent the whole of them."""
    insert_missing(
        connection,
        Blob,
        [
            {"project_id": project_id, "sha256": sha256, "size": size, "created_at": at}
            for sha256, size in sorted(sizes.items())
        ],
    )
    if sender is not None:
        own = {"project_id": project_id, "actor_id": sender, "received_at": at}
        insert_missing(connection, BlobSender, [{**own, "sha256": one} for one in sorted(sizes)])


def lock_blobs(connection: Connection, project_id: int, hashes: Iterable[str]) -> None:
    """Let nobody else name these blobs or send them until commit.

    Else one could look for bytes, and the other for names, each before the other's commit.
    """
    lock_records(connection, project_id, (f"blob\n{sha256}" for sha256 in hashes))


def find_sent(
    connection: Connection, project_id: int, hashes: Iterable[str], sender: int | None
) -> set[str]:
    """Those of the blobs named that somebody has sent whole."""
    return {
        row.sha256
        for part in _parts(hashes)
        for row in connection.execute(
            select(_B.sha256).where(
                _B.project_id == project_id, _B.sha256.in_(part), _B.actor_id == sender
            )
        )
    }


def size_sent_since(connection: Connection, project_id: int, sender: int, since: str) -> int:
    """How many bytes of blobs somebody has sent since an instant."""
    found = connection.execute(
        select(func.coalesce(func.sum(_T.size), 0))
        .join_from(
            table_of(Blob),
            table_of(BlobSender),
            and_(_B.project_id == _T.project_id, _B.sha256 == _T.sha256),
        )
        .where(_B.project_id == project_id, _B.actor_id == sender, _B.received_at >= since)
    ).scalar_one()
    return int(found)


def find_blobs(connection: Connection, project_id: int, hashes: Iterable[str]) -> set[str]:
    """Those of the blobs named that the project has."""
    return {
        row.sha256
        for part in _parts(hashes)
        for row in connection.execute(
            select(_T.sha256).where(_T.project_id == project_id, _T.sha256.in_(part))
        )
    }


def list_blobs_since(connection: Connection, project_id: int, seq: int) -> list[str]:
    """The blobs that came when the journal stood at `seq`, or later."""
    then = select(_J.at).where(_J.project_id == project_id, _J.seq == seq).scalar_subquery()
    rows = connection.execute(
        select(_T.sha256)
        .where(_T.project_id == project_id, _T.created_at >= func.coalesce(then, ""))
        .order_by(_T.sha256)
    )
    return list(rows.scalars())


def find_readable(
    connection: Connection,
    project_id: int,
    hashes: Iterable[str],
    *,
    reader: int | None,
    visible: Visible,
) -> set[str]:
    """Those of the blobs named that are here for a submission which the reader may see."""
    seen = _is_seen(project_id, reader, visible)
    return {
        row.sha256
        for part in _parts(hashes)
        for row in connection.execute(
            select(_A.sha256)
            .where(_A.project_id == project_id, _A.sha256.in_(part))
            .where(seen)
            .distinct()
        )
    }


def await_blobs(connection: Connection, rows: Sequence[Mapping[str, Any]], sender: int) -> None:
    """Note that a sender has named blobs of submissions and not sent them yet.

    `rows` are those of their attachments.
    """
    named = ("project_id", "sha256", "xml_form_id", "instance_id")
    waiting = [{**{name: row[name] for name in named}, "actor_id": sender} for row in rows]
    insert_missing(connection, BlobAwaited, waiting)


def deliver_blob(
    connection: Connection, project_id: int, sha256: str, *, sender: int, at: str
) -> None:
    """Give bytes that came to the attachments their sender had named before."""
    mine = (_W.project_id == project_id, _W.sha256 == sha256, _W.actor_id == sender)
    named = exists().where(
        *mine, _W.xml_form_id == _A.xml_form_id, _W.instance_id == _A.instance_id
    )
    connection.execute(
        update(table_of(SubmissionAttachment))
        .where(_A.project_id == project_id, _A.sha256 == sha256, _A.here_at.is_(None), named)
        .values(here_at=at)
    )
    connection.execute(delete(table_of(BlobAwaited)).where(*mine))


def _parts(hashes: Iterable[str]) -> Iterable[list[str]]:
    """Few enough for one statement: a batch may name more than a database takes at once."""
    every = sorted(set(hashes))
    return [every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE)]


def _is_seen(project_id: int, reader: int | None, visible: Visible) -> ColumnElement[bool]:
    """Whether an attachment is here, and its submission the reader's own or all in their area.

    To who sees everything it is here whoever sent its bytes.
    """
    attachments = table_of(SubmissionAttachment)
    if visible is None:
        known = exists().where(_T.project_id == project_id, _T.sha256 == _A.sha256)
        return known.correlate(attachments)
    own = (
        exists()
        .where(
            _S.project_id == project_id,
            _S.xml_form_id == _A.xml_form_id,
            _S.instance_id == _A.instance_id,
            _S.actor_id == reader,
        )
        .correlate(attachments)
    )
    wrote = exists().where(
        _C.project_id == project_id,
        _C.instance_id == _A.instance_id,
        _C.xml_form_id == _A.xml_form_id,
    )
    in_area = (
        exists()
        .where(_SC.project_id == project_id, _SC.entity == _C.entity, _is_visible(visible))
        .correlate(table_of(ChangeRow))
    )
    outside = wrote.where(~in_area).correlate(attachments)
    return and_(_A.here_at.is_not(None), or_(own, and_(wrote.correlate(attachments), ~outside)))


def _is_visible(visible: Mapping[str, Sequence[str]]) -> ColumnElement[bool]:
    of_lists = (
        and_(_SC.list_name == name, _SC.scope.in_(sorted(scopes)))
        for name, scopes in sorted(visible.items())
    )
    return or_(false(), *of_lists)
