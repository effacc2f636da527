"""Who sends half a head and no more holds a thread for as long as it is let."""

import socket
import threading
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from sync_server.web.threads import QuietThreads, hang_up
from tests.support.promises import promise

LATER = float("inf")


@pytest.fixture
def worker():
    worker = QuietThreads(1, 0, [], None, 30, Config(), None)
    yield worker
    worker.tmp.close()


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@promise("O71")
def test_a_head_that_does_not_come_ends_and_its_thread_is_free(worker, pair, monkeypatch):
    def read(_self, conn):
        conn.here.set()
        conn.heard = conn.sock.recv(1)

    monkeypatch.setattr(ThreadWorker, "handle", read)
    conn = SimpleNamespace(sock=pair[0], here=threading.Event(), heard=None)
    reading = threading.Thread(target=worker.handle, args=(conn,))
    reading.start()
    assert conn.here.wait(10)
    hang_up(0.0)
    assert reading.is_alive()
    hang_up(LATER)
    reading.join(10)
    assert conn.heard == b""


@promise("O71")
def test_a_body_on_its_way_is_no_head_any_more(worker, pair, monkeypatch):
    def serve(_self, _req, conn):
        hang_up(LATER)
        pair[1].sendall(b"a body")
        conn.heard = conn.sock.recv(6)

    monkeypatch.setattr(ThreadWorker, "handle", lambda self, conn: self.handle_request(None, conn))
    monkeypatch.setattr(ThreadWorker, "handle_request", serve)
    conn = SimpleNamespace(sock=pair[0], heard=None)
    worker.handle(conn)
    assert conn.heard == b"a body"
