"""Which devices a form is given to, where it is not for all of its project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from sync_server.models.forms import Form, FormAttachment, FormDevice
from sync_server.models.people import AppUser
from sync_server.stores.upsert import insert_missing, table_of

_F = table_of(Form).c
_A = table_of(FormAttachment).c
_G = table_of(FormDevice).c
_D = table_of(AppUser).c


def has_form(device: int | None) -> Any:
    """Whether a form of the statement is given to a device."""
    return exists().where(
        _G.project_id == _F.project_id, _G.xml_form_id == _F.xml_form_id, _G.actor_id == device
    )


def find_kept_from(
    connection: Connection, project_id: int, forms: Iterable[str], actor_id: int | None
) -> frozenset[str]:
    """Those of the forms that are kept from this actor: none, unless it is a device."""
    is_device = exists().where(_D.project_id == project_id, _D.actor_id == actor_id)
    rows = connection.execute(
        select(_F.xml_form_id).where(
            _F.project_id == project_id,
            _F.xml_form_id.in_(sorted(set(forms))),
            _F.given.is_(True),
            is_device,
            ~has_form(actor_id),
        )
    )
    return frozenset(rows.scalars())


def find_lists_kept_from(
    connection: Connection, project_id: int, actor_id: int | None
) -> frozenset[str]:
    """The lists that come to this actor with no form: all that ever had them are kept from it."""
    rows = connection.execute(
        select(_A.list_name, _A.xml_form_id)
        .distinct()
        .join_from(
            table_of(FormAttachment),
            table_of(Form),
            (_F.project_id == _A.project_id) & (_F.xml_form_id == _A.xml_form_id),
        )
        .where(_A.project_id == project_id, _A.list_name.is_not(None), _F.deleted_at.is_(None))
    ).all()
    kept = find_kept_from(connection, project_id, (one.xml_form_id for one in rows), actor_id)
    open_lists = {one.list_name for one in rows if one.xml_form_id not in kept}
    return frozenset(one.list_name for one in rows) - open_lists


def set_given(
    connection: Connection, project_id: int, xml_form_id: str, *, given: bool, at: str
) -> bool:
    """Keep a form for the devices it is given to, or let all have it; False when it is not here."""
    rows = connection.execute(
        update(table_of(Form))
        .where(_F.project_id == project_id, _F.xml_form_id == xml_form_id, _F.deleted_at.is_(None))
        .values(given=given, updated_at=at)
        .returning(_F.xml_form_id)
    )
    return rows.first() is not None


def give_form(connection: Connection, project_id: int, xml_form_id: str, actor_id: int) -> None:
    row = {"project_id": project_id, "xml_form_id": xml_form_id, "actor_id": actor_id}
    insert_missing(connection, FormDevice, [row])


def take_form(connection: Connection, project_id: int, xml_form_id: str, actor_id: int) -> bool:
    """Take a form from a device; False when it was not given."""
    rows = connection.execute(
        delete(table_of(FormDevice))
        .where(_G.project_id == project_id, _G.xml_form_id == xml_form_id, _G.actor_id == actor_id)
        .returning(_G.actor_id)
    )
    return rows.first() is not None


def list_every_device(connection: Connection, project_id: int) -> list[Any]:
    """Whom forms are given to, by the hash of each device's token: xml_form_id, token_hash."""
    rows = connection.execute(
        select(_G.xml_form_id, _D.token_hash)
        .join_from(
            table_of(FormDevice),
            table_of(AppUser),
            (_D.project_id == _G.project_id) & (_D.actor_id == _G.actor_id),
        )
        .where(_G.project_id == project_id)
        .order_by(_G.xml_form_id, _D.token_hash)
    )
    return list(rows)


def list_devices_of(connection: Connection, project_id: int, xml_form_id: str) -> list[int]:
    """The devices that a form is given to, by id."""
    rows = connection.execute(
        select(_G.actor_id)
        .where(_G.project_id == project_id, _G.xml_form_id == xml_form_id)
        .order_by(_G.actor_id)
    )
    return list(rows.scalars())
