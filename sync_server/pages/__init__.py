"""The pages door: server-rendered, for supervisors and administrators, without JavaScript."""

from __future__ import annotations

from flask import Flask

from sync_server.pages import (
    board,
    devices,
    door,
    drafts,
    forms,
    hubs,
    problems,
    quarantine,
    records,
    reviews,
    session,
    words,
)

NOUNS = (session, board, records, reviews, forms, drafts, devices, hubs, quarantine)
"""Each put its views on the door's blueprint when it was imported."""


def register(app: Flask) -> None:
    """Put this door into the app."""
    words.register(app)
    app.register_blueprint(door.bp)
    door.register(app)
    problems.register(app)
