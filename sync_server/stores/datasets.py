"""Lists as programs read them: when each was made, and which forms it belongs with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from sync_server.models.forms import EntityList, Form, FormAttachment, FormVersion, Property
from sync_server.stores.upsert import table_of

_L = table_of(EntityList).c
_P = table_of(Property).c
_F = table_of(Form).c
_V = table_of(FormVersion).c
_A = table_of(FormAttachment).c


def list_datasets(connection: Connection, project_id: int) -> Sequence[Any]:
    """The lists of a project by name: name, created_at, approval_required, access_filter."""
    return connection.execute(
        select(_L.name, _L.created_at, _L.approval_required, _L.access_filter)
        .where(_L.project_id == project_id)
        .order_by(_L.name)
    ).all()


def list_properties(connection: Connection, project_id: int, list_name: str) -> Sequence[Any]:
    """The properties of a list in their order: name, policy, phone, published_at."""
    return connection.execute(
        select(_P.name, _P.policy, _P.phone, _P.published_at)
        .where(_P.project_id == project_id, _P.list_name == list_name)
        .order_by(_P.ordinal, _P.name)
    ).all()


def list_newest_versions(connection: Connection, project_id: int) -> Sequence[Any]:
    """The newest version of every form: xml_form_id, name, hash."""
    return connection.execute(
        select(_V.xml_form_id, _V.name, _V.hash)
        .join_from(
            table_of(Form),
            table_of(FormVersion),
            (_V.project_id == _F.project_id)
            & (_V.xml_form_id == _F.xml_form_id)
            & (_V.version == _F.version),
        )
        .where(_F.project_id == project_id, _F.deleted_at.is_(None))
        .order_by(_V.xml_form_id)
    ).all()


def list_forms_handed(connection: Connection, project_id: int, list_name: str) -> Sequence[str]:
    """The ids of the forms whose newest version is handed out with this list."""
    return connection.scalars(
        select(_A.xml_form_id)
        .join_from(
            table_of(Form),
            table_of(FormAttachment),
            (_A.project_id == _F.project_id)
            & (_A.xml_form_id == _F.xml_form_id)
            & (_A.version == _F.version),
        )
        .where(_F.project_id == project_id, _F.deleted_at.is_(None), _A.list_name == list_name)
        .distinct()
    ).all()
