"""A whole run: servers, weeks, drain, evidence, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from odk_forms.packs import Pack
from sync_server.simulator.book import Book
from sync_server.simulator.drill import Drill, Tell
from sync_server.simulator.drill import names as hub_names
from sync_server.simulator.evidence import Evidence, gather, second_view
from sync_server.simulator.faults import OF_CABLES, Luck
from sync_server.simulator.hubs import Hub
from sync_server.simulator.installs import Install, LocalInstall
from sync_server.simulator.office import Office, logged_in
from sync_server.simulator.options import Options
from sync_server.simulator.plan import chance, plan, subject_of
from sync_server.simulator.promises import Verdict, judge

_CABLES_ARE_WORSE = 4  # one connection carries all of a contact
_RELAY_SECONDS = 1  # a hub of the fleet relays as often as its schedule lets it

MakeInstall = Callable[[str], Install]


@dataclass(frozen=True, slots=True)
class Where:
    """The centre: a running one at `url`, or one to be started, on `database_url` if any."""

    url: str = ""
    token: str = ""
    email: str = ""
    password: str = ""
    database_url: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that came to its end, what the doors answered, and the judgement of it."""

    drill: Drill
    seen: Evidence
    verdicts: Sequence[Verdict]


def run(
    options: Options,
    pack: Pack,
    where: Where,
    folder: Path,
    *,
    tell: Tell = lambda _line: None,
    installs: MakeInstall | None = None,
) -> Finished:
    """Let a fleet work and judge what came of it. `installs` makes a server of a name.

    Errors    `InstallFailed`, `OfficeRefused`, `DrillFailed`; `requests.RequestException`,
              `SyncUnreachable` or `SyncRefused` when the centre stays away.
    """
    make = installs or (lambda name: _local(folder / name, where))
    tell("setting up")
    own = None if where.url else make("centre")
    drill = _drill(options, pack, own, make, folder, tell)
    if own is None:
        drill.centre = _reached(where)  # before anything is made here
    try:
        drill.initialise()
        if own is not None:
            own.start()
            drill.centre = logged_in(own.url, own.email, own.password)
        drill.begin(f"Simulation, seed {options.seed}")
        drill.work()
        drill.drain()
        tell("asking the doors")
        seen = _asked(drill)
        return Finished(drill, seen, judge(drill.book, seen, subject_of(pack)))
    finally:
        drill.end()


def _drill(
    options: Options,
    pack: Pack,
    own: Install | None,
    make: MakeInstall,
    folder: Path,
    tell: Tell,
) -> Drill:
    whole = plan(options, pack)
    actors = [rule.actor_property for rule in subject_of(pack).access]
    book, hubs = Book(), []
    for number, name in enumerate(hub_names(options.hubs)):
        served = zip(whole.villages, whole.village_hub, strict=True)
        mine = [village for village, hub in served if hub == number]
        loss = min(0.9, options.loss * _CABLES_ARE_WORSE)
        luck = Luck(chance(options.seed, "cable", number), loss, book, OF_CABLES)
        hubs.append(Hub(name, make(name), dict.fromkeys(actors, mine), luck))
    second = Hub("second", make("second"), {})
    nobody = Office("", "")
    return Drill(options, pack, whole, nobody, own, hubs, second, folder, tell, book)


def _local(home: Path, where: Where) -> Install:
    if home.name == "centre":
        return LocalInstall(home, where.database_url)
    return LocalInstall(home, relay_seconds=0 if home.name == "second" else _RELAY_SECONDS)


def _reached(where: Where) -> Office:
    """An administrator's line to the running server that is meant."""
    if where.token:
        Office(where.url, where.token, patience=0).ask("GET", "users/current")
        return Office(where.url, where.token)
    return logged_in(where.url, where.email, where.password)


def _asked(drill: Drill) -> Evidence:
    entities = {one.entity for one in drill.book.typed.values() if one.entity}
    seen = gather(
        drill.centre, drill.hubs, drill.programs, entities=entities, blobs=drill.book.files
    )
    other = second_view(drill.second, seen.feed, chance(drill.options.seed, "other order"))
    return replace(seen, others=[*seen.others, other])
