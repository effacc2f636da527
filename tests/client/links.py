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
    they are in is cut; None for as many as there are. Each cuts once. With `since`, they are
    counted from when these bytes went up, `passed` says that they did and `answered` that
    something has come down since. `cuts` counts what was cut.
    """

    def __init__(self, url: str) -> None:
        self.aim(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.cut_up: int | None = None
        self.cut_down: int | None = None
        self.since = b""
        self.passed = threading.Event()
        self.answered = threading.Event()
        self.cuts = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def aim(self, url: str) -> None:
        """Pass on to this server from now on."""
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 0))

    def mend(self) -> None:
        """Let everything pass."""
        with self._lock:
            self.cut_up, self.cut_down, self.since = None, None, b""
            self.passed.clear()
            self.answered.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(self._target)
                except OSError:  # nobody is there just now
                    near.close()
                    continue
                for source, sink, name in ((near, far, "cut_up"), (far, near, "cut_down")):
                    passing = (source, sink, name)
                    threading.Thread(target=self._pass, args=passing, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                allowed = self._allowed(name, data)
                sink.sendall(data[:allowed])
                if allowed < len(data):
                    break
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _allowed(self, name: str, data: bytes) -> int:
        """How many bytes of what is passing now pass."""
        with self._lock:
            start, left, size = 0, getattr(self, name), len(data)
            if name == "cut_down" and self.passed.is_set():
                self.answered.set()
            if self.since:
                start = data.find(self.since) if name == "cut_up" else -1
                if start < 0:
                    return size
                self.since = b""
                self.passed.set()
            if left is None:
                return size
            if left < size - start:
                setattr(self, name, None)
                self.cuts += 1
                return start + int(left)
            setattr(self, name, left - (size - start))
            return size
