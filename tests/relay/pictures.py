"""What one server shows of a project, as far as it is a function of the set it took in.

Left out is what the law gives to each server as its own: when *it* took something in and by
which road (`path`, `createdAt`, `updatedAt`, `openedAt`), the word it answered then (`applied`
or `merged` is told against what had come so far), the offset of its numbers, and which
questions had been open here for a while. A supervisor's account is known at its own server.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from conflict.areas import UNBOUND, writer_scope
from schemas.records import HistoryShape
from sync_server.db import read_transaction
from sync_server.models.people import AppUser
from sync_server.models.records import (
    QuarantineRow,
    RecordRow,
    RecordScope,
    ReviewRow,
    Submission,
)
from sync_server.reports.facts import get_history
from sync_server.stores.upsert import table_of
from tests.relay.network import Machine

Picture = dict[str, Any]
_HISTORY = HistoryShape()
_SHOWN = ("list_name", "label", "data", "version", "status", "waiting", "open_reviews", "state")
_PAST = (
    *("changeId", "op", "waiting", "receivedAt", "clientTime", "deviceId"),
    *("instanceId", "formId", "formVersion", "note"),
)


def picture_of(machine: Machine) -> Picture:
    """Records, questions, forms, what is kept apart and every history: name -> what it is."""
    project_id = machine.project.id
    with machine.at_work(), read_transaction() as connection:
        found: Picture = {}
        scopes = _scopes(connection, project_id)
        for row in _rows(connection, RecordRow, project_id):
            shown = {name: _in_order(getattr(row, name)) for name in _SHOWN}
            found[f"record {row.entity}"] = shown | {"scopes": scopes.get(row.entity, set())}
        for row in _rows(connection, ReviewRow, project_id):
            if row.state == "open":
                asked = (row.entity, row.kind, row.field, {*row.contenders}, row.shown)
                found[f"review {row.review_id}"] = asked
        for row in _rows(connection, Submission, project_id):
            told = (row.xml, row.form_version, row.deprecated_id, row.received_at, row.device_id)
            found[f"form {row.instance_id}"] = (*told, row.version_unknown, row.complete)
        for row in _rows(connection, QuarantineRow, project_id):
            found[f"kept {_kept(row)}"] = (row.kind, row.code, row.state)
    with machine.at_work():
        for name in [name for name in found if name.startswith("record ")]:
            entity = name.removeprefix("record ")
            found[f"history {entity}"] = _history(project_id, entity)
    return found


def differences(one: Picture, other: Picture) -> list[str]:
    """What is otherwise in the two, a line for each."""
    return [line for name in sorted({*one, *other}) for line in _differing(name, one, other)]


def _differing(name: str, one: Picture, other: Picture) -> Iterator[str]:
    mine, theirs = one.get(name), other.get(name)
    if mine == theirs:
        return
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        for key in sorted({*mine, *theirs}):
            if mine.get(key) != theirs.get(key):
                yield f"{name} {key}: {mine.get(key)} | {theirs.get(key)}"
    else:
        yield f"{name}: {mine} | {theirs}"


def _history(project_id: int, entity: str) -> dict[str, Any]:
    told = _HISTORY.dump(get_history(project_id, entity, UNBOUND))
    past: dict[str, Any] = {"order": [one["changeId"] for one in told["changes"]]}
    for one in told["changes"]:
        about = f"{one['changeId']} {one['op']} {one['instanceId']} {one['deviceId']}"
        past[about] = [one[name] for name in _PAST]
        for each in one["fields"]:
            became = each["value"], {*each["replaces"]}, each["outcome"]
            past[f"{about} {each['name']}"] = became
    return past


def _kept(row: Any) -> str:
    """By what a thing in quarantine is the same one, whoever brought it."""
    if row.change_id is not None:
        return f"{row.change_id} {row.code}"
    raw = bytes(row.raw)
    if raw.startswith(b"{"):
        raw = json.loads(raw)["xml"].encode()
    return f"{hashlib.sha256(raw).hexdigest()} {row.code}"


def _scopes(connection: Connection, project_id: int) -> dict[str, set[str]]:
    """Who sees each record; of writers the devices, which are the same accounts everywhere."""
    devices = {writer_scope(row.actor_id) for row in _rows(connection, AppUser, project_id)}
    found: dict[str, set[str]] = {}
    for row in _rows(connection, RecordScope, project_id):
        if row.scope in devices or not row.scope.startswith("@"):
            found.setdefault(row.entity, set()).add(row.scope)
    return found


def _rows(connection: Connection, model: Any, project_id: int) -> list[Any]:
    table = table_of(model)
    wanted = select(*table.c).where(table.c.project_id == project_id)
    return list(connection.execute(wanted.order_by(*table.primary_key)).all())


def _in_order(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _in_order(one) for name, one in sorted(value.items())}
    return value
