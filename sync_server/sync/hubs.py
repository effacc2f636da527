"""Hubs at their centre: invited, paired by a code, listed, revoked."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.hubs import HubShape, HubsShape, InvitationShape, NewHub, PairedShape, PairRequest
from schemas.problems import DoneShape
from sync_server.clock import instant
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.hubs import book
from sync_server.stores.hubs import list_hubs
from sync_server.web.auth import require_manager, require_viewer
from sync_server.web.bodies import read_body
from sync_server.web.documented import documented

bp = Blueprint("hubs", __name__)

_HUBS = "/v1/projects/<int:project_id>/sync/hubs"


@bp.get(_HUBS)
@documented(HubsShape)
def list_all(project_id: int) -> Any:
    """The hubs of a project and when each was last heard, revoked ones too."""
    require_viewer(project_id)
    with read_transaction() as connection:
        rows = list_hubs(connection, project_id)
    return {
        "hubs": HubShape(many=True).dump([row._mapping for row in rows]),
        "serverTime": instant(context().clock.now()),
    }


@bp.post(_HUBS)
@documented(InvitationShape, body=NewHub, refused=(409, 413, 415))
def invite(project_id: int) -> Any:
    """A code that makes one install a hub, good once and for a day. For managers."""
    person = require_manager(project_id)
    sent = read_body(NewHub())
    made = book.invite(
        project_id,
        sent["name"],
        sent["properties"],
        by=person.actor_id,
        clock=context().clock,
    )
    return InvitationShape().dump(made)


@bp.delete(f"{_HUBS}/<int:actor_id>")
@documented(DoneShape)
def revoke(project_id: int, actor_id: int) -> Any:
    """Let a hub in no more. For managers."""
    person = require_manager(project_id)
    book.revoke(project_id, actor_id, by=person.actor_id, clock=context().clock)
    return {"success": True}


@bp.post("/v1/sync/pair")
@documented(PairedShape, body=PairRequest, refused=(413, 415), open_to_all=True)
def pair() -> Any:
    """Make the install that knows a code a hub. The code is all it needs."""
    sent = read_body(PairRequest())
    paired = book.pair(sent["code"], sent["node"], clock=context().clock)
    told = PairedShape().dump(
        {
            "token": paired.token,
            "hub": paired.hub_name,
            "node": paired.node,
            "epoch": paired.epoch,
            "project": {
                "id": paired.project_id,
                "uuid": paired.project_uuid,
                "name": paired.project_name,
            },
        }
    )
    return told, {"Cache-Control": "no-store"}
