"""What a bad link, a restore or a wrong clock does to a hub: nothing that lasts."""

import hashlib
import random
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from sync_server.accounts.people import current_node
from sync_server.db import read_transaction, write_transaction
from sync_server.hubs import sending
from sync_server.hubs.relaying import RelayFailed
from sync_server.hubs.upstream import count_waiting, get_upstream
from sync_server.jobs.election import Election
from sync_server.jobs.relaying import Relaying
from sync_server.models.batches import BatchRow
from sync_server.models.hubs import OutgoingBatch, RefusedItem
from sync_server.models.people import Node
from sync_server.stores.upsert import table_of
from tests.sync.test_push import batch, create

# What is kept of a centre is tried on both databases in `test_relaying.py`.
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture
def phone(centre):
    return centre.phone("A")


@pytest.fixture
def paired(hub, phone):
    hub.pair(posyandu="melati")
    return hub


@pytest.fixture
def month(paired, phone):
    """A phone's month at the hub: births and visits that wait to be sent up."""
    here, children = paired.phone(phone), [str(uuid.uuid4()) for _ in range(4)]
    for child in children:
        here.send(here.register(child, posyandu="melati", rt="05"))
    for day, child in enumerate(children * 3):
        here.sync()
        paired.village.pass_time(days=1)
        here.send(here.measure(child, bb=str(8 + day / 10), tgl=f"2026-06-{day + 1:02d}"))
    return children


def rows(app, model):
    with app.app_context(), read_transaction() as connection:
        return connection.execute(select(*table_of(model).c)).all()


def same(centre, hub, children):
    return all(centre.shown(one) == hub.village.shown(one) for one in children) and all(
        centre.record(one).version == hub.village.record(one).version for one in children
    )


def test_whatever_answers_are_lost_everything_arrives_once(
    paired, month, centre, line, monkeypatch
):
    monkeypatch.setattr(sending, "_PAGE", 3)
    chance = random.Random(4)
    line.lose = lambda path: not path.endswith("info") and chance.random() < 0.4
    tries = 0
    while True:
        tries += 1
        try:
            paired.relay()
            break
        except RelayFailed:
            assert tries < 100
    assert tries > 3
    assert same(centre, paired, month)
    assert len(rows(centre.app, BatchRow)) == 6  # none was sent under two ids
    assert rows(paired.app, OutgoingBatch) == []


def test_what_waits_is_counted_in_forms(paired, month, line):
    secret = paired.app.extensions["simpul"].settings.secret_key
    with paired.app.app_context():
        assert count_waiting(paired.project, secret_key=secret) == 16
    line.lose = lambda path: path.endswith("push")
    with pytest.raises(RelayFailed):
        paired.relay()
    with paired.app.app_context():
        assert count_waiting(paired.project, secret_key=secret) == 16
        assert "is away" in get_upstream(paired.project).trouble
    line.lose = lambda _path: False
    paired.relay()
    with paired.app.app_context():
        assert count_waiting(paired.project, secret_key=secret) == 0
        assert get_upstream(paired.project).trouble is None


def test_a_centre_that_moved_its_epoch_and_lost_nothing_is_sent_nothing(
    paired, month, centre, line
):
    paired.relay()
    moved = str(uuid.uuid4())
    with centre.app.app_context(), write_transaction() as connection:
        connection.execute(table_of(Node).update().values(epoch=moved))
    line.asked.clear()
    done = paired.relay()
    assert (done.sent, done.fetched) == (0, 0)
    assert line.asked == ["GET info", "GET setup", "GET digests", "GET pull"]
    with paired.app.app_context():
        assert get_upstream(paired.project).epoch == moved
    assert same(centre, paired, month)
    assert paired.relay().sent == 0


def test_a_hub_that_moved_its_epoch_and_lost_nothing_fetches_nothing(paired, month, centre):
    paired.relay()
    with paired.app.app_context(), write_transaction() as connection:
        connection.execute(table_of(Node).update().values(epoch=str(uuid.uuid4())))
    done = paired.relay()
    assert (done.sent, done.fetched) == (0, 0)
    assert same(centre, paired, month)
    with paired.app.app_context():
        assert get_upstream(paired.project).own_epoch == current_node()[1]


