"""Digests over HTTP: what a server holds, told shortly, to those who may have it."""

import hashlib

import pytest

from tests.support.api import Api
from tests.support.promises import promise
from tests.sync.test_push import batch, create, new, update

on_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture
def digests(sync) -> str:
    return f"{sync}/digests"


def marks_of(reader, digests) -> set[str]:
    buckets = reader.done("GET", digests)["buckets"]
    if not buckets:
        return set()
    return set(reader.done("GET", f"{digests}/marks?buckets={','.join(buckets)}")["marks"])


def items_of(reader, digests, marks) -> list[dict]:
    return reader.done("POST", f"{digests}/items", {"marks": sorted(marks)})["changes"]


def feed_of(reader, sync) -> list[dict]:
    page = reader.done("GET", f"{sync}/pull?mode=changes")
    items = page["changes"]
    while page["more"]:
        page = reader.done("GET", f"{sync}/pull?mode=changes&cursor={page['cursor']}")
        items += page["changes"]
    return items


def hub_of(admin, sync, name, **area) -> Api:
    made = admin.done("POST", f"{sync}/hubs", {"name": name, "properties": area})
    paired = Api(admin.client).done("POST", "/sync/pair", {"code": made["code"], "node": new()})
    return Api(admin.client, paired["token"])


@promise("P140", "P141", "P142", "P144")
def test_a_digest_is_that_of_marks_and_a_mark_is_that_of_an_item(
    push, phones, admin, sync, digests
):
    assert admin.done("GET", digests)["buckets"] == {}
    child, loose = new(), create(new(), rt="05")
    form = phones[0].register(child, posyandu="melati")
    phones[0].send(form)
    phones[0].post(
        b"<data id='lain' version='1'><meta><instanceID>uuid:1</instanceID></meta></data>"
    )
    push(batch(loose, {**loose, "kind": "lain", "changeId": new()}))
    told = admin.done("GET", digests)
    marks = marks_of(admin, digests)
    assert len(marks) == sum(one["count"] for one in told["buckets"].values()) == 4
    for bucket, one in told["buckets"].items():
        mine = sorted(bytes.fromhex(mark) for mark in marks if mark.startswith(bucket))
        assert one["digest"] == hashlib.sha256(b"".join(mine)).hexdigest()[:32]
    assert by_text(items_of(admin, digests, marks)) == by_text(feed_of(admin, sync))
    assert [len(items_of(admin, digests, {mark})) for mark in sorted(marks)] == [1] * 4

    after = admin.done("GET", f"{sync}/pull?mode=changes&cursor={told['cursor']}")
    assert (after["changes"], after["more"]) == ([], False)
    push(batch(update(loose["entity"], 1, rt="06")))
    (more,) = marks_of(admin, digests) - marks
    assert marks < marks_of(admin, digests)
    after = admin.done("GET", f"{sync}/pull?mode=changes&cursor={told['cursor']}")["changes"]
    assert items_of(admin, digests, {more, "0" * 24}) == after


def by_text(items) -> list[str]:
    return sorted(map(repr, items))


@on_one_engine
@promise("P143")
def test_a_mark_is_another_when_another_copy_counts(push, village, admin, digests):
    child, branch = new(), {"branchId": new(), "trunkVersion": 1}
    push(batch(create(child, rt="05")))
    second = update(child, 2, rt="07") | branch
    push(batch(second))
    before = marks_of(admin, digests)
    (waiting,) = (
        mark
        for mark in before
        if items_of(admin, digests, {mark})[0]["changeId"] == second["changeId"]
    )
    push(batch(second))  # a resend is no news
    assert marks_of(admin, digests) == before
    push(batch(update(child, 1, rt="06") | branch))
    after = marks_of(admin, digests)
    assert before - after == {waiting}
    assert len(after) == 3
    assert items_of(admin, digests, {waiting}) == []


@on_one_engine
@promise("P140", "P145")
def test_digests_tell_of_what_the_reader_may_have_and_of_nothing_else(
    push, village, admin, bidan, sync, digests, phones
):
    pustu, all_of_it = hub_of(admin, sync, "P", posyandu="melati"), hub_of(admin, sync, "Q")
    near, far = create(new()), create(new())
    far["data"]["posyandu"] = "mawar"
    push(batch(near, far | {"data": {**far["data"], "posyandu": "melati"}}))
    admin.done("POST", f"{sync}/push", batch(update(far["entity"], 1, posyandu="mawar")))
    assert len(marks_of(all_of_it, digests)) == len(marks_of(admin, digests)) == 3
    (mark,) = marks_of(pustu, digests)
    assert [one["changeId"] for one in items_of(pustu, digests, {mark})] == [near["changeId"]]
    assert items_of(pustu, digests, marks_of(admin, digests) - {mark}) == []
    own = create(new()) | {"list": "tidak-ada"}
    pustu.done("POST", f"{sync}/push", batch(own))  # kept: what it sent itself is no secret
    assert len(marks_of(pustu, digests)) == 2

    device = Api(village.client, phones[0].token)
    for refused in (device, bidan):
        for method, path, body in (
            ("GET", digests, None),
            ("GET", f"{digests}/marks?buckets=00", None),
            ("POST", f"{digests}/items", {"marks": [mark]}),
            ("POST", f"{digests}/files", {"files": []}),
        ):
            assert refused.call(method, path, body).status_code == 403


@on_one_engine
@promise("P10", "P146")
def test_files_are_asked_for_in_one_question(village, admin, sync, digests, phones):
    photo, other = (hashlib.sha256(one).hexdigest() for one in (b"a photo", b"another"))
    phones[0].post(phones[0].register(new(), posyandu="melati"), **{"a.jpg": b"a photo"})
    asked = {"files": [other, photo]}
    assert admin.done("POST", f"{digests}/files", asked) == {"lacking": [other]}
    hub = hub_of(admin, sync, "P", posyandu="mawar")
    assert hub.done("POST", f"{digests}/files", asked) == {"lacking": [other, photo]}
    for method, path, body, field in (
        ("GET", "marks", None, "buckets"),
        ("GET", "marks?buckets=0", None, "buckets"),
        ("POST", "items", {"marks": ["0" * 23]}, "marks.0"),
        ("POST", "items", {"marks": ["0" * 24] * 501}, "marks"),
        ("POST", "files", {"files": ["x"]}, "files.0"),
    ):
        refused = admin.call(method, f"{digests}/{path}", body)
        assert (refused.status_code, refused.json["details"]["field"]) == (400, field)
