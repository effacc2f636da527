"""Who pushes and pulls: a device or hub by its token, a supervisor or manager by a session."""

from __future__ import annotations

from typing import Any

from flask import request

from conflict.areas import area_of
from sync_server.accounts.credentials import hash_of_token
from sync_server.db import read_transaction
from sync_server.errors import NotAllowed
from sync_server.hubs.setup import area_of_hub
from sync_server.intake.arrival import Author
from sync_server.stores.hubs import find_hub_by_token
from sync_server.stores.tokens import find_device
from sync_server.web.auth import bearer_token, current_person, require_viewer
from sync_server.web.bodies import without_controls

REVOKED_HUB = "this hub is revoked; what it still holds can be imported from a file"


def sender_of(project_id: int, token: str | None = None, *, brings: bool = False) -> Author:
    """The sender of a request, by the token in its address or its Authorization header.

    `brings` when it only hands something over: a phone that was lost and is found again, or
    whose cadre has left, may do that still.

    Errors    `NotAllowed` for a token that is not known or was revoked;
              `NotAuthenticated` when nothing says who it is.
    """
    key = token if token is not None else bearer_token()
    if token is None and current_person() is not None:
        person = require_viewer(project_id)
        return Author(
            person.actor_id,
            area=person.area(project_id),
            may_decide=True,
            manages=person.may_manage(project_id),
        )
    if key is None:
        require_viewer(project_id)  # says that nobody is logged in
    with read_transaction() as connection:
        row = find_device(connection, project_id, hash_of_token(key or ""))
        if row is None:
            hub = find_hub_by_token(connection, project_id, hash_of_token(key or ""))
    if row is None and hub is not None:
        return _hub(hub)
    if row is None or (row.revoked_at is not None and not brings):
        raise NotAllowed("this device is not known here any more")
    return Author(
        row.actor_id,
        device_id=without_controls(request.args.get("deviceID", ""), 200),
        user_agent=without_controls(request.user_agent.string or "", 300),
        area=area_of(row.actor_id, row.properties),
        revoked=row.revoked_at is not None,
    )


def _hub(row: Any) -> Author:
    """What a hub settled is not settled again, and it may pass decisions on."""
    if row.revoked_at is not None:
        raise NotAllowed(REVOKED_HUB)
    return Author(
        row.actor_id,
        user_agent=without_controls(request.user_agent.string or "", 300),
        area=area_of_hub(row.actor_id, row.properties),
        may_decide=True,
        relays=True,
        node=row.node or "",
    )
