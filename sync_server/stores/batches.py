"""Batches that were pushed, by their sender, with the answer each was given."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select

from sync_server.models.batches import BatchRow
from sync_server.stores.upsert import PROJECT, insert_rows, table_of

_T = table_of(BatchRow).c
_ONE = select(_T.sha256, _T.answer, _T.received_at).where(
    _T.project_id == PROJECT,
    _T.sender_id == bindparam("sender"),
    _T.batch_id == bindparam("batch"),
)


def find_batch(connection: Connection, project_id: int, sender_id: int, batch_id: str) -> Any:
    """The row of a batch, or None."""
    named = {"project_id": project_id, "sender": sender_id, "batch": batch_id}
    return connection.execute(_ONE, named).one_or_none()


def insert_batch(
    connection: Connection,
    project_id: int,
    sender_id: int,
    batch_id: str,
    *,
    sha256: str,
    answer: dict[str, Any],
    at: str,
) -> None:
    row = {
        "project_id": project_id,
        "sender_id": sender_id,
        "batch_id": batch_id,
        "sha256": sha256,
        "answer": answer,
        "received_at": at,
    }
    insert_rows(connection, BatchRow, [row])
