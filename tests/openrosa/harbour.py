"""The real server of a posyandu, and phones as bare sockets: each byte is the test's own."""

from __future__ import annotations

import io
import re
import resource
import shutil
import socket
import struct
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import create_engine, text

from sync_server.app import create_app
from sync_server.db import db
from sync_server.fleet.sending import XML_PART
from sync_server.fleet.wire import Part, multipart
from sync_server.settings import load
from tests.scenarios.posyandu import Village
from tests.support.clock import FrozenClock
from tests.support.nursery import Nursery
from tests.support.serving import Served

SECRET_KEY = "that of the harbour"
TIMEOUT_SECONDS = 60  # Collect's own
_MORE = Part("*isIncomplete*", None, None, b"yes")


class Nursed(Served):
    """A server whose processes come from a nursery, which starts them in a blink."""

    def __init__(self, nursery: Nursery, home: Path, database_url: str) -> None:
        home.mkdir()
        super().__init__(home, database_url, SIMPUL_SECRET_KEY=SECRET_KEY)
        self._nursery = nursery

    def _spawn(self, *arguments: str) -> Any:
        self._log.write_bytes(b"")
        return self._nursery.begin(arguments, self._environ, self._log)


@dataclass(frozen=True, slots=True)
class Harbour:
    """A server with one project; `bases` are the addresses of its phones, without the host."""

    served: Served
    bases: tuple[str, ...]

    @property
    def place(self) -> tuple[str, int]:
        parts = urlsplit(self.served.url)
        return str(parts.hostname), int(parts.port or 0)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.place, timeout=TIMEOUT_SECONDS)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """One request on a connection of its own: status and body.

        Errors    `OSError` or `HTTPException` when the line broke.
        """
        link = HTTPConnection(*self.place, timeout=TIMEOUT_SECONDS)
        try:
            link.request(method, path, body or None, headers)
            answer = link.getresponse()
            return answer.status, answer.read()
        finally:
            link.close()

    def post(self, form: Form, *, phone: int = 0) -> int:
        body = form.body()
        path = f"{self.bases[phone]}/submission"
        return self.ask("POST", path, body, **{"Content-Type": type_of(body)})[0]

    def rows(self, statement: str, **values: object) -> Sequence[Any]:
        engine = create_engine(self.served.database_url)
        try:
            with engine.connect() as connection:
                return connection.execute(text(statement), values).all()
        finally:
            engine.dispose()

    def counts(self, form: Form) -> tuple[int, int, int]:
        """How many submissions, records and changes there are of one form: (1, 1, 1) when once."""
        (row,) = self.rows(
            "SELECT (SELECT count(*) FROM submissions WHERE instance_id = :instance),"
            " (SELECT count(*) FROM records WHERE entity = :child),"
            " (SELECT count(*) FROM changes WHERE entity = :child)",
            instance=f"uuid:{form.child}",
            child=form.child,
        )
        return tuple(row)

    def stored(self, form: Form) -> tuple[bytes, dict[str, bytes]]:
        """The XML and the files that are here of one form."""
        instance = {"instance": f"uuid:{form.child}"}
        ((xml,),) = self.rows(
            "SELECT xml FROM submissions WHERE instance_id = :instance", **instance
        )
        files = self.rows(
            "SELECT name, sha256 FROM submission_attachments"
            " WHERE instance_id = :instance AND sha256 IS NOT NULL",
            **instance,
        )
        blobs = self.served.home / "blobs"
        found = {name: (blobs / sha256[:2] / sha256).read_bytes() for name, sha256 in files}
        return bytes(xml), found

    def left_over(self) -> set[str]:
        """Names of files in the blob folder that no submission names."""
        named = {sha256 for (sha256,) in self.rows("SELECT sha256 FROM submission_attachments")}
        here = {path.name for path in (self.served.home / "blobs").rglob("*") if path.is_file()}
        return here - named

    def workers(self) -> list[int]:
        """The ids of the processes that serve."""
        found: list[int] = []
        with suppress(FileNotFoundError):
            for task in Path(f"/proc/{self.served._process.pid}/task").iterdir():
                found += [int(one) for one in (task / "children").read_text().split()]
        return found

    def memory(self) -> int:
        """The most bytes of memory that its workers have had so far."""
        peaks = [Path(f"/proc/{one}/status").read_text() for one in self.workers()]
        return sum(int(re.findall(r"VmHWM:\s+(\d+) kB", peak)[0]) for peak in peaks) * 1024

    @contextmanager
    def no_room(self) -> Iterator[None]:
        """No process of the server can write a byte to a file: as on a disk that is full."""
        before = {one: resource.prlimit(one, resource.RLIMIT_FSIZE) for one in self.workers()}
        for one, (_, hard) in before.items():
            resource.prlimit(one, resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            for one, limits in before.items():
                resource.prlimit(one, resource.RLIMIT_FSIZE, limits)


@dataclass(frozen=True, slots=True)
class Form:
    """A filled form that registers a child, and its files."""

    child: str
    files: Mapping[str, bytes]

    @classmethod
    def filled(cls, **files: bytes) -> Form:
        return cls(str(uuid.uuid4()), files)

    @property
    def xml(self) -> bytes:
        return (
            f"<data id='daftar' version='1'><nama>Siti</nama><posyandu>melati</posyandu>"
            f"<meta><instanceID>uuid:{self.child}</instanceID>"
            f"<entity dataset='anak' id='{self.child}' create='1'><label>Siti</label></entity>"
            f"</meta></data>"
        ).encode()

    def body(self, names: Sequence[str] | None = None, *, more: bool = False) -> bytes:
        """One body with its XML and these files, or all; with `more`, others follow."""
        parts = [Part(XML_PART, "daftar.xml", "text/xml", self.xml)]
        for name in self.files if names is None else names:
            parts.append(Part(name, name, "image/jpeg", self.files[name]))
        return multipart([*parts, _MORE] if more else parts)


def type_of(body: bytes) -> str:
    boundary = body.partition(b"\r\n")[0].removeprefix(b"--").decode()
    return f"multipart/form-data; boundary={boundary}"


def posting(base: str, body: bytes) -> bytes:
    """A whole POST as it goes over the line."""
    head = (
        f"POST {base}/submission?deviceID=collect%3Aa HTTP/1.1\r\nHost: simpul\r\n"
        f"X-OpenRosa-Version: 1.0\r\nContent-Type: {type_of(body)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def answer_of(link: socket.socket) -> int:
    """The status that comes down a line. Errors: `OSError` when it broke."""
    first = io.BufferedReader(socket.SocketIO(link, "r")).readline()
    if not first:
        raise ConnectionError("the line broke before the answer")
    return int(first.split()[1])


def reset(link: socket.socket) -> None:
    """Break a line off with nothing said, as when a phone is switched off."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


@contextmanager
def opened(folder: Path, database_url: str, *, phones: int = 1) -> Iterator[Harbour]:
    """A server on a database that is set up, with one project and its phones."""
    with Nursery() as nursery:
        served = Nursed(nursery, folder / "home", database_url)
        environ = {"SIMPUL_HOME": str(served.home), "SIMPUL_DATABASE_URL": database_url}
        app = create_app(load(environ | {"SIMPUL_SECRET_KEY": SECRET_KEY}))
        village = Village.begin(app, FrozenClock())
        bases = tuple(village.phone(f"hp{number}").base for number in range(phones))
        with app.app_context():
            db.engine.dispose()
        served.start()
        try:
            yield Harbour(served, bases)
        finally:
            served.kill()


def copied(template: Path, folder: Path) -> str:
    """The URL of an SQLite database as it was set up."""
    shutil.copy(template, folder / "simpul.db")
    return f"sqlite:///{folder / 'simpul.db'}"


def until(true: Any, *, seconds: float = 20) -> None:
    """Wait until something holds. Errors: `AssertionError` when it does not come to hold."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
