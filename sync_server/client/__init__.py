"""A client of the sync door, for programs and hubs: push, pull, blobs, and a queue that waits.

    with SyncClient("https://simpul.example.go.id", 1, token) as client, Outbox("out.db") as outbox:
        outbox.add({"kind": "change", "changeId": str(uuid4()), "list": "anak", …})
        print(outbox.drain(client))
        outbox.pull_into(client)

It knows the wire and nothing of the server: it may be used without a Flask app or a store.
"""

from __future__ import annotations

from sync_server.client.link import SyncClient
from sync_server.client.mirror import Pulled
from sync_server.client.outbox import Drained, Outbox
from sync_server.client.refusals import SyncRefused, SyncUnreachable
from sync_server.client.splitting import batches

__all__ = [
    "Drained",
    "Outbox",
    "Pulled",
    "SyncClient",
    "SyncRefused",
    "SyncUnreachable",
    "batches",
]
