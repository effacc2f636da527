"""The outbox: nothing queued is lost or taken in twice, and no bad item holds up the others."""

import hashlib
import json
import shutil

import pytest
import sqlite_utils

from sync_server.client import Outbox, SyncClient, SyncRefused, SyncUnreachable
from sync_server.client.splitting import batches, body_of, packed
from sync_server.db import write_transaction
from sync_server.models.people import Node
from sync_server.stores.upsert import table_of
from tests.sync.test_push import create, new, update


@pytest.fixture
def outbox(tmp_path):
    with Outbox(tmp_path / "out.db") as outbox:
        yield outbox


def fill(outbox: Outbox, count: int) -> list[dict]:
    items = [create(new(), rt="05") for _ in range(count)]
    for item in items:
        outbox.add(item)
    return items


def mirrored(outbox: Outbox) -> dict[str, tuple]:
    rows = outbox.db.table("records").rows
    return {r["entity"]: (r["version"], r["status"], json.loads(r["data"])) for r in rows}


def snapshot(client: SyncClient) -> dict[str, tuple]:
    page = client.pull(limit=5000)
    assert not page["more"]
    return {r["entity"]: (r["version"], r["status"], r["data"]) for r in page["records"]}


def restore(village) -> str:
    """The server begins another life, as after a restore; its name."""
    epoch = new()
    with village.app.app_context(), write_transaction() as connection:
        connection.execute(table_of(Node).update().values(epoch=epoch))
    return epoch


class Through:
    """A client that does something before and after each push."""

    def __init__(self, client: SyncClient, *, before=lambda: None, after=lambda: None, **altered):
        self._client, self._before, self._after = client, before, after
        self._altered = altered

    def __getattr__(self, name):
        return getattr(self._client, name)

    def info(self):
        info = self._client.info()
        return info | {"limits": info["limits"] | self._altered}

    def push(self, items, **more):
        self._before()
        answer = self._client.push(items, **more)
        self._after()
        return answer


def test_what_waits_is_sent_and_leaves_the_queue(outbox, client, village):
    items = fill(outbox, 7)
    assert outbox.pending() == 7
    drained = outbox.drain(Through(client, maxItems=3))
    assert (drained.sent, drained.kept, drained.rejected, drained.stopped) == (7, 0, 0, None)
    assert all(len(village.changes(one["entity"])) == 1 for one in items)
    assert outbox.drain(client).sent == 0


def test_a_bad_item_is_set_aside_where_it_can_be_seen(outbox, client):
    outbox.add({"kind": "change", "changeId": "7"})
    outbox.add(create(new()) | {"data": {"rt": 5}})
    fill(outbox, 2)
    drained = outbox.drain(client)
    assert (drained.sent, drained.kept, drained.rejected) == (3, 0, 1)
    (one,) = outbox.db.table("rejected").rows
    assert (json.loads(one["item"])["changeId"], one["code"]) == ("7", "bad_data")


def test_what_has_no_json_is_refused_at_once(outbox):
    for item in ({"data": {1}}, {"data": float("nan")}, {"data": "\ud800"}):
        with pytest.raises((TypeError, ValueError)):
            outbox.add(item)
    assert outbox.pending() == 0


def test_an_item_too_large_for_any_batch_spoils_no_other(outbox, client):
    fill(outbox, 2)
    outbox.add(create(new(), nama="x" * (9 << 20)))
    fill(outbox, 1)
    drained = outbox.drain(client)
    assert (drained.sent, drained.kept, drained.rejected) == (3, 0, 1)
    (one,) = outbox.db.table("rejected").rows
    assert one["code"] == "413.5"


def test_an_item_that_cannot_be_read_is_found_among_the_others(outbox, client):
    deep: list = []
    for _ in range(900):
        deep = [deep]
    outbox.add(create(new()) | {"data": deep})
    items = fill(outbox, 4)
    drained = outbox.drain(Deep(client))
    assert (drained.sent, drained.kept, drained.rejected) == (len(items), 0, 1)


class Deep(Through):
    """To a server that reads nothing so deep."""

    def push(self, items, **more):
        if any(isinstance(one["data"], list) for one in items):
            raise SyncRefused(400, 400.1, "the batch is not JSON", {}, "never")
        return self._client.push(items, **more)


def test_no_link_keeps_everything_and_says_why(outbox, client, proxy):
    fill(outbox, 3)
    proxy.cut_up = 0
    drained = outbox.drain(client)
    assert (drained.sent, drained.kept) == (0, 3)
    assert isinstance(drained.stopped, SyncUnreachable)
    assert outbox.drain(client).sent == 3


def test_who_is_not_let_in_keeps_everything(outbox, connect):
    fill(outbox, 1)
    drained = outbox.drain(connect(token="unknown"))
    assert (drained.kept, drained.rejected) == (1, 0)
    assert isinstance(drained.stopped, SyncRefused)


