"""A centre or a hub comes back from a backup: only what it lost goes over the link."""

import random
import sqlite3
import uuid

import pytest

from sync_server.client import SyncRefused
from sync_server.hubs import reconciling
from sync_server.hubs.link import HubLink
from sync_server.hubs.relaying import RelayFailed
from sync_server.hubs.upstream import get_upstream, link_to
from sync_server.models.batches import BatchRow
from sync_server.models.records import ChangeRow
from tests.hubs.conftest import installed
from tests.hubs.restores import Backup, at_odds, birth, rows, same, settled, visits
from tests.hubs.wiring import Hub
from tests.relay.servers import Server
from tests.scenarios.posyandu import Village
from tests.support.api import administrator
from tests.support.backups import close
from tests.support.promises import promise

on_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

POISON = b"<data id='lain' version='1'><meta><instanceID>uuid:1</instanceID></meta></data>"


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
def second(tmp_path, sqlite_template, clock, centre, line):
    """Another laptop, to be a hub of the same centre."""
    path = tmp_path / "second.db"
    path.write_bytes(sqlite_template.read_bytes())
    node = "33333333-0000-4000-8000-000000000003"
    app = installed(tmp_path / "second", f"sqlite:///{path}", node, clock)
    yield Hub(app, clock, centre)
    close(app)


@pytest.fixture
def hub_of_all(hub, phone, other):
    hub.pair()
    return hub


@pytest.fixture
def hub_of_melati(hub, phone, other):
    hub.pair(posyandu="melati")
    return hub


@promise("P147")
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
    assert asked == [
        *("GET info", "GET setup", "GET digests", "GET digests/marks", "POST push"),
        *("POST digests/files", "GET pull"),
    ]
    assert Server(centre).records() == before
    assert same(centre, hub_of_all.village)
    assert [one.code for one in centre.quarantine()] == ["unknown_form"]
    assert settled(hub_of_all)


@on_one_engine
@promise("P147")
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


@on_one_engine
@pytest.mark.parametrize("lost", ["centre", "hub"])
def test_in_whatever_order_its_own_changes_come_back_they_make_the_same_record(
    hub_of_all, phone, centre, keep, monkeypatch, lost
):
    """One item to a page, and the pages in the order of marks, which is no order of anything."""
    monkeypatch.setattr(reconciling, "_PAGE", 1)
    worked_at = centre if lost == "centre" else hub_of_all.village
    here = phone if lost == "centre" else hub_of_all.phone(phone)
    child = birth(here)
    hub_of_all.relay()
    backup = keep(worked_at, f"{lost}.test")
    for month in (6, 7, 8, 9):
        visits(here, [child], month, rt=f"0{month}", imunisasi=f"a{month}")
    hub_of_all.relay()
    before = Server(worked_at).records()
    app = backup.put_back()
    hub_of_all.app = app if lost == "hub" else hub_of_all.app
    done = hub_of_all.relay()
    assert (done.sent, done.fetched) == ((4, 0) if lost == "centre" else (0, 4))
    assert Server(worked_at).records() == before
    assert same(centre, hub_of_all.village)


@on_one_engine
@promise("P148")
def test_cut_anywhere_it_is_done_again_and_nothing_goes_up_twice(
    hub_of_all, phone, other, centre, line, keep, monkeypatch
):
    monkeypatch.setattr(reconciling, "_MARKS", 3)
    monkeypatch.setattr(reconciling, "_PAGE", 2)
    here = hub_of_all.phone(phone)
    children = [birth(here) for _ in range(4)]
    hub_of_all.relay()
    backup = keep(centre)
    visits(here, children, 6)
    assert here.post(here.register(str(uuid.uuid4()), posyandu="melati"), **{"a.jpg": b"a photo"})
    at_odds(here, hub_of_all.phone(other), children[0])
    hub_of_all.relay()
    before = Server(centre).records()
    backup.put_back()
    phone.sync()
    phone.send(phone.register(str(uuid.uuid4()), posyandu="melati"))

    line.asked.clear()
    chance = random.Random(7)
    line.lose = lambda path: not path.endswith("info") and chance.random() < 0.3
    tries = 0
    while True:
        tries += 1
        try:
            hub_of_all.relay()
            break
        except RelayFailed:
            assert tries < 100
    line.lose = lambda _path: False
    assert line.asked.count("GET digests") > 2
    now = Server(centre).records()
    assert {child: now[child] for child in before} == before
    assert same(centre, hub_of_all.village)
    batches = rows(centre.app, BatchRow)
    results = [one for row in batches for one in row.answer["results"]]
    assert [one["status"] for one in results].count("duplicate") == 0
    assert settled(hub_of_all)


@on_one_engine
def test_a_centre_that_knows_no_digests_is_offered_everything(
    hub_of_all, phone, centre, line, keep, monkeypatch
):
    here = hub_of_all.phone(phone)
    children = [birth(here) for _ in range(2)]
    hub_of_all.relay()
    backup = keep(centre)
    visits(here, children, 6)
    hub_of_all.relay()
    backup.put_back()

    def unknown(_link):
        raise SyncRefused(404, 404, "there is no such path", {}, "never")

    monkeypatch.setattr(HubLink, "digests", unknown)
    done = hub_of_all.relay()
    assert (done.sent, done.fetched) == (4, 4)
    assert same(centre, hub_of_all.village)
    assert settled(hub_of_all)


