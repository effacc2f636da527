"""Which blobs somebody may read: those of submissions that they may see."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from sync_server.intake.arrival import Author
from sync_server.reports.board import visible_to
from sync_server.stores import blobs as store
from sync_server.stores.lists import load_lists


def readable_blobs(
    connection: Connection, project_id: int, reader: Author, hashes: Iterable[str]
) -> set[str]:
    """Those of the blobs named that are here for a submission which the reader may see.

    A device sees what it sent itself; anybody sees what wrote records in their area and none
    outside; managers see all.
    """
    area = reader.area
    visible = visible_to(load_lists(connection, project_id), area) if area.bound else None
    return store.find_readable(
        connection, project_id, hashes, reader=reader.actor_id, visible=visible
    )
