"""What was answered 201 survives a `kill -9`; what was not is whole or not there."""

import http.client
import io
import threading
import time
import uuid

import pytest
import requests
from sqlalchemy import create_engine, text

from tests.scenarios.posyandu import Village
from tests.support.promises import promise
from tests.sync.test_push import batch, create, new

pytestmark = [pytest.mark.scenario, pytest.mark.slow]


@pytest.fixture
def phone_url(app, clock, served) -> str:
    """The address of one phone of a project, on the server of this test."""
    village = Village.begin(app, clock)
    return served.url + village.phone("Bu Tuti").base


def filled(child: str | None = None) -> bytes:
    child = child or str(uuid.uuid4())
    return (
        f"<data id='daftar' version='1'><nama>Siti</nama><posyandu>melati</posyandu>"
        f"<meta><instanceID>uuid:{child}</instanceID>"
        f"<entity dataset='anak' id='{child}' create='1'><label>Siti</label></entity></meta></data>"
    ).encode()


def post(url: str, xml: bytes, photo: bytes) -> int:
    files = {
        "xml_submission_file": ("a.xml", io.BytesIO(xml), "text/xml"),
        "foto.jpg": ("foto.jpg", io.BytesIO(photo), "image/jpeg"),
    }
    return requests.post(f"{url}/submission", files=files, timeout=60).status_code


def rows(served, statement: str):
    engine = create_engine(served.database_url)
    try:
        with engine.connect() as connection:
            return connection.execute(text(statement)).all()
    finally:
        engine.dispose()


def blob_of(served, sha256: str) -> bytes:
    return (served.home / "blobs" / sha256[:2] / sha256).read_bytes()


def assert_whole(served) -> None:
    """Every submission has its change and its record, every named blob its bytes."""
    (counts,) = rows(
        served,
        "SELECT (SELECT count(*) FROM submissions), (SELECT count(*) FROM changes),"
        " (SELECT count(*) FROM records),"
        " (SELECT count(*) FROM journal WHERE change_id IS NOT NULL)",
    )
    assert len(set(counts)) == 1, counts
    for (sha256,) in rows(served, "SELECT sha256 FROM submission_attachments"):
        assert blob_of(served, sha256)


@promise("P17")
def test_killed_right_after_a_201_everything_is_there_byte_for_byte(served, phone_url):
    xml, photo = filled(), b"\xff\xd8 a photo"
    assert post(phone_url, xml, photo) == 201
    sent = batch(create(new()))
    pushed = requests.post(f"{phone_url}/sync/push", json=sent, timeout=60)
    assert pushed.status_code == 200
    served.kill()
    served.start()
    ((stored,),) = rows(served, "SELECT xml FROM submissions")
    assert bytes(stored) == xml
    again = requests.post(f"{phone_url}/sync/push", json=sent, timeout=60)
    assert again.json() == pushed.json() | {"replayed": True}
    ((sha256,),) = rows(served, "SELECT sha256 FROM submission_attachments")
    assert blob_of(served, sha256) == photo
    assert post(phone_url, xml, photo) == 201
    (counts,) = rows(
        served,
        "SELECT (SELECT count(*) FROM submissions), (SELECT count(*) FROM changes),"
        " (SELECT count(*) FROM records),"
        " (SELECT count(*) FROM journal WHERE change_id IS NOT NULL)",
    )
    assert counts == (1, 2, 2, 2)


def test_killed_at_any_moment_nothing_is_half_written(served, phone_url):
    answered: list[str] = []

    def send(worker: int) -> None:
        for _ in range(200):
            child = str(uuid.uuid4())
            try:
                if post(phone_url, filled(child), child.encode()) == 201:
                    answered.append(child)
            except requests.RequestException:
                return

    for moment in (0.15, 0.4, 0.8):
        before = len(answered)
        threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        while len(answered) == before:
            time.sleep(0.01)
        time.sleep(moment)
        served.kill()
        for thread in threads:
            thread.join()
        served.start()
        assert_whole(served)
    known = {entity for (entity,) in rows(served, "SELECT entity FROM records")}
    assert set(answered) <= known


def test_a_body_cut_short_leaves_nothing_and_the_next_try_succeeds(served, phone_url):
    xml = filled()
    host, path = phone_url.removeprefix("http://").split("/", 1)
    link = http.client.HTTPConnection(host, timeout=30)
    link.putrequest("POST", f"/{path}/submission")
    link.putheader("Content-Type", "multipart/form-data; boundary=x")
    link.putheader("Content-Length", "100000")
    link.endheaders()
    link.send(b'--x\r\nContent-Disposition: form-data; name="xml_submission_file"')
    link.close()
    assert post(phone_url, xml, b"abc") == 201
    assert_whole(served)


def test_readers_are_served_while_a_writer_holds_the_store(served, phone_url):
    """On both engines: a transaction that writes keeps nobody from reading."""
    engine = create_engine(served.database_url)
    with engine.connect() as connection:
        if served.database_url.startswith("sqlite"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.execute(text("UPDATE journal_heads SET head = head + 1"))
        for path in ("formList", "forms/daftar.xml"):
            assert requests.get(f"{phone_url}/{path}", timeout=10).status_code == 200
        connection.rollback()
    engine.dispose()
