"""The sync door as an OpenAPI page, for whoever writes a program against it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app

from schemas.batches import PROTOCOL
from sync_server.web.openapi import openapi_of

bp = Blueprint("openapi", __name__)

_INTRO = (
    "Push, pull, blobs, reviews, quarantine, devices, history and hubs of a project. "
    "What the words mean is in docs/protocol.md."
)


@bp.get("/v1/openapi.json")
def show() -> Any:
    """What every route of the sync door takes and gives. For everybody."""
    kept = current_app.extensions
    if "openapi" not in kept:
        kept["openapi"] = openapi_of(
            current_app, "sync", title="Simpul sync", version=str(PROTOCOL), intro=_INTRO
        )
    return kept["openapi"]
