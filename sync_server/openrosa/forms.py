"""formList, the XML of a form, and its manifest."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request
from sqlalchemy import Connection

from odk_forms.openrosa import CONTENT_TYPE, ListedForm, ManifestFile, form_list, manifest
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.openrosa.door import address, answer, area, is_kept, phone, tag_of, unchanged
from sync_server.reports.entity_lists import list_hash
from sync_server.stores.forms import find_version, list_form_attachments, list_open_forms
from sync_server.stores.lists import ListInfo, load_lists

BLANK = "___"
"""How a blank version is written in an address, as Central does."""
_NO_SEGMENTS = ("", ".", "..")
"""Names that clients would take out of an address: there they are written behind `BLANK`.

So is what begins with it, for no two names to have one address.
"""


def add_routes(bp: Blueprint) -> None:
    """Addresses name the version, so that a phone never mixes two; short ones serve the newest."""
    for path in ("/formList", "/formlist"):
        bp.add_url_rule(path, view_func=list_forms, methods=["GET"])
    for path in ("/forms/<path:form_id>", "/forms/<path:form_id>/versions/<path:version>"):
        bp.add_url_rule(f"{path}.xml", view_func=form_xml, methods=["GET"])
        bp.add_url_rule(f"{path}/manifest", view_func=form_manifest, methods=["GET"])


def list_forms() -> Response:
    """Every open form, once, in its newest version. `formID` filters; others are ignored."""
    only = request.args.get("formID")
    with read_transaction() as connection:
        rows = list_open_forms(connection, g.device.project_id, phone())
    listed = [_listed(row) for row in rows if only is None or row.xml_form_id == only]
    tag = tag_of(address(), *listed)
    return unchanged(tag) or answer(form_list(listed), CONTENT_TYPE, tag=tag)


def _listed(row: Any) -> ListedForm:
    base = version_path(row.xml_form_id, row.version)
    return ListedForm(
        form_id=row.xml_form_id,
        name=row.name,
        version=row.version,
        hash=row.hash,
        download_url=address(*base[:-1], f"{base[-1]}.xml"),
        manifest_url=address(*base, "manifest") if row.has_media else None,
    )


def version_path(form_id: str, version: str) -> tuple[str, ...]:
    """The segments under which one version of a form is served."""
    return ("forms", _segment(form_id), "versions", _segment(version))


def _segment(name: str) -> str:
    return f"{BLANK}{name}" if name in _NO_SEGMENTS or name.startswith(BLANK) else name


def _name(segment: str) -> str:
    return segment.removeprefix(BLANK)


def the_version(connection: Connection, form_id: str, version: str | None) -> Any:
    """The row of a version, the newest when none is named; NotFound otherwise."""
    wanted = None if version is None else _name(version)
    row = find_version(connection, g.device.project_id, _name(form_id), wanted)
    if row is None or (row.given and is_kept(connection, [row.xml_form_id])):
        raise NotFound("there is no such form")
    return row


def form_xml(form_id: str, version: str | None = None) -> Response:
    """The stored bytes, as they are: their md5 is the hash in the list."""
    with read_transaction() as connection:
        row = the_version(connection, form_id, version)
    g.served_form = (row.xml_form_id, row.version)
    return unchanged(row.hash) or answer(row.xml, "text/xml; charset=utf-8", tag=row.hash)


def form_manifest(form_id: str, version: str | None = None) -> Response:
    """The files a phone should hold for a form; files that are missing here are left out."""
    with read_transaction() as connection:
        row = the_version(connection, form_id, version)
        files = list_form_attachments(connection, g.device.project_id, row.xml_form_id, row.version)
        lists = load_lists(connection, g.device.project_id) if _has_list(files) else {}
        listed = [
            one
            for file in files
            if (one := _file(connection, row, file, lists.get(file.list_name or ""))) is not None
        ]
    list_of = {file.name: file.list_name for file in files}
    g.lists_told = {list_of[one.filename]: one.hash for one in listed if one.entity_list}
    tag = tag_of(address(), *listed)
    return unchanged(tag) or answer(manifest(listed), CONTENT_TYPE, tag=tag)


def _has_list(files: Any) -> bool:
    return any(file.list_name for file in files)


def _file(
    connection: Connection, row: Any, file: Any, info: ListInfo | None
) -> ManifestFile | None:
    url = address(*version_path(row.xml_form_id, row.version), "attachments", file.name)
    if info is not None:
        return ManifestFile(
            filename=file.name,
            hash=list_hash(connection, g.device.project_id, info, area()),
            download_url=url,
            entity_list=True,
            integrity_url=address("datasets", info.name, "integrity"),
        )
    if file.md5 is None:
        return None
    return ManifestFile(
        filename=file.name,
        hash=file.md5,
        download_url=url,
        entity_list=False,
        integrity_url=None,
    )
