"""Submissions that a manager takes out of sight: kept whole, listed no more.

What they did to records stays: that is history, and a page's decision takes it back.
"""

from __future__ import annotations

from sync_server.clock import Clock, instant
from sync_server.db import write_transaction
from sync_server.errors import NotFound
from sync_server.stores.audits import add_audit
from sync_server.stores.submissions import mark_deleted


def delete_submission(
    project_id: int, xml_form_id: str, instance_id: str, *, by: int | None, clock: Clock
) -> None:
    """Show a submission no more. A phone that sends it again is told 201, and it stays deleted.

    Errors    `NotFound`, also for one that is deleted already.
    """
    _mark(project_id, xml_form_id, instance_id, deleted=True, by=by, clock=clock)


def restore_submission(
    project_id: int, xml_form_id: str, instance_id: str, *, by: int | None, clock: Clock
) -> None:
    """Show a deleted submission again. Errors: `NotFound` for one that is not deleted."""
    _mark(project_id, xml_form_id, instance_id, deleted=False, by=by, clock=clock)


def _mark(
    project_id: int,
    xml_form_id: str,
    instance_id: str,
    *,
    deleted: bool,
    by: int | None,
    clock: Clock,
) -> None:
    at, act = instant(clock.now()), "delete" if deleted else "restore"
    with write_transaction() as connection:
        deleted_at = at if deleted else None
        if not mark_deleted(connection, project_id, xml_form_id, instance_id, deleted_at):
            raise NotFound("there is no such submission")
        details = {"xmlFormId": xml_form_id, "instanceId": instance_id}
        add_audit(
            connection, f"submission.{act}", at=at, by=by, project_id=project_id, details=details
        )
