"""Links cut at random bytes and `kill -9` at random moments, round after round.

    python -m tests.hubs.rounds --rounds 200 --seed 7
    python -m tests.hubs.rounds --rounds 60 --postgres

Every round people work, links are cut and, in a third of the rounds, a server is killed while
they send and the hub relays. Every few rounds all is mended and drained, and the books are
compared: nothing acknowledged is missing, nothing was applied twice, every queue is empty.
Prints how much happened; ends with 1 when a promise was broken or too little happened.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.hubs.audit import compare, compare_stores
from tests.hubs.district import District
from tests.support.extras import require
from tests.support.postgres import Cluster
from tests.support.serving import Served

ROUNDS_BETWEEN_DRAINS = 7
_LONGEST_WAIT = 0.7  # seconds after which a server is killed, at most: a relay takes half of one
_SHORT_WAIT = 0.08  # and after the hub has asked for something: what is done about it takes less

# Where a link is cut: in which direction, counted from which bytes that go up, after how many.
CUTS = {
    "somewhere up": ("cut_up", (b"",), 0, 60_000),
    "somewhere down": ("cut_down", (b"",), 0, 8_000),
    "in the head": ("cut_up", (b"POST ", b"GET ", b"PATCH ", b"HEAD "), 0, 250),
    "in the body": ("cut_up", (b"POST ",), 300, 4_000),
    "in a file": ("cut_up", (b"PATCH ",), 200, 100_000),
    "before the answer": ("cut_down", (b"POST ", b"POST ", b"PATCH ", b"GET "), 0, 0),
    "in the answer": ("cut_down", (b"POST ", b"/pull", b"GET "), 1, 1_500),
}

ASKED = {"push": (b"/sync/push", b"/sync/push", b"PATCH "), "pull": (b"/sync/pull",) * 3}
"""What the hub asks for when it relays."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens in a round: a cut for each link, what is relayed, who is killed and when.

    Somebody is killed `moment` seconds after the round began or, with `upon`, soon after the hub
    has asked its centre for that: the centre while it answers, the hub when it has the answer.
    Their link is left alone then.
    """

    cuts: tuple[tuple[str, str, bytes, int], ...]
    relays: tuple[str, ...]
    killed: str
    upon: bytes
    moment: float

    @classmethod
    def draw(cls, chance: Random) -> Plan:
        cuts = []
        for _ in ("near", "line", "far"):
            name = chance.choice(list(CUTS))
            direction, since, least, most = CUTS[name]
            cuts.append((name, direction, chance.choice(since), chance.randint(least, most)))
        relays = chance.choice((("push",), ("push",), ("pull",), ("push", "pull")))
        killed = chance.choice(("", "", "", "", "hub", "centre"))
        upon = chance.choice((b"", *ASKED[relays[-1]])) if killed else b""
        moment = chance.uniform(0, _SHORT_WAIT if upon else _LONGEST_WAIT)
        return cls(tuple(cuts), relays, killed, upon, moment)


class BrokenPromise(AssertionError):
    """What a round broke; the text says how to see it again."""


def play(district: District, rounds: int, seed: int) -> Counter[str]:
    """So many rounds; what happened in them. Errors: `BrokenPromise`."""
    chance, happened = Random(seed), Counter({"rounds": rounds})
    for number in range(1, rounds + 1):
        plan = Plan.draw(chance)
        try:
            _round(district, plan, happened)
            if number % ROUNDS_BETWEEN_DRAINS == 0 or number == rounds:
                district.drain()
                compare(district)
        except Exception as exc:
            raise BrokenPromise(f"round {number} of seed {seed}, {plan}: {exc}") from exc
    happened.update(compare_stores(district))
    happened["requests that failed"] = district.book.failures
    return happened


def _round(district: District, plan: Plan, happened: Counter[str]) -> None:
    links = (district.near, district.line, district.far)
    for one in district.people:
        one.work()
    before = sum(link.cuts for link in links)
    for link, (_, direction, since, count) in zip(links, plan.cuts, strict=True):
        if link is district.line and plan.upon:
            link.since = plan.upon
        else:
            link.since = since
            setattr(link, direction, count)
    with _killing(district, plan, happened), _sending(district):
        for command in plan.relays:
            if not district.hub.is_up():
                break
            district.relay(command)
    for link, cut in zip(links, plan.cuts, strict=True):
        if link is not district.line or not plan.upon:
            happened[f"cut {cut[0]}"] += link.cut_up is None and link.cut_down is None
    happened["kills upon a request"] += bool(plan.upon) and district.line.passed.is_set()
    cuts = sum(link.cuts for link in links) - before
    happened["cuts"] += cuts
    happened["rounds with a cut"] += cuts > 0
    district.heal()


@contextmanager
def _sending(district: District) -> Iterator[None]:
    """Everybody sends at the same time, while something else goes on."""
    failed: list[str] = []

    def send(one) -> None:
        try:
            one.send()
        except Exception:
            failed.append(traceback.format_exc())

    threads = [threading.Thread(target=send, args=(one,)) for one in district.people]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
    assert not failed, failed[0]


@contextmanager
def _killing(district: District, plan: Plan, happened: Counter[str]) -> Iterator[None]:
    """Kill whom the plan says at its moment, while something goes on."""
    if not plan.killed:
        yield
        return

    def kill() -> None:
        if plan.upon:
            line = district.line
            (line.answered if plan.killed == "hub" else line.passed).wait(_LONGEST_WAIT)
        time.sleep(plan.moment)
        district.kill(plan.killed)
        happened[f"kills of the {plan.killed}"] += 1

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        thread.join()


FLOORS = {"rounds with a cut": 0.7, "kills of the hub": 0.05, "kills of the centre": 0.05}
"""How often at least, per round: less, and the rounds have shown nothing."""


def table(happened: Counter[str]) -> list[str]:
    return [f"{name:28}{count:>8}" for name, count in happened.items()]


def too_rare(happened: Counter[str]) -> list[str]:
    return [name for name, share in FLOORS.items() if happened[name] < share * happened["rounds"]]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(folder: Path, rounds: int, seed: int, *, cluster: Cluster | None) -> int:
    """Play rounds in a folder and print what happened; 1 when something was broken."""
    template = Served(folder / "template", f"sqlite:///{folder / 'template' / 'simpul.db'}")
    template.initialise()
    url = None
    if cluster is not None:
        url = cluster.url(cluster.create_database())
        Served(folder / "centre-template", url).initialise()
    say(f"seed {seed}")
    path = template.home / "simpul.db"
    with District(folder, path, Random(seed), centre_url=url) as district:
        try:
            happened = play(district, rounds, seed)
        except BrokenPromise as exc:
            say(f"{exc}\n{traceback.format_exc()}")
            return 1
    for row in table(happened):
        say(row)
    rare = too_rare(happened)
    for name in rare:
        say(f"too few {name}")
    return 1 if rare else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--postgres", action="store_true", help="the centre's store is PostgreSQL")
    wanted = parser.parse_args(arguments)
    seed = wanted.seed if wanted.seed is not None else Random().randrange(10**6)
    cluster = Cluster(require("postgres")) if wanted.postgres else None
    try:
        with tempfile.TemporaryDirectory(prefix="simpul-rounds-") as folder:
            return run(Path(folder), wanted.rounds, seed, cluster=cluster)
    finally:
        if cluster is not None:
            cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
