"""A throw-away PostgreSQL: its own data folder, reached by a Unix socket in it.

PostgreSQL refuses to run as root, so under root it runs as `postgres`, or as `nobody`.
Durability is switched off: these databases do not outlive the test run.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

OWNER = "simpul"
START_SECONDS = 60
FAST = {
    **{"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"},
    # What a database of seconds would gain of it, it costs the tests beside it.
    "autovacuum": "off",
}


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run PostgreSQL as; None when we are nobody special already."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name: account for account in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


class Cluster:
    """One PostgreSQL server of one test process; `options` are its settings."""

    def __init__(self, programs: Path, options: Mapping[str, str] = FAST) -> None:
        self._programs = programs
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="simpul-pg-"))
        self._numbers = count(1)
        self._as: dict[str, object] = {"cwd": self._folder, "stdin": subprocess.DEVNULL}
        if account := _unprivileged():
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._as |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        try:
            self._initialise()
            self._server = self._start()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _initialise(self) -> None:
        command = [self._programs / "initdb", "--pgdata", "data", "--username", OWNER]
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, **self._as)
        assert done.returncode == 0, done.stderr

    def _start(self) -> subprocess.Popen[bytes]:
        options = {"unix_socket_directories": str(self._folder), "listen_addresses": ""}
        options |= self._options
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "server.log").open("wb") as log:
            server = subprocess.Popen(
                [self._programs / "postgres", "-D", "data", *arguments],
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches pytest only, which then stops us in order
                **self._as,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                raise RuntimeError((self._folder / "server.log").read_text())
            time.sleep(0.05)
        return server

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self, name: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self._folder), user=OWNER, dbname=name, autocommit=True)

    def create_database(self, template: str = "template1") -> str:
        """The name of a new database, a copy of `template`."""
        name = f"simpul_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with self.connect() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self.connect() as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{name}?host={quote(str(self._folder), safe='')}"

    def stop(self) -> None:
        self._server.send_signal(signal.SIGQUIT)  # at once: nothing in it is wanted any more
        self._server.wait(timeout=START_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)
