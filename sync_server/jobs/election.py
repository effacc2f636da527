"""One process of an install runs the jobs: whoever holds a lock on a file in the home.

The lock goes with the process, however it ends, so that the next one that asks has it.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class Election:
    """A seat that one process at a time has. `holds()` takes it when it is free."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: IO[str] | None = None

    def holds(self) -> bool:
        """Whether this process has the seat, now that it was asked for."""
        if self._held is not None:
            return True
        file = self._path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._held = file
        return True

    def leave(self) -> None:
        """Let another process have it."""
        if self._held is not None:
            self._held.close()
            self._held = None
