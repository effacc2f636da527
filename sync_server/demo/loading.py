"""A server of this process while the past is loaded, and the clock that moves it through it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class StoryClock:
    """A clock that the storyteller moves; it never goes back. Fits `sync_server.clock.Clock`."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def move_to(self, moment: datetime) -> None:
        """It is `moment` now, unless it is later already."""
        self._now = max(self._now, moment)


class _Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass


@contextmanager
def listening(app: Flask, port: int = 0) -> Iterator[str]:
    """The address at which `app` answers on this machine alone, until the block ends.

    `port` 0 is any that is free.
    """
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
