"""Which blobs a project has. Their bytes are in the blob folder before any row names them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from sync_server.models.forms import Blob
from sync_server.stores.upsert import insert_missing


def keep_blobs(
    connection: Connection, project_id: int, sizes: Mapping[str, int], *, at: str
) -> None:
    """Note blobs by their SHA-256, with their sizes in bytes; those known already stay."""
    insert_missing(
        connection,
        Blob,
        [
            {"project_id": project_id, "sha256": sha256, "size": size, "created_at": at}
            for sha256, size in sorted(sizes.items())
        ],
    )
