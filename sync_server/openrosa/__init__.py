"""The phones' door: OpenRosa, as ODK Collect speaks it.

`odk_forms/openrosa.py` writes its XML; ADR 0006 says which answer a submission gets.
"""

from __future__ import annotations

from flask import Flask

from sync_server.openrosa import attachments, drafts, forms, projects, submissions
from sync_server.openrosa.door import bp

for _noun in (forms, attachments, submissions):
    _noun.add_routes(bp)


def register(app: Flask) -> None:
    """Put the phones' door into the app."""
    app.register_blueprint(bp)
    app.register_blueprint(projects.bp)
    app.register_blueprint(drafts.bp)
