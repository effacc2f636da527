"""Blobs: bytes that come in pieces and are read by ranges: contract-sync, Blobs."""

import errno
import hashlib
import http.client
import os
import threading
import time

import pytest
import requests

from sync_server import blobs
from sync_server.intake import uploads
from tests.scenarios.posyandu import Phone, Village
from tests.support.promises import promise
from tests.sync.test_push import batch, new

PHOTO = bytes(range(256)) * 300
COMPLETE = ("?1", str(len(PHOTO)))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Link:
    """Somebody at the blobs of the sync door."""

    def __init__(self, client, path: str, token: str) -> None:
        self.client, self.path = client, f"/v1{path}/blobs"
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, data: bytes, body: bytes | None = None, **headers: object):
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        path = f"{self.path}/{sha(data)}"
        return self.client.open(
            path, method=method, data=body, headers=self.headers | named, buffered=True
        )

    def place(self, data: bytes) -> tuple[str, str]:
        answer = self.call("HEAD", data)
        assert (answer.status_code, answer.data) == (204, b"")
        return answer.headers["Upload-Complete"], answer.headers["Upload-Offset"]

    def add(self, data: bytes, body: bytes, at: int, **more: object):
        return self.call("PATCH", data, body, Upload_Offset=at, **more)

    def send(self, data: bytes) -> None:
        answer = self.add(data, data, 0, Upload_Length=len(data))
        assert (answer.status_code, answer.headers["Upload-Complete"]) == (204, "?1"), answer.text

    def sees(self, data: bytes) -> bool:
        answer = self.call("GET", data)
        assert answer.status_code in (200, 404), answer.text
        assert answer.status_code == 404 or answer.data == data
        return answer.status_code == 200


@pytest.fixture
def link(village: Village, sync: str):
    """`link(phone)`: a phone, or somebody at the API, at the blobs of the project."""
    return lambda who: Link(village.client, sync, who.token)


@pytest.fixture
def sent(village: Village, sync: str):
    """`sent(phone, data)`: push a form of the phone that names a photo; the form's instance."""

    def push(phone: Phone, data: bytes, posyandu: str = "melati", xml: bytes = b"") -> bytes:
        xml = xml or phone.register(new(), posyandu=posyandu)
        named = {"name": "foto.jpg", "sha256": sha(data), "size": len(data)}
        item = {"kind": "submission", "xml": xml.decode(), "attachments": [named]}
        answer = village.client.post(
            f"/v1{sync}/push",
            json=batch(item),
            headers={"Authorization": f"Bearer {phone.token}"},
        )
        assert answer.json["results"][0]["status"] in ("applied", "duplicate"), answer.text
        return xml

    return push


REFUSED = [
    ({}, b"", 400, 400.2),
    ({"Upload-Offset": "0"}, b"x", 400, 400.2),  # nobody has said how long it is to be
    ({"Upload-Offset": "-1", "Upload-Length": "9"}, b"", 400, 400.11),
    ({"Upload-Offset": "0", "Upload-Length": "9" * 40}, b"", 400, 400.11),
    ({"Upload-Offset": "0", "Upload-Length": "1e3"}, b"", 400, 400.11),
    ({"Upload-Offset": "0", "Upload-Length": "1"}, b"xy", 400, 400.5),
    ({"Upload-Offset": "0", "Upload-Length": "524288001"}, b"x", 413, 413.5),
    ({"Upload-Offset": "0", "Content-Encoding": "gzip"}, b"x", 415, 415.5),
    ({"Upload-Offset": "7", "Upload-Length": "9"}, b"xy", 409, 409.53),
]


@promise("P2", "P70", "P71", "P72", "P75")
def test_a_blob_comes_in_pieces_and_what_does_not_fit_is_refused(village, link):
    phone = village.phone("p")
    mine = link(phone)
    for headers, body, status, code in REFUSED:
        answer = mine.call("PATCH", PHOTO, body, **headers)
        assert (answer.status_code, answer.json["code"]) == (status, code), headers
        assert mine.place(PHOTO) == ("?0", "0")
    for name in ("x", sha(PHOTO).upper(), "..%2f" + "0" * 61):
        for method in ("GET", "PATCH"):
            answer = village.client.open(f"{mine.path}/{name}", method=method, headers=mine.headers)
            assert answer.status_code in (400, 404)
    first = mine.add(PHOTO, PHOTO[:40_000], 0, Upload_Length=len(PHOTO))
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "40000")
    assert mine.place(PHOTO) == ("?0", "40000")
    for at, length, code in ((0, None, 409.53), (39_999, None, 409.53), (40_000, 7, 400.11)):
        more = {} if length is None else {"Upload_Length": length}
        answer = mine.add(PHOTO, b"xx", at, **more)
        assert answer.json["code"] == code
        if code == 409.53:
            assert answer.json["details"]["offset"] == 40_000
            assert answer.headers["Upload-Offset"] == "40000"
    by_key = mine.path.replace("/v1", f"/v1/key/{phone.token}", 1)
    rest = village.client.patch(
        f"{by_key}/{sha(PHOTO)}", data=PHOTO[40_000:], headers={"Upload-Offset": "40000"}
    )
    assert (rest.status_code, rest.headers["Upload-Complete"]) == (204, "?1")
    assert mine.place(PHOTO) == COMPLETE
    assert mine.add(PHOTO, b"", len(PHOTO)).status_code == 204  # the answer was lost
    again = mine.add(PHOTO, PHOTO, 0, Upload_Length=len(PHOTO))
    assert (again.status_code, again.headers["Upload-Complete"]) == (409, "?1")
    assert not mine.sees(PHOTO)  # no submission names it yet
    mine.send(b"")


