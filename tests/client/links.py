"""A line to a server that is cut when a test says so, after as many bytes as it says."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on between a client and a server.

    `cut_up` and `cut_down` are how many more bytes go up and come down before the connection
    they are in is cut; None for as many as there are. Each cuts once.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 0))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.cut_up: int | None = None
        self.cut_down: int | None = None
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                for source, sink, name in ((near, far, "cut_up"), (far, near, "cut_down")):
                    passing = (source, sink, name)
                    threading.Thread(target=self._pass, args=passing, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                allowed = self._allowed(name, len(data))
                sink.sendall(data[:allowed])
                if allowed < len(data):
                    break
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _allowed(self, name: str, size: int) -> int:
        with self._lock:
            left = getattr(self, name)
            if left is None:
                return size
            if left < size:
                setattr(self, name, None)
                return int(left)
            setattr(self, name, left - size)
            return size