@on_one_engine
def test_of_two_copies_of_a_change_the_one_that_counts_comes_to_both(
    hub_of_all, phone, centre, keep
):
    """A chain whose first part came to the hub only: at the centre the second one waits."""
    child = birth(phone)
    hub_of_all.relay()
    here = hub_of_all.phone(phone)
    phone.sync()
    first, second = (phone.measure(child, rt=rt) for rt in ("06", "07"))
    phone.send(second)
    centre.pass_time()
    here.send(second, first)
    backup = keep(centre)
    assert [one.waiting for one in centre.changes(child)].count(True) == 1
    hub_of_all.relay()
    assert not any(one.waiting for one in centre.changes(child))
    before = Server(centre).records()
    assert same(centre, hub_of_all.village)
    backup.put_back()
    assert [one.waiting for one in centre.changes(child)].count(True) == 1
    hub_of_all.relay()
    assert Server(centre).records() == before
    assert same(centre, hub_of_all.village)
    assert copies(centre, child) == copies(hub_of_all.village, child)
    assert settled(hub_of_all)


def copies(village, child):
    rows = village.changes(child)
    return {one.change_id: (one.settled, one.received_at, one.path[0]) for one in rows}


@on_one_engine
@promise("P145")
def test_a_hub_of_an_area_is_told_of_its_area_only(hub_of_melati, phone, centre, line, keep):
    here, mawar = hub_of_melati.phone(phone), centre.phone("M", "mawar")
    near = [birth(here) for _ in range(3)]
    far = [birth(mawar, "mawar") for _ in range(5)]
    hub_of_melati.relay()
    moved = near.pop()
    administrator(centre.client).done(
        "PATCH",
        f"/projects/{centre.project.id}/datasets/anak/entities/{moved}?force=true",
        {"data": {"posyandu": "mawar"}},
    )
    hub_of_melati.relay()
    backup = keep(centre)
    visits(here, near, 6)
    visits(mawar, far, 6)
    hub_of_melati.relay()
    before = Server(centre).records()
    told = digests_told(hub_of_melati)
    assert sum(one["count"] for one in told["buckets"].values()) == 5  # and what it sent itself
    backup.put_back()
    done = hub_of_melati.relay()
    assert (done.sent, done.fetched) == (2, 0)
    now = Server(centre).records()
    assert {one: now[one] for one in near} == {one: before[one] for one in near}
    assert settled(hub_of_melati)
    assert all(hub_of_melati.village._rows(ChangeRow, ChangeRow.entity == one) == [] for one in far)


def digests_told(hub):
    with hub.app.app_context():
        secret = hub.app.extensions["simpul"].settings.secret_key
        with link_to(get_upstream(hub.project), secret_key=secret) as link:
            return link.digests()


@on_one_engine
def test_two_hubs_bring_back_what_each_has(hub_of_all, second, phone, other, centre, keep):
    """One of the laptops is hub of the other's centre: what came by either was at both."""
    second.pair("Mawar")
    children = [birth(hub_of_all.phone(phone)) for _ in range(3)]
    for hub in (hub_of_all, second):
        hub.relay()
    backup = keep(centre)
    visits(hub_of_all.phone(phone), children, 6)
    there = second.phone(other)
    there.sync()
    visits(there, children, 7)
    for hub in (hub_of_all, second, hub_of_all):
        hub.relay()
    before = Server(centre).records()
    backup.put_back()
    first, again = hub_of_all.relay(), second.relay()
    assert (first.sent, first.fetched) == (6, 0)
    assert (again.sent, again.fetched) == (0, 0)
    assert Server(centre).records() == before
    assert same(centre, hub_of_all.village, second.village)
    assert settled(hub_of_all, second)


@on_one_engine
@promise("P149")
def test_of_a_laptop_that_was_copied_whatever_either_sends_is_taken_once(
    hub_of_all, phone, other, centre, clock, line, tmp_path
):
    """Both go on under one node, one token and the same batches on their way."""
    here = hub_of_all.phone(phone)
    children = [birth(here) for _ in range(3)]
    line.lose = lambda path: path.endswith("push")
    with pytest.raises(RelayFailed):
        hub_of_all.relay()
    line.lose = lambda _path: False
    copy = copied(hub_of_all, tmp_path, clock)
    there = copy.phone(other)
    there.sync()
    visits(here, children, 6)
    visits(there, children, 7)
    at_odds(here, there, children[0])
    for hub in (hub_of_all, copy, hub_of_all, copy):
        hub.relay()
    assert settled(hub_of_all, copy)
    statuses = [
        one["status"] for row in rows(centre.app, BatchRow) for one in row.answer["results"]
    ]
    assert len(statuses) == 3 + 3 + 3 + 2
    assert not {"duplicate", "quarantined", "rejected"} & set(statuses)
    assert centre.asked(children[0])["rt"] >= {"06", "07"}

    for name, hub in (("Laptop 1", hub_of_all), ("Laptop 2", copy)):
        hub.pair(name)  # what the other brought is an echo to the centre until then
    assert settled(hub_of_all, copy)
    assert same(centre, hub_of_all.village, copy.village)
    close(copy.app)


def copied(hub, folder, clock) -> Hub:
    """The laptop's disk, copied as it is."""
    with sqlite3.connect(folder / "hub.db") as disk, sqlite3.connect(folder / "copy.db") as other:
        disk.backup(other)
    app = installed(
        folder / "copy", f"sqlite:///{folder / 'copy.db'}", hub.village.project.node, clock
    )
    village = Village(app, app.test_client(), clock, hub.village.project, hub.village.admin)
    return Hub(app, clock, hub.centre, village)