@promise("P7", "P8", "P74")
def test_a_wrong_hash_empties_it_and_a_full_disk_or_a_busy_store_keeps_it(
    village, link, monkeypatch
):
    mine = link(village.phone("p"))
    wrong = mine.add(PHOTO, b"x" * len(PHOTO), 0, Upload_Length=len(PHOTO))
    assert (wrong.status_code, wrong.json["code"]) == (409, 409.54)
    assert wrong.headers["Upload-Offset"] == "0"
    assert mine.place(PHOTO) == ("?0", "0")
    assert mine.add(PHOTO, b"x", 0, Upload_Length=1).json["code"] == 409.54  # another length now
    real = blobs.Partial.append

    def full(self, piece, at):
        if at >= 32_768:
            raise OSError(errno.ENOSPC, "disk full")
        return real(self, piece, at)

    with monkeypatch.context() as patch:
        patch.setattr(blobs.Partial, "append", full)
        answer = mine.add(PHOTO, PHOTO, 0, Upload_Length=len(PHOTO))
        assert (answer.status_code, answer.json["retry"]) == (503, "later")
        assert int(answer.headers["Retry-After"]) > 0
    assert mine.place(PHOTO) == ("?0", "32768")

    def no_links(*_, **_more):
        raise OSError(errno.EPERM, "no second names here")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", no_links)
        patch.setattr(uploads, "deliver_blob", no_links)
        assert mine.add(PHOTO, PHOTO[32_768:], 32_768).status_code == 503
    assert mine.place(PHOTO) == ("?0", str(len(PHOTO)))
    assert mine.add(PHOTO, b"", len(PHOTO)).status_code == 204
    assert mine.place(PHOTO) == COMPLETE


@promise("P27", "P76", "P77")
def test_who_names_a_blob_before_it_comes_gets_it_when_it_is_here(village, link, sent):
    """Whoever names another's photo is told nothing of it, and their supervisor neither."""
    mine, other, thief = village.phone("a"), village.phone("b"), village.phone("c", "mawar")
    xml = sent(mine, PHOTO)
    sent(thief, PHOTO, "mawar")
    sent(other, PHOTO, xml=xml)  # the same form by another way
    assert not link(mine).sees(PHOTO)
    link(thief).add(PHOTO, b"spoilt", 0, Upload_Length=len(PHOTO))
    assert link(mine).place(PHOTO) == ("?0", "0")
    link(other).send(PHOTO)
    for phone in (mine, other):
        assert link(phone).sees(PHOTO)
        assert link(phone).place(PHOTO) == COMPLETE
    assert not link(thief).sees(PHOTO)
    assert link(thief).place(PHOTO) == ("?0", "6")
    sent(thief, PHOTO, "mawar")
    assert not link(village.phone("d", "mawar")).sees(PHOTO)
    sent(mine, PHOTO)  # it is theirs to read, and so to send again
    link(mine).send(PHOTO[1:])
    sent(mine, PHOTO[1:])
    assert link(other).sees(PHOTO[1:])


def test_what_was_kept_of_a_form_is_tried_again_with_the_photo_that_came_later(
    village, link, admin, sync
):
    phone = village.phone("a")
    named = {"name": "foto.jpg", "sha256": sha(PHOTO), "size": len(PHOTO)}
    item = {"kind": "submission", "xml": "<data id='x'/>", "attachments": [named]}
    headers = {"Authorization": f"Bearer {phone.token}"}
    village.client.post(f"/v1{sync}/push", json=batch(item), headers=headers)
    (kept,) = admin.done("GET", f"{sync}/quarantine")["quarantine"]
    for came in (False, True):
        if came:
            link(phone).send(PHOTO)
        again = admin.done("POST", f"{sync}/quarantine/{kept['id']}/retry")
        assert again["result"]["code"] == "unknown_form"