def test_killed_at_any_point_it_goes_on_and_nothing_is_taken_in_twice(
    outbox, client, village, tmp_path
):
    items = fill(outbox, 6)
    left: list = []

    def killed_here() -> None:
        left.append(tmp_path / f"killed{len(left)}.db")
        shutil.copy(tmp_path / "out.db", left[-1])

    through = Through(client, before=killed_here, after=killed_here, maxItems=2)
    assert outbox.drain(through).sent == 6
    assert len(left) == 6
    replayed = []
    for path in left:
        with Outbox(path) as again:
            waiting = again.pending()
            drained = again.drain(Through(client, maxItems=2))
            replayed.append((waiting, drained.sent, drained.kept))
    assert replayed == [(6, 6, 0), (6, 6, 0), (4, 4, 0), (4, 4, 0), (2, 2, 0), (2, 2, 0)]
    assert all(len(village.changes(one["entity"])) == 1 for one in items)


def test_an_answer_that_lacks_results_or_is_still_to_come_keeps_the_items(outbox, client):
    fill(outbox, 3)

    class Pending(Through):
        def push(self, items, **more):
            return {"batchId": more["batch_id"], "state": "pending"}

    class Short(Through):
        def push(self, items, **more):
            answer = self._client.push(items, **more)
            return answer | {"results": answer["results"][:2]}

    assert outbox.drain(Short(client)).kept == 1
    assert list(outbox.db.table("batches").rows) == []
    assert outbox.drain(Pending(client)).kept == 1
    assert outbox.db.table("batches").count == 1
    assert outbox.drain(client).sent == 1


def test_a_batch_id_used_for_something_else_is_replaced(outbox, client):
    fill(outbox, 2)
    with pytest.raises(KeyboardInterrupt):
        outbox.drain(Through(client, before=interrupted))
    (batch,) = outbox.db.table("batches").rows
    client.push([create(new())], batch_id=batch["batch"])
    assert outbox.drain(client).sent == 2


def interrupted() -> None:
    raise KeyboardInterrupt


def test_after_a_restore_it_pulls_and_sends_again(outbox, client, village):
    (first,) = fill(outbox, 1)
    outbox.drain(client)
    outbox.pull_into(client)
    outbox.add(update(first["entity"], 1, rt="06"))
    with pytest.raises(KeyboardInterrupt):
        outbox.drain(Through(client, before=interrupted))
    epoch = restore(village)
    drained = outbox.drain(client)
    assert (drained.sent, drained.kept, drained.stopped) == (1, 0, None)
    assert outbox.db.table("state").get(1)["epoch"] == epoch
    outbox.pull_into(client)
    assert mirrored(outbox) == snapshot(client)


def test_the_records_follow_the_server_by_the_tail_and_by_a_new_beginning(outbox, client, village):
    items = fill(outbox, 5)
    outbox.drain(client)
    assert outbox.pull_into(client).records == 5
    moved = update(items[0]["entity"], 1, posyandu="mawar")
    client.push([moved, update(items[1]["entity"], 1, rt="09"), create(new())])
    pulled = outbox.pull_into(client)
    assert (pulled.records, pulled.left) == (2, 1)
    assert mirrored(outbox) == snapshot(client)
    client.push([update(items[2]["entity"], 1, posyandu="mawar")])
    restore(village)
    pulled = outbox.pull_into(client)
    assert (pulled.records, pulled.left) == (4, 1)
    assert mirrored(outbox) == snapshot(client)


def test_another_choice_of_lists_begins_anew(outbox, client):
    fill(outbox, 2)
    outbox.drain(client)
    assert outbox.pull_into(client, lists=["anak"]).records == 2
    assert outbox.pull_into(client, lists=["anak"]).records == 0
    assert outbox.pull_into(client).records == 2
    with pytest.raises(SyncRefused):
        outbox.pull_into(client, lists=["unknown"])


def test_files_go_after_their_items_and_a_lost_one_holds_up_no_other(outbox, client, tmp_path):
    paths = [tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg")]
    for path in paths:
        path.write_bytes(path.name.encode() * 1000)
    shas = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    outbox.add(create(new()), blobs=paths)
    assert outbox.pending() == 4
    paths[0].unlink()
    paths[1].write_bytes(b"another")
    drained = outbox.drain(client)
    assert (drained.sent, drained.kept, drained.rejected) == (1, 0, 2)
    assert client._place(shas[2]) == (5000, True)
    assert {row["code"] for row in outbox.db.table("rejected").rows} == {"blob_gone"}


def test_the_file_is_its_owners_alone(tmp_path):
    with Outbox(tmp_path / "out.db"):
        assert (tmp_path / "out.db").stat().st_mode & 0o777 == 0o600
    names = sqlite_utils.Database(tmp_path / "out.db").table_names()
    assert {"queue", "rejected", "records"} <= set(names)


def test_batches_hold_to_every_limit_and_lose_nothing():
    items = [{"n": n, "text": hashlib.sha256(b"%d" % n).hexdigest() * (n % 7)} for n in range(200)]
    limits = {"maxItems": 40, "maxRawBytes": 9000, "maxBytes": 3000}
    groups = list(batches(items, limits))
    assert [one for group in groups for one in group] == items
    for group in groups:
        body = body_of(group, new(), new())
        assert len(group) <= 40
        assert len(body) <= 9000
        assert len(packed(body)) <= 3000
    assert list(batches([], limits)) == []
