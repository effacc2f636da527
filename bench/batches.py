"""A thousand changes in one call, against the driver's bare executemany of the same rows.

The rows are those that ingest would write for another thousand like them: it is run on
these up to its commit, its statements are noted, and all is rolled back. The driver then
runs them alone, in one transaction, and that one stands. Changes come to ingest parsed;
what reading their XML would cost is timed apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

from bench.forms import measured, registration
from bench.regency import Posyandu, Regency, new_id
from bench.stores import Store
from bench.table import Figure, median_ratio
from conflict.types import Change, Op
from sync_server.intake.arrival import (
    Arrival,
    ChangeResult,
    Sent,
    SentChange,
    SentSubmission,
    Status,
)
from sync_server.intake.ingest import ingest
from sync_server.intake.reading import parse

AIM = 5.0


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


def measure(store: Store, regency: Regency, *, rounds: int, count: int) -> Iterator[Figure]:
    """One figure for updates from a current base, one for creates, one for reading XML."""
    # The submissions' phones are the first ones: their children have moved on from version 1.
    untouched = [one for one in regency.posyandu if not one.token]
    known = iter([entity for one in untouched for entity in one.children])
    makers: dict[str, Callable[[], list[SentChange]]] = {
        "updates": lambda: [_update(regency, next(known)) for _ in range(count)],
        "creates": lambda: list(regency.creates(untouched[0].kode, count)),
    }
    for name, make in makers.items():
        figures = []
        for number in range(rounds + 1):
            floor = _floor(store, regency, make())
            sent = make()
            began = time.perf_counter()
            results = ingest(regency.project, sent, author=regency.author, clock=regency.clock)
            seconds = time.perf_counter() - began
            statuses = {one.status for one in results if isinstance(one, ChangeResult)}
            assert statuses == {Status.APPLIED}, statuses
            if number > 0:
                figures.append((seconds, floor))
        what = f"ingest of {count} {name} : executemany of their rows"
        yield Figure(store.name, what, median_ratio(figures), AIM)
    reading = [
        (_parsing(regency, untouched[0], count), _floor(store, regency, makers["creates"]()))
        for _ in range(rounds)
    ]
    what = f"apart: parsing {count} XML submissions : executemany of the rows of {count} creates"
    yield Figure(store.name, what, median_ratio(reading))


def _floor(store: Store, regency: Regency, sent: Sequence[SentChange]) -> float:
    with dry_run() as written:
        ingest(regency.project, sent, author=regency.author, clock=regency.clock)
    return written.replay(store)


def _parsing(regency: Regency, posyandu: Posyandu, count: int) -> float:
    random = regency.random
    sent: list[Sent] = [
        SentSubmission(registration(random, new_id(random), posyandu.kode).encode())
        for _ in range(count)
    ]
    arrival = Arrival(regency.project, regency.author, "", tuple(sent))
    began = time.perf_counter()
    parse(arrival)
    return time.perf_counter() - began


def _update(regency: Regency, entity: str) -> SentChange:
    change = Change(
        change_id=new_id(regency.random),
        list_name="anak",
        entity=entity,
        op=Op.UPDATE,
        data=measured(regency.random),
        base_version=1,
        author=str(regency.admin),
    )
    return SentChange(change)
