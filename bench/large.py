"""`python -m bench.large`: what an item of a batch costs at ten thousand records, and at a million.

A store for each size, filled in bulk, and all measured by turns in the same rounds. The floor is
measured too: what a larger B-tree costs the driver as well is not the program's.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from flask import Flask

from bench.batches import batch_of, floor_of, pushing, update
from bench.regency import Regency, opened, settle
from bench.stores import Store, postgres_store, sqlite_store
from bench.table import Figure, printed
from sync_server.commands.serve import collect_seldom
from tests.support.extras import find_postgres

AIM = 1.5
FULL = (10_000, 100_000, 1_000_000)
QUICK = (200, 400)
ITEMS = 500


@dataclass(slots=True)
class Filled:
    """One store of a size, with children that have not been measured yet."""

    app: Flask
    store: Store
    regency: Regency
    children: Iterator[str]
    pushed: list[float] = field(default_factory=list)
    floors: list[float] = field(default_factory=list)

    def round(self, count: int) -> None:
        """A batch of updates all over the records, and the driver's rows of such a batch."""
        with self.app.app_context():
            self.floors.append(floor_of(self.store, self.regency, self._updates(count)))
            raw = batch_of(self.regency, self._updates(count))
            self.pushed.append(pushing(self.regency, raw))

    def _updates(self, count: int) -> list[dict[str, object]]:
        return [update(self.regency, next(self.children)) for _ in range(count)]


def measured(
    store: Store, folder: Path, sizes: Sequence[int], rounds: int, count: int
) -> Iterator[Figure]:
    """The cost of an item at each size, against that at the smallest."""
    with ExitStack() as stack:
        stores = [
            _filled(
                stack, store if number == 0 else stack.enter_context(store.another(folder)), size
            )
            for number, size in enumerate(sizes)
        ]
        for _ in range(rounds + 1):
            for one in stores:
                one.round(count)
        least = stores[0]
        for size, one in zip(sizes, stores, strict=True):
            for words, mine, floor in (
                (f"an item of a batch of {count} updates", one.pushed, least.pushed),
                ("apart: executemany of the rows of one", one.floors, least.floors),
            ):
                ratio = statistics.median(a / b for a, b in zip(mine[1:], floor[1:], strict=True))
                aim = None if "apart" in words or one is least else AIM
                what = f"{words} at {size} records : at {sizes[0]}"
                each = statistics.median(mine[1:]) / count
                yield Figure(store.name, what, ratio, aim, each)


def _filled(stack: ExitStack, store: Store, size: int) -> Filled:
    app = stack.enter_context(opened(store))
    regency = settle(store, "Besar", size, phones=0)
    children = list(chain.from_iterable(one.children for one in regency.posyandu))
    regency.random.shuffle(children)
    return Filled(app, store, regency, iter(children))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and rough: does it run?")
    parser.add_argument("--store", choices=("sqlite", "postgres"), help="only this one")
    chosen = parser.parse_args()
    sizes, rounds, count = (QUICK, 1, 20) if chosen.quick else (FULL, 7, ITEMS)
    openers = {"sqlite": sqlite_store, "postgres": postgres_store}
    names = [chosen.store] if chosen.store else list(openers)
    if find_postgres() is None:
        names = [one for one in names if one != "postgres"]
    collect_seldom()  # as the server does
    figures: list[Figure] = []
    for name in names:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="simpul-bench-"))
            store = stack.enter_context(openers[name](Path(folder)))
            figures += measured(store, Path(folder), sizes, rounds, count)
    print(printed(figures))


if __name__ == "__main__":
    main()
