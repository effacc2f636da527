"""Links that may be read from only so long: a thread waits on each, and there are only so many."""

from __future__ import annotations

import socket
import time


class Deadlines:
    """Until when each link may be read from; whoever has none may take a quarter of an hour."""

    def __init__(self) -> None:
        self._until: dict[socket.socket, float] = {}

    def set(self, link: socket.socket, seconds: float) -> None:
        self._until[link] = time.monotonic() + seconds

    def clear(self, link: socket.socket) -> None:
        self._until.pop(link, None)

    def past(self, now: float) -> list[socket.socket]:
        """The links whose time was over at a moment of `time.monotonic`."""
        return [link for link, until in tuple(self._until.items()) if until < now]


DEADLINES = Deadlines()
"""Those of this process."""
