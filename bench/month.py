"""A month of one posyandu's phone, byte for byte: nothing here depends on the machine.

Collect asks twelve times a day, and before each poll a child elsewhere has altered. The phone
measures its own children: most on the one day the posyandu is open, the others at home. Beside
it goes a phone that is not there, with the same answers under hashes that alter with any edit
of the list, wherever it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from flask import Flask

from bench.air import Air, Exchange
from bench.regency import opened
from bench.stores import sqlite_store
from bench.table import Figure
from bench.village import BEGINS, MonthClock, Village
from sync_server.demo.filling import measurement
from sync_server.fleet.phone import USER_AGENT, Phone

STORE = "bytes"
POLLS_A_DAY = 12
MOST_BYTES = 2_000_000  # of a month, in all
MOST_OF_A_POLL = 1_000  # of bodies, where nothing altered
TIMES_LESS = 20  # the traffic of lists
_ROOT = "https://sinkron.kabupaten.example"
_DEVICE = "collect:Zk3bQ8hGxT1mPv0d"
_SECRET = "a secret of this run and no other"
_AN_HOUR = timedelta(hours=1)

Visits = Mapping[tuple[int, int], int]
"""How many children are measured after a poll: by (day, poll of that day)."""


@dataclass(slots=True)
class Month:
    """All that went over the air: `ours`, and `anyones` had any edit altered the hashes.

    `idle` is the first poll at which the phone had everything.
    """

    ours: list[Exchange] = field(default_factory=list)
    anyones: list[Exchange] = field(default_factory=list)
    idle: list[Exchange] = field(default_factory=list)

    @property
    def times_less(self) -> float:
        return list_bytes(self.anyones) / list_bytes(self.ours)


def list_bytes(exchanges: Iterable[Exchange]) -> int:
    """Bodies of lists, and of the manifests that name their hashes."""
    return sum(one.down for one in exchanges if one.what in ("list", "manifest"))


def bytes_of(exchanges: Iterable[Exchange], *what: str) -> int:
    """Headers and bodies in both directions; of these kinds of requests, if any is named."""
    return sum(one.bytes for one in exchanges if not what or one.what in what)


def opening_day(days: int, visits: int) -> Visits:
    """Most visits in one morning, after three of its polls; one in six at home, each on a day."""
    at_home, morning = visits // 6, days // 3
    due = {(morning, 2 + part): len(range(part, visits - at_home, 3)) for part in range(3)}
    later = [day for day in range(1, days) if day != morning]
    step = max(1, len(later) // max(1, at_home))
    return due | dict.fromkeys(((day, 9) for day in later[::step][:at_home]), 1)


def every_day(days: int, visits: int) -> Visits:
    """The same visits one by one over all the days: the worst there is for a list's hash."""
    due: dict[tuple[int, int], int] = {}
    for number in range(visits):
        when = (number * days // visits, 1 + number * 5 % (POLLS_A_DAY - 1))
        due[when] = due.get(when, 0) + 1
    return due


def live(app: Flask, clock: MonthClock, village: Village, *, days: int, visits: Visits) -> Month:
    """What the phone of a village asks and sends in so many days."""
    phone, month, measured = _OnAir(app, clock, village), Month(), 0
    for day in range(days):
        clock.at = BEGINS + timedelta(days=day)
        phone.begin_the_day()
        for poll in range(POLLS_A_DAY):
            village.edit_elsewhere()
            ours, anyones = phone.poll()
            month.ours += ours
            month.anyones += anyones
            if not month.idle and not any(one.down for one in ours):
                month.idle = ours
            for _ in range(visits.get((day, poll), 0)):
                sent = phone.measure(measured)
                measured += 1
                month.ours += sent
                month.anyones += sent
            clock.at += _AN_HOUR
    return month


class _OnAir:
    """The phone, and the one that is not there."""

    def __init__(self, app: Flask, clock: MonthClock, village: Village) -> None:
        self._clock, self._village = clock, village
        self._url = f"{_ROOT}{village.device('Kader', _SECRET)}"
        self._phone = Phone(
            self._url, _DEVICE, clock=clock, line=lambda agent, now: Air(app, agent, now)
        )
        assert isinstance(self._phone.wire, Air)
        self._air = self._phone.wire
        self._other = Air(app, USER_AGENT, clock.now)
        self._asked: dict[str, None] = {}  # what an edit of the list makes a phone fetch
        self._head = 0
        self._has_asked: bool | None = None  # before it sends today; None: has never sent
        self._preflight = f"{self._url}/submission?deviceID={quote(_DEVICE, safe='')}"

    def begin_the_day(self) -> None:
        """Android has ended Collect over night: it asks again before its first submission."""
        self._has_asked = None if self._has_asked is None else False

    def poll(self) -> tuple[list[Exchange], list[Exchange]]:
        """What one poll costs, and what it costs under hashes that any edit alters."""
        self._phone.sync()
        ours = self._taken(self._air)
        self._asked |= dict.fromkeys(one.url for one in ours if _tells_of_children(one))
        head = self._village.list_head()
        if head == self._head:
            return ours, ours
        self._head = head
        for url in self._asked:
            self._other.exchange("GET", url, b"", {})
        anew = self._taken(self._other)
        return ours, [*(one for one in ours if one.url not in self._asked), *anew]

    def measure(self, number: int) -> list[Exchange]:
        """Measure a child and send the form at once, as Collect is set to."""
        child = self._village.children[number]
        day = self._clock.now().date()
        entity = self._phone.lists["anak"].entities[child.entity]
        answers = measurement(
            entity, self._village.kode, day, child.measure(day, self._village.random)
        )
        self._phone.fill("pengukuran_balita", answers, entity=child.entity)
        if self._has_asked is False:
            self._air.head(self._preflight)
        self._has_asked = True
        (delivery,) = self._phone.send()
        assert delivery.taken, delivery
        return self._taken(self._air)

    @staticmethod
    def _taken(air: Air) -> list[Exchange]:
        taken, air.exchanges = air.exchanges, []
        return taken


def _tells_of_children(one: Exchange) -> bool:
    return one.what == "manifest" or "/anak.csv" in one.url


def measure(folder: Path) -> Iterator[Figure]:
    """The figures of a month: fifty children, fifty visits."""
    days = visits = 0
    clock = MonthClock()
    with sqlite_store(folder) as store, opened(store, clock) as app:
        days, visits = 30, 50
        month = live(
            app, clock, Village(clock, "Melati", 50), days=days, visits=opening_day(days, visits)
        )
        spread = live(
            app, clock, Village(clock, "Mawar", 50), days=days, visits=every_day(days, visits)
        )
    yield from figures(month, spread)


def figures(month: Month, spread: Month) -> Iterator[Figure]:
    """The month's lines; `spread` is one in which children are measured on every day."""

    def line(what: str, size: float, beside: float, **aim: float | bool) -> Figure:
        return Figure(STORE, f"{what} ({size:.0f} : {beside:.0f})", size / beside, **aim)  # type: ignore[arg-type]

    any_edit = "lists, hashes any edit alters : ours"
    sizes = list_bytes(month.anyones), list_bytes(month.ours)
    yield line(any_edit, *sizes, aim=TIMES_LESS, at_least=True)
    apart = list_bytes(spread.anyones), list_bytes(spread.ours)
    yield line(f"apart: {any_edit}, a visit on every day", *apart)
    total = bytes_of(month.ours)
    yield line("a month, all bytes : 2 MB", total, MOST_BYTES, aim=1)
    yield line("apart: with hashes any edit alters : 2 MB", bytes_of(month.anyones), MOST_BYTES)
    yield line("apart: a visit on every day : 2 MB", bytes_of(spread.ours), MOST_BYTES)
    for kind in ("submission", "list", "form", "manifest", "formList"):
        mine = [one for one in month.ours if one.what == kind]
        bodies = sum(one.up + one.down for one in mine)
        yield line(f"apart: bodies of {len(mine)} {kind} : all bytes", bodies, total)
    headers = sum(one.headers for one in month.ours)
    yield line(f"apart: headers of {len(month.ours)} requests : all bytes", headers, total)
    idle = sum(one.up + one.down for one in month.idle)
    yield line("an idle poll, bodies : 1 kB", idle, MOST_OF_A_POLL, aim=1)
    yield line("apart: an idle poll, with headers : 1 kB", bytes_of(month.idle), MOST_OF_A_POLL)
