"""Forms, their versions, and the files they expect."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from odk_forms.xform import FormDefinition
from sync_server.models.forms import Form, FormAttachment, FormVersion
from sync_server.stores.upsert import table_of

_F = table_of(Form).c
_V = table_of(FormVersion).c
_A = table_of(FormAttachment).c

_PARSED_AT_MOST = 256
# A published version never alters, so its parsed definition may be kept by its hash.
_parsed: OrderedDict[str, FormDefinition] = OrderedDict()


@dataclass(frozen=True, slots=True)
class FormInfo:
    """A form with the versions that were asked for: version -> hash of its XML."""

    xml_form_id: str
    state: str
    version: str
    hashes: dict[str, str]


def find_forms(
    session: Session, project_id: int, wanted: Iterable[tuple[str, str]]
) -> dict[str, FormInfo]:
    """The forms named by (form id, version), each with that version, if here, and its newest."""
    pairs = sorted(set(wanted))
    if not pairs:
        return {}
    versions = sorted({version for _, version in pairs})
    rows = session.execute(
        select(_F.xml_form_id, _F.state, _F.version.label("newest"), _V.version, _V.hash)
        .join(
            table_of(FormVersion),
            (_V.project_id == _F.project_id) & (_V.xml_form_id == _F.xml_form_id),
        )
        .where(
            _F.project_id == project_id,
            _F.deleted_at.is_(None),
            _F.xml_form_id.in_(sorted({form for form, _ in pairs})),
            or_(_V.version == _F.version, _V.version.in_(versions)),
        )
    )
    found: dict[str, FormInfo] = {}
    for row in rows:
        info = FormInfo(row.xml_form_id, row.state, row.newest, {})
        found.setdefault(row.xml_form_id, info).hashes[row.version] = row.hash
    return found


def load_definitions(
    session: Session, project_id: int, hashes: Iterable[str]
) -> dict[str, FormDefinition]:
    """The definitions behind hashes of form XML, most of them from memory."""
    wanted = set(hashes)
    found = {h: _parsed[h] for h in wanted & _parsed.keys()}
    missing = sorted(wanted - found.keys())
    if missing:
        rows = session.execute(
            select(_V.hash, _V.definition).where(_V.project_id == project_id, _V.hash.in_(missing))
        )
        for digest, definition in rows:
            found[digest] = _parsed[digest] = FormDefinition.from_json(definition)
        while len(_parsed) > _PARSED_AT_MOST:
            _parsed.popitem(last=False)
    return found


def list_open_forms(session: Session, project_id: int) -> list[Any]:
    """The forms phones are handed now, in one statement, by form id.

    Rows      xml_form_id, name, version, hash (md5 of the XML), has_media.
    """
    has_media = exists().where(
        _A.project_id == _V.project_id,
        _A.xml_form_id == _V.xml_form_id,
        _A.version == _V.version,
    )
    rows = session.execute(
        select(_V.xml_form_id, _V.name, _V.version, _V.hash, has_media.label("has_media"))
        .join(table_of(Form), _is_current())
        .where(_F.project_id == project_id, _F.state == "open", _F.deleted_at.is_(None))
        .order_by(_V.xml_form_id)
    )
    return list(rows)


def find_version(
    session: Session, project_id: int, xml_form_id: str, version: str | None = None
) -> Any:
    """One published version of a form, the newest when `version` is None; None when not here.

    Row       xml_form_id, version, serial, name, hash, xml (bytes), source_name, state,
              published_at, published_by.
    """
    wanted = _is_current() if version is None else _is_of_form() & (_V.version == version)
    return session.execute(
        select(
            _V.xml_form_id,
            _V.version,
            _V.serial,
            _V.name,
            _V.hash,
            _V.xml,
            _V.source_name,
            _F.state,
            _V.published_at,
            _V.published_by,
        )
        .join(table_of(Form), wanted)
        .where(_F.project_id == project_id, _F.xml_form_id == xml_form_id, _F.deleted_at.is_(None))
    ).one_or_none()


def list_form_attachments(
    session: Session, project_id: int, xml_form_id: str, version: str
) -> list[Any]:
    """The files a version of a form expects, by name.

    Rows      name, type, list_name (linked to that entity list), sha256, md5, content_type,
              updated_at; neither list_name nor sha256 while the file is missing.
    """
    rows = session.execute(
        select(_A.name, _A.type, _A.list_name, _A.sha256, _A.md5, _A.content_type, _A.updated_at)
        .where(_A.project_id == project_id, _A.xml_form_id == xml_form_id, _A.version == version)
        .order_by(_A.name)
    )
    return list(rows)


def _is_of_form() -> Any:
    return (_F.project_id == _V.project_id) & (_F.xml_form_id == _V.xml_form_id)


def _is_current() -> Any:
    return _is_of_form() & (_F.version == _V.version)
