"""A month without the internet: two phones, a hub on a laptop, and the centre afterwards.

The forms are the pack's own, filled by the engine of ODK Collect; phones, hub and centre speak
over real sockets, by one clock that the test moves. The centre is gone from the day after the
hub was paired until the day that somebody carries the laptop to where there is a link.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from odk_forms import packs
from odk_forms.convert import to_xform
from sync_server.accounts import devices, people
from sync_server.db import db
from sync_server.hubs.relaying import RelayFailed
from sync_server.publishing import publish
from sync_server.publishing.packs import install_pack
from sync_server.publishing.register import run_import
from tests.hubs.conftest import installed
from tests.hubs.wiring import Hub
from tests.javarosa.phone import Phone
from tests.scenarios.posyandu import Village
from tests.support.clock import FrozenClock
from tests.support.listening import Listening
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = [pytest.mark.scenario, pytest.mark.slow]

WIB = timezone(timedelta(hours=7))
TODAY = datetime.now(UTC).astimezone(WIB).date()  # a form takes no measurement of tomorrow
BORN = TODAY - timedelta(days=500)
PHOTO = b"\xff\xd8 the scale's display"
UNKNOWN = b"<data id='bantuan' version='1'><meta><instanceID>uuid:b1</instanceID></meta></data>"


@pytest.fixture
def clock():
    """Eight in the morning, a month ago."""
    return FrozenClock(f"{TODAY - timedelta(days=31)}T01:00:00")


@dataclass
class Server:
    """An install behind its socket, asked as its administrator."""

    village: Village
    at: Listening

    def api(self, method: str, path: str, json: Any = None) -> Any:
        login = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
        token = requests.post(f"{self.at.url}/v1/sessions", json=login).json()["token"]
        url = f"{self.at.url}/v1/projects/{self.village.project.id}/{path}"
        with requests.request(
            method, url, json=json, headers={"Authorization": f"Bearer {token}"}
        ) as answer:
            assert answer.status_code == 200, answer.text
            return answer.json()


@pytest.fixture
def laptop(tmp_path, sqlite_template, clock):
    """`laptop("hub", node)`: an install of its own by the clock of the test, closed at the end."""
    made = []

    def make(name: str, node: str) -> Listening:
        path = tmp_path / f"{name}.db"
        path.write_bytes(sqlite_template.read_bytes())
        made.append(Listening(installed(tmp_path / name, f"sqlite:///{path}", node, clock)))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        with one.app.app_context():
            db.engine.dispose()


@pytest.fixture
def centre(laptop, clock, monkeypatch) -> Server:
    """A centre with the pack, one posyandu and the accounts of two cadres."""
    # The pack's own tests have ODK Validate read its forms.
    monkeypatch.setattr(publish, "to_xform", partial(to_xform, validate=False))
    at, pack = laptop("centre", "cccccccc-0000-4000-8000-000000000001"), packs.load("posyandu")
    melati = pack.lists["posyandu"].sample[0]
    columns = ",".join(["label", *melati.data])
    row = ",".join([melati.label, *melati.data.values()])
    with at.app.app_context():
        admin = people.log_in(ADMIN_EMAIL, ADMIN_PASSWORD, clock=clock).person.actor_id
        project_id = people.create_project("Sumedang", by=admin, clock=clock)
        install_pack(project_id, pack, by=admin, clock=clock)
        run_import(project_id, "posyandu", f"{columns}\n{row}\n".encode(), by=admin, clock=clock)
        project = people.get_project(project_id)
    return Server(Village(at.app, at.app.test_client(), clock, project, admin), at)


@pytest.fixture
def area() -> dict[str, str]:
    return {"posyandu": packs.load("posyandu").lists["posyandu"].sample[0].data["kode"]}


@pytest.fixture
def cards(centre, clock, area) -> dict[str, str]:
    """The tokens of two cadres' phones, made at the centre."""
    village = centre.village
    secret = village.app.extensions["simpul"].settings.secret_key
    with village.app.app_context():
        return {
            name: devices.create_app_user(
                village.project.id, name, area, by=village.admin, clock=clock, secret_key=secret
            ).token
            for name in ("Bu Ani", "Bu Tuti")
        }


