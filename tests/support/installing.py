"""`simpul init` in this process: what the templates of databases are made by."""

from pathlib import Path

from sync_server.accounts.people import set_up
from sync_server.app import create_app
from sync_server.clock import SystemClock
from sync_server.commands.init import bring_tables, make_store, with_key
from sync_server.db import db
from sync_server.settings import load
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD


def initialise(home: Path, database_url: str, secret_key: str) -> None:
    """Make the home, the database and the first administrator, and let go of them."""
    environ = {
        "SIMPUL_HOME": str(home),
        "SIMPUL_DATABASE_URL": database_url,
        "SIMPUL_SECRET_KEY": secret_key,
    }
    settings = with_key(load(environ))
    app = create_app(settings)
    with app.app_context():
        make_store(settings)
        bring_tables()
        set_up(ADMIN_EMAIL, ADMIN_PASSWORD, clock=SystemClock())
        db.engine.dispose()
