"""Processes of the real program that begin at once: forked from one that has it loaded.

Three quarters of what it costs to start `simpul` is reading its libraries. The nursery reads
them once; each child then runs the command as `python -m sync_server` would, in a session of
its own, and can be killed like any other.

    with Nursery() as nursery:
        nursery.begin(["push"], environ, log).wait()
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from sync_server.commands import main

_WAIT_SECONDS = 120.0


class Nursery:
    """The process that others are forked from. When it goes, they go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        program = [sys.executable, "-m", "tests.support.nursery"]
        self._process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def begin(self, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> Child:
        """Run `simpul ARGUMENTS`; what it prints goes to the end of `log`."""
        about = {"arguments": list(arguments), "environ": dict(environ), "log": str(log)}
        return Child(self, self.ask(about))

    def ask(self, about: Mapping[str, Any]) -> int:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(about) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())


class Child:
    """A process of the nursery; what `Served` and tests want of a `Popen`."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery
        self._lock = threading.Lock()
        self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Its exit status; less than 0 is the signal that ended it; None while it runs."""
        with self._lock:
            if self.returncode is None and self._ended(0):
                self.returncode = self._nursery.ask({"wait": self.pid})
        return self.returncode

    def wait(self, timeout: float = _WAIT_SECONDS) -> int:
        """Errors: `subprocess.TimeoutExpired`, as of a `Popen`."""
        if self.returncode is None and not self._ended(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        status = self.poll()
        assert status is not None
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it and whatever it has begun."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.wait()

    def __del__(self) -> None:
        os.close(self._handle)

    def _ended(self, timeout: float) -> bool:
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(timeout * 1000))


def serve() -> None:
    """Fork and wait as a line of JSON on the standard input asks; each answer is one number."""
    gc.freeze()
    running: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            pid = asked["wait"]
            answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            running.discard(pid)
        else:
            answer = _forked(asked["arguments"], asked["environ"], asked["log"])
            running.add(answer)
        print(answer, flush=True)  # noqa: T201 - it is what the other side reads
    for pid in running:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _forked(arguments: list[str], environ: dict[str, str], log: str) -> int:
    ready, told = os.pipe()
    pid = os.fork()
    if pid:
        os.close(told)
        os.read(ready, 1)  # it has a session of its own now, and can be killed with all its own
        os.close(ready)
        return pid
    try:
        os.setsid()
        os.close(ready)
        os.close(told)
        _become(environ, log)
        main(arguments, prog_name="simpul")
    except SystemExit as exc:
        _flush()
        os._exit(exc.code if isinstance(exc.code, int) else 0 if exc.code is None else 1)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        _flush()
    os._exit(1)


def _become(environ: dict[str, str], log: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for handle, place in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(handle, place)
    os.environ.clear()
    os.environ.update(environ)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


if __name__ == "__main__":
    serve()
