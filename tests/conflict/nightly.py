"""Many random histories, each checked against every law and against the oracle.

    python -m tests.conflict.nightly --histories 20000
    python -m tests.conflict.nightly --seed 17

Prints how much happened in them; ends with 1 when a law was broken or too little happened.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from multiprocessing import Pool
from random import Random
from typing import Any

from conflict.edits import is_withdrawal
from tests.conflict import test_laws, test_relayed, test_routes
from tests.conflict.checks import disagreements
from tests.conflict.stories import Story, tell, tell_away, tell_parts

Happened = Counter[str]
FLOORS = {"concurrency": 60.0, "an open review": 20.0, "a waiting change": 20.0, "an edit": 10.0}
POLICIES = ("review", "last", "first", "latest", "max", "min", "union")
FLOORS |= {f"policy {kind}": 1.0 for kind in POLICIES}
LAWS: dict[str, Callable[..., None]] = {
    name: test.hypothesis.inner_test
    for module in (test_laws, test_routes, test_relayed)
    for name, test in vars(module).items()
    if name.startswith("test_l") and hasattr(test, "hypothesis")
}


def told_beside_the_oracle(story: Any) -> Happened:
    """What there was in a story whose every step stands as the oracle says."""
    told, asked = Story(*story[:2]), False
    for event in (*story[2], ("finish",)):
        told.play([event])
        found = disagreements(told)
        assert not found, found
        asked = asked or any(told.server.reviews(entity) for entity in told.server.records)
    taken = [one for cid, one in told.server.taken.items() if cid != "lahir"]
    changes = [one.settled.change for one in taken]
    there = {
        "concurrency": any(one.concurrent for one in taken),
        "an open review": asked,
        "a waiting change": any(one.settled.waiting for one in taken),
        "an edit": any(one.deprecates and not is_withdrawal(one) for one in changes),
    }
    declared = (
        (told.server.stamps[one.change_id][1], name) for one in changes for name in one.data
    )
    kinds = {f"policy {policies.of(name).kind}" for policies, name in declared}
    return Counter({name for name, yes in there.items() if yes} | kinds)


def broken_by(story: Any, seed: int, happened: Happened | None = None) -> tuple[str, str] | None:
    """The first law that a story breaks, and how; None when it breaks none."""
    try:
        there = told_beside_the_oracle(story)
    except Exception:
        return "the oracle", traceback.format_exc(limit=-2)
    if happened is not None:
        happened.update(there)
    story = test_laws.Shared(story)
    for name, law in LAWS.items():
        random = Random(seed)
        given = {
            "story": story,
            "later": tell_away(seed),
            "filled": tell_away(seed, edits=False),
            "one": tell_parts(seed, test_laws.PARTS[0]),
            "other": tell_parts(seed + 1, test_laws.PARTS[1]),
            "number": seed % 5,
            "clock": random.choice(["2001-01-01", "2026-10-31", "2040-01-01"]),
            "random": random,
        }
        try:
            law(**{name: given[name] for name in inspect.signature(law).parameters})
        except Exception:
            return name, traceback.format_exc(limit=-2)
    return None


def check(seed: int) -> tuple[int, Happened, str]:
    """What happened in the history of a seed, and the law that it broke, or ""."""
    happened: Happened = Counter()
    broken = broken_by(tell(seed), seed, happened)
    return seed, happened, broken[0] if broken else ""


def replay(seed: int) -> int:
    """Say what the history of a seed breaks, and the smallest part of it that breaks the same."""
    people, about, events = tell(seed)
    broken = broken_by((people, about, events), seed)
    if broken is None:
        say(f"seed {seed} breaks no law")
        return 0
    size = len(events)
    while size:
        start = 0
        while start < len(events):
            fewer = events[:start] + events[start + size :]
            found = broken_by((people, about, fewer), seed)
            if found is not None and found[0] == broken[0]:
                events, broken = fewer, found
            else:
                start += size
        size //= 2
    say(f"seed {seed} breaks {broken[0]}: {people} {about}\n{broken[1]}")
    for event in events:
        say(f"  {event}")
    return 1


def table(histories: int, happened: Happened, violations: Sequence[tuple[int, str]]) -> list[str]:
    rows = [f"{'histories':24}{histories:>8}", f"{'violations':24}{len(violations):>8}"]
    for name, floor in FLOORS.items():
        share = 100 * happened[name] / histories
        rows.append(f"{name:24}{share:>7.1f}%   at least {floor:.0f}%")
    rows += [f"seed {seed} breaks {law}" for seed, law in violations]
    return rows


def too_rare(histories: int, happened: Happened) -> list[str]:
    return [name for name, floor in FLOORS.items() if 100 * happened[name] < floor * histories]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(histories: int, *, workers: int, first: int) -> int:
    """Check the histories of so many seeds from `first` on, and print the table."""
    happened: Happened = Counter()
    violations = []
    with Pool(workers) as pool:
        seeds = range(first, first + histories)
        for seed, one, law in pool.imap_unordered(check, seeds, chunksize=20):
            happened.update(one)
            if law:
                violations.append((seed, law))
                say(f"seed {seed} breaks {law}")
    rare = too_rare(histories, happened)
    for row in table(histories, happened, sorted(violations)):
        say(row)
    for name in rare:
        say(f"too few histories with {name}")
    return 1 if violations or rare else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="the seed to begin with")
    parser.add_argument("--seed", type=int, help="replay one history and make it small")
    wanted = parser.parse_args(arguments)
    if wanted.seed is not None:
        return replay(wanted.seed)
    return run(wanted.histories, workers=wanted.workers, first=wanted.first)


if __name__ == "__main__":
    sys.exit(main())
