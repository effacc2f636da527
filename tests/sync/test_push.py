"""Push: batches of submissions and changes, answered item by item: contract-sync, POST push."""

import gzip
import json
import uuid

import pytest
from sqlalchemy import event

from sync_server.db import db
from tests.support.api import Api
from tests.support.promises import promise


def new() -> str:
    return str(uuid.uuid4())


def create(child: str, **data: str) -> dict:
    return {
        "kind": "change",
        "changeId": new(),
        "list": "anak",
        "entity": child,
        "op": "create",
        "label": "Siti",
        "data": {"posyandu": "melati", **data},
    }


def update(child: str, base: int, **data: str) -> dict:
    return {
        "kind": "change",
        "changeId": new(),
        "list": "anak",
        "entity": child,
        "op": "update",
        "baseVersion": base,
        "data": data,
        "clientTime": "2026-11-21T10:00:00+07:00",
    }


def batch(*items, **more) -> dict:
    return {"protocol": 1, "batchId": new(), "sentAt": "2026-11-21T03:00:00Z"} | {
        "items": list(items),
        **more,
    }


def statuses(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["status"] for one in answer.json["results"]]


@promise("P28", "P31", "P39")
def test_one_result_per_item_in_their_order(push, village):
    child, other = new(), new()
    items = [create(child, rt="05"), update(child, 1, rt="06"), create(other)]
    answer = push(batch(*items))
    assert statuses(answer) == ["applied", "applied", "applied"]
    first, second, _ = answer.json["results"]
    assert first | {"fields": None} == {
        "kind": "change",
        "changeId": items[0]["changeId"],
        "list": "anak",
        "entity": child,
        "status": "applied",
        "version": 1,
        "reviews": [],
        "fields": None,
        "waitsFor": None,
        "code": None,
        "detail": None,
    }
    assert (second["version"], second["fields"]) == (2, [{"name": "rt", "outcome": "written"}])
    assert answer.json["replayed"] is False
    assert village.shown(child)["rt"] == "06"


@promise("P31", "P40", "P46")
def test_two_who_did_not_see_each_other_are_a_conflict_and_disjoint_ones_merged(push):
    child = new()
    push(batch(create(child, rt="05", nama="Siti")))
    one = push(batch(update(child, 1, rt="06")))
    two = push(batch(update(child, 1, nama="Siti A")))
    three = push(batch(update(child, 1, rt="07")))
    assert [*statuses(one), *statuses(two), *statuses(three)] == ["applied", "merged", "conflict"]
    (result,) = three.json["results"]
    assert (len(result["reviews"]), result["fields"][0]["outcome"]) == (1, "review")


@promise("P23")
def test_a_submission_and_a_change_in_one_batch(push, village):
    child, phone = new(), village.phone("q")
    phone.sync()
    xml = phone.register(child, posyandu="melati", rt="05").decode()
    item = {"kind": "submission", "xmlFormId": "daftar", "xml": xml, "deviceId": "collect:q"}
    answer = push(batch(item, update(child, 1, rt="06")))
    assert statuses(answer) == ["applied", "applied"]
    result = answer.json["results"][0]
    assert (result["kind"], len(result["changes"])) == ("submission", 1)
    assert {one.device_id for one in village.changes(child)} == {"collect:q", ""}


@promise("P14", "P18")
def test_the_same_batch_again_is_given_its_first_answer(push, village):
    child = new()
    body = batch(create(child))
    first, again = push(body), push(gzip.compress(json.dumps(body).encode()), headers=GZIP)
    assert again.json == first.json | {"replayed": True}
    assert len(village.changes(child)) == 1


