"""The store's engine, and the two ways into it.

Writers begin IMMEDIATE, so a reader is never asked to become a writer half-way and
fail as "locked"; readers use a plain BEGIN and are never kept out (SQLite in WAL,
PostgreSQL always). `synchronous=FULL`: a commit is on the disk when it returns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from sync_server.errors import StoreBusy
from sync_server.models.base import Base
from sync_server.settings import Settings

db = SQLAlchemy(metadata=Base.metadata)

# A phone gives up after 60 seconds. This and its wait for a turn must end well before.
_WAIT_SECONDS = 20.0
_PROGRAM_LIMIT_EXCEEDED = "54"  # PostgreSQL: this will not fit, however often it is tried
# Threads of one process queue here in turn; SQLite's own busy wait is a lottery.
_sqlite_writer = threading.Lock()


def connect(app: Flask, settings: Settings) -> None:
    """Give `app` its engine, with what each kind of database needs said to it."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    # Values are children's: an error that is logged says which statement failed, not with what.
    options: dict[str, Any] = {"hide_parameters": True}
    options |= {"pool_size": 40, "max_overflow": 10, "pool_timeout": _WAIT_SECONDS}
    if settings.database_url.startswith("postgresql"):
        options |= {"pool_size": 10, "max_overflow": 30, "pool_pre_ping": True}
        options["connect_args"] = _waits_of_postgres(settings.database_url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _prepare_sqlite(db.engine)


def _waits_of_postgres(url: str) -> dict[str, Any]:
    """How long a connection and a lock are waited for, where the URL does not say it."""
    waits = {"connect_timeout": 10, "options": f"-c lock_timeout={_WAIT_SECONDS * 1000:.0f}"}
    said = make_url(url).query
    return {name: value for name, value in waits.items() if name not in said}


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def tune(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the begin below is ours
        cursor = connection.cursor()
        cursor.execute(_patience(_WAIT_SECONDS))
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        said = connection.get_execution_options()
        raw: Any = connection.connection.driver_connection
        raw.execute(_patience(said.get("sqlite_waits", _WAIT_SECONDS)))
        connection.exec_driver_sql(f"BEGIN {said.get('sqlite_begin', 'DEFERRED')}")


def _patience(seconds: float) -> str:
    return f"PRAGMA busy_timeout = {round(seconds * 1000)}"


@contextmanager
def write_transaction() -> Iterator[Connection]:
    """The one way to write: commit on a clean exit, roll back on any exception.

    Errors    `StoreBusy` when the database is locked, full or away: nothing was
              written, and the same call may be made again.
    """
    engine = _for_writing(db.engine)
    with _in_turn(engine) as left, _busy_said_plainly(), engine.connect() as connection:
        if left is not None:
            connection.execution_options(sqlite_waits=left)
        with connection.begin():
            yield connection


@contextmanager
def read_transaction() -> Iterator[Connection]:
    """One consistent snapshot of the store, for reading only."""
    with _busy_said_plainly(), _for_reading(db.engine).connect() as connection:
        yield connection


@contextmanager
def _in_turn(engine: Engine) -> Iterator[float | None]:
    """Threads of one process queue for SQLite's one writer; PostgreSQL has many.

    How many seconds are left to wait for other processes; None where nobody queues here. Each
    behind the first would else wait for a store that is locked as long as the first did, in turn.
    """
    if engine.dialect.name != "sqlite":
        yield None
        return
    since = time.monotonic()
    if not _sqlite_writer.acquire(timeout=_WAIT_SECONDS):
        raise StoreBusy("others are writing to the store just now")
    try:
        yield max(_WAIT_SECONDS - (time.monotonic() - since), 0.1)
    finally:
        _sqlite_writer.release()


@contextmanager
def _busy_said_plainly() -> Iterator[None]:
    """A database that is locked, full or away is `StoreBusy`: try again later.

    What PostgreSQL will never take, a key longer than its indexes hold, is no such thing:
    it goes on as it is, and the road in keeps it raw.
    """
    try:
        yield
    except NoConnection as exc:
        raise StoreBusy("others are using the store just now") from exc
    except OperationalError as exc:
        if is_never_taken(exc):
            raise
        raise StoreBusy("the store cannot be used just now") from exc


def is_never_taken(exc: Exception) -> bool:
    """Whether it says that the store will not take what it was given, however often it is tried."""
    if isinstance(exc, OperationalError):
        state = getattr(exc.orig, "sqlstate", None) or ""
        return bool(state.startswith(_PROGRAM_LIMIT_EXCEEDED))
    return isinstance(exc, DataError | IntegrityError | OverflowError)


@cache
def _for_writing(engine: Engine) -> Engine:
    return engine.execution_options(sqlite_begin="IMMEDIATE")


@cache
def _for_reading(engine: Engine) -> Engine:
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine
