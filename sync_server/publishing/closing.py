"""Opening and closing a form: whether phones are handed it, and whether what they fill is taken.

open      in every phone's list, and taken
closing   in no phone's list any more; what phones have of it is still taken
closed    what still comes of it is kept for a supervisor
"""

from __future__ import annotations

from sync_server.accounts.centre import refuse_at_a_hub
from sync_server.clock import Clock, instant
from sync_server.db import write_transaction
from sync_server.errors import BadValue, NotFound
from sync_server.intake.requeue import retry_refused
from sync_server.stores import forms as store
from sync_server.stores.audits import add_audit

STATES = ("open", "closing", "closed")


def set_state(
    project_id: int, xml_form_id: str, state: str, *, by: int | None, clock: Clock
) -> None:
    """Let a form be open, closing or closed. Said twice it is said once.

    What came while it was closed, and was kept for that, is taken in when it takes forms again.
    Errors    `BadValue`; `NotFound`; `AtTheCentre`.
    """
    if state not in STATES:
        raise BadValue(f"state is one of {', '.join(STATES)}", field="state", value=state[:50])
    at = instant(clock.now())
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        row = store.find_version(connection, project_id, xml_form_id)
        if row is None:
            raise NotFound("there is no such form")
        if row.state == state:
            return
        store.set_state(connection, project_id, xml_form_id, state, at=at)
        details = {"xmlFormId": xml_form_id, "state": state}
        act = "form.update"
        add_audit(connection, act, at=at, by=by, project_id=project_id, details=details)
    if row.state == "closed":
        retry_refused(project_id, xml_form_id, by=by, clock=clock)
