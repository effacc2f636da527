"""The same random set by many routes: the centre must end alike.

    python -m tests.relay.routes --seeds 200
    python -m tests.relay.routes --seed 17

Each seed tells a story, lets its people go apart, and brings what they send to the centre by
every route of `ROUTES`, each time from the same beginning, in another order and other batches.
Ends with 1 when the centre ends otherwise by one route than by another.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from multiprocessing import Pool
from pathlib import Path
from random import Random

from tests.relay.network import Network, cut
from tests.relay.pictures import Picture, differences, picture_of
from tests.relay.sets import Piece, begun, sent_apart
from tests.relay.settled import settled
from tests.support.serving import Served

HOUR = timedelta(hours=1)


Doors = Callable[[], list[str]]


class Delivery:
    """One bringing of a set to a centre. `ups` are the servers and where each relays to.

    `exchanges` is whether hubs hear in the end what came by other roads, as hubs do; else what
    an edit is read by must come to its server at once.
    """

    def __init__(self, network: Network, random: Random, ups: dict[str, str]) -> None:
        self.network, self.random, self.ups = network, random, ups
        self.parcels: list[tuple[str, Path]] = []
        self.exchanges = len(ups) > 1 and random.random() < 0.6

    def hand_in(self, pieces: Sequence[Piece], doors: Doors) -> None:
        """Every piece comes at its moment to some doors, in any order of what comes then."""
        start = self.network.clock.now()
        groups = {id(one): one.context for one in pieces}
        wanted = {group: doors() for group in sorted({*groups.values()})}
        for moment in sorted({one.moment for one in pieces}):
            self.network.set_clock(start + HOUR * moment)
            now = [one for one in pieces if one.moment == moment]
            for door, batch in self._batches(
                now, {id(one): wanted[groups[id(one)]] for one in now}
            ):
                self.network[door].take([one.item for one in batch], batch[0].author)
                self.meanwhile()

    def _batches(
        self, now: Sequence[Piece], doors: dict[int, list[str]]
    ) -> Iterator[tuple[str, Sequence[Piece]]]:
        """Of one moment, what comes where: in any order, some twice, each author by itself."""
        queues: dict[tuple[str, int | None], list[Piece]] = {}
        for piece in [*now, *self.random.sample(now, len(now) // 3)]:
            for door in doors[id(piece)]:
                queues.setdefault((door, piece.author.actor_id), []).append(piece)
        waiting = []
        for (door, _), queue in queues.items():
            self.random.shuffle(queue)
            # What is made of another piece comes behind that.
            queue.sort(key=lambda one: one.after is not None)
            waiting.append([(door, batch) for batch in cut(queue, self.random)])
        while waiting:
            one = self.random.choice(waiting)
            yield one.pop(0)
            waiting = [one for one in waiting if one]

    def meanwhile(self) -> None:
        """Between two batches: a server may pass on what it has."""

    def pass_on(self, name: str, *, anew: bool = False) -> None:
        """What a hub has for the server above it, over the line or through its feed."""
        upper = self.network[self.ups[name]]
        items = self.network[name].feed(upper, self.random, anew=anew)
        upper.take_as_relayed(items, self.network.hub, self.random)

    def pass_down(self, name: str) -> None:
        """What the server above a hub has for it."""
        upper, hub = self.network[self.ups[name]], self.network[name]
        hub.take_as_relayed(upper.feed(hub, self.random), self.network.hub, self.random)

    def export(self, name: str, to: str) -> None:
        """A file on a stick, of all or since the last one."""
        server = self.network[name]
        since = server.exported if self.random.random() < 0.7 else None
        file = self.network.folder / f"{name}{len(self.parcels)}.syncbatch"
        server.export(file, since=since)
        self.parcels.append((to, file))

    def bring_files(self) -> None:
        """Every file comes where it should, in any order, some twice."""
        again = self.random.sample(self.parcels, len(self.parcels) // 2)
        coming = [*self.parcels, *again]
        self.random.shuffle(coming)
        for server, file in coming:
            self.network[server].bring(file, self.network.hub)
        for _, file in self.parcels:
            file.unlink()
        self.parcels = []

    def finish(self) -> None:
        """All goes up; and where hubs hear of it, down, and up again until nothing is new."""
        for _ in range(3 if self.exchanges else 1):
            for name in self.ups:  # from the outermost inwards
                self.network.clock.pass_seconds(1)
                self.up(name)
            for name in reversed(self.ups) if self.exchanges else ():
                self.network.clock.pass_seconds(1)
                self.down(name)
        for name in self.ups:
            self.network.clock.pass_seconds(1)
            self.up(name)

    def up(self, name: str) -> None:
        self.pass_on(name)

    def down(self, name: str) -> None:
        self.pass_down(name)


class Relaying(Delivery):
    """Hubs that pass on now and then, and in the end all they have."""

    def meanwhile(self) -> None:
        if self.random.random() < 0.15:
            self.pass_on(self.random.choice([*self.ups]), anew=self.random.random() < 0.1)


class Carrying(Delivery):
    """Hubs whose people carry files, now and then and in the end."""

    def meanwhile(self) -> None:
        if self.random.random() < 0.15:
            name = self.random.choice([*self.ups])
            self.export(name, self.ups[name])

    def up(self, name: str) -> None:
        self.export(name, self.ups[name])
        self.bring_files()

    def down(self, name: str) -> None:
        self.export(self.ups[name], name)
        self.bring_files()


class Mixing(Delivery):
    """Everything at once, also downwards: hubs hear from above what others sent."""

    def meanwhile(self) -> None:
        if self.random.random() > 0.25:
            return
        name = self.random.choice([*self.ups])
        how = self.random.choice(["up", "up", "file", "files", "down"])
        if how == "up":
            self.pass_on(name)
        elif how == "file":
            self.export(name, self.ups[name])
        elif how == "files":
            self.bring_files()
        else:
            self.pass_down(name)

    def finish(self) -> None:
        self.bring_files()
        super().finish()


BESIDE = {"melati": "centre", "mawar": "centre"}
BEHIND = {"mawar": "melati", "melati": "centre"}


def directly(network: Network, pieces: Sequence[Piece], random: Random) -> None:
    Delivery(network, random, {}).hand_in(pieces, lambda: ["centre"])


def by_one_hub(network: Network, pieces: Sequence[Piece], random: Random) -> None:
    delivery = Relaying(network, random, {"melati": "centre"})
    delivery.hand_in(pieces, lambda: ["melati"])
    delivery.finish()


def by_two_hubs(network: Network, pieces: Sequence[Piece], random: Random) -> None:
    delivery = Relaying(network, random, random.choice([BESIDE, BEHIND]))
    both = [["melati"], ["mawar"], ["melati", "mawar"]]
    delivery.hand_in(pieces, lambda: random.choice(both))
    delivery.finish()


def by_file(network: Network, pieces: Sequence[Piece], random: Random) -> None:
    delivery = Carrying(network, random, random.choice([BESIDE, BEHIND, {"melati": "centre"}]))
    delivery.hand_in(pieces, lambda: [random.choice([*delivery.ups])])
    delivery.finish()


def by_a_mix(network: Network, pieces: Sequence[Piece], random: Random) -> None:
    delivery = Mixing(network, random, random.choice([BESIDE, BEHIND]))
    doors = ["centre", "melati", "mawar"]
    delivery.hand_in(pieces, lambda: random.sample(doors, random.choice([1, 1, 1, 2, 3])))
    delivery.finish()


ROUTES = {
    "directly": directly,
    "by one hub": by_one_hub,
    "by two hubs": by_two_hubs,
    "by file": by_file,
    "by a mix": by_a_mix,
}


def apart(network: Network, seed: int, *, only: Sequence[str] = ()) -> list[str]:
    """What is otherwise by some route of a set whose meaning no server alters; nothing."""
    random = Random(seed)
    network.begin_at(centre=seed % 2 == 0)
    hamlet = begun(network, random)
    store = network.folder / "beginning.db"
    network["office"].save(store)
    with network["office"].at_work():
        pieces = sent_apart(hamlet, random)
    first: Picture = {}
    found = []
    for name, route in ROUTES.items():
        if only and name not in (*only, "directly"):
            continue
        for machine in ("centre", "melati", "mawar"):
            network[machine].become(store)
        network.set_clock(hamlet.clock.now() + HOUR)
        route(network, pieces, Random(f"{seed} {name}"))
        picture = picture_of(network["centre"])
        first = first or picture
        found += [f"{name}: {line}" for line in differences(first, picture)]
    found += [
        f"waiting: {name}"
        for name, one in first.items()
        if name.startswith("record ") and one["waiting"]
    ]
    return found


def outcome(network: Network, seed: int) -> list[str]:
    """All that ends otherwise of one seed: sets settled on the way, and sets settled before."""
    return [*apart(network, seed), *settled(network, seed)]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


_NETWORK: list[Network] = []


def _begin(folder: str) -> None:
    home = Path(tempfile.mkdtemp(dir=folder))
    _NETWORK.append(Network.install(home, Path(folder) / "template" / "simpul.db"))


def _check(seed: int) -> tuple[int, list[str]]:
    try:
        return seed, outcome(_NETWORK[0], seed)
    except Exception:
        return seed, [traceback.format_exc(limit=-4)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int)
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "template"
        Served(home, f"sqlite:///{home / 'simpul.db'}").initialise()
        first, seeds = wanted.first, wanted.seeds
        if wanted.seed is not None:
            first, seeds = wanted.seed, 1
        bad, began = [], time.monotonic()
        with Pool(wanted.workers, _begin, [folder]) as pool:
            for seed, found in pool.imap_unordered(_check, range(first, first + seeds)):
                if found:
                    bad.append(seed)
                    say(f"seed {seed}")
                    for line in found[: 40 if wanted.seed is not None else 4]:
                        say(f"   {line[:1500]}")
        say(
            f"{seeds} seeds, {len(bad)} end otherwise by some route,"
            f" {time.monotonic() - began:.0f} s"
        )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
