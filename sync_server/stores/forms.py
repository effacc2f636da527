"""Forms, their versions, and the files they expect."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, func, or_, select, true, update

from odk_forms.xform import FormDefinition
from sync_server.models.forms import Form, FormAttachment, FormVersion
from sync_server.stores.form_devices import has_form
from sync_server.stores.upsert import PROJECT, any_of, insert_rows, table_of, upsert_rows

_F = table_of(Form).c
_V = table_of(FormVersion).c
_A = table_of(FormAttachment).c

_DESCRIBED = (
    _V.xml_form_id,
    _V.version,
    _V.serial,
    _V.name,
    _V.hash,
    _V.source_name,
    _V.published_at,
    _V.published_by,
    _F.state,
    _F.given,
    _F.created_at,
    _F.updated_at,
)

_FORMS = (
    select(_F.xml_form_id, _F.state, _F.given, _F.version.label("newest"), _V.version, _V.hash)
    .join(
        table_of(FormVersion),
        (_V.project_id == _F.project_id) & (_V.xml_form_id == _F.xml_form_id),
    )
    .where(
        _F.project_id == PROJECT,
        _F.deleted_at.is_(None),
        _F.xml_form_id.in_(any_of("forms")),
        or_(_V.version == _F.version, _V.version.in_(any_of("versions"))),
    )
)

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
    given: bool = False  # for the devices it is given to, and no others


def find_forms(
    connection: Connection, project_id: int, wanted: Iterable[tuple[str, str]]
) -> dict[str, FormInfo]:
    """The forms named by (form id, version), each with that version, if here, and its newest."""
    pairs = sorted(set(wanted))
    if not pairs:
        return {}
    rows = connection.execute(
        _FORMS,
        {
            "project_id": project_id,
            "forms": sorted({form for form, _ in pairs}),
            "versions": sorted({version for _, version in pairs}),
        },
    )
    found: dict[str, FormInfo] = {}
    for row in rows:
        info = FormInfo(row.xml_form_id, row.state, row.newest, {}, row.given)
        found.setdefault(row.xml_form_id, info).hashes[row.version] = row.hash
    return found


def load_definitions(
    connection: Connection, project_id: int, hashes: Iterable[str]
) -> dict[str, FormDefinition]:
    """The definitions behind hashes of form XML, most of them from memory."""
    wanted = set(hashes)
    found = {h: _parsed[h] for h in wanted & _parsed.keys()}
    missing = sorted(wanted - found.keys())
    if missing:
        rows = connection.execute(
            select(_V.hash, _V.definition).where(_V.project_id == project_id, _V.hash.in_(missing))
        )
        for digest, definition in rows:
            found[digest] = _parsed[digest] = FormDefinition.from_json(definition)
        while len(_parsed) > _PARSED_AT_MOST:
            _parsed.popitem(last=False)
    return found


def list_open_forms(
    connection: Connection, project_id: int, device: int | None = None
) -> list[Any]:
    """The forms phones are handed now, in one statement, by form id; `device`: those it may have.

    Rows      xml_form_id, name, version, hash (md5 of the XML), has_media.
    """
    has_media = exists().where(
        _A.project_id == _V.project_id,
        _A.xml_form_id == _V.xml_form_id,
        _A.version == _V.version,
    )
    rows = connection.execute(
        select(_V.xml_form_id, _V.name, _V.version, _V.hash, has_media.label("has_media"))
        .join(table_of(Form), _is_current())
        .where(
            _F.project_id == project_id,
            _F.state == "open",
            _F.deleted_at.is_(None),
            or_(_F.given.is_(False), has_form(device)) if device else true(),
        )
        .order_by(_V.xml_form_id)
    )
    return list(rows)


def find_version(
    connection: Connection, project_id: int, xml_form_id: str, version: str | None = None
) -> Any:
    """One published version of a form, the newest when `version` is None; None when not here.

    Row       xml_form_id, version, serial, name, hash, xml (bytes), source_name, published_at,
              published_by; of its form: state, created_at, updated_at.
    """
    wanted = _is_current() if version is None else _is_of_form() & (_V.version == version)
    return connection.execute(
        select(*_DESCRIBED, _V.xml)
        .join(table_of(Form), wanted)
        .where(_F.project_id == project_id, _F.xml_form_id == xml_form_id, _F.deleted_at.is_(None))
    ).one_or_none()


def list_form_attachments(
    connection: Connection, project_id: int, xml_form_id: str, version: str
) -> list[Any]:
    """The files a version of a form expects, by name.

    Rows      name, type, list_name (linked to that entity list), sha256, md5, content_type,
              updated_at; neither list_name nor sha256 while the file is missing.
    """
    rows = connection.execute(
        select(_A.name, _A.type, _A.list_name, _A.sha256, _A.md5, _A.content_type, _A.updated_at)
        .where(_A.project_id == project_id, _A.xml_form_id == xml_form_id, _A.version == version)
        .order_by(_A.name)
    )
    return list(rows)


def list_forms(connection: Connection, project_id: int) -> list[Any]:
    """The forms of a project with their newest versions, by name; `find_version` less the xml."""
    rows = connection.execute(
        select(*_DESCRIBED)
        .join(table_of(Form), _is_current())
        .where(_F.project_id == project_id, _F.deleted_at.is_(None))
        .order_by(_V.name, _V.xml_form_id)
    )
    return list(rows)


def list_versions(connection: Connection, project_id: int, xml_form_id: str) -> list[Any]:
    """Every version of a form, newest first, whether or not the form is deleted.

    Rows      version, serial, name, hash, source_name, published_at, published_by.
    """
    rows = connection.execute(
        select(
            _V.version,
            _V.serial,
            _V.name,
            _V.hash,
            _V.source_name,
            _V.published_at,
            _V.published_by,
        )
        .where(_V.project_id == project_id, _V.xml_form_id == xml_form_id)
        .order_by(_V.serial.desc())
    )
    return list(rows)


def find_source(
    connection: Connection, project_id: int, xml_form_id: str, version: str
) -> bytes | None:
    """The file a version was published from, as it was uploaded."""
    return connection.execute(
        select(_V.source).where(
            _V.project_id == project_id, _V.xml_form_id == xml_form_id, _V.version == version
        )
    ).scalar_one_or_none()


def insert_version(connection: Connection, version: Mapping[str, Any]) -> None:
    """Publish: a row of form_versions, and the form that hands it to phones from now on."""
    at = version["published_at"]
    form = {
        "project_id": version["project_id"],
        "xml_form_id": version["xml_form_id"],
        "state": "open",
        "version": version["version"],
        "created_at": at,
        "updated_at": at,
        "deleted_at": None,
    }
    upsert_rows(connection, Form, [form], keep=("state", "created_at"))
    insert_rows(connection, FormVersion, [version])


def set_state(
    connection: Connection, project_id: int, xml_form_id: str, state: str, *, at: str
) -> None:
    """Let a form be open, closing or closed."""
    connection.execute(
        update(table_of(Form))
        .where(_F.project_id == project_id, _F.xml_form_id == xml_form_id)
        .values(state=state, updated_at=at)
    )


def save_form_attachments(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write which files versions expect, and what is there of each."""
    upsert_rows(connection, FormAttachment, rows)


def link_form_attachments(
    connection: Connection, project_id: int, list_names: Iterable[str], *, at: str
) -> None:
    """Link the files that are missing so far to the new lists they are named after."""
    names = sorted(list_names)
    if names:
        connection.execute(
            update(table_of(FormAttachment))
            .where(
                _A.project_id == project_id,
                _A.list_name.is_(None),
                _A.sha256.is_(None),
                _A.name.in_([f"{name}.csv" for name in names]),
            )
            .values(list_name=func.replace(_A.name, ".csv", ""), updated_at=at)
        )


def _is_of_form() -> Any:
    return (_F.project_id == _V.project_id) & (_F.xml_form_id == _V.xml_form_id)


def _is_current() -> Any:
    return _is_of_form() & (_F.version == _V.version)
