"""The weeks of a fleet: set up, work side by side, meet trouble, and drain at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from odk_forms.packs import Pack
from sync_server.simulator.book import Book
from sync_server.simulator.hubs import Hub
from sync_server.simulator.installs import Install
from sync_server.simulator.office import Office, add_device, open_project
from sync_server.simulator.options import Options
from sync_server.simulator.phones import Handset
from sync_server.simulator.plan import Kill, Plan, chance, subject_of
from sync_server.simulator.programs import Program
from sync_server.simulator.supervisors import Supervisor

_MOST_ROUNDS = 10
_INSTALLS = 4  # of a machine that does other things too

Task = Callable[[], object]
Tell = Callable[[str], None]


class DrillFailed(Exception):
    """The fleet could not come to its end; the text is for the operator."""


@dataclass
class Drill:
    """One run. `own` is the centre when the simulator started it, else None.

    `second` is a server that takes part in nothing until the end.
    """

    options: Options
    pack: Pack
    plan: Plan
    centre: Office
    own: Install | None
    hubs: list[Hub]
    second: Hub
    folder: Path
    tell: Tell = lambda _line: None
    book: Book = field(default_factory=Book)
    handsets: list[Handset] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    supervisors: list[Supervisor] = field(default_factory=list)
    kills: int = 0
    files: int = 0
    seconds: float = 0.0

    def initialise(self) -> None:
        """`simpul init` in the home of every server. Errors: `InstallFailed`."""
        installs = [one.install for one in self._paired()]
        installs += [] if self.own is None else [self.own]
        self._together([one.initialise for one in installs], _INSTALLS)

    def begin(self, name: str) -> None:
        """Make the project, the accounts, the hubs; hand out the phones."""
        main, plan = subject_of(self.pack), self.plan
        self.centre = open_project(self.centre, self.pack, name, plan.villages)
        actors = [rule.actor_property for rule in main.access]
        tokens = [
            add_device(
                self.centre,
                f"Phone {one.number}",
                dict.fromkeys(actors, plan.villages[one.village]),
            )
            for one in plan.phones
        ]
        everywhere = {name: list(plan.villages) for name in actors}
        program_tokens = [
            add_device(self.centre, f"Program {n}", everywhere) for n in range(len(plan.programs))
        ]
        self._together([partial(one.begin, self.centre) for one in self._paired()], _INSTALLS)
        shared: dict[str, Any] = {
            "book": self.book,
            "seed": self.options.seed,
            "loss": self.options.loss,
            "folder": self.folder,
        }
        for one, token in zip(plan.phones, tokens, strict=True):
            at = self.hubs[one.hub] if one.hub is not None else None
            place = (
                (at.install.url, at.project_id, token)
                if at
                else (self.centre.url, self.centre.project_id, token)
            )
            area = plan.villages[one.village]
            self.handsets.append(Handset(one, main, place=place, area=area, **shared))
        for number, token in enumerate([*program_tokens, self.centre.token]):
            watches = number == len(program_tokens)
            self.programs.append(
                Program(
                    "watcher" if watches else f"program-{number}",
                    main,
                    () if watches else plan.programs[number],
                    place=(self.centre.url, self.centre.project_id, token),
                    villages=plan.villages,
                    **shared,
                )
            )
        self.supervisors = [
            Supervisor(
                self.centre,
                main,
                chance(self.options.seed, "supervisor", n),
                self.book,
                plan.villages,
            )
            for n in range(self.options.supervisors)
        ]

    def work(self) -> None:
        """Every week of the plan, whoever works doing so at once."""
        started = time.monotonic()
        for hub in self.hubs:
            hub.spoil()
        for week in range(self.options.weeks):
            self.tell(f"week {week + 1} of {self.options.weeks}")
            tasks: list[Task] = [partial(one.work, week) for one in self.handsets]
            tasks += [partial(one.work, week) for one in self.programs]
            tasks += [partial(one.work, week) for one in self.supervisors]
            tasks += [self.hubs[n].relay for n in self.plan.relays[week]]
            chance(self.options.seed, "week", week).shuffle(tasks)
            with beside(partial(self._kill, self.plan.kills.get(week, ()))):
                self._together(tasks, self.options.lanes)
            for number in self.plan.files[week]:
                self._by_file(self.hubs[number], week)
        self.seconds = time.monotonic() - started

    def drain(self) -> None:
        """Let everything arrive everywhere. Errors: `DrillFailed` when that has no end.

        A round in which nothing was sent is the last: all had been sent before the last fetch.
        """
        for hub in self.hubs:
            hub.heal()
        for number in range(_MOST_ROUNDS):
            self.tell(f"draining, round {number + 1}")
            went = self._together([one.finish for one in self.handsets], self.options.lanes)
            went += self._together([one.finish for one in self.programs], self.options.lanes)
            went += self._together([one.push for one in self.hubs], _INSTALLS)
            if not any(went):
                break
            self._together([one.pull for one in self.hubs], _INSTALLS)
        else:
            raise DrillFailed(f"after {_MOST_ROUNDS} rounds something was still on its way")
        self._together([one.idle for one in self.handsets], self.options.lanes)

    def end(self) -> None:
        """Hang up and stop what was started."""
        for one in self.handsets:
            one.close()
        for hub in self._paired():
            hub.end()
        if self.own is not None:
            self.own.stop()

    def _paired(self) -> list[Hub]:
        return [*self.hubs, self.second]

    def _kill(self, kills: Sequence[Kill]) -> None:
        """Cut the power of servers, one after another, and bring each up again at once."""
        for kill in kills:
            victim = self.own if kill.victim is None else self.hubs[kill.victim].install
            if victim is None:
                continue  # a server that others run is not ours to kill
            time.sleep(kill.after)
            victim.kill()
            victim.start()
            self.kills += 1

    def _by_file(self, hub: Hub, week: int) -> None:
        """What came in at a hub is carried to the centre in a pocket."""
        if self.own is None:
            return  # the file is imported by a command in the centre's own home
        path = self.folder / f"{hub.name}-{week}.syncbatch"
        hub.export(path)
        self.own.command("import-batch", str(path), "--project", str(self.centre.project_id))
        path.unlink()
        self.files += 1

    def _together(self, tasks: Iterable[Task], lanes: int) -> list[Any]:
        """Do all of it, `lanes` at once; what each came to."""
        with ThreadPoolExecutor(max_workers=max(1, lanes)) as pool:
            return [one.result() for one in [pool.submit(task) for task in tasks]]


@contextmanager
def beside(task: Task) -> Iterator[None]:
    """Something that is done beside a block, which waits for it at its end."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(task)
        yield
        done.result()


def names(count: int) -> Sequence[str]:
    """What hubs are called."""
    return [f"hub-{number}" for number in range(count)]
