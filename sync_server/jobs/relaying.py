"""The job of a hub: speak with the centre of each project that has one, when it is due."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import whereabouts
from sync_server.hubs.relaying import RelayFailed, relay
from sync_server.jobs.pace import Pace
from sync_server.stores.upstreams import list_upstreams

LOG = logging.getLogger(__name__)

Say = Callable[[str], None]


class Relaying:
    """The paces of all projects that have a centre; `say` is told one line for each contact."""

    def __init__(self, say: Say = LOG.info) -> None:
        self._say = say
        self._paces: dict[int, Pace] = {}

    def tick(self) -> None:
        """Relay what is due; within an app context. Whatever fails is tried again, later."""
        here = context()
        if not here.settings.relay_seconds:
            return
        with read_transaction() as connection:
            projects = [row.project_id for row in list_upstreams(connection)]
        paces = {one: self._paces.get(one) or Pace(here.settings.relay_seconds) for one in projects}
        self._paces = paces
        for project_id, pace in paces.items():
            if pace.is_due(here.clock.now()):
                well, line = _relayed(project_id)
                wait = pace.went(here.clock.now(), well=well)
                self._say(f"project {project_id}: {line}; again in {round(wait.total_seconds())} s")


def _relayed(project_id: int) -> tuple[bool, str]:
    try:
        done = relay(project_id)
    except RelayFailed as exc:
        return False, str(exc)
    except Exception as exc:  # a bug of ours must not end the worker for good
        LOG.error("relaying stumbled: %s", whereabouts(exc))
        return False, f"this program stumbled: {type(exc).__name__}"
    return True, f"sent {done.sent}, refused {done.refused}, fetched {done.fetched}"


def quietly() -> Relaying:
    """The job where nobody reads along."""
    return Relaying(partial(LOG.info, "%s"))
