"""gunicorn's threads: they repeat nothing of what is no request, and wait for no head for ever."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from odk_forms.openrosa import CONTENT_TYPE, HEADERS, response

LOG = logging.getLogger(__name__)

HEAD_SECONDS = 30.0
"""A body may take as long as its phone needs; a head is one packet, or somebody means harm."""
_WORDS = "Permintaan tidak terbaca. / The request cannot be read."


class QuietThreads(ThreadWorker):  # type: ignore[misc]
    """A request that is none may bear a token of a phone: gunicorn would log and echo it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heads: dict[socket.socket, float] = {}  # since when a thread reads a head from it

    def handle(self, conn: Any) -> Any:
        """Read a head and serve its request, as gunicorn does; note how long the head takes."""
        self._heads[conn.sock] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self._heads.pop(conn.sock, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        self._heads.pop(conn.sock, None)
        return super().handle_request(req, conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """Hang up on who keeps a thread waiting, every second or so: with us, also for a head."""
        super().murder_keepalived(force)
        self.end_heads(time.monotonic() - HEAD_SECONDS)

    def end_heads(self, begun_before: float) -> None:
        """Hang up on those whose heads began before a moment: there are only so many threads."""
        for link, since in tuple(self._heads.items()):
            if since < begun_before:
                with suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Refuse what could not be parsed, in what a phone reads."""
        LOG.warning("a request could not be parsed: %s", type(exc).__name__)
        body = response(_WORDS, "submit_error")
        told = {
            **HEADERS,
            "Content-Type": CONTENT_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        with suppress(OSError):
            client.sendall(f"HTTP/1.1 400 Bad Request\r\n{head}\r\n".encode() + body)
