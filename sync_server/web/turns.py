"""Who is served at the same moment: a request has a place while there is something to do for it.

A phone on 2G sends one body for a quarter of an hour. Until its last byte is here its thread
waits without a place, and so does one that writes an answer out; threads are many and cost
little. Places are few, so that a flood queues here, in turn, before it holds a connection to the
store. Those who read have places of their own: a store that cannot be written to just now keeps
no phone from its forms.
"""

from __future__ import annotations

import io
from threading import BoundedSemaphore
from typing import IO

from flask import Flask, g, request
from werkzeug.exceptions import ClientDisconnected

from sync_server.errors import StoreBusy

READERS = 16
WRITERS = 16
WAIT_SECONDS = 25.0  # with what the store may take, well below the minute that a phone waits
_READING = ("GET", "HEAD", "OPTIONS")


def take_turns(
    app: Flask, *, readers: int = READERS, writers: int = WRITERS, wait: float = WAIT_SECONDS
) -> None:
    """Let so many requests of this process be worked on at once; others wait, and then are 503."""
    read, write = BoundedSemaphore(readers), BoundedSemaphore(writers)

    def begin() -> None:
        turn = g.turn = Turn(read if request.method in _READING else write, wait)
        if request.routing_exception is not None:  # to be refused, and not looked at
            turn.waive()
        length = request.content_length
        if length or (length is None and "Transfer-Encoding" in request.headers):
            stream = request.environ["wsgi.input"]
            request.environ["wsgi.input"] = Arriving(stream, length, turn)
        else:
            turn.take()

    def end(_exc: BaseException | None = None) -> None:
        turn: Turn | None = g.pop("turn", None)
        if turn is not None:
            turn.leave()

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.teardown_request(end)


class Turn:
    """The place of one request."""

    def __init__(self, places: BoundedSemaphore, wait: float) -> None:
        self._places = places
        self._wait = wait
        self._has = False
        self._waived = False

    def take(self) -> None:
        """Errors: `StoreBusy` when none is free for too long; nothing was done yet."""
        if not self._has and not self._waived:
            self._has = self._places.acquire(timeout=self._wait)
            if not self._has:
                raise StoreBusy("others are being served just now")

    def waive(self) -> None:
        """Take no place from now on: nothing is left to be done for this request."""
        self.leave()
        self._waived = True

    def leave(self) -> None:
        if self._has:
            self._has = False
            self._places.release()


class Arriving(io.RawIOBase):
    """A body on its way: its request takes a place after the last byte.

    `length` is None for a body that does not say how long it is.
    """

    def __init__(self, stream: IO[bytes], length: int | None, turn: Turn) -> None:
        self._stream = stream
        self._left = length
        self._turn = turn

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._left == 0:
            return 0
        try:
            data = self._stream.read(len(buffer))
        except Exception as exc:  # of gunicorn: chunks that are none, a link that broke
            raise ClientDisconnected("the body does not come to its end") from exc
        buffer[: len(data)] = data
        if self._left is not None:
            self._left -= len(data)
        if not data or self._left == 0:
            self._left = 0
            self._turn.take()
        return len(data)
