"""What phones ask for, noted without holding them up.

A poll must not cost a write transaction, so contacts are summed up in memory and written
every few seconds, and at the end. A crash loses seconds of telemetry, never data.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from sync_server.db import write_transaction
from sync_server.stores.contacts import ContactSum, add_contacts, note_served

Key = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Heard:
    """One request of one phone."""

    project_id: int
    actor_id: int
    device_id: str
    at: str
    user_agent: str = ""
    bytes_up: int = 0
    bytes_down: int = 0
    submission: bool = False
    xml_form_id: str | None = None
    version: str | None = None


class Contacts:
    """The buffer of one process; `run` is given the flush to call within an app context."""

    def __init__(self, *, every_seconds: float = 5.0) -> None:
        self.every_seconds = every_seconds
        self._lock = threading.Lock()
        self._sums: dict[Key, ContactSum] = {}
        self._served: dict[tuple[int, int, str, str], tuple[str, str]] = {}
        self._due = threading.Event()
        self._stopped = False

    def note(self, heard: Heard) -> None:
        """Remember one successful request."""
        key = (heard.project_id, heard.actor_id, heard.device_id)
        with self._lock:
            known = self._sums.get(key) or ContactSum(*key, first_at=heard.at, last_at=heard.at)
            self._sums[key] = replace(
                known,
                last_at=max(known.last_at, heard.at),
                last_submission_at=heard.at if heard.submission else known.last_submission_at,
                user_agent=heard.user_agent or known.user_agent,
                bytes_up=known.bytes_up + heard.bytes_up,
                bytes_down=known.bytes_down + heard.bytes_down,
            )
            if heard.xml_form_id is not None and heard.version is not None:
                self._served[*key, heard.xml_form_id] = (heard.version, heard.at)

    def flush(self) -> None:
        """Write what has been noted; within an app context."""
        with self._lock:
            sums, self._sums = list(self._sums.values()), {}
            served, self._served = dict(self._served), {}
        if sums or served:
            with write_transaction() as connection:
                add_contacts(connection, sums)
                note_served(connection, served)

    def run(self, flush: Callable[[], None]) -> None:
        """Flush every few seconds until stopped: the body of a daemon thread."""
        while not self._stopped:
            self._due.wait(self.every_seconds)
            flush()

    def stop(self) -> None:
        self._stopped = True
        self._due.set()