@promise("P2", "P106", "P131")
def test_who_sent_a_batch_may_ask_for_its_answer(push, village, sync, admin: Api):
    child, phone, other = new(), village.phone("q"), village.phone("r")
    body = batch(create(child, rt="05"), {"kind": "submission", "xml": "<a"})
    first = push(body, token=phone.token)
    assert len(first.json["results"]) == 2
    push(batch(update(child, 1, rt="06")))
    path = f"{sync}/batches/{body['batchId']}"
    again = Api(village.client, phone.token).done("GET", path)
    assert again == first.json | {"replayed": True}
    assert Api(village.client).done("GET", f"/key/{phone.token}{path}") == again
    refused = batch(create(new()), protocol=2)
    push(refused, token=phone.token)
    for api, asked in (
        (Api(village.client, other.token), body["batchId"]),
        (admin, body["batchId"]),
        (Api(village.client, phone.token), refused["batchId"]),
        (Api(village.client, phone.token), new()),
        (Api(village.client, phone.token), "x"),
    ):
        answer = api.get(f"{sync}/batches/{asked}")
        assert (answer.status_code, answer.json["code"]) == (404, 404.1)
    assert Api(village.client).get(path).status_code == 401
    assert Api(village.client, "unknown").get(path).status_code == 403


@promise("P11", "P19")
def test_a_batch_id_used_for_something_else_is_refused_and_nothing_is_kept(push, village):
    child = new()
    body = batch(create(child))
    push(body)
    answer = push(body | {"items": [create(new())]})
    assert (answer.status_code, answer.json["code"]) == (409, 409.51)


@promise("P44")
def test_a_change_sent_again_in_another_batch_is_a_duplicate(push):
    change = create(new())
    push(batch(change))
    assert statuses(push(batch(change, change))) == ["duplicate", "duplicate"]


@promise("P45")
def test_the_same_id_with_other_content_is_kept_and_overwrites_nothing(push, village):
    change = create(new(), rt="05")
    push(batch(change))
    answer = push(batch(change | {"data": {"posyandu": "melati", "rt": "99"}}))
    (result,) = answer.json["results"]
    assert (result["status"], result["code"]) == ("quarantined", "id_reuse")
    assert village.shown(change["entity"])["rt"] == "05"


NO_ITEMS = [
    ("a text", "rejected", "bad_data"),
    (None, "rejected", "bad_data"),
    ({}, "rejected", "bad_data"),
    ({"kind": "change", "changeId": 7}, "rejected", "bad_data"),
    ({"kind": "change", "changeId": "7"}, "rejected", "bad_data"),
    ({"kind": "submission"}, "rejected", "bad_xml"),
    ({"kind": "submission", "xmlBase64": "%"}, "rejected", "bad_xml"),
    ({"kind": "submission", "xml": "<a"}, "quarantined", "bad_xml"),
    ({"kind": "submission", "xml": "<data id='x'/>"}, "quarantined", "unknown_form"),
]


@promise("P43", "P48")
def test_what_is_no_item_is_rejected_and_what_cannot_be_used_is_kept(push):
    answer = push(batch(*(item for item, *_ in NO_ITEMS), create(new())))
    assert statuses(answer) == [*(status for _, status, _ in NO_ITEMS), "applied"]
    assert [one["code"] for one in answer.json["results"][:-1]] == [code for *_, code in NO_ITEMS]


