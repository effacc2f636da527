"""The files that submissions name: kept with their submission, here already or still to come."""

from __future__ import annotations

from sqlalchemy import Connection

from sync_server.intake.arrival import Arrival
from sync_server.intake.readings import Readings
from sync_server.reports.blobs import readable_blobs
from sync_server.stores.blobs import await_blobs, find_sent, keep_blobs, lock_blobs
from sync_server.stores.submissions import insert_attachments


def keep_attachments(
    connection: Connection, arrival: Arrival, readings: Readings
) -> list[tuple[str, str]]:
    """Keep what a batch says of files, and which are here; the forms that have more of them now.

    A file that did not come along is here if its sender sent it before, or may read it. Another's
    bytes are not: whoever names a photo that they have not got would be handed it.
    """
    project_id, author, at = arrival.project.id, arrival.author, arrival.at
    keep_blobs(connection, project_id, readings.blobs, at=at, sender=author.actor_id)
    here = set(readings.blobs)
    named = {row["sha256"] for row in readings.attachments} - here
    if named:
        lock_blobs(connection, project_id, named)
        here |= find_sent(connection, project_id, named, author.actor_id)
        here |= readable_blobs(connection, project_id, author, named - here)
    rows = [
        {**row, "here_at": at if row["sha256"] in here else None} for row in readings.attachments
    ]
    more = insert_attachments(connection, rows)
    if author.actor_id is not None:
        absent = [row for row in rows if row["here_at"] is None]
        await_blobs(connection, absent, author.actor_id)
    return more
