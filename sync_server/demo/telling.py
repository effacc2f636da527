"""A story told in the order of its hours: what happens when, and the phones it happens with."""

from __future__ import annotations

import heapq
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from random import Random

from sync_server.accounts.devices import server_url
from sync_server.demo.children import Child, Measured
from sync_server.demo.filling import measurement, registration
from sync_server.demo.loading import StoryClock
from sync_server.demo.regency import Cadre, Habit
from sync_server.fleet.phone import WIB, Phone
from sync_server.fleet.sending import Filled

REGISTERING, MEASURING = "registrasi_anak", "pengukuran_balita"
_MODELS = (
    ("v2026.2.4", "11", "SM-A035F Build/RP1A.200720.012"),
    ("v2026.2.4", "13", "CPH2495 Build/TP1A.220905.001"),
    ("v2025.4.1", "10", "Redmi 9A Build/QP1A.190711.020"),
    ("v2026.1.0", "9", "vivo 1904 Build/PPR1.180610.011"),
)
_CLOCK_BEHIND = timedelta(days=-2)


class StoryBroken(Exception):
    """A server answered otherwise than the story needs."""


def on(day: date, hours: float) -> datetime:
    """A moment of a day in West Java; 18.5 is half past six in the evening."""
    return datetime.combine(day, time(), WIB) + timedelta(hours=hours)


@dataclass(slots=True)
class Worker:
    """A cadre and her phone."""

    cadre: Cadre
    phone: Phone

    def knows(self, child: Child) -> bool:
        """Whether the child is in the list on her phone."""
        return child.entity in self.phone.lists["anak"].entities


class Timeline:
    """Actions in the order of their moments; the clock is moved to each before it is done."""

    def __init__(self, clock: StoryClock) -> None:
        self.clock = clock
        self._order = count()
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []

    def at(self, moment: datetime, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (moment, next(self._order), action))

    def run(self) -> None:
        """Do everything, what is added on the way included."""
        while self._due:
            moment, _, action = heapq.heappop(self._due)
            self.clock.move_to(moment)
            action()

    def seconds_pass(self, seconds: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(seconds=seconds))


def worker_of(cadre: Cadre, url: str, project_id: int, clock: StoryClock, rng: Random) -> Worker:
    """A cadre with the phone that scanned her card."""
    letters = string.ascii_letters + string.digits
    collect, android, model = rng.choice(_MODELS)
    phone = Phone(
        server_url(url, cadre.token, project_id),
        "collect:" + "".join(rng.choice(letters) for _ in range(16)),
        clock=clock,
        clock_off=_CLOCK_BEHIND if cadre.habit is Habit.SLOW else timedelta(0),
        user_agent=(
            f"org.odk.collect.android/{collect} Dalvik/2.1.0 (Linux; U; Android {android}; {model})"
        ),
    )
    return Worker(cadre, phone)


def register(worker: Worker, child: Child, at: datetime) -> Filled:
    """The child's registration; from now on it is known by its `entity`."""
    answers = registration(child, worker.cadre.post.code, worker.phone.lists.get("anak"))
    filled = worker.phone.fill(REGISTERING, answers, label=child.label, at=at)
    child.entity = filled.entity or ""
    return filled


def measure(
    worker: Worker, child: Child, at: datetime, found: Measured | None, *, gone: str = ""
) -> Filled:
    """A measurement, or with `gone` the news that the child left."""
    known = worker.phone.lists["anak"].entities[child.entity]
    day = at.astimezone(WIB).date()
    answers = measurement(known, worker.cadre.post.code, day, found, gone=gone)
    return worker.phone.fill(MEASURING, answers, entity=child.entity, at=at)


def send(
    timeline: Timeline, worker: Worker, rng: Random, forms: Sequence[Filled] | None = None
) -> int:
    """Send what waits, or `forms` in that order, a few seconds apart; how many went."""
    waiting = sorted(worker.phone.outbox, key=lambda one: one.finished) if forms is None else forms
    for form in waiting:
        timeline.seconds_pass(rng.uniform(2, 6))
        for delivery in worker.phone.send([form]):
            if not delivery.taken:
                raise StoryBroken(f"{form.file_name}: {delivery.status} {delivery.message}")
    return len(waiting)
