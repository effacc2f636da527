"""The sync door, for hubs and programs: what is sent and read there, and decided.

`schemas/` has the shapes of what is asked and answered, `docs/merge.md` what the words mean.
"""

from __future__ import annotations

from flask import Blueprint, Flask

from sync_server.sync import (
    batches,
    blobs,
    devices,
    digests,
    entities,
    hubs,
    info,
    openapi,
    pull,
    push,
    quarantine,
    reviews,
    setup,
)
from sync_server.web.bodies import refuse_unstorable_query
from sync_server.web.packing import pack_json
from sync_server.web.problems import handle_problems

NOUNS = (
    info,
    push,
    batches,
    blobs,
    pull,
    devices,
    reviews,
    quarantine,
    entities,
    hubs,
    setup,
    digests,
)

bp = Blueprint("sync", __name__)
bp.before_request(refuse_unstorable_query)
bp.after_request(pack_json)
handle_problems(bp)
for noun in NOUNS:
    bp.register_blueprint(noun.bp)


def register(app: Flask) -> None:
    """Put the sync door into the app."""
    app.register_blueprint(bp)
    app.register_blueprint(openapi.bp)
