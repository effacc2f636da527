"""`simpul worker`: the jobs of an install, in a process of their own."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click

from sync_server.commands.common import command_app
from sync_server.jobs.relaying import Relaying
from sync_server.jobs.schedule import run


@click.command()
def worker() -> None:
    """Relay with the centre on a schedule, until told to stop.

    One process of an install does; another one waits for its turn. `simpul serve` does it
    itself when it is the only process.
    """
    with command_app() as app:
        scheduler = run(
            app,
            Relaying(_say),
            waits=lambda: _say("another process of this install has the jobs; waiting for it"),
        )

        def stop(_number: int, _frame: Any) -> None:
            scheduler.shutdown(wait=False)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        _say("worker is ready")
        scheduler.start()


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
