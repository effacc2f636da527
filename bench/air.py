"""What goes over the air between one phone and the server: every byte of HTTP, counted.

The server is the app in this process. What its HTTP server and Collect's client add to each
exchange is added here, so that the headers are those of a real line. Below HTTP nothing is
counted: TLS, TCP and the telephone network come on top.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from flask import Flask

from sync_server.fleet.wire import Answer, Wire

_BY_GUNICORN = (
    ("Server", "gunicorn"),
    ("Date", "Sat, 21 Nov 2026 03:00:00 GMT"),
    ("Connection", "keep-alive"),
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, in bytes as they went."""

    url: str
    what: str  # formList, manifest, form, list, file, integrity or submission
    status: int
    headers: int  # of both directions, first lines included
    up: int
    down: int

    @property
    def bytes(self) -> int:
        return self.headers + self.up + self.down


class Air(Wire):
    """A phone's wire into the app of this process; `exchanges` is all that went over it."""

    def __init__(self, app: Flask, user_agent: str, now: Callable[[], datetime]) -> None:
        super().__init__(user_agent, now)
        self._client = app.test_client(use_cookies=False)
        self.exchanges: list[Exchange] = []

    def exchange(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}"
        sent = {"Host": parts.netloc, "Connection": "Keep-Alive", **self._headers(), **headers}
        if method == "POST":
            sent["Content-Length"] = str(len(body))
        root = f"{parts.scheme}://{parts.netloc}/"
        answer = self._client.open(path, base_url=root, method=method, headers=sent, data=body)
        received = answer.data
        got = [*answer.headers.items(), *_BY_GUNICORN]
        first_lines = [f"{method} {path} HTTP/1.1", f"HTTP/1.1 {answer.status}"]
        self.exchanges.append(
            Exchange(
                url=url,
                what=_what(parts.path),
                status=answer.status_code,
                headers=_size(sent.items(), first_lines[0]) + _size(got, first_lines[1]),
                up=len(body),
                down=len(received),
            )
        )
        if answer.headers.get("Content-Encoding") == "gzip":
            received = gzip.decompress(received)
        held = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, held, received)


def _size(headers: Iterable[tuple[str, str]], first_line: str) -> int:
    lines = [first_line, *(f"{name}: {value}" for name, value in headers), ""]
    return sum(len(line.encode()) + len("\r\n") for line in lines)


def _what(path: str) -> str:
    last = path.rpartition("/")[2]
    if last in ("formList", "manifest", "integrity", "submission"):
        return last
    if "/attachments/" in path:
        return "list" if last.endswith(".csv") else "file"
    return "form"
