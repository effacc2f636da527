"""This node, its projects, and the properties that people and devices of a project may bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select, true, update

from sync_server.models.forms import EntityList, Form
from sync_server.models.people import ActorProperty, AppUser, Node, Project
from sync_server.models.records import JournalHead, Submission
from sync_server.stores.upsert import insert_missing, insert_rows, table_of

_N = table_of(Node).c
_P = table_of(Project).c
_AP = table_of(ActorProperty).c
_AU = table_of(AppUser).c
_FO = table_of(Form).c
_EL = table_of(EntityList).c
_SU = table_of(Submission).c
_FIRST_OFFSET = select(_N.first_offset).where(_N.id == 1)


def find_node(connection: Connection) -> Any:
    """This install: node and epoch; None before `simpul init`."""
    return connection.execute(select(_N.node, _N.epoch).where(_N.id == 1)).one_or_none()


def find_first_offset(connection: Connection) -> int:
    """The offset of the numbers of a record that is born now."""
    return connection.execute(_FIRST_OFFSET).scalar_one_or_none() or 0


def insert_node(connection: Connection, *, node: str, epoch: str) -> None:
    insert_rows(connection, Node, [{"id": 1, "node": node, "epoch": epoch}])


def insert_project(
    connection: Connection, *, uuid: str, name: str, description: str | None, at: str
) -> int:
    """A new project with its journal at 0; its id."""
    project_id = connection.execute(
        table_of(Project)
        .insert()
        .values(uuid=uuid, name=name, description=description, archived=False, created_at=at)
        .returning(_P.id)
    ).scalar_one()
    insert_rows(connection, JournalHead, [{"project_id": project_id, "head": 0}])
    return int(project_id)


def update_project(connection: Connection, project_id: int, changed: Mapping[str, Any]) -> None:
    connection.execute(update(table_of(Project)).where(_P.id == project_id).values(**changed))


def find_project(connection: Connection, project_id: int) -> Any:
    """The row of a project, or None."""
    return connection.execute(select(*_P).where(_P.id == project_id)).one_or_none()


def list_projects(connection: Connection, only: int | None = None) -> Sequence[Any]:
    """Every project by name, or `only` one, with how much is in it.

    Columns   the project's own; forms, datasets, app_users (numbers), last_submission.
    """
    live_forms = _count(_FO.project_id, _FO.deleted_at.is_(None))
    devices = _count(_AU.project_id, _AU.revoked_at.is_(None))
    last = select(func.max(_SU.received_at)).where(_SU.project_id == _P.id).scalar_subquery()
    return connection.execute(
        select(
            *_P,
            live_forms.label("forms"),
            _count(_EL.project_id).label("datasets"),
            devices.label("app_users"),
            last.label("last_submission"),
        )
        .where(true() if only is None else _P.id == only)
        .order_by(_P.name, _P.id)
    ).all()


def _count(project_id: Any, *where: Any) -> Any:
    return select(func.count()).where(project_id == _P.id, *where).scalar_subquery()


def add_actor_property(connection: Connection, project_id: int, name: str) -> None:
    insert_missing(connection, ActorProperty, [{"project_id": project_id, "name": name}])


def list_actor_properties(connection: Connection, project_id: int) -> list[str]:
    rows = connection.execute(
        select(_AP.name).where(_AP.project_id == project_id).order_by(_AP.name)
    )
    return [row.name for row in rows]
