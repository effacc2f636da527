"""A cable between a hub and its centre, which breaks in the middle of what goes through it."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from urllib.parse import urlsplit

from sync_server.simulator.faults import Luck, Trouble

_CHUNK = 1 << 14
_LONGEST = 30_000  # bytes that go through a cable before it breaks
_WITHOUT_END = 1 << 62
_IDLE_SECONDS = 300.0


class Cable:
    """Passes connections on to the server at `target` (http), from a port of its own.

    Each connection meets its own luck: it may break after some bytes, whichever way they went.
    `url` is where it is spoken to.
    """

    def __init__(self, target: str, luck: Luck) -> None:
        parts = urlsplit(target)
        self._far = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._luck = luck
        self._sound = True
        self._server = _Server(("127.0.0.1", 0), self._carry)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def spoil(self) -> None:
        """From now on it breaks as its luck will have it."""
        self._sound = False

    def heal(self) -> None:
        """From now on everything gets through."""
        self._sound = True

    def close(self) -> None:
        """Take it away."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _carry(self, near: socket.socket) -> None:
        whole = self._sound or self._luck.next() is Trouble.NONE
        left = _WITHOUT_END if whole else self._luck.rng.randrange(_LONGEST)
        try:
            with socket.create_connection(self._far, timeout=_IDLE_SECONDS) as far:
                _pump(near, far, left)
        except OSError:
            return  # the far end is away, or went away


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], carry: object) -> None:
        self.carry = carry
        super().__init__(address, _Connection)


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.server.carry(self.request)  # type: ignore[attr-defined]


def _pump(near: socket.socket, far: socket.socket, left: int) -> None:
    """Bytes both ways until one end hangs up or `left` bytes have gone through."""
    other = {near: far, far: near}
    while left > 0:
        ready, _, _ = select.select([near, far], [], [], _IDLE_SECONDS)
        if not ready:
            return
        for end in ready:
            chunk = end.recv(min(_CHUNK, left))
            if not chunk:
                return
            other[end].sendall(chunk)
            left -= len(chunk)
