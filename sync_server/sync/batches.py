"""Batches that were pushed: the answer of one, again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.batches import BatchAnswer
from sync_server.accounts.people import get_project
from sync_server.errors import NotFound
from sync_server.intake.batches import answer_of
from sync_server.sync.senders import sender_of
from sync_server.web.documented import documented

bp = Blueprint("batches", __name__)


@bp.get("/v1/projects/<int:project_id>/sync/batches/<batch>")
@bp.get("/v1/key/<token>/projects/<int:project_id>/sync/batches/<batch>")
@documented(BatchAnswer)
def show(project_id: int, batch: str, token: str | None = None) -> Any:
    """The answer that a batch of the one who asks was given when it came."""
    sender = sender_of(project_id, token)
    answer = answer_of(get_project(project_id), batch, sender=sender)
    if answer is None:
        raise NotFound("no such batch of yours has come")
    return answer
