"""Five months of four posyandu, as their phones lived them.

Cadres come with fresh lists, measure without a signal in the morning and send in the evening.
What went wrong on the way is in `incidents`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from odk_forms.packs import Pack
from sync_server.demo.children import Child, children
from sync_server.demo.loading import StoryClock
from sync_server.demo.regency import Habit, Post, Regency, posts, update_forms
from sync_server.demo.telling import (
    Timeline,
    Worker,
    measure,
    on,
    register,
    send,
    worker_of,
)
from sync_server.fleet.phone import WIB

SESSIONS = 5
CHILDREN_EACH = 34
_SEED = 20181
_SETTLED = timedelta(days=4)  # the last session lies this far back, so that all its forms are in
_SETTING_UP = timedelta(days=9)
_ATTENDANCE = 0.86


@dataclass(frozen=True, slots=True)
class Told:
    """What the story came to."""

    children: int
    forms: int
    since: datetime


def beginning(pack: Pack, until: datetime) -> datetime:
    """When the regency is set up, for a story that ends at `until`."""
    last = (until - _SETTLED).astimezone(WIB).date()
    first = min(post.sessions(last, SESSIONS)[0] for post in posts(pack))
    return on(first, 9) - _SETTING_UP


class Story:
    """The regency at work. `incidents` may look at and lean on everything here."""

    def __init__(
        self,
        regency: Regency,
        pack: Pack,
        *,
        url: str,
        clock: StoryClock,
        until: datetime,
    ) -> None:
        self.regency = regency
        self.pack = pack
        self.url = url
        self.clock = clock
        self.until = until
        self.rng = Random(_SEED)  # noqa: S311 - the same story each time, and no secret in it
        self.timeline = Timeline(clock)
        self.forms = 0
        self.since = clock.now()
        last = (until - _SETTLED).astimezone(WIB).date()
        self.days = {post: post.sessions(last, SESSIONS) for post in regency.posts}
        self.children = {
            post: children(CHILDREN_EACH, days, self.rng) for post, days in self.days.items()
        }
        self.gone: set[str] = set()
        self.attends: set[tuple[int, int]] = set()  # (id of child, session): comes for certain
        self.away: dict[int, tuple[datetime, datetime]] = {}  # actor: has no signal from, until
        self.after_session: dict[tuple[Post, int], list[Callable[[], None]]] = {}
        self.workers = {
            post: [
                worker_of(cadre, url, regency.project_id, clock, self.rng)
                for cadre in regency.cadres
                if cadre.post == post and cadre.habit is not Habit.NEVER
            ]
            for post in regency.posts
        }

    @property
    def last(self) -> int:
        return SESSIONS - 1

    @property
    def forms_updated(self) -> datetime:
        """When the newest measuring form was published: before the last round of sessions."""
        return on(min(days[-1] for days in self.days.values()), 10) - timedelta(days=3)

    def tell(self) -> Told:
        """Live it all, up to the present."""
        publishing = partial(update_forms, self.regency, self.pack, clock=self.clock)
        self.timeline.at(self.forms_updated, publishing)
        for post, days in self.days.items():
            for worker in self.workers[post]:
                self._daily_life(worker)
            for number in range(len(days)):
                self._session(post, number)
        self.timeline.run()
        everyone = [child for some in self.children.values() for child in some if child.entity]
        return Told(len(everyone), self.forms, self.since)

    def syncs(self, worker: Worker, moment: datetime) -> bool:
        """Whether this phone asks the server for news at that time."""
        habit, away = worker.cadre.habit, self.away.get(worker.cadre.actor_id)
        if away is not None and away[0] <= moment < away[1]:
            return False
        if habit is Habit.STALE:
            return moment < self.forms_updated
        return habit is not Habit.SILENT or moment < self.silent_from(worker)

    def silent_from(self, worker: Worker) -> datetime:
        """A silent phone was last heard on the evening of the last session but one."""
        return on(self.days[worker.cadre.post][-2], 23)

    def works(self, worker: Worker, number: int) -> bool:
        """Whether a cadre measures at a session."""
        return worker.cadre.habit is not Habit.SILENT or number < self.last

    def send(self, worker: Worker) -> None:
        """Send what waits, and ask for news."""
        self.forms += send(self.timeline, worker, self.rng)
        if self.syncs(worker, self.clock.now()):
            worker.phone.sync()

    def _daily_life(self, worker: Worker) -> None:
        """The card scanned, then a look for news every fortnight, the last one yesterday."""
        moment = self.since + timedelta(days=self.rng.uniform(1, 4))
        ended = self.until - timedelta(hours=self.rng.uniform(1, 30))
        while moment < ended:
            self._look(worker, moment)
            moment += timedelta(days=self.rng.uniform(12, 18))
        self._look(worker, ended)

    def _look(self, worker: Worker, moment: datetime) -> None:
        if self.syncs(worker, moment):
            self.timeline.at(moment, partial(_sync, worker))

    def _session(self, post: Post, number: int) -> None:
        day = self.days[post][number]
        workers = [one for one in self.workers[post] if self.works(one, number)]
        for worker in workers:
            self._look(worker, on(day, self.rng.uniform(5.5, 7)))
        self.timeline.at(on(day, 8), lambda: self._measure_all(post, number, workers))
        for worker in workers:
            evening = on(day, self.rng.uniform(17.5, 20.5))
            away = self.away.get(worker.cadre.actor_id)
            if away is None or not away[0] <= evening < away[1]:
                self.timeline.at(evening, partial(self.send, worker))

    def _measure_all(self, post: Post, number: int, workers: list[Worker]) -> None:
        """The morning: each child goes to the table of a cadre who has it in her list."""
        minutes = dict.fromkeys(range(len(workers)), 0.0)
        for child in self.children[post]:
            is_new = child.first_session == number
            comes = (id(child), number) in self.attends or self.rng.random() < _ATTENDANCE
            if not is_new and (child.first_session > number or child.entity in self.gone):
                continue
            if not (is_new or comes):
                continue
            tables = [n for n, one in enumerate(workers) if is_new or one.knows(child)]
            table = self.rng.choice(tables)
            at = self.clock.now() + timedelta(minutes=minutes[table])
            minutes[table] += self._serve(workers[table], child, at, is_new=is_new)
        for action in self.after_session.get((post, number), ()):
            action()

    def _serve(self, worker: Worker, child: Child, at: datetime, *, is_new: bool) -> float:
        """One child at one table; the minutes it took."""
        took = self.rng.uniform(2.5, 5)
        if is_new:
            register(worker, child, at)
            at += timedelta(minutes=took)
            took *= 2
        measure(worker, child, at, child.measure(at.astimezone(WIB).date(), self.rng))
        return took


def _sync(worker: Worker) -> None:
    worker.phone.sync()
