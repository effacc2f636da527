"""The table of jobs, by APScheduler: each is a plain function, and never runs twice at once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from sync_server.context import context
from sync_server.jobs.election import Election
from sync_server.jobs.relaying import Relaying, quietly

# A look that is left out while a long relay goes on is nothing an operator need read of.
logging.getLogger("apscheduler").setLevel(logging.ERROR)

_LOOK_EVERY_SECONDS = 5
_DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}


def run(app: Flask, relaying: Relaying, *, waits: Callable[[], None]) -> BlockingScheduler:
    """A scheduler for a process of its own; `start()` blocks. `waits` is told once that another
    process has the jobs already."""
    scheduler = BlockingScheduler(job_defaults=_DEFAULTS, timezone="UTC")
    _put(scheduler, app, relaying, waits)
    return scheduler


def start_in_background(app: Flask) -> BackgroundScheduler:
    """Run the jobs in this serving process, unless another process of the install does."""
    scheduler = BackgroundScheduler(job_defaults=_DEFAULTS, timezone="UTC", daemon=True)
    _put(scheduler, app, quietly(), lambda: None)
    scheduler.start()
    return scheduler


def _put(
    scheduler: BaseScheduler, app: Flask, relaying: Relaying, waits: Callable[[], None]
) -> None:
    with app.app_context():
        election = Election(context().settings.home / "worker.lock")
    told = False

    def look() -> None:
        nonlocal told
        if not election.holds():
            if not told:
                waits()
            told = True
            return
        with app.app_context():
            relaying.tick()

    scheduler.add_job(look, "interval", seconds=_LOOK_EVERY_SECONDS, jitter=1, id="relay")
