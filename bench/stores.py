"""The stores measured: a home each, its URL, and bare commits through its driver."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.support.extras import find_postgres
from tests.support.postgres import Cluster

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
DURABLE |= {"max_wal_size": "8GB"}  # no checkpoint of what was filled in comes between
_TABLE = "CREATE TABLE bare (id INTEGER PRIMARY KEY, xml {})"


@dataclass(frozen=True, slots=True)
class Store:
    """One engine: `connect` opens a bare driver connection to its database, in autocommit."""

    name: str
    url: str
    home: Path
    connect: Callable[[], Any]
    mark: str  # what stands for a value in its driver's statements
    at_once: bool  # whether commits of several connections may run together
    another: Callable[[Path], AbstractContextManager[Store]]  # of the same engine, in a folder

    def make_bare_table(self) -> None:
        connection = self.connect()
        connection.execute(_TABLE.format("BLOB" if self.name == "SQLite" else "BYTEA"))
        connection.close()

    def fill(
        self, cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Write many rows at once: by COPY where there is one."""
        if not self.at_once:
            marks = ", ".join([self.mark] * len(columns))
            cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
            return
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def commit_each(self, rows: Sequence[tuple[int, bytes]], *, connections: int) -> float:
        """Seconds to commit `rows`, one per transaction, each on the disk before the next.

        SQLite has one writer, who does best alone; PostgreSQL is given as many connections
        as the server under test has, and may flush their commits together.
        """
        count = connections if self.at_once else 1
        insert = f"INSERT INTO bare (id, xml) VALUES ({self.mark}, {self.mark})"  # noqa: S608
        ready = threading.Barrier(count + 1)

        def writer(mine: Sequence[tuple[int, bytes]]) -> None:
            connection = self.connect()
            ready.wait()
            for row in mine:
                connection.execute("BEGIN")
                connection.execute(insert, row)
                connection.execute("COMMIT")
            connection.close()

        threads = [threading.Thread(target=writer, args=(rows[n::count],)) for n in range(count)]
        for thread in threads:
            thread.start()
        ready.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began


@contextmanager
def sqlite_store(folder: Path) -> Iterator[Store]:
    """SQLite as the server opens it: WAL, every commit flushed."""
    home = Path(tempfile.mkdtemp(prefix="sqlite-", dir=folder))
    path = home / "simpul.db"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 30000")
        return connection

    yield Store(
        "SQLite", f"sqlite:///{path}", home, connect, "?", at_once=False, another=sqlite_store
    )


@contextmanager
def postgres_store(folder: Path) -> Iterator[Store]:
    """A throw-away PostgreSQL that flushes its commits."""
    programs = find_postgres()
    assert programs is not None
    cluster = Cluster(programs, options=DURABLE)

    @contextmanager
    def another(folder: Path) -> Iterator[Store]:
        home = Path(tempfile.mkdtemp(prefix="postgres-", dir=folder))
        url = cluster.url(cluster.create_database())
        conninfo = url.replace("+psycopg", "")
        yield Store(
            "PostgreSQL",
            url,
            home,
            lambda: psycopg.connect(conninfo, autocommit=True),
            "%s",
            at_once=True,
            another=another,
        )

    try:
        with another(folder) as store:
            yield store
    finally:
        cluster.stop()