BAD_CHANGES = [
    ({"kind": "cabbage"}, "bad_data"),
    ({"op": "merge"}, "unknown_op"),
    ({"op": "policy"}, "unknown_op"),
    ({"op": 7}, "bad_data"),
    ({"list": "unknown"}, "unknown_list"),
    ({"list": ""}, "bad_data"),
    ({"entity": "siti"}, "bad_data"),
    ({"data": {"rt": 5}}, "bad_data"),
    ({"data": {"rt": None}}, "bad_data"),
    ({"data": {"rt": "a\x00b"}}, "bad_data"),
    ({"data": {"rt": "\ud800"}}, "bad_data"),
    ({"data": ["rt"]}, "bad_data"),
    ({"data": {"label": "Siti"}}, "bad_data"),
    ({"data": {"imunisasi/bcg": "1"}}, "bad_data"),
    ({"baseVersion": "1"}, "bad_data"),
    ({"baseVersion": True}, "bad_data"),
    ({"baseVersion": -1}, "bad_data"),
    ({"baseVersion": 2**31}, "bad_data"),
    ({"branchId": "5d1f7e55-0000-4000-8000-000000000001", "baseVersion": None}, "bad_data"),
    ({"trunkVersion": 1}, "bad_data"),
    ({"clientTime": "kemarin"}, "bad_data"),
    ({"clientTime": "2026-11-21T10:00:00"}, "bad_data"),
    ({"label": 7}, "bad_data"),
    ({"op": "reopen"}, "bad_data"),
    ({"op": "delete", "data": {}}, "not_allowed"),
    ({"op": "resolve", "contenders": []}, "not_allowed"),
]


@promise("P28", "P37", "P42", "P43", "P48")
def test_a_bad_change_is_kept_raw_and_spoils_no_other(push, village):
    child = new()
    push(batch(create(child)))
    bad = [update(child, 1, rt="06") | altered for altered, _ in BAD_CHANGES]
    answer = push(json.dumps(batch(*bad, update(child, 1, nama="A"))).encode())
    assert statuses(answer) == [*(["quarantined"] * len(bad)), "applied"]
    codes = [code for _, code in BAD_CHANGES]
    assert [one["code"] for one in answer.json["results"][:-1]] == codes
    kept = {one.change_id: one.code for one in village.quarantine()}
    assert [kept[one["changeId"]] for one in bad] == codes


GZIP = {"Content-Encoding": "gzip"}


BAD_BATCHES = [
    (b"{", {}, 400, 400.1),
    (b"[]", {}, 400, 400.5),
    (b"[" * 100_000, {}, 400, 400.1),
    (b"\xff", {}, 400, 400.1),
    (b"no gzip", GZIP, 400, 400.39),
    (gzip.compress(b"{}")[:-4], GZIP, 400, 400.39),
    (gzip.compress(b"{}") + b"more", GZIP, 400, 400.39),
    (gzip.compress(b" " * (9 << 20)), GZIP, 413, 413.5),
    (b" " * ((8 << 20) + 1), {}, 413, 413.5),
    (b" " * ((1 << 20) + 1), GZIP, 413, 413.5),
    (b"{}", {"Content-Encoding": "br"}, 415, 415.5),
    ({"protocol": 2}, {}, 400, 400.5),
    ({"protocol": True}, {}, 400, 400.5),
    ({"batchId": "x"}, {}, 400, 400.5),
    ({"items": {}}, {}, 400, 400.5),
    ({"items": [{}] * 501}, {}, 413, 413.5),
    ({"epoch": new()}, {}, 409, 409.52),
]


