"""What hubs are set up with, read in bulk: forms with versions and files, device accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from sync_server.models.forms import Form, FormAttachment, FormVersion
from sync_server.models.people import Actor, AppUser
from sync_server.stores.upsert import table_of

_F = table_of(Form).c
_V = table_of(FormVersion).c
_T = table_of(FormAttachment).c
_D = table_of(AppUser).c
_A = table_of(Actor).c


def list_every_version(connection: Connection, project_id: int) -> Sequence[Any]:
    """Every version of every form in use, oldest first.

    Columns   xml_form_id, state, given, version, hash.
    """
    return connection.execute(
        select(_F.xml_form_id, _F.state, _F.given, _V.version, _V.hash)
        .join_from(
            table_of(Form),
            table_of(FormVersion),
            (_V.project_id == _F.project_id) & (_V.xml_form_id == _F.xml_form_id),
        )
        .where(_F.project_id == project_id, _F.deleted_at.is_(None))
        .order_by(_F.xml_form_id, _V.serial)
    ).all()


def list_every_file(connection: Connection, project_id: int) -> Sequence[Any]:
    """The files of forms whose bytes are here: xml_form_id, version, name, sha256."""
    return connection.execute(
        select(_T.xml_form_id, _T.version, _T.name, _T.sha256)
        .where(_T.project_id == project_id, _T.sha256.is_not(None), _T.list_name.is_(None))
        .order_by(_T.xml_form_id, _T.version, _T.name)
    ).all()


def is_form_file(connection: Connection, project_id: int, sha256: str) -> bool:
    """Whether some version of a form has a file of these bytes."""
    found = select(_T.name).where(_T.project_id == project_id, _T.sha256 == sha256).limit(1)
    return connection.execute(found).first() is not None


def list_accounts(connection: Connection, project_id: int) -> Sequence[Any]:
    """The device accounts of a project by the hash of their token, those let in no more too.

    Columns   actor_id, token_hash, token_sealed, properties, created_by, revoked_at,
              display_name, deleted_at.
    """
    return connection.execute(
        select(
            _D.actor_id,
            _D.token_hash,
            _D.token_sealed,
            _D.properties,
            _D.created_by,
            _D.revoked_at,
            _A.display_name,
            _A.deleted_at,
        )
        .join_from(table_of(AppUser), table_of(Actor), _A.id == _D.actor_id)
        .where(_D.project_id == project_id)
        .order_by(_D.token_hash)
    ).all()
