"""What a centre sets a hub up with, so that phones can work at the hub for weeks.

Lists as they are declared, every version of every form, and the device accounts of the hub's
area. The XML of a version and the files of forms are asked for one by one, and only once.
Tokens go sealed under the hub's own token, which the two servers alone know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from conflict.areas import UNBOUND, Area, area_of
from sync_server.accounts.credentials import seal, unseal
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.reports.board import device_in_area
from sync_server.stores import hubs as hub_store
from sync_server.stores import setup as store
from sync_server.stores.form_devices import list_every_device
from sync_server.stores.forms import find_version
from sync_server.stores.lists import ListInfo, load_lists
from sync_server.stores.projects import find_project, list_actor_properties

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setup:
    """A setup, and its tag: the same as long as nothing of it alters."""

    plain: Plain
    tag: str


def area_of_hub(actor_id: int, properties: Mapping[str, Any]) -> Area:
    """What a hub relays: all that its properties match; everything, without any."""
    return area_of(actor_id, properties) if properties else UNBOUND


def setup_for(project_id: int, actor_id: int, *, hub_token: str, secret_key: str) -> Setup:
    """What the hub `actor_id`, whose token is `hub_token`, is to be set up with now."""
    with read_transaction() as connection:
        project = find_project(connection, project_id)
        hub = hub_store.find_hub(connection, project_id, actor_id)
        lists = load_lists(connection, project_id)
        area = area_of_hub(actor_id, hub.properties)
        plain: Plain = {
            "projectName": project.name,
            "hub": hub.display_name,
            "actorProperties": list_actor_properties(connection, project_id),
            "lists": [_list(info) for info in lists.values()],
        }
        accounts = [
            row
            for row in store.list_accounts(connection, project_id)
            if device_in_area(row.properties, area, lists)
        ]
        plain["forms"] = _forms(connection, project_id, {row.token_hash for row in accounts})
    devices = [_device(row) for row in accounts]
    told = json.dumps({**plain, "devices": devices}, sort_keys=True).encode()
    sealed = [
        one if one["revoked"] else {**one, "sealed": _sealed(row, hub_token, secret_key)}
        for one, row in zip(devices, accounts, strict=True)
    ]
    return Setup({**plain, "devices": sealed}, hashlib.sha256(told).hexdigest())


def xml_for(project_id: int, xml_form_id: str, version: str) -> bytes:
    """The XML of a version. Errors: `NotFound`."""
    with read_transaction() as connection:
        row = find_version(connection, project_id, xml_form_id, version)
    if row is None:
        raise NotFound("there is no such version of a form")
    return bytes(row.xml)


def _list(info: ListInfo) -> Plain:
    held = set(info.phone_properties)
    return {
        "name": info.name,
        "approvalRequired": info.approval_required,
        "properties": [
            {"name": name, "policy": str(info.policies.of(name)), "phone": name in held}
            for name in info.properties
        ],
        "rules": [
            {"datasetProperty": rule.dataset_property, "actorProperty": rule.actor_property}
            for rule in info.rules
        ],
    }


def _forms(connection: Connection, project_id: int, devices: Set[str]) -> list[Plain]:
    """Every form; of those it is given to, the `devices` that the hub knows, by their hashes."""
    given: dict[str, list[str]] = {}
    for row in list_every_device(connection, project_id):
        if row.token_hash in devices:
            given.setdefault(row.xml_form_id, []).append(row.token_hash)
    files: dict[tuple[str, str], list[Plain]] = {}
    for row in store.list_every_file(connection, project_id):
        mine = files.setdefault((row.xml_form_id, row.version), [])
        mine.append({"name": row.name, "sha256": row.sha256})
    forms: dict[str, Plain] = {}
    for row in store.list_every_version(connection, project_id):
        form = {
            "xmlFormId": row.xml_form_id,
            "state": row.state,
            "devices": given.get(row.xml_form_id, []) if row.given else None,
            "versions": [],
        }
        forms.setdefault(row.xml_form_id, form)["versions"].append(
            {
                "version": row.version,
                "hash": row.hash,
                "files": files.get((row.xml_form_id, row.version), []),
            }
        )
    return list(forms.values())


def _device(row: Any) -> Plain:
    return {
        "tokenHash": row.token_hash,
        "name": row.display_name,
        "properties": row.properties,
        "revoked": row.revoked_at is not None or row.deleted_at is not None,
    }


def _sealed(row: Any, hub_token: str, secret_key: str) -> str:
    return seal(unseal(row.token_sealed, secret_key), hub_token)
