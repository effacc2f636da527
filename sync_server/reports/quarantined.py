"""What was kept raw, as a reader of an area may see it. Acting on it is in `quarantine`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from conflict.areas import Area
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.reports.board import actors_in_area
from sync_server.reports.routes import hubs_on
from sync_server.stores import report as store
from sync_server.stores.devices import list_form_titles
from sync_server.stores.hubs import name_nodes
from sync_server.stores.quarantine import RELAYED_ITEM, find_quarantined

_SHOWN_BYTES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One quarantined thing. `text` is the beginning of its bytes, where they were asked for."""

    quarantine_id: str
    kind: str
    code: str
    detail: str
    form_title: str | None
    instance_id: str | None
    change_id: str | None
    author: str | None
    device_id: str
    received_at: str
    state: str
    decided_at: str | None
    decided_by: str | None
    content_type: str
    attachments: tuple[str, ...]
    raw: bytes = b""
    hubs: tuple[tuple[str, str], ...] = ()  # those it came through, and when each had it

    @property
    def text(self) -> str:
        return self.raw[:_SHOWN_BYTES].decode("utf-8", "replace")

    @property
    def is_cut(self) -> bool:
        return len(self.raw) > _SHOWN_BYTES


@dataclass(frozen=True, slots=True)
class KeptList:
    """One page of quarantine; `after` is the place behind its last, None at the end."""

    items: tuple[Kept, ...]
    after: tuple[str, str] | None


def quarantine_list(
    project_id: int,
    area: Area,
    *,
    state: str = "open",
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> KeptList:
    """What devices of an area sent that could not be used, newest first."""
    with read_transaction() as connection:
        rows, place = list_kept(connection, project_id, area, state=state, after=after, limit=limit)
        names = store.list_names(connection, (a for r in rows for a in (r.actor_id, r.decided_by)))
        titles = list_form_titles(
            connection, project_id, {(r.xml_form_id or "", None) for r in rows}
        )
    return KeptList(tuple(_kept(row, names, titles) for row in rows), place)


def quarantine_item(project_id: int, quarantine_id: str, area: Area) -> Kept:
    """One quarantined thing with its bytes. Errors: `NotFound`, also outside the area."""
    with read_transaction() as connection:
        row = get_kept(connection, project_id, quarantine_id, area)
        names = store.list_names(connection, (row.actor_id, row.decided_by))
        titles = list_form_titles(connection, project_id, {(row.xml_form_id or "", None)})
        hubs = name_nodes(connection, project_id)
    return replace(_kept(row, names, titles, raw=row.raw), hubs=hubs_on(_path(row), hubs))


def _path(row: Any) -> list[Any]:
    """The stamps of what a hub or a file brought; of what was kept as it came, it may be none."""
    path = json.loads(row.raw).get("path") if row.content_type == RELAYED_ITEM else None
    stamps = path if isinstance(path, list) else []
    return [one for one in stamps if isinstance(one, dict) and {"node", "receivedAt"} <= one.keys()]


def list_kept(
    connection: Connection,
    project_id: int,
    area: Area,
    *,
    state: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> tuple[Sequence[Any], tuple[str, str] | None]:
    """Rows of quarantine without their bytes, newest first, and the place behind the last."""
    rows = store.list_quarantine(
        connection,
        project_id,
        state=state,
        actors=actors_in_area(connection, project_id, area),
        after=after,
        limit=limit + 1,
    )
    shown = rows[:limit]
    place = (shown[-1].received_at, shown[-1].quarantine_id) if len(rows) > limit else None
    return shown, place


def get_kept(connection: Connection, project_id: int, quarantine_id: str, area: Area) -> Any:
    """The row of one quarantined thing. Errors: `NotFound`, also outside the area."""
    row = find_quarantined(connection, project_id, quarantine_id)
    actors = actors_in_area(connection, project_id, area)
    if row is None or (actors is not None and row.actor_id not in actors):
        raise NotFound("nothing of this id is in quarantine")
    return row


def _kept(
    row: Any, names: dict[int, str], titles: dict[tuple[str, str | None], str], raw: bytes = b""
) -> Kept:
    return Kept(
        quarantine_id=row.quarantine_id,
        kind=row.kind,
        code=row.code,
        detail=row.detail,
        form_title=titles.get((row.xml_form_id or "", None), row.xml_form_id),
        instance_id=row.instance_id,
        change_id=row.change_id,
        author=names.get(row.actor_id),
        device_id=row.device_id,
        received_at=row.received_at,
        state=row.state,
        decided_at=row.decided_at,
        decided_by=names.get(row.decided_by),
        content_type=row.content_type,
        attachments=tuple(one["name"] for one in row.attachments),
        raw=raw,
    )
