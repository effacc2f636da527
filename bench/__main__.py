"""`python -m bench`: one table of ratios, the aim beside each, and whether it is met.

Absolute times say more about a machine than about a program: no aim is one. Each ratio is
the median of several rounds, and both sides of a round are measured one after the other.
`docs/speed.md` says what each line means.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from bench import batches, histories, month, phones, pulls, submissions, workers
from bench.load import Load
from bench.regency import environ_of, opened, settle, twin_of
from bench.server import Served, with_floor
from bench.stores import Store, postgres_store, sqlite_store
from bench.table import Figure, printed
from sync_server.commands.serve import collect_seldom
from tests.support.extras import find_postgres
from tests.support.serving import free_port


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: children of the projects, rounds, and what a round holds.

    `twins` are the posyandu that two projects share, `changes` the items of a batch, `batches`
    those that several clients push, `history` are the changes of one record's long life.
    """

    small: int
    large: int
    twins: int
    phones: int
    rounds: int
    submissions: int
    questions: int
    changes: int
    batches: int
    records: int
    history: int


FULL = Size(
    small=1_000,
    large=80_000,
    twins=160,
    phones=46,
    rounds=5,
    submissions=120,
    questions=60,
    changes=500,
    batches=16,
    records=10_000,
    history=10_000,
)
QUICK = Size(
    small=200,
    large=2_000,
    twins=4,
    phones=6,
    rounds=1,
    submissions=32,
    questions=4,
    changes=20,
    batches=2,
    records=200,
    history=200,
)


def measured(store: Store, size: Size) -> Iterator[Figure]:
    """Every figure of one store."""
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(opened(store))
        small = settle(store, "Kecil", size.small, phones=1)
        large = settle(store, "Besar", size.large, phones=size.phones)
        twin = twin_of(store, large, "Kembar", large.posyandu[size.phones :][: size.twins])
        stack.enter_context(closing(Served(environ_of(store), with_floor(port))))
        load = stack.enter_context(closing(Load(port)))
        yield from submissions.measure(
            store, large, load, rounds=size.rounds, count=size.submissions
        )
        yield from phones.measure(
            store, small, large, load, port=port, rounds=size.rounds, count=size.questions
        )
        yield from pulls.measure(
            store, large, load, port=port, rounds=size.rounds, records=size.records
        )
        new = settle(store, "Baru", 0, phones=0)
        yield from batches.measure(store, large, twin, new, rounds=size.rounds, count=size.changes)
        yield pulls.measure_bytes(store, new, load)
        if store.at_once:
            yield from workers.measure(store, large, twin, rounds=size.rounds, batches=size.batches)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and rough: does it run?")
    parser.add_argument(
        "--store", choices=("memory", "bytes", "sqlite", "postgres"), help="only this one"
    )
    chosen = parser.parse_args()
    size = QUICK if chosen.quick else FULL
    openers = {"sqlite": sqlite_store, "postgres": postgres_store}
    names = [chosen.store] if chosen.store else ["memory", "bytes", *openers]
    if "postgres" in names and find_postgres() is None:
        names.remove("postgres")
    collect_seldom()  # as the server does: ingest is measured in this process
    figures: list[Figure] = []
    if "memory" in names:
        names.remove("memory")
        count = size.changes
        figures += histories.measure(rounds=size.rounds, length=size.history, count=count)
    with tempfile.TemporaryDirectory(prefix="simpul-bench-") as folder:
        if "bytes" in names:
            names.remove("bytes")
            figures += month.measure(Path(folder))
        for name in names:
            with openers[name](Path(folder)) as store:
                figures += measured(store, size)
    print(printed(figures))


if __name__ == "__main__":
    main()
