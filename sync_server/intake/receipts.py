"""Batches that may be sent twice: the first answer is the answer."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from sync_server.errors import BatchReused
from sync_server.intake.arrival import Arrival, Result
from sync_server.stores.batches import find_batch, insert_batch
from sync_server.stores.records import lock_records


def is_replayed(connection: Connection, arrival: Arrival) -> bool:
    """Whether this very batch was answered before; then its receipt has the answer.

    Errors    `BatchReused` when what came under its id was something else.
    """
    receipt, sender = arrival.receipt, arrival.author.actor_id
    if receipt is None or sender is None:
        return False
    lock_records(connection, arrival.project.id, [f"{sender}\n{receipt.batch_id}"])
    row = find_batch(connection, arrival.project.id, sender, receipt.batch_id)
    if row is None:
        return False
    if row.sha256 != receipt.sha256:
        raise BatchReused("another batch came under this batchId", batchId=receipt.batch_id)
    receipt.answer, receipt.replayed = row.answer, True
    return True


def keep_answer(connection: Connection, arrival: Arrival, results: Sequence[Result]) -> None:
    """Keep the answer beside what it says, in the same transaction."""
    receipt, sender = arrival.receipt, arrival.author.actor_id
    if receipt is None or sender is None:
        return
    receipt.answer = receipt.write(results)
    insert_batch(
        connection,
        arrival.project.id,
        sender,
        receipt.batch_id,
        sha256=receipt.sha256,
        answer=receipt.answer,
        at=arrival.at,
    )
