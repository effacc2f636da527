"""What one more change of a record costs after ten thousand others, in memory.

Each side is the same work, on one long life and on short ones, and only the processor's time
counts. Apart stands what a record cannot help: where thousands of values stand that nobody
has replaced, its state is that much larger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from bench.lives import BEHIND, POLICIES, Life, live
from bench.table import Figure, median_ratio
from conflict.fold import fold
from conflict.settle import settle
from conflict.taking import take
from conflict.types import Change

AIM = 2.0
SHORT = 10

Making = Callable[[Life], Change]


def measure(*, rounds: int, length: int, count: int) -> Iterator[Figure]:
    """Figures of appending, of folding, and of two properties of which `length` values stand."""
    short, long = [live(seed, SHORT) for seed in range(20)], [live(0, length)]
    for what, make in (("a change", Life.measurement), (f"one {BEHIND} versions behind", _late)):
        pairs = [
            (_appending(long, make, count), _appending(short, make, count)) for _ in range(rounds)
        ]
        what = f"appending {what} to {length} : to {SHORT}"
        yield Figure("memory", what, median_ratio(pairs), AIM)
    pairs = [(_folding(long, count), _folding(short, count)) for _ in range(rounds)]
    what = f"folding {length} changes : {SHORT}, for each change"
    yield Figure("memory", what, median_ratio(pairs), AIM)
    for what, make in (("late weights", _late_weight), ("contenders for a NIK", _another_nik)):
        heap, some = [_heap(make, length)], max(20, count // 20)
        pairs = [
            (_appending(heap, make, some), _appending(short, make, count)) for _ in range(rounds)
        ]
        what = f"apart: appending one of {length} {what} : the second"
        yield Figure("memory", what, median_ratio(pairs))


def _late(life: Life) -> Change:
    return life.measurement(behind=BEHIND)


def _late_weight(life: Life) -> Change:
    return life.form({"bb_terakhir": "8.7", "tgl_ukur": "2026-01-04"})


def _another_nik(life: Life) -> Change:
    return life.form({"nik": f"9999{life.forms:012}"})


def _heap(make: Making, count: int) -> Life:
    """A life at whose end so many forms came, none of whose authors had seen another's."""
    life = live(0, SHORT)
    shown = life.record.view_at(life.record.served, POLICIES)
    for _ in range(count):
        change = make(life)
        one = settle(change, shown, POLICIES, received_at=life.now())
        life.record.known[change.change_id] = one
    life.record.state = fold(life.record.known.values(), POLICIES)
    return life


def _appending(lives: Sequence[Life], make: Making, count: int) -> float:
    """Seconds for each of `count` changes, none taken in after another."""
    changes = [(one, make(one)) for one in lives for _ in range(count // len(lives))]
    loaded = [(one.loaded(change), change, one.now()) for one, change in changes]
    assert not any(record.whole for record, *_ in loaded), "not on the fast path"
    began = time.process_time()
    for record, change, now in loaded:
        take(record, change, POLICIES, received_at=now)
    return (time.process_time() - began) / len(loaded)


def _folding(lives: Sequence[Life], count: int) -> float:
    """Seconds for each change of these lives, over as many as the count asks, and all at least."""
    known = [list(one.record.known.values()) for one in lives]
    total = sum(map(len, known))
    times = max(1, 10 * count // total)
    began = time.process_time()
    for _ in range(times):
        for changes in known:
            fold(changes, POLICIES)
    return (time.process_time() - began) / (times * total)