@promise("P65", "P77")
def test_bytes_are_read_by_ranges_in_an_area(village, link, admin, bidan):
    phone = village.phone("a")
    xml = phone.register(new(), posyandu="melati")
    assert phone.post(xml, foto=PHOTO).status_code == 201
    link(village.phone("s", "mawar")).send(PHOTO)
    folder = village.app.extensions["simpul"].blobs.folder
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert [path.name for path in kept] == [sha(PHOTO)]
    far = admin.person("far@example.org")
    where = f"/projects/{village.project.id}/assignments/viewer"
    me = far.done("GET", "/users/current")["id"]
    admin.done("POST", f"{where}/{me}", {"properties": {"posyandu": "mawar"}})
    seen = {name: link(who).sees(PHOTO) for name, who in _people(village, admin, bidan, far)}
    assert seen == {"near": True, "stranger": False, "admin": True, "bidan": True, "far": False}
    reader = link(bidan)
    whole = reader.call("GET", PHOTO)
    assert whole.headers["ETag"] == f'"{sha(PHOTO)}"'
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    assert whole.headers["Content-Disposition"].startswith("attachment")
    for headers, status, body in (
        ({"Range": "bytes=10-19"}, 206, PHOTO[10:20]),
        ({"Range": "bytes=70000-"}, 206, PHOTO[70_000:]),
        ({"Range": "bytes=-5"}, 206, PHOTO[-5:]),
        ({"Range": "bytes=5-9", "If-Range": f'"{sha(PHOTO)}"'}, 206, PHOTO[5:10]),
        ({"Range": "bytes=5-9", "If-Range": '"another"'}, 200, PHOTO),
        ({"If-None-Match": f'"{sha(PHOTO)}"'}, 304, b""),
    ):
        answer = reader.call("GET", PHOTO, **headers)
        assert (answer.status_code, answer.data) == (status, body), headers
    behind = reader.call("GET", PHOTO, Range="bytes=99999999-")
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{len(PHOTO)}")


def _people(village: Village, admin, bidan, far):
    return [
        ("near", village.phone("n")),
        ("stranger", village.phone("t", "mawar")),
        ("admin", admin),
        ("bidan", bidan),
        ("far", far),
    ]


@pytest.fixture
def served_blobs(app, clock, serve):
    """The address of a phone's blobs at the real server, with two processes behind it."""
    village = Village.begin(app, clock)
    served = serve(workers=2)
    phone = village.phone("p")
    return served, f"{served.url}{phone.base}/sync/blobs"


def place(url: str, data: bytes) -> tuple[bool, int]:
    answer = requests.head(f"{url}/{sha(data)}", timeout=20)
    return answer.headers["Upload-Complete"] == "?1", int(answer.headers["Upload-Offset"])


def begin(url: str, data: bytes, upto: int, at: int = 0) -> http.client.HTTPConnection:
    """A PATCH of all the rest, of which only the bytes before `upto` are sent."""
    host, path = url.removeprefix("http://").split("/", 1)
    link = http.client.HTTPConnection(host, timeout=20)
    link.putrequest("PATCH", f"/{path}/{sha(data)}")
    link.putheader("Upload-Offset", str(at))
    link.putheader("Upload-Length", str(len(data)))
    link.putheader("Content-Length", str(len(data) - at))
    link.endheaders()
    link.send(data[at:upto])
    return link


def come(url: str, data: bytes, least: int) -> int:
    """How many bytes are there, once it is at least so many."""
    for _ in range(200):
        complete, offset = place(url, data)
        if offset >= least:
            assert not complete
            return offset
        time.sleep(0.02)
    raise AssertionError(f"only {offset} of {least} bytes came")


@pytest.mark.slow
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@promise("P73")
def test_cut_killed_and_sent_by_many_at_once_it_is_whole(served_blobs):
    served, url = served_blobs
    data = os.urandom(1_000_000)
    begin(url, data, 300_001).close()
    assert come(url, data, 300_001) == 300_001
    silent = begin(url, data, 500_000, at=300_001)  # out of reach, and nobody closes it
    at = come(url, data, 480_000)
    served.kill()
    served.start(workers=2)
    assert place(url, data) == (False, at)
    silent.close()
    hung = begin(url, data, at + 100, at=at)  # holds nothing that the others wait for
    statuses = []

    def send() -> None:
        complete, offset = place(url, data)
        while not complete:
            upto = offset + 150_000
            answer = requests.patch(
                f"{url}/{sha(data)}",
                data=filter(None, [data[offset:upto]]),  # chunked: no length beforehand
                headers={"Upload-Offset": str(offset)},
                timeout=20,
            )
            statuses.append(answer.status_code)
            complete, offset = place(url, data)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hung.close()
    assert set(statuses) <= {204, 409}
    assert (served.home / "blobs" / sha(data)[:2] / sha(data)).read_bytes() == data
    assert [one.name for one in (served.home / "blobs" / "partial").rglob("*.length")] == []
