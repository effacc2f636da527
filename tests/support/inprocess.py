"""`simpul` in this process: what a command does, without the second its libraries take to load."""

from __future__ import annotations

import os
import subprocess
from typing import Self

from click.testing import CliRunner

from sync_server.commands import main
from tests.support.serving import Served


class InProcess(Served):
    """A home whose commands run here. What they leave running, or take over, is a `Served`'s."""

    @classmethod
    def of(cls, served: Served) -> Self:
        """The commands of a home that is served, in its environment."""
        here = cls(served.home, served.database_url)
        here._environ = served._environ
        return here

    def try_command(
        self, *arguments: str, input: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """As of a process of its own; an exception that no command speaks of fails the test."""
        wanted = {
            name: value for name, value in self._environ.items() if name.startswith("SIMPUL_")
        }
        others = dict.fromkeys(name for name in os.environ if name.startswith("SIMPUL_"))
        done = CliRunner().invoke(
            main, list(arguments), input=input, env=others | wanted, prog_name="simpul"
        )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)
