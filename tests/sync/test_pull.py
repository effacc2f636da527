"""Pull: snapshot, then tail, by one chain of cursors: contract-sync, GET pull."""

import gzip
import json
import threading

import pytest
from itsdangerous import URLSafeSerializer
from sqlalchemy import update as sql_update

from conflict.areas import Rule
from sync_server.db import write_transaction
from sync_server.models.people import Node
from sync_server.publishing import lists
from tests.support.api import Api
from tests.support.promises import promise
from tests.sync.test_push import batch, create, new, update


@pytest.fixture
def push(admin: Api, sync):
    def pushed(*items):
        return admin.done("POST", f"{sync}/push", batch(*items))["results"]

    return pushed


class Mirror:
    """A program that keeps what it pulls, and never reads anything again."""

    def __init__(self, api: Api, path: str, **query) -> None:
        self.api, self.path, self.query = api, path, query
        self.cursor: str | None = None
        self.records: dict[str, dict] = {}
        self.left: list[tuple[str, str]] = []

    def page(self) -> dict:
        query = {**self.query, **({"cursor": self.cursor} if self.cursor else {})}
        answer = self.api.call("GET", self.path, query_string=query)
        assert answer.status_code == 200, answer.text
        page = answer.json
        self.cursor = page["cursor"]
        for one in page["records"]:
            self.records[one["entity"]] = one
        for one in page["leave"]:
            self.records.pop(one["entity"], None)
            self.left.append((one["entity"], one["reason"]))
        return page

    def drain(self) -> "Mirror":
        while self.page()["more"]:
            pass
        return self


@pytest.fixture
def mirror(admin: Api, sync):
    return lambda api=admin, **query: Mirror(api, f"{sync}/pull", **query)


@promise("P49", "P53")
def test_a_snapshot_then_what_altered_then_nothing(push, mirror):
    children = sorted(new() for _ in range(7))
    push(*(create(child, rt="05") for child in children))
    me = mirror(limit=3)
    assert [len(me.page()["records"]) for _ in range(3)] == [3, 3, 1]
    assert list(me.records) == children
    assert (me.page()["records"], me.left) == ([], [])
    push(update(children[0], 1, rt="06"), update(children[0], 2, rt="07"))
    (one,) = me.page()["records"]
    assert (one["entity"], one["version"], one["data"]["rt"]) == (children[0], 3, "07")
    assert one.keys() == {
        *("list", "entity", "version", "label", "data", "status"),
        *("reviews", "waiting", "updatedAt"),
    }
    assert me.page()["records"] == []


@promise("P50")
def test_what_alters_while_the_snapshot_is_read_comes_behind_it(push, mirror):
    children = sorted(new() for _ in range(4))
    push(*(create(child, rt="05") for child in children))
    me = mirror(limit=2)
    me.page()
    push(update(children[0], 1, rt="06"), create(new()), update(children[3], 1, rt="07"))
    me.drain()
    assert me.records == mirror().drain().records
    assert len(me.records) == 5


@promise("P58")
def test_without_an_area_a_deleted_record_comes_with_nothing_in_it(push, mirror, admin, sync):
    child = new()
    push(create(child, rt="05"))
    me = mirror().drain()
    admin.done("POST", f"{sync}/push", batch(update(child, 1) | {"op": "delete"}))
    me.drain()
    gone = me.records[child]
    assert (gone["status"], gone["data"], gone["label"]) == ("deleted", {}, "")


@promise("P57")
def test_an_incomplete_record_has_no_number(push, mirror):
    child = new()
    push(update(child, 1, posyandu="melati", rt="05"))
    one = mirror().drain().records[child]
    assert (one["status"], one["version"], one["waiting"]) == ("incomplete", 0, 1)
    assert one["data"]["rt"] == "05"


