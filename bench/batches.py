"""Batches as programs and hubs push them, against the driver's bare executemany of the same rows.

The rows are those that a batch like it would write, its answer among them: it is pushed up to
the commit, its statements are noted, and all is rolled back. The driver then runs them alone,
in one transaction into the same tables with all their indexes, and that one stands. What
reading and validating the items takes is timed apart.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

from bench.forms import measured, registration
from bench.regency import Posyandu, Regency, new_id
from bench.stores import Store
from bench.table import Figure, median_of, median_ratio
from conflict.areas import UNBOUND
from sync_server.db import read_transaction
from sync_server.intake.arrival import Arrival, Author, Sent, SentSubmission
from sync_server.intake.batches import Pushed, push, read_item
from sync_server.intake.reading import parse
from sync_server.relay.items import items_of
from sync_server.relay.records import Reader
from sync_server.stores.lists import load_lists

AIM = 5.0
_HUB = "5d1f7e55-0000-4000-8000-00000000beef"
_EPOCH = "5d1f7e55-0000-4000-8000-0000000e90c0"

Item = dict[str, Any]
Rounds = list[tuple[float, float]]


class _RolledBack(BaseException):
    """Ends a dry run; no `except Exception` on the road may keep it."""


@dataclass(slots=True)
class Written:
    """Statements as the driver was given them: (SQL, parameters, many)."""

    statements: list[tuple[str, Any, bool]] = field(default_factory=list)

    def note(
        self, _c: object, _cursor: object, sql: str, values: Any, _x: object, many: bool
    ) -> None:
        if sql.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            self.statements.append((sql, values, many))

    def end(self, _connection: object) -> None:
        raise _RolledBack

    def replay(self, store: Store) -> float:
        """Seconds that the driver takes for them, with its commit on the disk."""
        connection = store.connect()
        cursor = connection.cursor()
        began = time.perf_counter()
        cursor.execute("BEGIN")
        for sql, values, many in self.statements:
            (cursor.executemany if many else cursor.execute)(sql, values)
        cursor.execute("COMMIT")
        seconds = time.perf_counter() - began
        connection.close()
        return seconds


@contextmanager
def dry_run() -> Iterator[Written]:
    """Within it, what is committed is noted and rolled back."""
    written = Written()
    event.listen(Engine, "before_cursor_execute", written.note)
    event.listen(Engine, "commit", written.end)
    try:
        yield written
    except _RolledBack:
        return
    finally:
        event.remove(Engine, "before_cursor_execute", written.note)
        event.remove(Engine, "commit", written.end)
    raise AssertionError("nothing was committed")


def measure(
    store: Store, regency: Regency, twin: Regency, new: Regency, *, rounds: int, count: int
) -> Iterator[Figure]:
    """Updates of a project, creates of a `new` one; what a `twin` takes to hear of updates."""
    # The submissions' phones are the first ones: their children have moved on from version 1.
    shared = {one.kode for one in twin.posyandu}
    untouched = [one for one in regency.posyandu if not one.token and one.kode not in shared]
    known = iter([entity for one in untouched for entity in one.children])

    def updates() -> list[Item]:
        return [update(regency, next(known)) for _ in range(count)]

    def born() -> list[Item]:
        return list(_creates(new, new.posyandu[0], count))

    yield from _against_floor(store, regency, "updates", updates, rounds=rounds, count=count)
    yield from _against_floor(store, new, "creates", born, rounds=rounds, count=count)
    shared_children = iter([entity for one in twin.posyandu for entity in one.children])
    yield from _relayed(store, regency, twin, shared_children, rounds=rounds, count=count)
    yield _forms(store, new, born, rounds=rounds, count=count)


def _against_floor(
    store: Store,
    regency: Regency,
    name: str,
    make: Callable[[], list[Item]],
    *,
    rounds: int,
    count: int,
) -> Iterator[Figure]:
    deciding: Rounds = []
    reading: Rounds = []
    for number in range(rounds + 1):
        floor = floor_of(store, regency, make())
        raw = batch_of(regency, make())
        read = _reading(regency, raw)
        whole = pushing(regency, raw)
        if number > 0:  # the first warms up statements and caches
            deciding.append((whole - read, floor))
            reading.append((read, floor))
    rows = f"executemany of the rows of {count} {name}"
    what = f"a batch of {count} {name}, read before : {rows}"
    yield Figure(store.name, what, median_ratio(deciding), AIM, median_of(deciding, count))
    what = f"apart: reading and validating them : {rows}"
    yield Figure(store.name, what, median_ratio(reading), each=median_of(reading, count))


def _relayed(
    store: Store,
    regency: Regency,
    twin: Regency,
    children: Iterator[str],
    *,
    rounds: int,
    count: int,
) -> Iterator[Figure]:
    """The same updates twice: as a device brings them to a hub, and as the hub relays them."""
    hub = Author(twin.admin, may_decide=True, relays=True, node=_HUB)
    for times, words in ((1, "updates"), (2, "updates, two of each record,")):
        pairs: Rounds = []
        for number in range(rounds + 1):
            items = [
                one
                for _ in range(count // times)
                for one in _updates(regency, next(children), times)
            ]
            device = pushing(regency, batch_of(regency, items))
            relayed = batch_of(twin, _as_relayed(regency, items))
            if number > 0:
                pairs.append((pushing(twin, relayed, hub), device))
            else:
                pushing(twin, relayed, hub)
        what = f"{count} {words} relayed by a hub : brought by a device"
        yield Figure(store.name, what, median_ratio(pairs), each=median_of(pairs, count))


def _forms(
    store: Store, regency: Regency, make: Callable[[], list[Item]], *, rounds: int, count: int
) -> Figure:
    pairs = [(_parsing(regency, count), floor_of(store, regency, make())) for _ in range(rounds)]
    what = f"apart: parsing {count} XML forms : executemany of the rows of {count} creates"
    return Figure(store.name, what, median_ratio(pairs), each=median_of(pairs, count))


def pushing(regency: Regency, raw: bytes, author: Author | None = None) -> float:
    """Seconds to read a batch, decide it and have it and its answer on the disk."""
    began = time.perf_counter()
    answer = _push(regency, raw, author or regency.author)
    seconds = time.perf_counter() - began
    statuses = {one["status"] for one in answer["results"]}
    assert statuses == {"applied"}, answer["results"][0]
    return seconds


def _push(regency: Regency, raw: bytes, author: Author) -> Item:
    plain = json.loads(raw)
    pushed = Pushed(plain["batchId"], raw, plain["items"])
    return push(regency.project, pushed, author=author, epoch=_EPOCH, clock=regency.clock)


def _reading(regency: Regency, raw: bytes) -> float:
    """Seconds to read and validate the items of a batch."""
    began = time.perf_counter()
    for item in json.loads(raw)["items"]:
        read_item(item, regency.author)
    return time.perf_counter() - began


def floor_of(store: Store, regency: Regency, items: Sequence[Item]) -> float:
    """Seconds of the driver for what a batch of these would write."""
    with dry_run() as written:
        _push(regency, batch_of(regency, items), regency.author)
    return written.replay(store)


def batch_of(regency: Regency, items: Sequence[Item]) -> bytes:
    batch = {"protocol": 1, "batchId": new_id(regency.random), "items": list(items)}
    return json.dumps(batch, ensure_ascii=False).encode()


def update(regency: Regency, entity: str, **more: Any) -> Item:
    """A month's measurement of a child at version 1."""
    return {
        "kind": "change",
        "changeId": new_id(regency.random),
        "list": "anak",
        "entity": entity,
        "op": "update",
        "baseVersion": 1,
        "data": measured(regency.random),
        **more,
    }