@pytest.fixture
def hub(laptop, centre, cards, clock, area) -> tuple[Hub, Server]:
    """A laptop that became the hub Tanjung; after that the centre is gone."""
    at = laptop("hub", "11111111-0000-4000-8000-000000000001")
    made = Hub(at.app, clock, centre.village, url=centre.at.url)
    centre.at.start()
    made.pair("Tanjung", **area)
    centre.at.stop()
    assert made.village is not None
    at.start()
    return made, Server(made.village, at)


class Month:
    """The month in the village: `day()` is that of the posyandu, `sent` counts forms."""

    def __init__(self, phones: dict[str, Phone], clock: FrozenClock) -> None:
        self.ani, self.tuti = phones["Bu Ani"], phones["Bu Tuti"]
        self.clock = clock
        self.sent = 0

    def day(self) -> date:
        return self.clock.now().astimezone(WIB).date()

    def register(self, phone: Phone, name: str, born: date) -> tuple[str, bytes]:
        filled = phone.register(name, born, self._minute())
        return filled.entities[0].id, filled.xml

    def measure(self, phone: Phone, child: str, **answers: str) -> bytes:
        return phone.measure(child, self.day(), self._minute(), **answers).xml

    def send(self, phone: Phone, *forms: bytes, **sent: Any) -> None:
        for xml in forms:
            self._minute()
            phone.send(xml, **sent)
            self.sent += 1

    def sync(self) -> None:
        self.ani.sync()
        self.tuti.sync()

    def _minute(self) -> datetime:
        self.clock.pass_seconds(60)
        return self.clock.now()


def settled_at_the_hub(month: Month, hub: Hub, server: Server, child: str) -> None:
    """Bidan Sri, whose account is the laptop's own, decides between the weights of two phones."""
    (asked,) = server.api("GET", "sync/reviews?state=open")["reviews"]
    assert (asked["entity"], asked["field"]) == (child, "bb_terakhir")
    by_name = {one["author"]["name"]: one for one in asked["contenders"]}
    assert {name: one["value"] for name, one in by_name.items()} == {
        "Bu Ani": "9.1",
        "Bu Tuti": "9.6",
    }
    with hub.app.app_context():
        hub.village.admin = people.create_user(
            "sri@example.org", "bidan-tanjung-8", display_name="Bidan Sri", clock=month.clock
        )
    hub.village.settle(child, "bb_terakhir", "9.1")


@pytest.fixture
def children(hub, cards, javarosa, clock) -> tuple[Month, dict[str, str]]:
    """What happens between the pairing and the drain; the centre answers nothing."""
    made, server = hub
    base = f"{server.at.url}/v1/key"
    month = Month(
        {
            name: Phone(f"{base}/{token}/projects/{made.project}", javarosa, f"collect:{name[3:]}")
            for name, token in cards.items()
        },
        clock,
    )
    month.sync()
    siti, born = month.register(month.ani, "Siti", BORN)
    budi, second = month.register(month.ani, "Budi", BORN + timedelta(days=3))
    first = month.measure(month.ani, siti, bb_kg="8.7", tb_cm="72.5")
    dewi, third = month.register(month.tuti, "Dewi", BORN + timedelta(days=9))
    month.send(month.ani, first, second, born)  # out of order, after a day without a signal
    month.send(month.tuti, third)

    clock.pass_days(10)
    month.sync()
    one = month.measure(month.ani, siti, bb_kg="9.1")
    other = month.measure(month.tuti, siti, bb_kg="9.6")  # neither saw the other's
    pictured = month.measure(month.tuti, dewi, bb_kg="8.2", foto_timbangan="timbangan.jpg")
    month.send(month.ani, one)
    month.send(month.tuti, other)
    month.send(month.tuti, pictured, files={"timbangan.jpg": PHOTO})
    settled_at_the_hub(month, made, server, siti)

    clock.pass_days(10)
    with pytest.raises(RelayFailed, match="is away"):
        made.relay()
    month.sync()
    month.send(month.tuti, UNKNOWN, status=202)
    chain = [
        month.measure(month.tuti, budi, bb_kg="8.9"),
        month.measure(month.tuti, budi, tb_cm="74"),
    ]
    month.send(month.tuti, *reversed(chain))
    month.send(month.ani, month.measure(month.ani, dewi, bb_kg="8.4"))
    clock.pass_days(10)
    return month, {"Siti": siti, "Budi": budi, "Dewi": dewi}