@promise("P65", "P66")
def test_with_an_area_a_record_leaves_once_and_says_nothing_of_where_it_went(push, mirror, bidan):
    mine, other = new(), new()
    push(create(mine, rt="05"), create(other) | {"data": {"posyandu": "mawar", "rt": "09"}})
    me = mirror(bidan).drain()
    assert list(me.records) == [mine]
    push(update(mine, 1, posyandu="mawar", nama="secret"))
    page = me.page()
    assert page["leave"] == [{"list": "anak", "entity": mine, "reason": "moved"}]
    assert (page["records"], "secret" in str(page), "mawar" in str(page)) == ([], False, False)
    push(update(mine, 2, rt="06"), update(other, 1, rt="10"))
    assert (me.page()["leave"], me.records) == ([], {})
    push(update(mine, 3, posyandu="melati"))
    me.drain()
    assert me.records[mine]["data"]["nama"] == "secret"


@promise("P66")
def test_with_an_area_a_deleted_record_leaves(push, mirror, bidan):
    child = new()
    push(create(child))
    me = mirror(bidan).drain()
    push(update(child, 1) | {"op": "delete"})
    me.drain()
    assert me.left == [(child, "deleted")]
    assert mirror(bidan).drain().records == {}


@promise("P66")
def test_another_access_filter_is_a_reason_to_leave(push, mirror, bidan, village):
    child, unseen = new(), new()
    push(create(child, rt="05"), create(unseen) | {"data": {"posyandu": "mawar", "rt": "05"}})
    me = mirror(bidan).drain()
    with village.app.app_context():
        rule = [Rule("rt", "posyandu")]
        lists.set_access_filter(
            village.project.id, "anak", rule, by=village.admin, clock=village.clock
        )
    me.drain()
    assert me.left == [(child, "policy")]


@promise("P13", "P59")
def test_a_device_is_not_given_what_is_kept_off_phones(push, mirror, village):
    child, phone = new(), village.phone("p")
    push(create(child, nik="3201", rt="05"))
    seen = mirror(Api(village.client, phone.token)).drain().records[child]["data"]
    assert (seen.get("rt"), "nik" in seen) == ("05", False)
    assert mirror().drain().records[child]["data"]["nik"] == "3201"


@promise("P30", "P50", "P107")
def test_what_came_before_its_property_comes_again_when_the_list_has_it(
    push, mirror, village, admin
):
    full, blank, unborn, none, gone = (new() for _ in range(5))
    push(create(full, hobi="lari"), create(blank, hobi="catur"), create(none))
    push(update(unborn, 1, hobi="lompat"), create(gone, hobi="renang"))
    push({**update(gone, 1), "op": "delete", "data": {}}, update(blank, 1, hobi=""))
    device = Api(village.client, village.phone("p").token)
    followers = mirror().drain(), mirror(device).drain()
    assert not any("hobi" in one["data"] for me in followers for one in me.records.values())
    base = f"/projects/{village.project.id}/datasets/anak/properties"
    steps = (
        ("POST", base, {"name": "hobi"}),
        ("PATCH", f"{base}/hobi", {"phone": False}),
        ("PATCH", f"{base}/hobi", {"phone": True}),
    )
    for method, path, said in steps:
        admin.done(method, path, said)
        for me, fresh in zip(followers, (mirror(), mirror(device)), strict=True):
            page = me.page()
            assert none not in {one["entity"] for one in page["records"]}
            assert me.drain().records == fresh.drain().records
        everything, on_phones = (me.records for me in followers)
        assert everything[full]["data"]["hobi"] == "lari"
        assert everything[unborn]["data"]["hobi"] == "lompat"
        assert ("hobi" in on_phones[blank]["data"]) == said.get("phone", True)


def test_a_union_is_not_made_of_values_that_came_before_it(push, village, admin):
    push(create(new(), alergi="susu telur"))
    base = f"/projects/{village.project.id}/datasets/anak/properties"
    refused = admin.post(base, {"name": "alergi", "policy": "union"})
    assert (refused.status_code, refused.json["details"]["field"]) == (400, "policy")
    admin.done("POST", base, {"name": "alergi"})


@promise("P54")
def test_only_the_lists_asked_for(push, mirror):
    push(create(new()))
    assert len(mirror(lists="anak").drain().records) == 1
    assert mirror(lists="").drain().records == {}