def test_another_server_at_the_address_is_not_spoken_to(paired, month, centre, line):
    with centre.app.app_context(), write_transaction() as connection:
        connection.execute(table_of(Node).update().values(node=str(uuid.uuid4())))
    with pytest.raises(RelayFailed, match="another server answers"):
        paired.relay()
    assert "POST push" not in line.asked


def test_a_hubs_clock_is_corrected_by_what_it_is_off(paired, phone, centre, clock):
    class Slow:
        """The laptop's battery died: its clock is ten days behind."""

        def now(self):
            return clock.now() - timedelta(days=10)

        def new_id(self):
            return str(uuid.uuid4())

    context = paired.app.extensions["simpul"]
    object.__setattr__(context, "clock", Slow())
    here, first, second = paired.phone(phone), str(uuid.uuid4()), str(uuid.uuid4())
    known = max(stamp_of(paired, one) for one in [early(paired, here)])
    here.send(here.register(first, posyandu="melati"))
    assert stamp_of(paired, first) >= known  # never before its own last stamp
    paired.relay()
    with paired.app.app_context():
        assert get_upstream(paired.project).clock_offset_ms == 10 * 24 * 3600 * 1000
    clock.pass_days(1)
    here.send(here.register(second, posyandu="melati"))
    assert stamp_of(paired, second) == clock.now().isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )


def early(hub, phone) -> str:
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu="melati"))
    return child


def stamp_of(hub, child) -> str:
    return hub.village.changes(child)[0].received_at


def test_what_the_centre_rejects_is_listed_and_blocks_nothing(paired, month, centre, monkeypatch):
    true_push = sending.HubLink.push

    def push(self, items, **sent):
        answer = true_push(self, items, **sent)
        answer["results"][1] |= {"status": "rejected", "code": "bad_data", "detail": "forged"}
        return answer

    monkeypatch.setattr(sending.HubLink, "push", push)
    done = paired.relay()
    assert (done.sent, done.refused, done.waiting) == (15, 1, 0)
    (refused,) = rows(paired.app, RefusedItem)
    assert (refused.kind, refused.code, refused.detail) == ("submission", "bad_data", "forged")


@pytest.mark.parametrize(
    "spoilt", [{"data": {"nama": "\ud800"}}, {"data": {"\ud800": "x"}}, {"x\ud800": "y", "op": "?"}]
)
def test_what_has_no_utf8_goes_up_like_anything_else(paired, phone, centre, spoilt):
    here = paired.phone(phone)
    bad, good = create(str(uuid.uuid4())), create(str(uuid.uuid4()))
    for item in ({**bad, **spoilt}, good):
        url = f"{here.base}/sync/push"
        answer = paired.village.client.post(url, json={**batch(item)})
        assert answer.status_code == 200
    done = paired.relay()
    assert (done.sent, done.refused, done.waiting) == (2, 0, 0)
    assert centre.record(good["entity"]).version == 1
    assert [one.change_id for one in centre.quarantine()] == [bad["changeId"]]
    assert paired.relay().sent == 0


def test_files_follow_their_forms(paired, phone, centre):
    here, child = paired.phone(phone), str(uuid.uuid4())
    assert here.post(here.register(child, posyandu="melati"), **{"a.jpg": b"a photo"})
    done = paired.relay()
    assert (done.sent, done.blobs) == (1, 1)
    sha256 = hashlib.sha256(b"a photo").hexdigest()
    blobs = centre.app.extensions["simpul"].blobs
    assert blobs.path(sha256).read_bytes() == b"a photo"


def test_the_worker_relays_when_it_is_due_and_backs_off_when_it_fails(paired, month, line, clock):
    said: list[str] = []
    job = Relaying(said.append)
    line.up = False
    with paired.app.app_context():
        job.tick()
        job.tick()
        assert len(said) == 1
        clock.pass_seconds(40)
        job.tick()
        assert "away" in said[1]
        line.up = True
        clock.pass_seconds(80)
        job.tick()
    assert "sent 16, refused 0, fetched 0; again in" in said[2]


def test_one_process_has_the_jobs(engine_name, tmp_path):
    one, other = Election(tmp_path / "lock"), Election(tmp_path / "lock")
    assert one.holds()
    assert one.holds()
    assert not other.holds()
    one.leave()
    assert other.holds()
    other.leave()
