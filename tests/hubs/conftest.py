from pathlib import Path

import pytest
import requests
from flask import Flask

from sync_server.app import create_app
from sync_server.db import db, write_transaction
from sync_server.models.people import Node
from sync_server.settings import load
from sync_server.stores.upsert import table_of
from tests.hubs.wiring import Hub, Line
from tests.scenarios.posyandu import Village
from tests.support.clock import FrozenClock


@pytest.fixture
def centre(app, clock) -> Village:
    return Village.begin(app, clock)


@pytest.fixture
def line(centre, monkeypatch) -> Line:
    line = Line({"centre.test": centre.app})
    monkeypatch.setattr(requests.Session, "get_adapter", lambda _self, url: line)
    return line


@pytest.fixture
def hub_url(engine_name, request, tmp_path):
    """A database of its own for the hub: of the centre's kind, so that both are tried."""
    if engine_name == "sqlite":
        path = tmp_path / "hub.db"
        path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        yield f"sqlite:///{path}"
        return
    cluster = request.getfixturevalue("postgres")
    name = cluster.create_database(request.getfixturevalue("postgres_template"))
    yield cluster.url(name)
    cluster.drop_database(name)


def installed(folder: Path, url: str, node: str, clock: FrozenClock) -> Flask:
    """A laptop after `simpul init`, not a hub yet."""
    folder.mkdir()
    environ = {
        "SIMPUL_HOME": str(folder),
        "SIMPUL_DATABASE_URL": url,
        "SIMPUL_SECRET_KEY": f"that of {node}",
    }
    app = create_app(load(environ), clock=clock)
    app.testing = True
    with app.app_context(), write_transaction() as connection:
        connection.execute(table_of(Node).update().values(node=node))
    return app


@pytest.fixture
def hub(tmp_path, hub_url, clock, centre, line) -> Hub:
    app = installed(tmp_path / "hub", hub_url, "11111111-0000-4000-8000-000000000001", clock)
    yield Hub(app, clock, centre)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def beyond(tmp_path, sqlite_template, clock, hub, line):
    """A second laptop, to be a hub of the first, which is paired."""
    path = tmp_path / "beyond.db"
    path.write_bytes(sqlite_template.read_bytes())
    node = "22222222-0000-4000-8000-000000000002"
    app = installed(tmp_path / "beyond", f"sqlite:///{path}", node, clock)
    line.apps["hub.test"] = hub.app
    yield lambda: Hub(app, clock, hub.village, url="http://hub.test")
    with app.app_context():
        db.engine.dispose()
