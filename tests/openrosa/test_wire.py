"""Submissions on the wire to the real server: chunked, and asking before they send."""

import json
import socket
import sqlite3

import pytest

from tests.openrosa.okhttp import BOUNDARY, body_of, filled, new_id
from tests.support.inprocess import InProcess
from tests.support.promises import promise

pytestmark = pytest.mark.slow


def chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 700] for at in range(0, len(body), 700)]
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in [*pieces, b""])


class Line:
    """One connection, spoken to by hand."""

    def __init__(self, served, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", served.port), timeout=30)
        self.path = path

    def head(self, *more: str) -> None:
        lines = [f"POST {self.path} HTTP/1.1", "Host: simpul", "Connection: close", *more]
        lines.append(f"Content-Type: multipart/form-data; boundary={BOUNDARY}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def heard(self) -> bytes:
        parts = []
        while part := self.socket.recv(4096):
            parts.append(part)
        self.socket.close()
        return b"".join(parts)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@promise("O41", "O72")
def test_chunked_bodies_and_those_that_ask_first_are_taken_when_they_are_whole(served):
    here = InProcess.of(served)
    project = json.loads(here.command("project", "create", "Melati", "--json"))["id"]
    made = json.loads(here.command("device", "create", "Bu Ani", "--url", served.url, "--json"))
    path = f"/v1/key/{made['token']}/projects/{project}/submission"
    body = body_of(filled(new_id()), [("1.jpg", b"x" * 5000)])

    line = Line(served, path)
    line.head("Transfer-Encoding: chunked")
    line.socket.sendall(chunked(body))
    assert line.heard().startswith(b"HTTP/1.1 202 ")

    line = Line(served, path)
    line.head(f"Content-Length: {len(body)}", "Expect: 100-continue")
    assert line.socket.recv(4096).startswith(b"HTTP/1.1 100 ")
    line.socket.sendall(body)
    assert line.heard().startswith(b"HTTP/1.1 202 ")

    wire = chunked(body)
    between = wire.index(b"2bc\r\n", 3)
    for cut in (between, between + 2, between + 5, 2000, len(wire) - 5, len(wire) - 2):
        line = Line(served, path)
        line.head("Transfer-Encoding: chunked")
        line.socket.sendall(wire[:cut])
        line.socket.shutdown(socket.SHUT_WR)
        assert line.heard().startswith(b"HTTP/1.1 400 ")
    line = Line(served, path)
    line.head("Transfer-Encoding: chunked")
    line.socket.sendall(b"zz\r\n")
    assert line.heard().startswith(b"HTTP/1.1 400 ")
    # What came whole, and no more.
    with sqlite3.connect(here.database_url.removeprefix("sqlite:///")) as database:
        assert database.execute("SELECT kind FROM quarantine").fetchall() == [("submission",)]
