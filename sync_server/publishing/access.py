"""Which devices have a form: all of its project, unless it is kept for those it is given to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from sync_server.accounts.centre import refuse_at_a_hub
from sync_server.clock import Clock, instant
from sync_server.db import write_transaction
from sync_server.errors import NotFound
from sync_server.intake.requeue import retry_refused
from sync_server.stores import form_devices as store
from sync_server.stores.audits import add_audit
from sync_server.stores.forms import find_version
from sync_server.stores.people import find_app_user
from sync_server.stores.setup import list_accounts


def set_given(
    project_id: int, xml_form_id: str, *, given: bool, by: int | None, clock: Clock
) -> None:
    """Keep a form for the devices it is given to, or let every device have it again.

    What was kept of devices that had it not, and have it now, is taken in.
    Errors    `NotFound`; `AtTheCentre`.
    """
    at = instant(clock.now())
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        if not store.set_given(connection, project_id, xml_form_id, given=given, at=at):
            raise NotFound("there is no such form")
        details = {"xmlFormId": xml_form_id, "given": given}
        act = "form.update"
        add_audit(connection, act, at=at, by=by, project_id=project_id, details=details)
    retry_refused(project_id, xml_form_id, by=by, clock=clock)


def give(project_id: int, xml_form_id: str, actor_id: int, *, by: int | None, clock: Clock) -> None:
    """Give a form to a device, and take in what was kept of it. Said twice it is said once.

    Errors    `NotFound`; `AtTheCentre`.
    """
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        if find_version(connection, project_id, xml_form_id) is None:
            raise NotFound("there is no such form")
        row = find_app_user(connection, project_id, actor_id)
        if row is None or row.deleted_at is not None:
            raise NotFound("there is no such app user")
        store.give_form(connection, project_id, xml_form_id, actor_id)
        _note(connection, "assignment.create", project_id, xml_form_id, actor_id, by, clock)
    retry_refused(project_id, xml_form_id, by=by, clock=clock)


def take(project_id: int, xml_form_id: str, actor_id: int, *, by: int | None, clock: Clock) -> None:
    """Take a form from a device. Errors: `NotFound` when it was not given; `AtTheCentre`."""
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        if not store.take_form(connection, project_id, xml_form_id, actor_id):
            raise NotFound("this form was not given to this device")
        _note(connection, "assignment.delete", project_id, xml_form_id, actor_id, by, clock)


def mirror(
    project_id: int,
    xml_form_id: str,
    *,
    given: bool,
    to: Collection[str],
    by: int | None,
    clock: Clock,
) -> None:
    """Let a form be given as it is at the centre: `to` has the hashes of its devices' tokens.

    Errors    `NotFound`.
    """
    at = instant(clock.now())
    with write_transaction() as connection:
        accounts = {row.token_hash: row.actor_id for row in list_accounts(connection, project_id)}
        wanted = {accounts[one] for one in to if one in accounts}
        had = set(store.list_devices_of(connection, project_id, xml_form_id))
        if not store.set_given(connection, project_id, xml_form_id, given=given, at=at):
            raise NotFound("there is no such form")
        for actor_id in sorted(wanted - had):
            store.give_form(connection, project_id, xml_form_id, actor_id)
        for actor_id in sorted(had - wanted):
            store.take_form(connection, project_id, xml_form_id, actor_id)
        details = {"xmlFormId": xml_form_id, "given": given, "devices": sorted(wanted)}
        act = "form.update"
        add_audit(connection, act, at=at, by=by, project_id=project_id, details=details)
    retry_refused(project_id, xml_form_id, by=by, clock=clock)


def _note(
    connection: Connection,
    act: str,
    project_id: int,
    xml_form_id: str,
    actor_id: int,
    by: int | None,
    clock: Clock,
) -> None:
    details = {"xmlFormId": xml_form_id, "actorId": actor_id, "role": "app-user"}
    at = instant(clock.now())
    add_audit(connection, act, at=at, by=by, project_id=project_id, details=details)
