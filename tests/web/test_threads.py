"""Who sends half a head and no more holds a thread for as long as it is let."""

import socket
import threading
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from sync_server.web.threads import QuietThreads
from tests.support.promises import promise


@pytest.fixture
def worker(monkeypatch):
    """A worker whose requests are only read from, by threads of this test."""

    def read(_self, conn):
        conn.here.set()
        conn.heard = conn.sock.recv(1)
        return False

    monkeypatch.setattr(ThreadWorker, "handle", read)
    worker = QuietThreads(1, 0, [], None, 30, Config(), None)
    yield worker
    worker.tmp.close()


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@promise("O71")
def test_a_head_that_does_not_come_ends_and_its_thread_is_free(worker, pair):
    ours, theirs = pair
    conn = SimpleNamespace(sock=ours, here=threading.Event(), heard=None)
    reading = threading.Thread(target=worker.handle, args=(conn,))
    reading.start()
    assert conn.here.wait(10)
    worker.end_heads(begun_before=0.0)
    assert reading.is_alive()
    worker.end_heads(begun_before=float("inf"))
    reading.join(10)
    assert conn.heard == b""
    assert theirs.recv(1) == b""


@promise("O71")
def test_a_body_on_its_way_is_no_head_any_more(worker, pair, monkeypatch):
    monkeypatch.setattr(ThreadWorker, "handle", lambda self, conn: self.handle_request(None, conn))
    seen = []

    def serve(self, req, conn):
        self.end_heads(begun_before=float("inf"))
        seen.append(conn.sock.fileno())
        return False

    monkeypatch.setattr(ThreadWorker, "handle_request", serve)
    ours, theirs = pair
    worker.handle(SimpleNamespace(sock=ours))
    theirs.sendall(b"x")
    assert ours.recv(1) == b"x"
    assert seen == [ours.fileno()]
