"""The client against a real server, over a line that is cut."""

import hashlib
import random
import uuid

import pytest

from sync_server.client import SyncClient, SyncRefused, SyncUnreachable
from sync_server.fleet.local_list import EntityBlock
from tests.sync.test_push import create, new, update

PHOTO = random.Random(1).randbytes(2_500_000)
SHA = hashlib.sha256(PHOTO).hexdigest()

BLOCK = EntityBlock(
    dataset="anak",
    id="5d1f7e55-0000-4000-8000-00000000000a",
    create=True,
    update=False,
    base_version="",
    trunk_version="",
    branch_id="",
    label="Siti",
    properties={"posyandu": "melati"},
)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "foto.jpg"
    path.write_bytes(PHOTO)
    return path


def statuses(answer) -> list[str]:
    return [one["status"] for one in answer["results"]]


def test_info_push_and_pull(client, village):
    info, child = client.info(), new()
    assert (info["protocol"], info["project"]) == (1, village.project.uuid)
    batch_id = str(uuid.uuid4())
    items = [create(child, rt="05"), update(child, 1, rt="06")]
    first = client.push(items, batch_id=batch_id, epoch=info["epoch"])
    again = client.push(items, batch_id=batch_id, epoch=info["epoch"])
    assert statuses(first) == ["applied", "applied"]
    assert again == first | {"replayed": True}
    page = client.pull()
    assert [one["entity"] for one in page["records"]] == [child]
    assert client.pull(cursor=page["cursor"])["records"] == []
    assert client.pull(lists=["anak"], limit=1)["records"][0]["data"]["rt"] == "06"


def test_never_and_later_are_told_apart(client, connect, village):
    for refused, status, retry in (
        (lambda: client.push([], epoch=new()), 409, "after_pull"),
        (lambda: client.pull(mode="changes"), 403, "never"),
        (lambda: client.pull(cursor="x"), 410, "after_pull"),
        (lambda: connect(token="unknown").info(), 401, "never"),
        (lambda: client.get_blob("0" * 64, "nowhere"), 404, "never"),
        (lambda: connect(token="unknown").put_blob(SHA, __file__), None, None),
    ):
        if status is None:
            with pytest.raises(ValueError, match="another file"):
                refused()
            continue
        with pytest.raises(SyncRefused) as told:
            refused()
        assert (told.value.status, told.value.retry) == (status, retry)
        assert int(told.value.code) == status


def test_a_head_that_is_refused_says_so(connect, photo):
    with pytest.raises(SyncRefused) as told:
        connect(token="unknown").put_blob(SHA, photo)
    assert told.value.status in (401, 403)


def test_what_is_not_simpul_is_no_refusal(app, connect, client):
    @app.get("/v1/projects/77/sync/<path:rest>")
    def hotspot(rest: str):
        return HOTSPOT[rest]

    for rest in HOTSPOT:
        with connect(project=77) as there, pytest.raises(SyncUnreachable) as told:
            there._json("GET", rest)
        assert told.value.status in (200, 302, 404, 429, 503)
    assert told.value.retry_after == 7


HOTSPOT = {
    "page": "<h1>Welcome to the hotspot</h1>",
    "list": [],
    "moved": ("", 302, {"Location": "https://hotspot.example/login"}),
    "missing": ("<h1>404</h1>", 404),
    "often": ({"code": 429.5, "message": "wait"}, 429),
    "busy": ({"code": 503.5, "message": "busy"}, 503, {"Retry-After": "7"}),
}


def test_no_link_is_later():
    with pytest.raises(SyncUnreachable):
        SyncClient("http://127.0.0.1:9", 1, "x", timeout=2).info()


def test_a_push_cut_at_any_byte_is_sent_again_and_taken_in_once(proxy, connect, village):
    chance = random.Random(3)
    for direction in ("cut_up", "cut_down"):
        for _ in range(8):
            child, batch_id = new(), new()
            items = [create(child)]
            setattr(proxy, direction, chance.randrange(600))
            for attempt in range(3):
                try:
                    with connect() as client:
                        answer = client.push(items, batch_id=batch_id)
                    break
                except SyncUnreachable:
                    assert attempt < 2
            assert statuses(answer) == ["applied"]
            assert len(village.changes(child)) == 1
            setattr(proxy, direction, None)


def test_a_blob_goes_up_and_comes_down_over_a_bad_line(proxy, client, village, photo, tmp_path):
    item = {"kind": "submission", "xml": village.phone("q").instance("daftar", BLOCK).decode()}
    item["attachments"] = [{"name": "foto.jpg", "sha256": SHA, "size": len(PHOTO)}]
    client.push([item])
    proxy.cut_up = 1_300_000
    with pytest.raises(SyncUnreachable):
        client.put_blob(SHA, photo)
    assert client._place(SHA)[0] >= 1 << 20
    client.put_blob(SHA, photo)
    client.put_blob(SHA, photo)
    target = tmp_path / "down.jpg"
    for cut in (1_000_000, 500_000):
        proxy.cut_down = cut
        with pytest.raises(SyncUnreachable):
            client.get_blob(SHA, target)
        assert not target.exists()
    assert target.with_name("down.jpg.part").stat().st_size > 1_000_000
    client.get_blob(SHA, target)
    assert target.read_bytes() == PHOTO


def test_a_part_that_is_whole_or_spoiled_is_dealt_with(client, village, photo, tmp_path):
    item = {"kind": "submission", "xml": village.phone("q").instance("daftar", BLOCK).decode()}
    item["attachments"] = [{"name": "foto.jpg", "sha256": SHA}]
    client.push([item])
    client.put_blob(SHA, photo)
    target, part = tmp_path / "down.jpg", tmp_path / "down.jpg.part"
    part.write_bytes(PHOTO)
    client.get_blob(SHA, target)
    for spoiled in (PHOTO + b"more", b"x" + PHOTO[1:1000]):
        part.write_bytes(spoiled)
        with pytest.raises(SyncUnreachable):
            client.get_blob(SHA, target)
        assert not part.exists()
    assert target.read_bytes() == PHOTO
