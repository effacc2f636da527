"""Devices: the sync board's rows as JSON, each value with how sure it is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.devices import DevicesShape
from sync_server.clock import instant
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.reports.board import DeviceRow, load_devices
from sync_server.reports.held import FormHeld, ListHeld
from sync_server.web.auth import require_viewer
from sync_server.web.documented import documented

bp = Blueprint("devices", __name__)


@bp.get("/v1/projects/<int:project_id>/sync/devices")
@documented(DevicesShape)
def list_all(project_id: int) -> Any:
    """Every device account in use that the reader's area has, worst first."""
    person = require_viewer(project_id)
    here = context()
    with read_transaction() as connection:
        rows = load_devices(
            connection,
            project_id,
            person.area(project_id),
            clock=here.clock,
            late_days=here.settings.late_days,
        )
    return {
        "devices": [_shown(row) for row in rows],
        "serverTime": instant(here.clock.now()),
        "lateDays": here.settings.late_days,
    }


def _shown(row: DeviceRow) -> dict[str, Any]:
    area: dict[str, list[dict[str, str]]] = {}
    for name, value, label in row.places:
        area.setdefault(name, []).append({"value": value, "label": label})
    return {
        "id": row.actor_id,
        "name": row.name,
        "area": area,
        "createdAt": row.created_at,
        "status": _sure(row.health.value),
        "lastContact": _told(row.last_contact),
        "lastSubmission": _told(row.last_submission),
        "hub": {
            "value": row.through,
            "certainty": "sure" if row.last_submission else "unknown",
        },
        "forms": [_form(one) for one in row.forms],
        "lists": [_list(one) for one in row.lists],
        "clockAhead": {
            "value": row.clock.seconds if row.clock else None,
            "certainty": ("sure" if row.clock.sure else "probable") if row.clock else "unknown",
        },
        "waiting": _sure(row.waiting),
        "quarantined": _sure(row.quarantined),
        "openReviews": _sure(row.open_reviews),
        "bytesUp": _sure(row.bytes_up),
        "bytesDown": _sure(row.bytes_down),
        "phones": _told(row.phones or None),
        "collect": _told(row.collect),
        "android": _told(row.android),
    }


def _form(one: FormHeld) -> dict[str, Any]:
    certainty = one.certainty.value
    return {
        "xmlFormId": one.xml_form_id,
        "title": one.title,
        "newest": _sure(one.newest),
        "version": {"value": one.version, "certainty": certainty},
        "behind": {"value": one.behind, "certainty": certainty},
        "at": one.at,
    }


def _list(one: ListHeld) -> dict[str, Any]:
    return {
        "name": one.list_name,
        "hash": _told(one.hash),
        "at": one.at,
        "current": _told(one.current),
        "askedAt": one.told_at,
    }


def _sure(value: object) -> dict[str, object]:
    return {"value": value, "certainty": "sure"}


def _told(value: object) -> dict[str, object]:
    """What the server knows only if a phone told it."""
    return {"value": value, "certainty": "unknown" if value is None else "sure"}
