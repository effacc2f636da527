"""Who is worked on at once, and that nobody holds a place whose bytes are still on their way."""

import io
import math
import socket
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url

from sync_server import db as store
from sync_server.blobs import Blobs
from sync_server.web.deadlines import DEADLINES
from sync_server.web.threads import hang_up
from sync_server.web.turns import take_turns
from tests.openrosa.harbour import Form, type_of
from tests.support.promises import promise


class Held(io.BytesIO):
    """A body whose last byte comes when it is let through."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.asked, self.through = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.asked.set()
        assert self.through.wait(30)
        return super().read(size)


def post(phone, form: Form, stream: io.BytesIO | None = None):
    body = form.body()
    return phone.village.app.test_client().post(
        f"{phone.base}/submission",
        input_stream=stream or io.BytesIO(body),
        content_length=len(body),
        content_type=type_of(body),
    )


@promise("O71")
def test_a_body_on_its_way_has_no_place_and_takes_one_at_its_end(village, phone, app):
    take_turns(app, readers=1, writers=1, wait=10)
    slow, said = Form.filled(), []
    stream = Held(slow.body())
    sender = threading.Thread(target=lambda: said.append(post(phone, slow, stream).status_code))
    sender.start()
    assert stream.asked.wait(30)
    assert post(phone, Form.filled()).status_code == 201
    stream.through.set()
    sender.join()
    assert said == [201]


@promise("O9")
def test_who_finds_no_place_is_503_and_those_who_read_have_their_own(village, phone, app):
    take_turns(app, readers=1, writers=0, wait=0.01)
    refused = post(phone, Form.filled())
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert b"<OpenRosaResponse" in refused.data
    for _ in range(3):
        assert phone.get("formList").status_code == 200


@promise("O8", "O80")
def test_who_is_refused_whatever_they_send_waits_for_no_place(village, phone, app):
    take_turns(app, readers=0, writers=0, wait=0.01)
    client = app.test_client()
    for method in ("GET", "POST", "DELETE"):
        assert client.open("/v1/key/x", method=method, data=b"x").status_code == 404
    assert client.put(f"{phone.base}/submission", data=b"x" * 99).status_code == 405
    body = io.BytesIO(b"x" * 300_000)
    answer = client.post("/v1/key/x/projects/1/submission", input_stream=body)
    assert (answer.status_code, body.tell()) == (403, 300_000)


@pytest.fixture
def database_url(database_url, monkeypatch):
    """A store that waits for others for a moment only."""
    monkeypatch.setattr(store, "_WAIT_SECONDS", 0.3)
    return database_url


@pytest.fixture
def locking(database_url, request):
    """Another program's connection to the store."""
    if database_url.startswith("sqlite"):
        other = sqlite3.connect(str(make_url(database_url).database), isolation_level=None)
    else:
        cluster = request.getfixturevalue("postgres")
        other = cluster.connect(make_url(database_url).database)
        other.autocommit = False
    yield other
    other.close()


@promise("O9", "O73")
def test_a_locked_store_is_503_to_all_who_write_and_readers_are_served(
    app, village, phone, locking, engine_name
):
    exclusive = "LOCK TABLE submissions, records IN EXCLUSIVE MODE"
    locking.execute("BEGIN IMMEDIATE" if engine_name == "sqlite" else exclusive)
    forms, said = [Form.filled() for _ in range(3)], []
    senders = [
        threading.Thread(target=lambda form=form: said.append(post(phone, form))) for form in forms
    ]
    for one in senders:
        one.start()
    assert phone.get("formList").status_code == 200
    for one in senders:
        one.join()
    assert [(one.status_code, one.headers["Retry-After"]) for one in said] == [(503, "30")] * 3
    locking.rollback()
    for form in forms:
        assert post(phone, form).status_code == 201
        assert len(village.changes(form.child)) == 1


@promise("O72")
def test_what_somebody_puts_just_now_is_not_swept(tmp_path: Path):
    blobs = Blobs(tmp_path)
    begun, swept = threading.Event(), threading.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            begun.set()
            assert swept.wait(30)
            return super().read(size)

    kept = []
    putting = threading.Thread(target=lambda: kept.append(blobs.put(Slow(b"a photo"))))
    putting.start()
    assert begun.wait(30)
    (tmp_path / "part-of-the-dead").write_bytes(b"half")
    assert blobs.sweep() == 1
    swept.set()
    putting.join()
    ((sha256, _),) = kept
    assert blobs.read(sha256) == b"a photo"
    assert [path.name for path in tmp_path.glob("part-*")] == []


@promise("O71", "O80")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_who_is_refused_may_go_on_for_a_while_and_hears_why_all_the_same(village):
    ours, theirs = socket.socketpair()

    def hang_up_once_it_is_refused():
        while ours not in DEADLINES.past(math.inf):
            time.sleep(0.01)
        hang_up(math.inf)

    ending = threading.Thread(target=hang_up_once_it_is_refused)
    ending.start()
    with theirs, ours, ours.makefile("rb") as stream:
        answer = village.client.post(
            f"/v1/key/{'x' * 64}/projects/{village.project.id}/submission",
            content_type="multipart/form-data; boundary=x",
            environ_overrides={
                "wsgi.input": stream,
                "CONTENT_LENGTH": "1000",
                "gunicorn.socket": ours,
            },
        )
    ending.join()
    assert answer.status_code == 403
    assert "<OpenRosaResponse" in answer.text
