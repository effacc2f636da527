"""Push: a batch of submissions and changes, decided together and answered item by item."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from schemas.batches import PROTOCOL, Batch, BatchAnswer, PushRequest, first_fault
from schemas.plain import plain_of
from sync_server.accounts.people import current_node, get_project
from sync_server.context import context
from sync_server.errors import BadRequest, EpochMoved, TooLarge, Unparseable, UnsupportedEncoding
from sync_server.intake import batches
from sync_server.sync.limits import MAX_BYTES, MAX_ITEMS, MAX_RAW_BYTES
from sync_server.sync.senders import sender_of
from sync_server.web.documented import documented
from sync_server.web.inflating import inflated_body

bp = Blueprint("push", __name__)

_ENVELOPE = Batch()


@bp.post("/v1/projects/<int:project_id>/sync/push")
@bp.post("/v1/key/<token>/projects/<int:project_id>/sync/push")
@documented(BatchAnswer, body=PushRequest, refused=(409, 413, 415))
def push(project_id: int, token: str | None = None) -> Any:
    """Take a batch in; 200 once it is on the disk and decided."""
    author = sender_of(project_id, token, brings=True)
    if request.mimetype != "application/json":
        raise UnsupportedEncoding("a batch is sent as application/json", type=request.mimetype)
    raw = inflated_body(most_sent=MAX_BYTES, most_raw=MAX_RAW_BYTES)
    envelope = _envelope(raw)
    _, epoch = current_node()
    if envelope["epoch"] is not None and envelope["epoch"] != epoch:
        raise EpochMoved("this server was restored since; pull first", epoch=epoch)
    return batches.push(
        get_project(project_id),
        batches.Pushed(envelope["batch_id"], raw, envelope["items"]),
        author=author,
        epoch=epoch,
        clock=context().clock,
    )


def _envelope(raw: bytes) -> dict[str, Any]:
    try:
        plain = plain_of(raw)
    except ValueError as exc:
        raise Unparseable("the batch is not JSON, or nested too deep", format="json") from exc
    if not isinstance(plain, dict):
        raise BadRequest("a batch is a JSON object")
    if plain.get("protocol") != PROTOCOL:
        raise BadRequest(f"this server speaks protocol {PROTOCOL}", field="protocol")
    loaded, fault = first_fault(_ENVELOPE, plain)
    if fault:
        raise BadRequest(fault, field=fault.partition(":")[0])
    if len(loaded["items"]) > MAX_ITEMS:
        raise TooLarge("the batch has more items than are taken", limit="maxItems", most=MAX_ITEMS)
    return loaded