def _updates(regency: Regency, entity: str, times: int) -> Iterator[Item]:
    """So many updates of one child; more than one are a chain that was made offline."""
    if times == 1:
        yield update(regency, entity)
        return
    branch = {"branchId": new_id(regency.random), "trunkVersion": 1}
    for base in range(1, times + 1):
        yield update(regency, entity, **branch, baseVersion=base)


def _creates(regency: Regency, posyandu: Posyandu, count: int) -> Iterator[Item]:
    for one in regency.creates(posyandu.kode, count):
        change = one.change
        posyandu.children.append(change.entity)
        yield {
            "kind": "change",
            "changeId": change.change_id,
            "list": "anak",
            "entity": change.entity,
            "op": "create",
            "label": change.label,
            "data": dict(change.data),
        }


def _as_relayed(regency: Regency, items: Sequence[Item]) -> list[Item]:
    """What has just been pushed, as a hub relays it: with its stamp and what it settled."""
    project = regency.project
    with read_transaction() as connection:
        reader = Reader(load_lists(connection, project.id), UNBOUND, device=False)
        named = [one["changeId"] for one in items]
        found = items_of(
            connection, project.id, project.node, reader, submissions=(), changes=named, kept=()
        )
    for one in found:
        one["path"] = [{**stamp, "node": _HUB} for stamp in one["path"]]
    place = {cid: number for number, cid in enumerate(named)}
    return sorted(found, key=lambda one: place[one["changeId"]])


def _parsing(regency: Regency, count: int) -> float:
    random, posyandu = regency.random, regency.posyandu[0]
    sent: list[Sent] = [
        SentSubmission(registration(random, new_id(random), posyandu.kode).encode())
        for _ in range(count)
    ]
    arrival = Arrival(regency.project, regency.author, "", tuple(sent))
    began = time.perf_counter()
    parse(arrival)
    return time.perf_counter() - began
