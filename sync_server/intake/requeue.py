"""What was quarantined for want of a form or a list is tried again when that is there."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sync_server.accounts.people import get_project
from sync_server.clock import Clock
from sync_server.db import read_transaction
from sync_server.errors import whereabouts
from sync_server.intake.quarantine import retry
from sync_server.stores.form_devices import find_kept_from
from sync_server.stores.forms import find_version
from sync_server.stores.quarantine import list_refused, list_waiting_for

LOG = logging.getLogger(__name__)


def retry_kept(
    project_id: int,
    *,
    xml_form_id: str | None = None,
    lists: bool = False,
    by: int | None,
    clock: Clock,
) -> int:
    """Take in again what waited for this form, and with `lists` for any list; how many waited.

    What fails again stays in quarantine as it was: what was published stands.
    """
    with read_transaction() as connection:
        waiting = list_waiting_for(connection, project_id, xml_form_id=xml_form_id, lists=lists)
    _retry(project_id, waiting, by=by, clock=clock)
    return len(waiting)


def retry_refused(project_id: int, xml_form_id: str, *, by: int | None, clock: Clock) -> int:
    """Take in again what came of a form while it was closed or not given; how much that is.

    What is of a device that has not got the form now stays, whoever brought it.
    """
    with read_transaction() as connection:
        form = find_version(connection, project_id, xml_form_id)
        if form is None or form.state == "closed":
            return 0
        kept = list_refused(connection, project_id, xml_form_id)
        senders = {row.actor_id for row in kept} if form.given else set()
        without = {
            one for one in senders if find_kept_from(connection, project_id, [xml_form_id], one)
        }
    waiting = [row.quarantine_id for row in kept if row.actor_id not in without]
    _retry(project_id, waiting, by=by, clock=clock)
    return len(waiting)


def _retry(project_id: int, waiting: Sequence[str], *, by: int | None, clock: Clock) -> None:
    if not waiting:
        return
    project = get_project(project_id)
    for quarantine_id in waiting:
        try:
            retry(project, quarantine_id, by=by, clock=clock)
        except Exception as exc:
            LOG.error("quarantined %s was not tried again: %s", quarantine_id, whereabouts(exc))
