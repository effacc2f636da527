"""Info: which node this is, its limits, and the lists of the project with their policies.

`limits` names what is enforced and nothing else.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from schemas.info import InfoShape
from sync_server.accounts.credentials import hash_of_token
from sync_server.accounts.people import current_node, get_project
from sync_server.clock import instant
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotAllowed
from sync_server.relay.pull import lists_for
from sync_server.stores.hubs import find_hub_by_token
from sync_server.stores.lists import ListInfo
from sync_server.stores.tokens import find_device
from sync_server.sync.limits import MAX_BYTES, MAX_ITEMS, MAX_RAW_BYTES
from sync_server.sync.senders import REVOKED_HUB
from sync_server.web.auth import current_person, require_viewer, session_token
from sync_server.web.documented import documented

PROTOCOL = 1

bp = Blueprint("info", __name__)


@bp.get("/v1/projects/<int:project_id>/sync/info")
@documented(InfoShape)
def show(project_id: int) -> Any:
    """For supervisors and managers by their session, for devices and hubs by their token."""
    token = session_token()
    account = _account(project_id, token) if token and current_person() is None else None
    if account is None:
        require_viewer(project_id)
    return _info(project_id, account)


@bp.get("/v1/key/<token>/projects/<int:project_id>/sync/info")
@documented(InfoShape)
def show_to_device(token: str, project_id: int) -> Any:
    """For devices, with the token in the address as phones have it."""
    account = _account(project_id, token)
    if account is None:
        raise NotAllowed("this device is not known here any more")
    return _info(project_id, account)


def _account(project_id: int, token: str) -> int | None:
    """The device or hub whose token this is; None where there is none."""
    hashed = hash_of_token(token)
    with read_transaction() as connection:
        row = find_device(connection, project_id, hashed)
        if row is None:
            row = find_hub_by_token(connection, project_id, hashed)
            if row is not None and row.revoked_at is not None:
                raise NotAllowed(REVOKED_HUB)
    return None if row is None or row.revoked_at is not None else int(row.actor_id)


def _info(project_id: int, account: int | None) -> dict[str, Any]:
    here = context()
    node, epoch = current_node()
    with read_transaction() as connection:
        lists, _ = lists_for(connection, project_id, account)
    return {
        "protocol": PROTOCOL,
        "node": node,
        "epoch": epoch,
        "project": get_project(project_id).uuid,
        "serverTime": instant(here.clock.now()),
        "limits": {
            "maxItems": MAX_ITEMS,
            "maxBytes": MAX_BYTES,
            "maxRawBytes": MAX_RAW_BYTES,
        },
        "lists": [_list(info) for info in lists.values()],
    }


def _list(info: ListInfo) -> dict[str, Any]:
    held = set(info.phone_properties)
    return {
        "name": info.name,
        "properties": [
            {"name": name, "policy": str(info.policies.of(name)), "phone": name in held}
            for name in info.properties
        ],
    }
