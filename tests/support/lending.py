"""Databases lent to one test after another: emptying one costs a third of copying another.

PostgreSQL copies a template with its three hundred catalogue files, and flushes them all when
the copy is dropped. What a test leaves is rows: they are deleted, and those of the template put
back. A database whose tables are no longer the template's, that somebody still uses, or that
has served often enough, is dropped.

Without autovacuum a new row stands behind all older ones, as in a fresh database.
"""

import time
from collections import Counter

import psycopg
from psycopg import sql

from tests.support.postgres import Cluster

MOST_USES = 40  # deleted rows stay in the files
LEAVING_SECONDS = 2.0

_OURS = "(SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
# Every alteration of a table writes a row of these anew, but for ANALYZE, which tells its figures.
_SHAPE = (
    f"SELECT oid, relname, relpages, reltuples, xmin::text, 0 FROM pg_class WHERE oid IN {_OURS}"  # noqa: S608
    " UNION ALL SELECT attrelid, attname, 0, 0, xmin::text, attnum FROM pg_attribute"
    f" WHERE attrelid IN {_OURS} ORDER BY 1, 6, 2"
)
_NAMES = (
    "SELECT relname FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = %s ORDER BY 1"
)
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Lender:
    """Databases that are as `template` when they are lent. The template is read once, here."""

    def __init__(self, cluster: Cluster, template: str) -> None:
        self._cluster = cluster
        self._template = template
        self._free: list[str] = []
        self._uses: Counter[str] = Counter()
        with cluster.connect(template) as connection:
            self._shape = connection.execute(_SHAPE).fetchall()
            tables = [name for (name,) in connection.execute(_NAMES, ["r"])]
            self._rows = {name: rows for name in tables if (rows := _copied(connection, name))}
            self._numbers = {
                name: connection.execute(
                    sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))
                ).fetchone()
                for (name,) in connection.execute(_NAMES, ["S"]).fetchall()
            }
        deletions = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in tables]
        self._deletions = sql.SQL("; ").join(deletions)

    def lend(self) -> str:
        """The name of a database that nobody else has."""
        name = self._free.pop() if self._free else self._cluster.create_database(self._template)
        self._uses[name] += 1
        return name

    def take_back(self, name: str) -> None:
        """Make it as the template again, or drop it."""
        if self._uses[name] < MOST_USES and self._emptied(name):
            self._free.append(name)
        else:
            self._cluster.drop_database(name)

    def _emptied(self, name: str) -> bool:
        try:
            with self._cluster.connect(name) as connection:
                return _left(connection) and self._restored(connection)
        except psycopg.Error:  # whatever the test has done to it
            return False

    def _restored(self, connection: psycopg.Connection) -> bool:
        if connection.execute(_SHAPE).fetchall() != self._shape:
            return False
        with connection.transaction():
            # Deleted and put back in any order: no foreign key is looked at.
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(self._deletions)
            for table, rows in self._rows.items():
                into = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
                with connection.cursor().copy(into) as copy:
                    copy.write(rows)
            for number, (last, called) in self._numbers.items():
                connection.execute("SELECT setval(%s::regclass, %s, %s)", [number, last, called])
        return True


def _copied(connection: psycopg.Connection, table: str) -> bytes:
    out = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
    with connection.cursor().copy(out) as copy:
        return b"".join(bytes(part) for part in copy)


def _left(connection: psycopg.Connection) -> bool:
    """Whether all others have left: a connection that is closed takes a moment to end."""
    deadline = time.monotonic() + LEAVING_SECONDS
    while connection.execute(_OTHERS).fetchone() != (0,):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