def test_a_hub_serves_a_village_for_a_month_and_drains_to_its_centre(centre, hub, children, page):
    (made, there), (month, named) = hub, children
    centre.at.start()
    done = made.relay()
    assert (done.sent, done.refused, done.waiting, done.blobs) == (month.sent + 1, 0, 0, 1)

    assert everything(centre) == everything(there)
    assert centre.api("GET", "sync/reviews?state=open")["reviews"] == []
    for child in named.values():
        assert history(centre, child) == history(there, child)
    photo = centre.api("GET", "sync/pull?mode=changes&limit=5000")["changes"]
    sent = [one["attachments"] for one in photo if one.get("attachments")]
    assert [one["sha256"] for (one,) in sent] == [hashlib.sha256(PHOTO).hexdigest()]

    rows = {one["name"]: one for one in centre.api("GET", "sync/devices")["devices"]}
    last = {name: rows[name]["lastSubmission"]["value"] for name in ("Bu Ani", "Bu Tuti")}
    for name, at in last.items():
        assert rows[name]["hub"] == {"value": "Tanjung", "certainty": "sure"}
        assert at[:10] == str(TODAY - timedelta(days=11))
    assert rows["Bu Tuti"]["quarantined"]["value"] == 1

    entries = centre.api("GET", f"sync/entities/{named['Siti']}/history")["changes"]
    assert [(one["author"]["name"], one["author"]["hub"]) for one in entries] == [
        ("Bu Ani", "Tanjung"),
        ("Bu Ani", "Tanjung"),
        ("Bu Ani", "Tanjung"),
        ("Bu Tuti", "Tanjung"),
        ("Bidan Sri", "Tanjung"),
    ]
    for one in entries:
        at_hub, here = one["path"]
        assert at_hub["hub"] == "Tanjung"
        assert here["receivedAt"][:10] == str(TODAY - timedelta(days=1))
    supervisor_sees(page, centre, named["Siti"])


def everything(server: Server) -> dict[str, Any]:
    """Records, decided questions and quarantine of a server, without its own times."""
    records = server.api("GET", "sync/pull?limit=5000")["records"]
    reviews = server.api("GET", "sync/reviews?state=closed")["reviews"]
    kept = server.api("GET", "sync/quarantine?state=open")["quarantine"]
    asked = ("id", "entity", "kind", "field", "base")
    return {
        "records": {one["entity"]: {**one, "updatedAt": None} for one in records},
        "reviews": [{name: one[name] for name in asked} for one in reviews],
        "contenders": [[c["changeId"] for c in one["contenders"]] for one in reviews],
        "quarantine": {one["id"]: (one["code"], one["formId"]) for one in kept},
    }


def history(server: Server, child: str) -> list[tuple[Any, ...]]:
    """Every change of a record and what became of it, with what is the same everywhere."""
    told = server.api("GET", f"sync/entities/{child}/history")
    same = ("changeId", "op", "receivedAt", "clientTime", "deviceId", "instanceId", "fields")
    return [
        (told["version"], told["status"]),
        *(tuple(str(one[name]) for name in same) for one in told["changes"]),
    ]


def supervisor_sees(page: Page, centre: Server, child: str) -> None:
    """Which phone, which hub, when: on the sync board and in the record's history."""
    base = f"{centre.at.url}/projects/{centre.village.project.id}"
    page.goto(f"{centre.at.url}/login")
    page.get_by_label("Email").fill(ADMIN_EMAIL)
    page.get_by_label("Kata sandi").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Masuk").click()
    page.goto(f"{base}/board")
    for name in ("Bu Ani", "Bu Tuti"):
        row = page.get_by_role("row").filter(has_text=name)
        assert "lewat hub Tanjung" in row.inner_text()
        assert "10 hari lalu" in row.inner_text()
    page.goto(f"{base}/records/{child}")
    text = " ".join(page.inner_text("main").split())
    for told in ("Bu Ani", "Bu Tuti", "collect:Tuti", "Bidan Sri (di hub Tanjung)"):
        assert told in text
    assert text.count("di hub Tanjung") > 5
