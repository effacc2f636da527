"""gunicorn's threads: they repeat nothing of what is no request, and wait for no head for ever."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from odk_forms.openrosa import CONTENT_TYPE, HEADERS, response
from sync_server.web.deadlines import DEADLINES

LOG = logging.getLogger(__name__)

HEAD_SECONDS = 30.0
"""A body may take as long as its phone needs; a head is one packet, or somebody means harm."""
_WORDS = "Permintaan tidak terbaca. / The request cannot be read."


class QuietThreads(ThreadWorker):  # type: ignore[misc]
    """A request that is none may bear a token of a phone: gunicorn would log and echo it."""

    def handle(self, conn: Any) -> Any:
        """Read a head and serve its request, as gunicorn does, within a time for the head."""
        DEADLINES.set(conn.sock, HEAD_SECONDS)
        try:
            return super().handle(conn)
        finally:
            DEADLINES.clear(conn.sock)

    def handle_request(self, req: Any, conn: Any) -> Any:
        DEADLINES.clear(conn.sock)
        return super().handle_request(req, conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """Every second or so: hang up on who keeps a thread waiting, in more ways than gunicorn."""
        super().murder_keepalived(force)
        hang_up(time.monotonic())

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


def hang_up(now: float) -> None:
    """Let those be read from no more whose time is over: their threads find the end."""
    for link in DEADLINES.past(now):
        with suppress(OSError):
            link.shutdown(socket.SHUT_RD)
