"""Entities: make, read, decide, delete and restore them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask import Blueprint, Response, request

from conflict.areas import UNBOUND, Area
from schemas.entities import (
    EntityDetail,
    EntityPatch,
    EntityShape,
    NewEntities,
    VersionShape,
)
from schemas.entities import NewEntity as NewEntityShape
from sync_server.accounts.people import get_project
from sync_server.accounts.roles import Person
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import MissingParameter
from sync_server.intake import entities
from sync_server.intake.arrival import Author
from sync_server.intake.entities import NewEntity
from sync_server.stores.entities import list_rows_for_csv
from sync_server.web.auth import require_manager, require_viewer
from sync_server.web.bodies import json_body, query_flag, query_number, read_body

bp = Blueprint("entities", __name__, url_prefix="/projects/<int:project_id>/datasets/<list_name>")

_NOTES = "X-Action-Notes"


@bp.get("/entities")
def list_all(project_id: int, list_name: str) -> Any:
    """The entities of a list, newest first, without their properties; `deleted=true`: those."""
    person = require_viewer(project_id)
    found = entities.list_entities(
        project_id,
        list_name,
        person.area(project_id),
        deleted=query_flag("deleted"),
        limit=query_number("limit", least=1),
        offset=query_number("offset", 0) or 0,
    )
    return EntityShape(many=True).dump(found)


@bp.get("/entities/<entity>")
def show(project_id: int, list_name: str, entity: str) -> Any:
    """One entity with its properties."""
    person = require_viewer(project_id)
    return _shown(project_id, list_name, entity, person.area(project_id))


@bp.post("/entities")
def create(project_id: int, list_name: str) -> Any:
    """Make one entity, or many: `{"entities": […], "source": {"name"}}`, all or none."""
    person = require_manager(project_id)
    plain = json_body()
    many = isinstance(plain, dict) and "entities" in plain
    sent = read_body(NewEntities() if many else NewEntityShape())
    made = entities.create_entities(
        get_project(project_id),
        list_name,
        [
            NewEntity(one["uuid"], one["label"], one["data"])
            for one in (sent["entities"] if many else [sent])
        ],
        note=_note() or (sent["source"]["name"] if many and sent["source"] else ""),
        author=_author(project_id, person),
        clock=context().clock,
    )
    return {"success": True} if many else _shown(project_id, list_name, made[0], UNBOUND)


@bp.patch("/entities/<entity>")
def update(project_id: int, list_name: str, entity: str) -> Any:
    """Decide what properties of an entity are, over all that stands in them.

    `baseVersion` names the version it was read at; `force=true` decides whatever it is now.
    """
    person = require_viewer(project_id)
    base, force = query_number("baseVersion"), query_flag("force")
    if base is None and not force:
        raise MissingParameter("Required parameter baseVersion missing.", field="baseVersion")
    sent = read_body(EntityPatch(), optional=query_flag("resolve"))
    entities.decide_entity(
        get_project(project_id),
        list_name,
        entity,
        label=sent.get("label"),
        data=sent["data"],
        base_version=None if force else base,
        resolve=query_flag("resolve"),
        note=_note(),
        author=_author(project_id, person),
        clock=context().clock,
    )
    # Unbound: whoever moves a child to another village has still done what they asked for.
    return _shown(project_id, list_name, entity, UNBOUND)


@bp.delete("/entities/<entity>")
def delete(project_id: int, list_name: str, entity: str) -> Any:
    """Delete an entity as it stands; what a phone writes to it unawares brings it to a review."""
    person = require_viewer(project_id)
    entities.delete_entity(
        get_project(project_id),
        list_name,
        entity,
        note=_note(),
        author=_author(project_id, person),
        clock=context().clock,
    )
    return {"success": True}


@bp.post("/entities/<entity>/restore")
def restore(project_id: int, list_name: str, entity: str) -> Any:
    """Bring a deleted entity back."""
    person = require_viewer(project_id)
    entities.restore_entity(
        get_project(project_id),
        list_name,
        entity,
        note=_note(),
        author=_author(project_id, person),
        clock=context().clock,
    )
    return {"success": True}


@bp.get("/entities/<entity>/versions")
def list_versions(project_id: int, list_name: str, entity: str) -> Any:
    """Every version of an entity, oldest first."""
    person = require_viewer(project_id)
    found = entities.list_versions(project_id, list_name, entity, person.area(project_id))
    return VersionShape(many=True).dump(found)


def _shown(project_id: int, list_name: str, entity: str, area: Area) -> Any:
    return EntityDetail().dump(entities.get_entity(project_id, list_name, entity, area))


def _author(project_id: int, person: Person) -> Author:
    return Author(
        actor_id=person.actor_id,
        user_agent=(request.user_agent.string or "")[:300],
        area=person.area(project_id),
        may_decide=True,
    )


def _note() -> str:
    return request.headers.get(_NOTES, "")[:1000]


@bp.get("/entities.csv")
def show_csv(project_id: int, list_name: str) -> Any:
    """Every entity of a list as a table, oldest first."""
    person = require_viewer(project_id)
    with read_transaction() as connection:
        info = entities.get_list(connection, project_id, list_name)
        scopes = entities.scopes_of(info, person.area(project_id))
        rows = list_rows_for_csv(connection, project_id, list_name, scopes=scopes)
    return Response(
        _csv(info.properties, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{_file_name(list_name)}.csv"'},
    )


_TAIL = ("__createdAt", "__creatorId", "__creatorName", "__updates", "__updatedAt", "__version")


def _csv(properties: Sequence[str], rows: Iterable[Any]) -> Iterator[str]:
    yield _line(["__id", "label", *properties, *_TAIL])
    for row in rows:
        updated = row.updated_at if row.updated_at != row.created_at else ""
        yield _line(
            [
                row.entity,
                row.label,
                *(row.data.get(name, "") for name in properties),
                row.created_at,
                row.creator_id or "",
                row.creator_name or "",
                row.served - 1,
                updated,
                row.served,
            ]
        )


def _line(values: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()


def _file_name(list_name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in list_name)
