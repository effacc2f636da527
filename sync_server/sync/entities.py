"""Entities: one record and its history, change by change."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.records import HistoryShape, RecordShape
from sync_server.reports.facts import get_history, get_record_facts
from sync_server.web.auth import require_viewer
from sync_server.web.documented import documented

bp = Blueprint("sync_entities", __name__)

_ENTITY = "/v1/projects/<int:project_id>/sync/entities/<entity>"


@bp.get(_ENTITY)
@documented(RecordShape)
def show(project_id: int, entity: str) -> Any:
    """One record as it stands."""
    area = require_viewer(project_id).area(project_id)
    return RecordShape().dump(get_record_facts(project_id, entity.lower(), area))


@bp.get(f"{_ENTITY}/history")
@documented(HistoryShape)
def show_history(project_id: int, entity: str) -> Any:
    """Every change of a record, oldest first, and what became of each value."""
    area = require_viewer(project_id).area(project_id)
    return HistoryShape().dump(get_history(project_id, entity, area))
