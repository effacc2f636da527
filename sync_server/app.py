"""The factory: wires settings, store and doors, and decides nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from sync_server import openrosa, pages, rest, sync
from sync_server.accounts.contacts import Contacts
from sync_server.blobs import Blobs
from sync_server.clock import Clock, SystemClock
from sync_server.context import Context
from sync_server.db import connect, db
from sync_server.settings import Settings
from sync_server.web.bodies import MOST_FIELDS, bound_what_is_read_whole, refuse_unstorable_path
from sync_server.web.converters import Name, RowId
from sync_server.web.slashes import OneSlash

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings, *, clock: Clock | None = None) -> Flask:
    """An app over `settings`; a test hands in a clock that stands still."""
    app = Flask(__name__)
    app.secret_key = settings.secret_key or None
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = MOST_FIELDS
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # a 405 says as much, in words of its door
    app.url_map.converters |= {"int": RowId, "path": Name}
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a redirect would make a phone send its body twice
    connect(app, settings)
    Migrate(app, db, directory=str(MIGRATIONS))
    contacts = Contacts()
    app.extensions["simpul"] = Context(
        settings=settings,
        clock=clock or SystemClock(),
        blobs=Blobs(settings.home / "blobs"),
        contacts=contacts,
    )
    app.before_request(refuse_unstorable_path)
    app.before_request(bound_what_is_read_whole)
    for door in (openrosa, rest, sync, pages):
        door.register(app)
    app.wsgi_app = OneSlash(_behind_proxies(app, settings.proxies))  # type: ignore[method-assign]
    return app


def _behind_proxies(app: Flask, proxies: int) -> WSGIApplication:
    """What the last `proxies` proxies say of a request counts; what the sender says does not."""
    if not proxies:
        return app.wsgi_app
    return ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)


def start_writing_contacts(app: Flask) -> None:
    """Let a serving process write what phones asked for, every few seconds."""
    contacts = app.extensions["simpul"].contacts

    def flush() -> None:
        with app.app_context():
            contacts.flush()

    threading.Thread(target=contacts.run, args=(flush,), daemon=True, name="contacts").start()
