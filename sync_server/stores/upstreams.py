"""What a hub keeps of its centre: how far it has got, what is on its way, what is owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Text, delete, func, select, type_coerce, update

from sync_server.models.batches import BatchRow
from sync_server.models.hubs import OutgoingBatch, OwedBlob, RefusedItem, Upstream
from sync_server.models.people import Project
from sync_server.models.records import ChangeRow, JournalRow, Submission
from sync_server.stores.journal import AGAIN, QUARANTINE, STEP
from sync_server.stores.upsert import insert_missing, insert_rows, table_of, upsert_rows

_U = table_of(Upstream).c
_O = table_of(OutgoingBatch).c
_B = table_of(OwedBlob).c
_R = table_of(RefusedItem).c
_P = table_of(Project).c
_J = table_of(JournalRow).c
_C = table_of(ChangeRow).c
_S = table_of(Submission).c
_BA = table_of(BatchRow).c


def save_upstream(connection: Connection, row: Mapping[str, Any]) -> None:
    upsert_rows(connection, Upstream, [row])


def update_upstream(connection: Connection, project_id: int, changed: Mapping[str, Any]) -> None:
    connection.execute(
        update(table_of(Upstream)).where(_U.project_id == project_id).values(**changed)
    )


def find_upstream(connection: Connection, project_id: int) -> Any:
    """The centre of a project, or None where this install is no hub."""
    return connection.execute(select(*_U).where(_U.project_id == project_id)).one_or_none()


def list_upstreams(connection: Connection) -> Sequence[Any]:
    """The centres of every project that has one."""
    return connection.execute(select(*_U).order_by(_U.project_id)).all()


def find_project_by_uuid(connection: Connection, uuid: str) -> int | None:
    found = connection.execute(select(_P.id).where(_P.uuid == uuid)).scalar_one_or_none()
    return None if found is None else int(found)


def add_outgoing(
    connection: Connection, project_id: int, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Put batches (batch_id, items, made_at) behind those that are on their way."""
    last = connection.execute(
        select(func.max(_O.ordinal)).where(_O.project_id == project_id)
    ).scalar_one()
    begin = (last or 0) + 1
    insert_rows(
        connection,
        OutgoingBatch,
        [{**row, "project_id": project_id, "ordinal": begin + n} for n, row in enumerate(rows)],
    )


def next_outgoing(connection: Connection, project_id: int) -> Any:
    """The batch to send next, or None."""
    return connection.execute(
        select(*_O).where(_O.project_id == project_id).order_by(_O.ordinal).limit(1)
    ).one_or_none()


def alter_outgoing(
    connection: Connection, project_id: int, ordinal: int, changed: Mapping[str, Any]
) -> None:
    connection.execute(
        update(table_of(OutgoingBatch))
        .where(_O.project_id == project_id, _O.ordinal == ordinal)
        .values(**changed)
    )


def drop_outgoing(connection: Connection, project_id: int, ordinal: int | None = None) -> None:
    """Forget a batch that was answered, or every one."""
    wanted = _O.project_id == project_id
    if ordinal is not None:
        wanted &= _O.ordinal == ordinal
    connection.execute(delete(table_of(OutgoingBatch)).where(wanted))


def count_outgoing_items(connection: Connection, project_id: int) -> int:
    rows = connection.execute(select(_O["items"]).where(_O.project_id == project_id))
    return sum(len(row.items) for row in rows)


def owe_blobs(connection: Connection, project_id: int, hashes: Sequence[str], *, at: str) -> None:
    own = {"project_id": project_id, "noted_at": at}
    insert_missing(connection, OwedBlob, [{**own, "sha256": one} for one in sorted(set(hashes))])


def page_of_owed(
    connection: Connection, project_id: int, *, after: str, limit: int
) -> Sequence[str]:
    """The next blobs that the centre has not got, by their hash."""
    rows = connection.execute(
        select(_B.sha256)
        .where(_B.project_id == project_id, _B.sha256 > after)
        .order_by(_B.sha256)
        .limit(limit)
    )
    return list(rows.scalars())


def find_owed(connection: Connection, project_id: int, hashes: Sequence[str]) -> set[str]:
    """Those of some blobs that are to be sent to the centre as it is."""
    rows = connection.execute(
        select(_B.sha256).where(_B.project_id == project_id, _B.sha256.in_(hashes))
    )
    return set(rows.scalars())


def drop_owed(connection: Connection, project_id: int, sha256: str) -> None:
    connection.execute(
        delete(table_of(OwedBlob)).where(_B.project_id == project_id, _B.sha256 == sha256)
    )


def add_refused(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_missing(connection, RefusedItem, rows)


def list_refused(connection: Connection, project_id: int, *, limit: int = 200) -> Sequence[Any]:
    """What the centre would not take, newest first: kind, named, code, detail, at."""
    return connection.execute(
        select(_R.refused_id, _R.kind, _R.named, _R.code, _R.detail, _R.at)
        .where(_R.project_id == project_id)
        .order_by(_R.at.desc(), _R.refused_id)
        .limit(limit)
    ).all()


def count_refused(connection: Connection, project_id: int) -> int:
    counted = select(func.count()).where(_R.project_id == project_id)
    return int(connection.execute(counted).scalar_one())


def count_unsent(connection: Connection, project_id: int, *, after: int, node: str) -> int:
    """How many things came in behind a journal number that did not come from `node`.

    A form counts once, however many records it wrote.
    """
    known = f"%{node}%"
    behind = (_J.project_id == project_id, _J.seq > after)
    own = (_C.project_id == _J.project_id) & (_C.change_id == _J.change_id)
    of_changes = (
        select(func.coalesce(_C.instance_id, _C.change_id).label("what"))
        .join_from(table_of(JournalRow), table_of(ChangeRow), own)
        .where(*behind, _J.kind.in_((STEP, AGAIN)), type_coerce(_C.path, Text).not_like(known))
    )
    named = _J.ref == _S.xml_form_id + "\n" + _S.instance_id
    of_forms = (
        select(_S.instance_id.label("what"))
        .join_from(table_of(JournalRow), table_of(Submission), named)
        .where(*behind, _S.project_id == project_id, type_coerce(_S.path, Text).not_like(known))
    )
    kept = select(_J.ref.label("what")).where(*behind, _J.kind == QUARANTINE)
    every = of_changes.union(of_forms, kept).subquery()
    return int(connection.execute(select(func.count()).select_from(every)).scalar_one())


def forget_batch(connection: Connection, project_id: int, sender_id: int, batch_id: str) -> None:
    """Let go of the answer of a batch that nobody will ask for again."""
    connection.execute(
        delete(table_of(BatchRow)).where(
            _BA.project_id == project_id, _BA.sender_id == sender_id, _BA.batch_id == batch_id
        )
    )
