import pytest
import requests

from sync_server.app import create_app
from sync_server.db import db, write_transaction
from sync_server.models.people import Node
from sync_server.settings import load
from sync_server.stores.upsert import table_of
from tests.hubs.wiring import Hub, Line
from tests.scenarios.posyandu import Village


@pytest.fixture
def centre(app, clock) -> Village:
    return Village.begin(app, clock)


@pytest.fixture
def line(centre, monkeypatch) -> Line:
    line = Line(centre.app)
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


@pytest.fixture
def hub(tmp_path, hub_url, clock, centre, line) -> Hub:
    """A laptop after `simpul init`, not a hub yet."""
    home = tmp_path / "hub"
    home.mkdir()
    environ = {
        "SIMPUL_HOME": str(home),
        "SIMPUL_DATABASE_URL": hub_url,
        "SIMPUL_SECRET_KEY": "the hub's own",
    }
    app = create_app(load(environ), clock=clock)
    app.testing = True
    with app.app_context(), write_transaction() as connection:
        own = {"node": "11111111-0000-4000-8000-000000000001"}
        connection.execute(table_of(Node).update().values(**own))
    yield Hub(app, clock, centre)
    with app.app_context():
        db.engine.dispose()
