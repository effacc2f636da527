"""How much is kept of what a revoked device still brings: a lost phone tries for days."""

from __future__ import annotations

from sync_server.db import read_transaction
from sync_server.stores.blobs import size_sent_since
from sync_server.stores.quarantine import size_kept_since

MOST_THINGS = 500
MOST_BYTES = 500_000_000


def has_room(project_id: int, actor_id: int, since: str) -> bool:
    """Whether more is kept of a device that was revoked at `since`; the same bytes count once."""
    with read_transaction() as connection:
        things, size = size_kept_since(connection, project_id, actor_id, since)
        size += size_sent_since(connection, project_id, actor_id, since)
    return things < MOST_THINGS and size < MOST_BYTES
