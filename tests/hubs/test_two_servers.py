"""A village without a link: two real servers, the centre's and a laptop's, and one phone."""

import sqlite3
import uuid
from pathlib import Path

import pytest
import requests

from sync_server.app import create_app
from sync_server.db import db
from sync_server.fleet.local_list import LocalList
from sync_server.settings import load
from tests.hubs.cadre import Cadre
from tests.scenarios.posyandu import Village
from tests.support.serving import Served

pytestmark = [pytest.mark.scenario, pytest.mark.slow]


def installed(home: Path, template: Path) -> Served:
    home.mkdir()
    (home / "simpul.db").write_bytes(template.read_bytes())
    return Served(
        home,
        f"sqlite:///{home / 'simpul.db'}",
        SIMPUL_SECRET_KEY=f"that of the {home.name}",
        SIMPUL_RELAY_SECONDS="0",
    )


@pytest.fixture
def centre(tmp_path, sqlite_template):
    server = installed(tmp_path / "centre", sqlite_template)
    yield server
    server.stop()


@pytest.fixture
def token(centre, clock):
    """That of the one phone of the centre's project, which has forms and an access filter."""
    environ = {
        "SIMPUL_HOME": str(centre.home),
        "SIMPUL_DATABASE_URL": centre.database_url,
        "SIMPUL_SECRET_KEY": "that of the centre",
    }
    app = create_app(load(environ), clock=clock)
    made = Village.begin(app, clock).phone("Bu Tuti").token
    with app.app_context():
        db.engine.dispose()
    return made


@pytest.fixture
def hub(tmp_path, sqlite_template):
    server = installed(tmp_path / "hub", sqlite_template)
    with sqlite3.connect(server.home / "simpul.db") as store:
        store.execute("UPDATE nodes SET node = '11111111-0000-4000-8000-000000000001'")
    store.close()
    yield server
    server.stop()


@pytest.fixture
def api(centre, token):
    """Ask the centre as its administrator."""
    centre.start()
    session = requests.Session()
    login = {"email": centre.admin_email, "password": centre.admin_password}
    bearer = requests.post(f"{centre.url}/v1/sessions", json=login).json()["token"]
    session.headers["Authorization"] = f"Bearer {bearer}"

    def call(method: str, path: str, json=None):
        answer = session.request(method, f"{centre.url}/v1/projects/1/{path}", json=json)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return call


def test_a_village_works_without_its_centre_and_drains_afterwards(centre, hub, api, token):
    area = {"posyandu": "melati"}
    code = api("POST", "sync/hubs", {"name": "Tanjung", "properties": area})["code"]
    assert "the hub Tanjung of Sumedang" in hub.command("hub", "pair", centre.url, code)

    centre.stop()
    hub.start()
    phone = Cadre(f"{hub.url}/v1/key/{token}/projects/1", LocalList("anak"))
    child = str(uuid.uuid4())
    phone.register(child, posyandu="melati", rt="05")
    phone.sync()
    phone.measure(child, bb="9.1", tgl="2026-11-20")
    away = hub.try_command("push")
    assert away.returncode == 1
    assert away.stderr.startswith(f"Error: the centre at {centre.url} is away")
    assert len(away.stderr.splitlines()) == 1

    centre.start()
    assert hub.command("push").strip() == "sent 2 items"
    history = api("GET", f"sync/entities/{child}/history")
    assert [one["deviceId"] for one in history["changes"]] == ["collect:tuti"] * 2
    for one in history["changes"]:
        assert one["author"]["name"] == "Bu Tuti"
        here, there = one["path"]
        assert (here["hub"], there["hub"]) == ("Tanjung", None)
        assert here["receivedAt"] < there["receivedAt"]
    assert api("GET", f"sync/entities/{child}")["data"]["bb"] == "9.1"

    api("PATCH", f"datasets/anak/entities/{child}?force=true", {"data": {"rt": "06"}})
    assert hub.command("pull").strip() == "fetched 1 item"
    phone.sync()
    assert phone.anak.entities[child].properties["rt"] == "06"

    (listed,) = api("GET", "sync/hubs")["hubs"]
    assert listed["lastSeenAt"] > listed["pairedAt"]
    api("DELETE", f"sync/hubs/{listed['id']}")
    shut = hub.try_command("push")
    assert shut.returncode == 1
    assert "refuses: this hub is revoked" in shut.stderr
