"""The files of a form: media as they were uploaded, entity lists as this device may see them."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from odk_forms.openrosa import CONTENT_TYPE, integrity
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.openrosa.door import answer, area, phone, tag_of, unchanged
from sync_server.openrosa.forms import the_version
from sync_server.reports.entity_lists import deleted_births, list_csv, list_hash
from sync_server.stores.form_devices import find_lists_kept_from
from sync_server.stores.forms import list_form_attachments
from sync_server.stores.lists import load_lists


def add_routes(bp: Blueprint) -> None:
    for path in ("/forms/<path:form_id>", "/forms/<path:form_id>/versions/<path:version>"):
        bp.add_url_rule(
            f"{path}/attachments/<path:name>", view_func=form_attachment, methods=["GET"]
        )
    bp.add_url_rule("/datasets/<list_name>/integrity", view_func=list_integrity, methods=["GET"])


def form_attachment(form_id: str, name: str, version: str | None = None) -> Response:
    """One file of a form. A list's tag is its hash in the manifest, of the same snapshot."""
    with read_transaction() as connection:
        row = the_version(connection, form_id, version)
        files = list_form_attachments(connection, g.device.project_id, row.xml_form_id, row.version)
        file = next((one for one in files if one.name == name), None)
        if file is None:
            raise NotFound("the form has no such file")
        if file.list_name is not None:
            info = load_lists(connection, g.device.project_id).get(file.list_name)
            if info is not None:
                tag = list_hash(connection, g.device.project_id, info, area())
                g.lists_served = {info.name: tag}
                return unchanged(tag) or answer(
                    list_csv(connection, g.device.project_id, info, area()),
                    "text/csv; charset=utf-8",
                    tag=tag,
                )
    if file.sha256 is None:
        raise NotFound("this file has not been uploaded yet")
    return unchanged(file.md5) or answer(
        context().blobs.read(file.sha256),
        file.content_type or "application/octet-stream",
        tag=file.md5,
    )


def list_integrity(list_name: str) -> Response:
    """Which of the entities a phone made offline are gone; unknown ones are left out.

    "Deleted" for an id that has not come yet would wipe what is still on the phone.
    """
    asked = request.args.get("id")
    with read_transaction() as connection:
        info = load_lists(connection, g.device.project_id).get(list_name)
        if info is None or list_name in find_lists_kept_from(
            connection, g.device.project_id, phone()
        ):
            raise NotFound("there is no such list")
        wanted = None if asked is None else asked.split(",")
        answers = deleted_births(connection, g.device.project_id, info, area(), wanted)
    tag = tag_of(list_name, *answers)
    return unchanged(tag) or answer(integrity(answers), CONTENT_TYPE, tag=tag)
