"""A centre or a hub comes back from a backup: only what it lost goes over the link."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask

from sync_server.client import SyncRefused
from sync_server.hubs import reconciling
from sync_server.hubs.link import HubLink
from sync_server.hubs.relaying import RelayFailed
from tests.relay.servers import Server
from tests.scenarios.posyandu import Village
from tests.support.api import administrator
from tests.support.backups import back_up, close, put_back

on_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

POISON = b"<data id='lain' version='1'><meta><instanceID>uuid:1</instanceID></meta></data>"


@dataclass
class Backup:
    """`take()` keeps an install as it is; `put_back()` makes it of that again, an hour later."""

    village: Village
    host: str
    line: object
    folder: Path
    url: str = ""
    made: list[Flask] = field(default_factory=list)

    def take(self) -> None:
        back_up(self.village.app, self.folder / f"{self.host}.zip")

    def put_back(self) -> Flask:
        self.village.clock.pass_seconds(3600)
        home = self.folder / f"{self.host}-{len(self.made)}"
        app = put_back(self.folder / f"{self.host}.zip", home, self.village.clock, self.url)
        self.made.append(app)
        self.village.app, self.village.client = app, app.test_client()
        self.line.apps[self.host] = app
        return app


@pytest.fixture
def keep(line, tmp_path):
    """Backups of a village's install, put back in its place."""
    made = []

    def backup(village, host="centre.test", url=""):
        made.append(Backup(village, host, line, tmp_path, url))
        made[-1].take()
        return made[-1]

    yield backup
    for one in made:
        for app in one.made:
            close(app)


@pytest.fixture
def phone(centre):
    return centre.phone("A")


@pytest.fixture
def other(centre):
    return centre.phone("B")


@pytest.fixture
def hub_of_all(hub, phone, other):
    hub.pair()
    return hub


@pytest.fixture
def hub_of_melati(hub, phone, other):
    hub.pair(posyandu="melati")
    return hub


def birth(phone, posyandu="melati", **values) -> str:
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu=posyandu, rt="05", **values))
    phone.sync()
    return child


def visits(phone, children, month: int, **values) -> None:
    for day, child in enumerate(children, start=1):
        phone.sync()
        phone.village.pass_time(days=1)
        sent = {"bb": str(8 + month / 10), "tgl": f"2026-{month:02d}-{day:02d}"}
        phone.send(phone.measure(child, **sent, **values))


def at_odds(one, other, child) -> None:
    """Two values of one property by two who did not see each other."""
    one.sync()
    other.sync()
    one.send(one.measure(child, rt="06"))
    other.send(other.measure(child, rt="07"))


def same(*villages) -> bool:
    first, *others = (Server(village).records() for village in villages)
    return all(one == first for one in others) and bool(first)


def settled(*hubs) -> bool:
    """Whether nobody has anything more to tell."""
    for hub in (*hubs, *hubs):
        done = hub.relay()
    return (done.sent, done.fetched, done.waiting) == (0, 0, 0)


def test_a_centre_is_sent_what_it_lost_and_no_more(
    hub_of_all, phone, other, centre, line, keep, request
):
    url = request.getfixturevalue("empty_database_url")
    here = hub_of_all.phone(phone)
    children = [birth(here) for _ in range(4)]
    visits(here, children, 6)
    hub_of_all.relay()
    backup = keep(centre, url=url)
    visits(here, children[:2], 7)
    assert here.post(here.register(str(uuid.uuid4()), posyandu="melati"), **{"a.jpg": b"a photo"})
    here.post(POISON)
    at_odds(here, hub_of_all.phone(other), children[3])
    hub_of_all.relay()
    before = Server(centre).records()
    assert before[children[3]][-1]  # it is asked about

    backup.put_back()
    assert Server(centre).records() != before
    line.asked.clear()
    done = hub_of_all.relay()
    assert (done.sent, done.refused, done.fetched, done.blobs) == (6, 0, 0, 1)
    asked = [one for one in line.asked if "blobs" not in one]
    expected = "info setup digests digests/marks push digests/files pull pull".split()
    assert [one.split()[1] for one in asked[:6]] == expected[:6]
    assert len(asked) <= len(expected)
    assert Server(centre).records() == before
    assert same(centre, hub_of_all.village)
    assert [one.code for one in centre.quarantine()] == ["unknown_form"]
    assert settled(hub_of_all)


@on_one_engine
def test_a_hub_fetches_what_it_lost_and_no_more(hub_of_all, phone, other, centre, line, keep):
    here = hub_of_all.phone(phone)
    children = [birth(here) for _ in range(4)]
    hub_of_all.relay()
    backup = keep(hub_of_all.village, "hub.test")
    visits(here, children, 6)
    at_odds(here, hub_of_all.phone(other), children[0])
    hub_of_all.relay()
    phone.sync()
    phone.send(phone.measure(children[1], rt="09"))
    before = Server(centre).records()

    hub_of_all.app = backup.put_back()
    done = hub_of_all.relay()
    assert (done.sent, done.fetched) == (0, 7)
    assert Server(hub_of_all.village).records() == Server(centre).records() == before
    assert settled(hub_of_all)
