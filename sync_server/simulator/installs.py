"""Servers that the simulator starts: each a home folder, a database and processes of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_PASSWORD = "a-simulated-administrator"  # noqa: S105 - of installs that live for a minute
_READY_SECONDS = 120
_STOP_SECONDS = 30
_COMMAND_SECONDS = 600


class InstallFailed(Exception):
    """A server could not be set up or started; the text is for the operator."""


class Install(Protocol):
    """A server that can be started, killed and given commands.

    `url` has no slash at its end; `email` and `password` are those of its administrator.
    """

    url: str
    email: str
    password: str

    def initialise(self) -> None:
        """Make it, with its administrator. Errors: `InstallFailed`."""

    def start(self) -> None:
        """Serve, and come back when it is ready. Errors: `InstallFailed`."""

    def kill(self) -> None:
        """What a power cut does to it."""

    def stop(self) -> None:
        """Stop it if it runs."""

    def command(self, *arguments: str) -> str:
        """Run `simpul ARGUMENTS` in its home; what was printed. Errors: `InstallFailed`."""


class LocalInstall:
    """An install in the folder `home`, on SQLite there unless `database_url` names another."""

    email = "admin@simulation.example"
    password = _PASSWORD

    def __init__(self, home: Path, database_url: str = "", *, relay_seconds: int = 0) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = home.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None
        others = {name: v for name, v in os.environ.items() if not name.startswith("SIMPUL_")}
        self._environ = others | {
            "PYTHONUNBUFFERED": "1",
            "SIMPUL_HOME": str(home),
            "SIMPUL_DATABASE_URL": database_url,
            "SIMPUL_RELAY_SECONDS": str(relay_seconds),
        }

    def initialise(self) -> None:
        """`simpul init`. Errors: `InstallFailed`, also when its database is somebody's already."""
        who = ("--admin-email", self.email, "--admin-password", self.password)
        if "already" in self.command("init", *who):
            raise InstallFailed("that database holds an install already: name an empty one")

    def command(self, *arguments: str) -> str:
        program = [sys.executable, "-m", "sync_server", *arguments]
        done = subprocess.run(
            program,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise InstallFailed(f"simpul {arguments[0]}: {said[-1] if said else done.returncode}")
        return done.stdout

    def start(self) -> None:
        place = ["--host", "127.0.0.1", "--port", str(self.port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sync_server", "serve", *place],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # one group, so that a kill reaches its workers
            )
        deadline = time.monotonic() + _READY_SECONDS
        while f"listening on {self.url}" not in self._said():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                last = self._said().strip().splitlines()
                raise InstallFailed(f"simpul serve did not start: {last[-1] if last else ''}")
            time.sleep(0.05)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_STOP_SECONDS)
            self.kill()

    def _said(self) -> str:
        return self._log.read_text(errors="replace")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
