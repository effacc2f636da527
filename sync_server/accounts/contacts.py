"""What phones ask for, noted without holding them up.

A poll must not cost a write transaction, so contacts are summed up in memory and written
every few seconds, and at the end. A crash loses seconds of telemetry, never data; a store
that cannot be written to just now loses nothing. What it will never take is dropped, and holds
back nothing of other phones.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from sync_server.db import is_never_taken, write_transaction
from sync_server.stores.contacts import ContactSum, ListSeen, add_contacts, note_lists, note_served

LOG = logging.getLogger(__name__)

MOST_KEPT = 50_000  # of each kind; a store that is away for days must not fill the memory

Key = tuple[int, int, str]
ServedKey = tuple[int, int, str, str]
OfPhone = tuple[dict[Key, ContactSum], dict[ServedKey, tuple[str, str]], dict[ServedKey, ListSeen]]


@dataclass(frozen=True, slots=True)
class Heard:
    """One request of one phone.

    `lists_told` are the hashes that a manifest named, `lists_served` those of the rows it was
    handed, or had already; `clock_ahead` seconds by its `Date`, known but for twelve hours.
    """

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
    clock_ahead: int | None = None
    lists_told: Mapping[str, str] = field(default_factory=dict)
    lists_served: Mapping[str, str] = field(default_factory=dict)

    def lists(self) -> dict[str, ListSeen]:
        """What it says of each list."""
        found = {
            name: ListSeen(told_hash=h, told_at=self.at) for name, h in self.lists_told.items()
        }
        for name, served in self.lists_served.items():
            found[name] = replace(found.get(name, ListSeen()), hash=served, at=self.at)
        return found


class Contacts:
    """The buffer of one process; `run` is given the flush to call within an app context."""

    def __init__(self, *, every_seconds: float = 5.0, most_kept: int = MOST_KEPT) -> None:
        self.every_seconds = every_seconds
        self.most_kept = most_kept
        self._lock = threading.Lock()
        self._sums: dict[Key, ContactSum] = {}
        self._served: dict[ServedKey, tuple[str, str]] = {}
        self._lists: dict[ServedKey, ListSeen] = {}
        self._due = threading.Event()
        self._stopped = False

    def note(self, heard: Heard) -> None:
        """Remember one request."""
        key = (heard.project_id, heard.actor_id, heard.device_id)
        new = ContactSum(
            *key,
            first_at=heard.at,
            last_at=heard.at,
            last_submission_at=heard.at if heard.submission else None,
            user_agent=heard.user_agent,
            bytes_up=heard.bytes_up,
            bytes_down=heard.bytes_down,
            clock_ahead=heard.clock_ahead,
            clock_at=None if heard.clock_ahead is None else heard.at,
        )
        with self._lock:
            # Taken out and put back: the keys stand in the order they were last heard of.
            known = self._sums.pop(key, None)
            self._sums[key] = new if known is None else _merged(known, new)
            if heard.xml_form_id is not None and heard.version is not None:
                served = (*key, heard.xml_form_id)
                self._served.pop(served, None)
                self._served[served] = (heard.version, heard.at)
            for name, seen in heard.lists().items():
                older = self._lists.pop((*key, name), ListSeen())
                self._lists[*key, name] = _newer(older, seen)
            self._forget_oldest()

    def flush(self) -> None:
        """Write what has been noted; within an app context.

        Errors    whatever the store raises; what was not written is kept for the next time.
        """
        with self._lock:
            sums, self._sums = self._sums, {}
            served, self._served = self._served, {}
            lists, self._lists = self._lists, {}
        if not (sums or served or lists):
            return
        try:
            _write(sums, served, lists)
        except Exception:
            self._take_back(sums, served, lists)
            raise

    def _take_back(
        self,
        sums: dict[Key, ContactSum],
        served: dict[ServedKey, tuple[str, str]],
        lists: dict[ServedKey, ListSeen],
    ) -> None:
        """Add what could not be written to what was noted meanwhile, which is newer."""
        with self._lock:
            for key, newer in self._sums.items():
                older = sums.pop(key, None)
                sums[key] = newer if older is None else _merged(older, newer)
            for served_key, version in self._served.items():
                served.pop(served_key, None)
                served[served_key] = version
            for list_key, seen in self._lists.items():
                lists[list_key] = _newer(lists.pop(list_key, ListSeen()), seen)
            self._sums, self._served, self._lists = sums, served, lists
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        while len(self._sums) > self.most_kept:
            del self._sums[next(iter(self._sums))]
        while len(self._served) > self.most_kept:
            del self._served[next(iter(self._served))]
        while len(self._lists) > self.most_kept:
            del self._lists[next(iter(self._lists))]

    def run(self, flush: Callable[[], None]) -> None:
        """Flush every few seconds until stopped: the body of a daemon thread.

        No error ends it. What is logged is its kind alone: its words may hold values.
        """
        while not self._stopped:
            self._due.wait(self.every_seconds)
            try:
                flush()
            except Exception as exc:
                LOG.error("contacts could not be written: %s", type(exc).__name__)

    def stop(self) -> None:
        self._stopped = True
        self._due.set()


def _write(
    sums: Mapping[Key, ContactSum],
    served: Mapping[ServedKey, tuple[str, str]],
    lists: Mapping[ServedKey, ListSeen],
) -> None:
    """Write all at once; where the store will never take that, all phones that it does take."""
    try:
        with write_transaction() as connection:
            _add(connection, sums, served, lists)
    except Exception as exc:
        if not is_never_taken(exc):
            raise
        phones = _by_phone(sums, served, lists)
        with write_transaction() as connection:
            dropped = sum(not _is_added(connection, phones[key]) for key in sorted(phones))
        LOG.error(
            "telemetry of %d of %d phones dropped: the store never takes it", dropped, len(phones)
        )


def _add(
    connection: Connection,
    sums: Mapping[Key, ContactSum],
    served: Mapping[ServedKey, tuple[str, str]],
    lists: Mapping[ServedKey, ListSeen],
) -> None:
    add_contacts(connection, list(sums.values()))
    note_served(connection, served)
    note_lists(connection, lists)


def _is_added(connection: Connection, one: OfPhone) -> bool:
    """Add what one phone did, or nothing of it where the store will never take it."""
    try:
        with connection.begin_nested():
            _add(connection, *one)
    except Exception as exc:
        if not is_never_taken(exc):
            raise
        return False
    return True


def _by_phone(
    sums: Mapping[Key, ContactSum],
    served: Mapping[ServedKey, tuple[str, str]],
    lists: Mapping[ServedKey, ListSeen],
) -> dict[Key, OfPhone]:
    phones: dict[Key, OfPhone] = defaultdict(lambda: ({}, {}, {}))
    for key, one in sums.items():
        phones[key][0][key] = one
    for form, version in served.items():
        phones[form[:3]][1][form] = version
    for name, seen in lists.items():
        phones[name[:3]][2][name] = seen
    return phones


def _merged(older: ContactSum, newer: ContactSum) -> ContactSum:
    """Two sums of one phone as one: bytes add up, the newest times win."""
    sent = [at for at in (older.last_submission_at, newer.last_submission_at) if at]
    return replace(
        older,
        first_at=min(older.first_at, newer.first_at),
        last_at=max(older.last_at, newer.last_at),
        last_submission_at=max(sent, default=None),
        user_agent=newer.user_agent or older.user_agent,
        bytes_up=older.bytes_up + newer.bytes_up,
        bytes_down=older.bytes_down + newer.bytes_down,
        clock_ahead=older.clock_ahead if newer.clock_at is None else newer.clock_ahead,
        clock_at=newer.clock_at or older.clock_at,
    )


def _newer(older: ListSeen, newer: ListSeen) -> ListSeen:
    """What was seen of a list later, and what was not seen again."""
    return ListSeen(
        hash=newer.hash or older.hash,
        at=newer.at or older.at,
        told_hash=newer.told_hash or older.told_hash,
        told_at=newer.told_at or older.told_at,
    )
