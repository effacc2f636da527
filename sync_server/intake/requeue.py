"""What was quarantined for want of a form or a list is tried again when that is there."""

from __future__ import annotations

import logging

from sync_server.accounts.people import get_project
from sync_server.clock import Clock
from sync_server.db import read_transaction
from sync_server.errors import whereabouts
from sync_server.intake.quarantine import retry
from sync_server.stores.quarantine import list_waiting_for

LOG = logging.getLogger(__name__)


def retry_kept(
    project_id: int,
    *,
    xml_form_id: str | None = None,
    refused: bool = False,
    lists: bool = False,
    by: int | None,
    clock: Clock,
) -> int:
    """Take in again what waited for this form, and with `lists` for any list; how many waited.

    With `refused` that is also what was kept because the form was closed, or kept from its sender.
    What fails again stays in quarantine as it was: what was published stands.
    """
    with read_transaction() as connection:
        waiting = list_waiting_for(
            connection, project_id, xml_form_id=xml_form_id, refused=refused, lists=lists
        )
    if not waiting:
        return 0
    project = get_project(project_id)
    for quarantine_id in waiting:
        try:
            retry(project, quarantine_id, by=by, clock=clock)
        except Exception as exc:
            LOG.error("quarantined %s was not tried again: %s", quarantine_id, whereabouts(exc))
    return len(waiting)