@promise("P52", "P54", "P55", "P56")
def test_a_cursor_that_cannot_be_gone_on_from(push, mirror, admin: Api, sync, bidan, village):
    push(create(new()))
    good = mirror().drain().cursor
    theirs = mirror(bidan).drain().cursor
    forged = URLSafeSerializer("another secret", salt="pull").dumps({"seq": 0})
    for query in (
        {"cursor": "nonsense"},
        {"cursor": good[:-2]},
        {"cursor": forged},
        {"cursor": good, "lists": "anak"},
        {"cursor": theirs},
    ):
        answer = admin.call("GET", f"{sync}/pull", query_string=query)
        assert (answer.status_code, answer.json["code"]) == (410, 410.5), query
        assert answer.json["details"]["mustRefetch"] is True
    with village.app.app_context(), write_transaction() as connection:
        connection.execute(sql_update(Node).values(epoch=new()))  # as a restored backup has it
    assert admin.get(f"{sync}/pull?cursor={good}").json["code"] == 410.5
    for query in ({"limit": 0}, {"limit": 5001}, {"limit": "x"}, {"mode": "x"}, {"lists": "x"}):
        assert admin.call("GET", f"{sync}/pull", query_string=query).status_code == 400, query


@promise("P9", "P60")
def test_who_may_pull(village, sync, admin: Api):
    client = village.client
    assert client.get(f"/v1{sync}/pull").status_code == 401
    assert Api(client, "unknown").get(f"{sync}/pull").status_code == 403
    key = village.phone("k").token
    assert client.get(f"/v1/key/{key}/projects/{village.project.id}/sync/pull").status_code == 200
    answer = Api(client, key).call("GET", f"{sync}/pull", query_string={"mode": "changes"})
    assert answer.status_code == 403


@pytest.mark.slow
@promise("P50", "P65")
def test_who_never_reads_again_ends_with_what_a_fresh_snapshot_gives(
    push, mirror, admin, bidan, sync
):
    """Eight writers at once: whatever commits later than a page appears behind it.

    Each also moves a child of its own away and back, out of sight of whoever has an area.
    """
    children, moving = [new() for _ in range(24)], [new() for _ in range(8)]
    push(*(create(child, rt="0") for child in (*children, *moving)))
    me, theirs = mirror(limit=5), mirror(bidan, limit=5)
    me.page()
    theirs.page()
    failures: list[object] = []

    def write(number: int) -> None:
        api = Api(admin.client.application.test_client(), admin.token)
        for turn in range(6):
            mine = [children[(number * 5 + turn * 7 + k) % 24] for k in range(4)]
            items = [update(one, 1, rt=f"{number}-{turn}") for one in dict.fromkeys(mine)]
            place = ("mawar", "melati")[(turn + number) % 2]
            items.append(update(moving[number], turn + 1, posyandu=place))
            answer = api.post(f"{sync}/push", batch(*items, create(new())))
            if answer.status_code != 200:
                failures.append(answer.text)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for one in writers:
        one.start()
    while any(one.is_alive() for one in writers):
        me.page()
        theirs.page()
    for one in writers:
        one.join()
    assert failures == []
    me.drain()
    assert me.records == mirror().drain().records
    assert len(me.records) == 24 + 8 + 48
    theirs.drain()
    assert theirs.records == mirror(bidan).drain().records
    assert {*moving} & theirs.records.keys() == {*moving[0::2]}
    assert {*moving[1::2]} <= {entity for entity, reason in theirs.left if reason == "moved"}


@promise("P120")
def test_an_answer_is_gzip_for_who_takes_it(push, admin: Api, sync):
    push(*(create(new(), nama=f"Anak {number}") for number in range(20)))
    plain = admin.get(f"{sync}/pull")
    packed = admin.get(f"{sync}/pull", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.data) < len(plain.data) / 4
    page = json.loads(gzip.decompress(packed.data))
    assert page["records"] == plain.json["records"]
    assert "Content-Encoding" not in plain.headers
