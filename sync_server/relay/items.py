"""What this server has taken in, as items of the sync contract with what was settled of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from sync_server.relay.records import Reader
from sync_server.stores.changes import find_of_submissions, find_rows
from sync_server.stores.hubs import name_nodes
from sync_server.stores.people import find_authors
from sync_server.stores.quarantine import RELAYED_ITEM
from sync_server.stores.records import find_scopes
from sync_server.stores.relayed import (
    Key,
    find_attachment_rows,
    find_kept,
    find_kept_changes,
    find_submission_rows,
    find_token_hashes,
)
from sync_server.stores.tokens import device_key

Item = dict[str, Any]

_SAID = ("label", "base_version", "trunk_version", "branch_id", "client_time")
_WIRE = {
    "label": "label",
    "base_version": "baseVersion",
    "trunk_version": "trunkVersion",
    "branch_id": "branchId",
    "client_time": "clientTime",
}


def items_of(
    connection: Connection,
    project_id: int,
    node: str,
    reader: Reader,
    *,
    submissions: Iterable[Key],
    changes: Iterable[str],
    kept: Iterable[str],
) -> list[Item]:
    """The items of these submissions, changes and quarantined things, as `reader` may have them.

    A reader with an area gets a filled form only when it may see every record the form
    names; of another form it gets the changes of its own records, without the form.
    """
    keys = set(submissions)
    rows = find_submission_rows(connection, project_id, keys)
    of_forms = find_of_submissions(connection, project_id, keys)
    loose = find_rows(connection, project_id, changes)
    poisons = [] if reader.area.bound else find_kept(connection, project_id, kept)
    every = [*loose.values(), *(one for mine in of_forms.values() for one in mine)]
    visible = _visible(connection, project_id, reader, every)
    actors = {row.actor_id for row in (*rows, *every, *poisons)}
    writer = _Writer(
        node,
        find_token_hashes(connection, project_id, actors),
        find_authors(connection, actors),
        name_nodes(connection, project_id),
    )
    files = _by_key(find_attachment_rows(connection, project_id, keys))
    refused = _by_key(find_kept_changes(connection, project_id, keys))
    found: list[Item] = []
    for row in rows:
        key = (row.xml_form_id, row.instance_id)
        mine = of_forms.get(key, [])
        if not reader.area.bound or (mine and all(one.entity in visible for one in mine)):
            found.append(writer.submission(row, mine, files.get(key, []), refused.get(key, [])))
        else:
            found += [writer.change(one) for one in mine if one.entity in visible]
    found += [writer.change(one) for one in loose.values() if one.entity in visible]
    found += [item for row in poisons if (item := writer.kept(row)) is not None]
    return found


def _visible(
    connection: Connection, project_id: int, reader: Reader, rows: Iterable[Any]
) -> set[str]:
    lists = {row.entity: row.list_name for row in rows}
    wanted = {entity for entity, name in lists.items() if name in reader.lists}
    if not reader.area.bound:
        return wanted
    scopes = find_scopes(connection, project_id, wanted)
    return {one for one in wanted if reader.sees(lists[one], scopes.get(one, ()))}


def _by_key(rows: Iterable[Any]) -> dict[Key, list[Any]]:
    found: dict[Key, list[Any]] = {}
    for row in rows:
        found.setdefault((row.xml_form_id, row.instance_id), []).append(row)
    return found


class _Writer:
    """Rows as items; `hashes` are the token hashes of the devices among their actors.

    `authors` has the rows of these actors, and `hubs` the names of this server's own hubs by
    their nodes: neither is known where the items go.
    """

    def __init__(
        self,
        node: str,
        hashes: Mapping[int, str],
        authors: Mapping[int, Any],
        hubs: Mapping[str, str],
    ) -> None:
        self.node = node
        self.hashes = hashes
        self.authors = authors
        self.hubs = hubs

    def submission(
        self, row: Any, changes: Iterable[Any], files: Iterable[Any], refused: Iterable[Any]
    ) -> Item:
        return {
            "kind": "submission",
            "xmlFormId": row.xml_form_id,
            "instanceId": row.instance_id,
            **_xml(row.xml),
            **self._sender(row),
            "userAgent": row.user_agent or "",
            "attachments": [
                {"name": one.name, "sha256": one.sha256, "contentType": one.content_type}
                for one in files
            ],
            "complete": row.complete,
            "path": self._path(row),
            "changes": [
                {
                    "changeId": one.change_id,
                    "list": one.list_name,
                    "entity": one.entity,
                    "path": self._path(one),
                    "settled": one.settled,
                }
                for one in changes
            ]
            + [{"changeId": one.change_id, "verdict": _verdict(one)} for one in refused],
        }

    def change(self, row: Any) -> Item:
        decision = row.decision or {}
        said = {_WIRE[name]: value for name in _SAID if (value := getattr(row, name)) is not None}
        item = {
            "kind": "change",
            "changeId": row.change_id,
            "list": row.list_name,
            "entity": row.entity,
            "op": row.op,
            **said,
            "data": row.data,
            **{name: value for name, value in decision.items() if value},
            **self._sender(row),
            "path": self._path(row),
            "settled": row.settled,
        }
        if row.instance_id is not None:
            item["form"] = {
                "xmlFormId": row.xml_form_id,
                "version": row.form_version,
                "instanceId": row.instance_id,
                "deprecatedId": row.deprecated_id,
            }
        return item

    def kept(self, row: Any) -> Item | None:
        """A quarantined thing; what is one entity of a form goes with the form."""
        relayed = {**self._sender(row), "path": self._path(row), "verdict": _verdict(row)}
        if row.content_type == RELAYED_ITEM:
            return dict(json.loads(row.raw))
        if row.content_type == "application/json":  # a path in there is the sender's own idea
            return {**json.loads(row.raw), **relayed}
        if row.kind == "submission":
            files = [
                {"name": a["name"], "sha256": a["sha256"], "contentType": a["contentType"]}
                for a in row.attachments
            ]
            return {
                "kind": "submission",
                "xmlFormId": row.xml_form_id or "",
                **_xml(row.raw),
                "attachments": files,
                **({} if row.complete else {"complete": False}),
                **relayed,
            }
        if row.kind == "request":
            encoded = base64.b64encode(row.raw).decode("ascii")
            return {
                "kind": "request",
                "changeId": row.quarantine_id,
                "rawBase64": encoded,
                "contentType": row.content_type,
                **relayed,
            }
        return None

    def _sender(self, row: Any) -> Item:
        found = self.hashes.get(row.actor_id)
        if found is not None:
            return {"deviceId": row.device_id, "actor": device_key(found)}
        author = self.authors.get(row.actor_id)
        name = getattr(row, "author_name", None)
        if author is not None and author.kind == "user":
            name = author.display_name
        return {"deviceId": row.device_id, **({"author": {"name": name}} if name else {})}

    def _path(self, row: Any) -> list[Mapping[str, str]]:
        stamped = getattr(row, "path", None)
        if not stamped:
            return [{"node": self.node, "receivedAt": row.received_at}]
        return [
            {**one, "hub": self.hubs[one["node"]]} if one["node"] in self.hubs else one
            for one in stamped
        ]


def _xml(raw: bytes) -> Item:
    """An instance as text where its bytes come back out of it, else as base64."""
    try:
        return {"xml": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"xmlBase64": base64.b64encode(raw).decode("ascii")}


def _verdict(row: Any) -> Item:
    return {"status": "quarantined", "code": row.code, "detail": row.detail}
