from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_server.app import create_app
from sync_server.db import db
from sync_server.settings import load
from tests.relay.servers import Server
from tests.support.clock import FrozenClock


@pytest.fixture
def centre(app, clock) -> Server:
    return Server.begin(app, clock)


@pytest.fixture
def hub(tmp_path, sqlite_template, clock) -> Iterator[Server]:
    yield from begun(tmp_path / "hub", sqlite_template, clock, 1)


@pytest.fixture
def other(tmp_path, sqlite_template, clock) -> Iterator[Server]:
    """Another hub, for what does not differ by the database."""
    yield from begun(tmp_path / "other", sqlite_template, clock, 2)


def begun(home: Path, template: Path, clock: FrozenClock, number: int) -> Iterator[Server]:
    home.mkdir()
    path = home / "hub.db"
    path.write_bytes(template.read_bytes())
    environ = {
        "SIMPUL_HOME": str(home),
        "SIMPUL_DATABASE_URL": f"sqlite:///{path}",
        "SIMPUL_SECRET_KEY": f"the own key of hub {number}",
    }
    app = create_app(load(environ), clock=clock)
    app.testing = True
    yield Server.begin(app, clock, node=f"11111111-0000-4000-8000-{number:012}")
    with app.app_context():
        db.engine.dispose()
