"""What was acknowledged and what was typed, as those who worked noted it themselves.

At the end the servers are asked about all of it. Nothing here was read from a server's store.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Typed:
    """What one form or change said of one record, and what its author's screen had shown of it.

    `key` is the instanceID of a form or the changeId of a change. `shown` is None where the
    author saw nothing: a record that is new.
    """

    key: str
    entity: str
    values: Mapping[str, str]
    shown: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Post:
    """One POST that a server answered: its status, how long it took, what it was about."""

    status: int
    seconds: float
    about: str


@dataclass(slots=True)
class Polls:
    """What phones asked for: how many answers, how many of them 304, and their bytes."""

    asked: int = 0
    unchanged: int = 0
    rows: int = 0
    foreign: list[str] = field(default_factory=list)
    """Rows that a phone of another village was given, by their ids."""
    kept_off: list[str] = field(default_factory=list)
    """Columns that no phone should have been given."""
    needless: list[str] = field(default_factory=list)
    """Lists and forms that came anew although nothing had changed."""
    idle_syncs: int = 0


class Book:
    """One book for all; whoever writes in it may be in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.typed: dict[str, Typed] = {}
        self.forms: dict[str, bytes] = {}
        self.files: dict[str, int] = {}
        self.acknowledged: dict[str, str] = {}
        self.decided: dict[str, tuple[str, str]] = {}
        self.held: dict[int, tuple[str, frozenset[str]]] = {}
        self.posts: list[Post] = []
        self.polls = Polls()
        self.troubles: Counter[str] = Counter()
        self.seconds_of_requests: list[float] = []

    def wrote(self, typed: Typed, xml: bytes | None = None) -> None:
        """Somebody finished a form (`xml`) or made a change: it waits to be sent."""
        with self._lock:
            self.typed[typed.key] = typed
            if xml is not None:
                self.forms[typed.key] = xml

    def acknowledge(self, keys: Iterable[str], by: str) -> None:
        """Somebody was told that these are in."""
        with self._lock:
            for key in keys:
                self.acknowledged.setdefault(key, by)

    def attached(self, sha256: str, size: int) -> None:
        """A file went with a form that was taken."""
        with self._lock:
            self.files[sha256] = size

    def decide(self, note: str, entity: str, name: str) -> None:
        """A supervisor's decision was answered with 200; `note` is the mark it bears."""
        with self._lock:
            self.decided[note] = (entity, name)

    def posted(self, status: int, seconds: float, about: str) -> None:
        with self._lock:
            self.posts.append(Post(status, seconds, about))

    def asked(self, seconds: float, *, unchanged: bool = False, poll: bool = False) -> None:
        """A request of any kind was answered; a poll is a phone's GET."""
        with self._lock:
            self.seconds_of_requests.append(seconds)
            self.polls.asked += poll
            self.polls.unchanged += unchanged

    def looked(self, rows: int, foreign: Iterable[str], kept_off: Iterable[str]) -> None:
        """A phone looked through the rows it was given."""
        with self._lock:
            self.polls.rows += rows
            self.polls.foreign += foreign
            self.polls.kept_off += kept_off

    def idled(self, phone: int, village: str, held: Iterable[str], needless: Iterable[str]) -> None:
        """A phone asked for news when there could be none: what it holds now, what came anew."""
        with self._lock:
            self.polls.idle_syncs += 1
            self.polls.needless += needless
            self.held[phone] = (village, frozenset(held))

    def met(self, trouble: str) -> None:
        with self._lock:
            self.troubles[trouble] += 1
