"""One phone's line to its server: what Collect's HTTP client adds, keeps and follows.

Source: openrosa.md sections 1.1 and 4.3. Kept as the phone keeps it: answers with an ETag,
asked for again with If-None-Match; and one connection, opened anew when it has gone stale.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urljoin, urlsplit

_TIMEOUT_SECONDS = 60
_MOST_REDIRECTS = 20
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_BOUNDARY = "5f2c9f1e-simpul-phone-7a4d"


class NoSignal(Exception):
    """The server could not be reached, or its answer did not come."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, decompressed; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body; `filename` None for a plain field."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


class Wire:
    """Requests of one phone. `now` is the phone's own clock: it goes out in the Date header."""

    def __init__(self, user_agent: str, now: Callable[[], datetime]) -> None:
        self.user_agent = user_agent
        self.bytes_up = 0
        self.bytes_down = 0
        self._now = now
        self._kept: dict[str, tuple[str, Answer]] = {}
        self._connection: tuple[str, HTTPConnection] | None = None

    def get(self, url: str) -> Answer:
        """A GET; a 304 is answered from what was kept and looks like the 200 it stands for."""
        tag, kept = self._kept.get(url, (None, None))
        answer = self._follow("GET", url, b"", {} if tag is None else {"If-None-Match": tag})
        if answer.status == 304 and kept is not None:
            return kept
        if answer.status == 200 and "etag" in answer.headers:
            self._kept[url] = (answer.headers["etag"], answer)
        return answer

    def head(self, url: str) -> Answer:
        return self._follow("HEAD", url, b"", {})

    def post(self, url: str, parts: Sequence[Part]) -> Answer:
        """A multipart POST, sent with its length and uncompressed."""
        content_type = f"multipart/form-data; boundary={_BOUNDARY}"
        return self._follow("POST", url, multipart(parts), {"Content-Type": content_type})

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection[1].close()
            self._connection = None

    def _follow(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        for _ in range(_MOST_REDIRECTS):
            answer = self.exchange(method, url, body, headers)
            target = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or target is None:
                return answer
            url = urljoin(url, target)
            if method == "POST" and answer.status < 307:
                method, body, headers = "GET", b"", {}
        raise NoSignal("redirected in circles")

    def exchange(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """One request as it goes over the air, and its answer. Errors: `NoSignal`."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        was_open = self._connection is not None and self._connection[0] == origin
        everything = self._headers() | headers
        try:
            try:
                response = self._send(origin, method, path, body, everything)
            except (OSError, HTTPException):
                self.close()
                if not was_open:
                    raise
                # A connection kept open may have been dropped meanwhile: once more on a new one.
                response = self._send(origin, method, path, body, everything)
            received = response.read()
        except (OSError, HTTPException) as exc:
            self.close()
            raise NoSignal(f"{type(exc).__name__}: {exc}") from exc
        self.bytes_up += len(body)
        self.bytes_down += len(received)
        held = {name.lower(): value for name, value in response.getheaders()}
        if held.get("content-encoding") == "gzip":
            received = gzip.decompress(received)
        return Answer(response.status, held, received)

    def _send(
        self, origin: str, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> HTTPResponse:
        if self._connection is None or self._connection[0] != origin:
            self.close()
            scheme, _, host = origin.partition("://")
            kind = HTTPSConnection if scheme == "https" else HTTPConnection
            self._connection = (origin, kind(host, timeout=_TIMEOUT_SECONDS))
        connection = self._connection[1]
        connection.request(method, path, body or None, dict(headers))
        return connection.getresponse()

    def _headers(self) -> dict[str, str]:
        return {
            "X-OpenRosa-Version": "1.0",
            "User-Agent": self.user_agent,
            "Date": collect_date(self._now()),
            "Accept-Encoding": "gzip",
        }


def collect_date(moment: datetime) -> str:
    """The Date header as Collect writes it: GMT, on a twelve-hour clock that does not say which.

    >>> collect_date(datetime(2026, 11, 21, 15, 0, tzinfo=UTC))
    'Sat, 21 Nov 2026 03:00:00 GMT'
    """
    at = moment.astimezone(UTC)
    day = f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d}"
    return f"{day} {(at.hour - 1) % 12 + 1:02d}:{at.minute:02d}:{at.second:02d} GMT"


def multipart(parts: Sequence[Part]) -> bytes:
    """A form body as OkHttp writes it: names in raw UTF-8, only quotes and line ends escaped."""
    chunks: list[bytes] = []
    for part in parts:
        head = f'Content-Disposition: form-data; name="{_escaped(part.name)}"'
        if part.filename is not None:
            head += f'; filename="{_escaped(part.filename)}"'
        if part.content_type is not None:
            head += f"\r\nContent-Type: {part.content_type}"
        head += f"\r\nContent-Length: {len(part.content)}"
        chunks += [f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode(), part.content, b"\r\n"]
    return b"".join([*chunks, f"--{_BOUNDARY}--\r\n".encode()])


def _escaped(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
