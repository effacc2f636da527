"""Reviews and histories as programs read them: whole, with ids, in a handful of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from conflict.areas import Area, scope_of
from conflict.fold import outcomes
from conflict.policy import Policies
from conflict.settle import received_value
from conflict.standing import reviews
from conflict.types import RecordState, SettledChange
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.reports.board import visible_to
from sync_server.reports.history import get_record
from sync_server.reports.routes import hub_of, hubs_on
from sync_server.stores.changes import find_changes, find_rows, list_history, settled_of
from sync_server.stores.hubs import name_nodes
from sync_server.stores.lists import ListInfo, load_lists
from sync_server.stores.packing import unpack_state
from sync_server.stores.people import find_authors
from sync_server.stores.report import Visible, list_reviews
from sync_server.stores.reviews import find_review

Facts = dict[str, Any]


def list_review_facts(
    project_id: int,
    area: Area,
    *,
    state: str = "open",
    list_name: str | None = None,
    within: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int,
) -> tuple[list[Facts], tuple[str, str] | None]:
    """One page of reviews that an area sees, and the place behind it, None at the end.

    `within` is a value of the lists' filter properties: one posyandu of many.
    """
    with read_transaction() as connection:
        lists = load_lists(connection, project_id)
        visible = visible_to(lists, area)
        rows = list_reviews(
            connection,
            project_id,
            state=state,
            visible=visible if within is None else _within(lists, visible, within),
            list_name=list_name,
            after=after,
            limit=limit + 1,
        )
        found = _review_facts(connection, project_id, rows[:limit])
    if len(rows) <= limit:
        return found, None
    last = rows[limit - 1]
    return found, (last.opened_at if state == "open" else last.closed_at, last.review_id)


def get_review_facts(project_id: int, review: str, area: Area) -> Facts:
    """One review with its contenders. Errors: `NotFound`, also outside the area."""
    with read_transaction() as connection:
        row = find_review(connection, project_id, review)
        if row is None:
            raise NotFound("there is no such review")
        record, _ = get_record(connection, project_id, row.entity, area)
        with_label = {**row._mapping, "label": record.label}
        return _review_facts(connection, project_id, [with_label])[0]


def _within(lists: Mapping[str, ListInfo], visible: Visible, value: str) -> Visible:
    """The scopes of one place: those its value alone makes, of the scopes one may see."""
    found = {}
    for name, info in lists.items():
        scopes = {scope_of([value] * len(info.rules))} if info.rules else set()
        found[name] = sorted(scopes if visible is None else scopes & set(visible[name]))
    return found


def _review_facts(connection: Connection, project_id: int, rows: Sequence[Any]) -> list[Facts]:
    plain = [row if isinstance(row, dict) else dict(row._mapping) for row in rows]
    ids = {cid for row in plain for cid in row["contenders"]}
    changes = find_rows(connection, project_id, ids)
    settled = {cid: settled_of(row) for cid, row in changes.items()}
    replaced = {
        t for row in plain for cid in row["contenders"] for t in _replaced(row, settled.get(cid))
    }
    shown = find_changes(connection, project_id, replaced)
    authors = find_authors(connection, (row.actor_id for row in changes.values()))
    hubs = name_nodes(connection, project_id)
    told = {cid: author_facts(row, authors, hubs) for cid, row in changes.items()}
    return [_facts(row, changes, settled, shown, told) for row in plain]


def _replaced(row: Facts, one: SettledChange | None) -> tuple[str, ...]:
    """The changes that a contender took the place of, in the property in question."""
    found = one.properties.get(row["field"]) if one else None
    return found.replaces if found and found.write else ()


def _facts(
    row: Facts,
    changes: Mapping[str, Any],
    settled: Mapping[str, SettledChange],
    shown: Mapping[str, SettledChange],
    authors: Mapping[str, Facts],
) -> Facts:
    bases = {
        received_value(shown[target].change, row["field"])
        for cid in row["contenders"]
        for target in _replaced(row, settled.get(cid))
        if target in shown and target not in row["contenders"]
    }
    return {
        **row,
        "id": row["review_id"],
        "base": bases.pop() if len(bases) == 1 else None,
        "contenders": [
            _contender(row["field"], changes[cid], settled[cid], authors[cid])
            for cid in row["contenders"]
            if cid in changes
        ],
    }


def _contender(field: str, row: Any, one: SettledChange, author: Facts) -> Facts:
    settled = one.properties.get(field)
    return {
        "change_id": row.change_id,
        "value": received_value(one.change, field) if field else None,
        "author": author,
        "form_id": row.xml_form_id,
        "observed_on": settled.observed_on if settled else None,
        "received_at": row.received_at,
    }


def author_facts(row: Any, authors: Mapping[int, Any], hubs: Mapping[str, str]) -> Facts:
    """Who sent a change: a person by `userId`, a device by its account and its `deviceId`.

    `hub` is the first hub it came through, where it came through any. Who has an account only
    there has a name here, as told by that hub.
    """
    author = authors.get(row.actor_id)
    route = hubs_on(row.path, hubs)
    through = {"hub": route[0][0]} if route else {}
    if author is None:
        return {"deviceId": row.device_id, "name": row.author_name, **through}
    if author.kind == "user":
        return {"userId": row.actor_id, "name": author.display_name, **through}
    device = {"deviceId": row.device_id, "appUserId": row.actor_id}
    return {**device, "name": author.display_name, **through}


def get_history(project_id: int, entity: str, area: Area) -> Facts:
    """Every change of a record, oldest first, with what became of each of its properties.

    Errors    `NotFound`, also outside the area.
    """
    with read_transaction() as connection:
        record, lists = get_record(connection, project_id, entity.lower(), area)
        rows = list_history(connection, project_id, record.entity)
        authors = find_authors(connection, (row.actor_id for row in rows))
        hubs = name_nodes(connection, project_id)
    policies, state = lists[record.list_name].policies, unpack_state(record.state)
    contending = {one.field: one.contenders for one in reviews(state, policies)}
    return {
        "entity": record.entity,
        "list_name": record.list_name,
        "version": record.version,
        "status": record.status,
        "changes": [_past(row, state, policies, contending, authors, hubs) for row in rows],
    }


def get_record_facts(project_id: int, entity: str, area: Area) -> Any:
    """A record as it stands. Errors: `NotFound`, also outside the area."""
    with read_transaction() as connection:
        return get_record(connection, project_id, entity, area)[0]


def _past(
    row: Any,
    state: RecordState,
    policies: Policies,
    contending: Mapping[str, tuple[str, ...]],
    authors: Mapping[int, Any],
    hubs: Mapping[str, str],
) -> Facts:
    one = settled_of(row)
    found = [
        {"name": f.name, "value": f.value, "replaces": list(f.replaces), "outcome": f.outcome}
        for f in outcomes(one, state, contending, policies)
    ]
    author = authors.get(row.actor_id)
    return {
        **row._mapping,
        "author": author_facts(row, authors, hubs),
        "user_id": row.actor_id if author and author.kind == "user" else None,
        "form_id": row.xml_form_id,
        "note": (row.decision or {}).get("note", ""),
        "path": [
            {"node": s["node"], "hub": hub_of(s, hubs), "received_at": s["receivedAt"]}
            for s in row.path
        ],
        "fields_": found,
    }
