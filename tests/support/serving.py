"""The real program in a process of its own, as an operator runs it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

READY_SECONDS = 90
STOP_SECONDS = 30
ADMIN_EMAIL = "admin@example.org"
ADMIN_PASSWORD = "posyandu-melati-7"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """One home and its server, which a test may kill and start again.

    `url` is where it listens, without a slash at the end; `home` its instance folder.
    """

    admin_email = ADMIN_EMAIL
    admin_password = ADMIN_PASSWORD

    def __init__(self, home: Path, database_url: str, **environ: str) -> None:
        self.home = home
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = home.parent / f"{home.name}.log"
        self._process: Any = None
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SIMPUL_")},
            "PYTHONUNBUFFERED": "1",
            "SIMPUL_HOME": str(home),
            "SIMPUL_DATABASE_URL": database_url,
            **environ,
        }

    def command(self, *arguments: str, input: str | None = None) -> str:
        """Run `simpul ARGUMENTS` in this home; what it printed. A failure fails the test."""
        done = self.try_command(*arguments, input=input)
        assert done.returncode == 0, f"simpul {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def try_command(
        self, *arguments: str, input: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `simpul ARGUMENTS` in this home, whatever comes of it."""
        program = [sys.executable, "-m", "sync_server", *arguments]
        return subprocess.run(
            program, env=self._environ, input=input, capture_output=True, text=True, timeout=300
        )

    def initialise(self) -> None:
        self.command(
            *("init", "--admin-email", self.admin_email, "--admin-password", self.admin_password)
        )

    def start(self, *, workers: int = 1) -> None:
        """Serve, and come back when the server says that it is ready."""
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", str(workers)]
        self._process = self._spawn("serve", *place)
        deadline = time.monotonic() + READY_SECONDS
        while f"listening on {self.url}" not in self.log():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"simpul serve did not become ready:\n{self.log()}")
            time.sleep(0.05)

    def _spawn(self, *arguments: str) -> Any:
        """Run `simpul ARGUMENTS` beside this test; what it prints is the log from now on."""
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "sync_server", *arguments],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # one process group, so that kill() reaches the workers
            )

    def log(self) -> str:
        """What the server has printed since it was last started."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def stop(self) -> int:
        """Stop it as a service manager does; its exit status."""
        process = self._process
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired as exc:
            self.kill()
            raise AssertionError(f"simpul serve ignored SIGTERM:\n{self.log()}") from exc
        self._process = None
        return status

    def kill(self) -> None:
        """What a power cut does: every process of the server ends now, with nothing said."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self._process.wait()
            self._process = None
