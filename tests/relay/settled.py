"""Sets that are settled at their first servers, and all that may be varied after that.

Two hubs live through stories of their own, with everything that is read by what stands where
it comes first: decisions on a page, changes without a base, phones that fetch lists between
their forms. What their feeds give in the end is the set, whatever brings it to a centre.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from sync_server.fleet.local_list import LocalList
from tests.relay.network import Machine, Network
from tests.relay.pictures import Picture, differences, picture_of
from tests.relay.sets import AWAY, Teller, begun, story_at
from tests.scenarios.arrivals import LIST
from tests.scenarios.hamlet import DECISIONS, ONLINE, PROGRAM, Hamlet, Pad

Items = list[dict[str, Any]]
HUBS = ("melati", "mawar")
DAILY = (*AWAY, *ONLINE, *ONLINE, *DECISIONS)


@dataclass
class Told:
    """Two stories that were told, and what hubs said of them meanwhile and in the end."""

    beginning: Path
    ends: dict[str, Path] = field(default_factory=dict)
    tails: list[Items] = field(default_factory=list)
    feeds: dict[str, Items] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)


def tell(network: Network, random: Random) -> Told:
    """Play a story at each hub; what one of them has heard of the other is part of it."""
    hamlet = begun(network, random)
    network.set_clock(hamlet.clock.now() + timedelta(hours=1))
    hamlet.clock = network.clock
    told = Told(network.folder / "beginning.db")
    network["office"].save(told.beginning)
    people = dict(zip(HUBS, _parted(hamlet, network), strict=True))
    teller, servers = Teller(random), {name: network[name] for name in HUBS}
    for server in servers.values():
        server.become(told.beginning)
    for turn in range(random.randint(2, 3)):
        for name, server in servers.items():
            story_at(server, people[name], teller.events(DAILY, 4, 12))
            if random.random() < 0.5:
                told.tails.append(server.feed(None, random))
            if random.random() < 0.3:
                told.files.append(network.folder / f"{name}{turn}.syncbatch")
                server.export(told.files[-1], since=server.exported)
        if random.random() < 0.4:
            _hear(*random.sample([*servers.values()], 2), network, random)
    for name, server in servers.items():
        _send_all(server, people[name])
    for name, server in servers.items():
        told.feeds[name] = server.feed(None, random, anew=True)
        told.files.append(network.folder / f"{name}.syncbatch")
        server.export(told.files[-1], since=random.choice([server.exported, None]))
        told.ends[name] = network.folder / f"{name}.db"
        server.save(told.ends[name])
    return told


def _parted(hamlet: Hamlet, network: Network) -> tuple[Hamlet, Hamlet]:
    """Two phones and the program stay with the one hub, another phone and program go away."""
    one, other = hamlet, deepcopy(hamlet)
    other.clock, other.random = network.clock, Random(8)
    first, second, third, program = one.pads
    one.pads = [first, second, first, program]
    away = other.pads[2]
    anew = Pad(program.author, None, LocalList(LIST, new_branch=other.new_id))
    other.pads = [away, away, away, anew]
    assert third.author == away.author
    assert one.pads.index(program) == PROGRAM
    return one, other


def _hear(server: Machine, of: Machine, network: Network, random: Random) -> None:
    network.clock.pass_seconds(1)
    server.take_as_relayed(of.feed(server, random), network.hub, random)
    network.clock.pass_seconds(1)


def _send_all(server: Machine, hamlet: Hamlet) -> None:
    with server.at_work():
        for number in range(len(hamlet.pads)):
            hamlet.send(number, 0, 5)


def in_order(network: Network, told: Told, random: Random) -> None:
    """As the hubs give it, the one after the other."""
    for items in told.feeds.values():
        network["centre"].take(items, network.hub)


def in_any_order(network: Network, told: Told, random: Random) -> None:
    """All in one heap, with what the hubs had said before of some of it."""
    heap = [one for items in (*told.feeds.values(), *told.tails) for one in items]
    network["centre"].take_as_relayed(heap, network.hub, random)


def through_another(network: Network, told: Told, random: Random) -> None:
    """To a third server, which passes it on now and then."""
    dusun, centre = network["dusun"].become(told.beginning), network["centre"]
    heaps = [*told.feeds.values(), *told.tails]
    random.shuffle(heaps)
    for items in heaps:
        dusun.take_as_relayed(items, network.hub, random)
        network.clock.pass_seconds(1)
        centre.take_as_relayed(dusun.feed(centre, random), network.hub, random)


def by_files(network: Network, told: Told, random: Random) -> None:
    """In files, in any order and some twice."""
    coming = [*told.files, *random.sample(told.files, len(told.files) // 2)]
    random.shuffle(coming)
    for file in coming:
        network["centre"].bring(file, network.hub)


def hub_behind_hub(network: Network, told: Told, random: Random) -> None:
    """The one hub passes all it has to the other, and that to the centre."""
    outer, inner = random.sample(HUBS, 2)
    for name in (outer, inner):
        network[name].become(told.ends[name])
    network.clock.pass_seconds(1)
    items = network[outer].feed(network[inner], random)
    network[inner].take_as_relayed(items, network.hub, random)
    network.clock.pass_seconds(1)
    items = network[inner].feed(network["centre"], random)
    network["centre"].take_as_relayed(items, network.hub, random)


def mixed(network: Network, told: Told, random: Random) -> None:
    """Some by each road, and then all again by another."""
    roads = random.sample([in_any_order, through_another, by_files, hub_behind_hub], 3)
    in_part = Told(told.beginning, told.ends, told.tails, dict(told.feeds), told.files)
    for name in HUBS:
        items = told.feeds[name]
        in_part.feeds[name] = random.sample(items, len(items) // 2)
    random.choice([in_any_order, through_another])(network, in_part, random)
    for road in roads:
        road(network, told, random)


ROADS: dict[str, Callable[[Network, Told, Random], None]] = {
    "in order": in_order,
    "in any order": in_any_order,
    "through another": through_another,
    "by files": by_files,
    "hub behind hub": hub_behind_hub,
    "mixed": mixed,
}


def settled(network: Network, seed: int, *, only: Sequence[str] = ()) -> list[str]:
    """What is otherwise at the centre by some road of a set that two hubs have settled; nothing."""
    network.begin_at(centre=seed % 2 == 0)
    told = tell(network, Random(f"settled {seed}"))
    first: Picture = {}
    found: list[str] = []
    for name, road in ROADS.items():
        if only and name not in (*only, "in order"):
            continue
        network["centre"].become(told.beginning)
        network.clock.pass_seconds(1)
        road(network, told, Random(f"{seed} {name}"))
        picture = picture_of(network["centre"])
        first = first or picture
        found += [f"{name}: {line}" for line in differences(first, picture)]
    for file in told.files:
        file.unlink()
    return found