@promise("P6", "P14", "P15", "P16")
def test_a_bad_batch_is_refused_by_its_documented_word(push):
    for body, headers, status, code in BAD_BATCHES:
        answer = push(batch() | body if isinstance(body, dict) else body, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
        assert answer.json["retry"] in ("never", "later", "after_pull")
    assert statuses(push(batch(create(new())))) == ["applied"]


@promise("P21")
def test_an_epoch_that_moved_names_the_present_one(push, admin: Api, sync):
    now = admin.done("GET", f"{sync}/info")["epoch"]
    answer = push(batch(epoch=new()))
    assert answer.json["details"]["epoch"] == now
    assert statuses(push(batch(epoch=now))) == []


@promise("P2", "P9")
def test_who_may_push(push, village, sync, bidan):
    assert push(batch(), token="unknown").status_code == 403
    assert village.client.post(f"/v1{sync}/push", json=batch()).status_code == 401
    key = village.phone("k").token
    path = f"/v1/key/{key}/projects/{village.project.id}/sync/push"
    assert village.client.post(path, json=batch()).status_code == 200
    assert village.client.post(path.replace(key, "x"), json=batch()).status_code == 403


@promise("P35", "P37")
def test_a_supervisor_decides_by_push_and_a_device_does_not(push, admin: Api, sync, village):
    child = new()
    push(batch(create(child, rt="05")))
    one, two = update(child, 1, rt="06"), update(child, 1, rt="07")
    push(batch(one, two))
    resolve = {
        "kind": "change",
        "changeId": new(),
        "list": "anak",
        "entity": child,
        "op": "resolve",
        "contenders": [one["changeId"], two["changeId"]],
        "data": {"rt": "08"},
    }
    assert statuses(push(batch(resolve))) == ["quarantined"]
    answer = admin.done("POST", f"{sync}/push", batch(resolve | {"changeId": new()}))
    assert [one["status"] for one in answer["results"]] == ["applied"]
    assert (village.shown(child)["rt"], village.reviews(child)) == ("08", [])


@promise("P68")
def test_a_device_of_another_area_changes_nothing_here(push, village):
    child = new()
    push(batch(create(child, rt="05")))
    answer = push(batch(update(child, 1, rt="99")), token=village.phone("x", "mawar").token)
    assert answer.json["results"][0]["code"] == "out_of_area"
    assert village.shown(child)["rt"] == "05"


def test_the_number_of_statements_does_not_grow_with_the_batch(push, village):
    def statements(count: int) -> int:
        children = [new() for _ in range(count)]
        push(batch(*(create(child) for child in children)))
        seen: list[str] = []

        def note(_c, _cursor, sql, *_):
            seen.append(sql)

        with village.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            push(batch(*(update(child, 1, rt="06") for child in children)))
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    assert statements(3) == statements(60)


@promise("P42", "P43")
@pytest.mark.parametrize(
    "spoilt",
    [
        {"data": {"\ud800": "x"}},
        {"data": {"nama": "\ud800"}},
        {"\ud800": "x", "op": "zz"},
        {"op": "\ud800\x00"},
        {"data": {"a\x00": "x"}},
        {"baseVersion": "HUGE", "op": "update"},
        {"baseVersion": "INFINITE", "op": "update"},
    ],
    ids=["half-a-key", "half-a-value", "half-another-key", "op", "nul", "huge", "infinite"],
)
def test_what_no_database_takes_spoils_nothing_beside_it(push, village, spoilt):
    good, bad = create(new()), create(new()) | spoilt
    body = json.dumps(batch(bad, good)).replace('"HUGE"', "9" * 6000).replace('"INFINITE"', "1e999")
    assert statuses(push(body.encode())) == ["quarantined", "applied"]
    assert village.record(good["entity"]).version == 1


@promise("P16")
@pytest.mark.parametrize("more", ["[" * 101 + "]" * 101, "NaN", "-Infinity"])
def test_what_is_nested_too_deep_or_no_number_is_no_batch(push, village, more):
    good = create(new())
    body = json.dumps(batch(good, x="MORE")).replace('"MORE"', more)
    refused = push(body.encode())
    assert (refused.status_code, refused.json["code"]) == (400, 400.1)
    assert village.changes(good["entity"]) == []


@promise("P15")
def test_the_limit_on_the_wire_holds_for_a_body_that_is_no_gzip(push):
    refused = push(batch(create(new()), pad="x" * (1 << 20)))
    assert (refused.status_code, refused.json["details"]["limit"]) == (413, "maxBytes")


@promise("P43")
def test_a_decision_that_decides_nothing_is_kept_and_told_so(push, village, admin, sync):
    child = new()
    push(batch(create(child)))
    empty = {name: one for name, one in create(child).items() if name not in ("label", "data")}
    item = empty | {"op": "resolve", "contenders": [new()]}
    answer = admin.post(f"{sync}/push", batch(item))
    (result,) = answer.json["results"]
    assert (result["status"], result["code"]) == ("quarantined", "bad_data")
    assert "status" in result["detail"]
