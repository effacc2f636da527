"""The phones' door of a draft: its form alone, and what is sent to it counts for nothing."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import quote

from flask import Blueprint, Response, g, request

from conflict.areas import Area
from odk_forms.openrosa import (
    CONTENT_TYPE,
    SUCCESS,
    ListedForm,
    ManifestFile,
    form_list,
    integrity,
    manifest,
)
from odk_forms.xml import MAX_BYTES
from sync_server.accounts.credentials import hash_of_token
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import DraftGone, NotFound, UnreadableBody, UnreadableDraft
from sync_server.openrosa.door import address, answer, device_id, dress, message
from sync_server.openrosa.door import unchanged as unaltered
from sync_server.openrosa.forms import version_path
from sync_server.openrosa.parts import read_sent
from sync_server.openrosa.submissions import preflight
from sync_server.publishing.drafts import ExpectedFile, files_of, try_out
from sync_server.reports.entity_lists import list_csv, list_hash
from sync_server.stores.drafts import find_draft_of_token
from sync_server.stores.lists import ListInfo, load_lists
from sync_server.web.addresses import public_root

_NOBODY = Area(None, {})
"""Who tries a draft sees of lists what a device without properties sees."""

bp = Blueprint(
    "openrosa_drafts",
    __name__,
    url_prefix="/v1/test/<token>/projects/<int:project_id>/forms/<path:form_id>",
)
dress(bp)


@bp.before_request
def find_the_draft() -> None:
    """404 for a token that is no draft's: who tried it is told that it may be published."""
    args = request.view_args or {}
    token, form_id = args.pop("token"), args.pop("form_id")
    with read_transaction() as connection:
        row = find_draft_of_token(connection, args.pop("project_id"), hash_of_token(token))
    segment = "" if row is None else version_path(row.xml_form_id, "")[1]
    if row is None or form_id not in (row.xml_form_id, segment):
        raise DraftGone("the draft was published or deleted")
    g.draft = row
    of = f"/v1/test/{quote(token)}/projects/{row.project_id}"
    g.base = f"{of}/forms/{quote(segment, safe='')}/draft"


@bp.get("/draft/formList")
@bp.get("/draft/formlist")
def list_draft() -> Response:
    """The draft alone."""
    draft = g.draft
    with read_transaction() as connection:
        has_media = bool(files_of(connection, draft))
    listed = ListedForm(
        form_id=draft.xml_form_id,
        name=draft.name,
        version=draft.version,
        hash=draft.hash,
        download_url=f"{public_root()}{g.base}.xml",
        manifest_url=address("manifest") if has_media else None,
    )
    return answer(form_list([listed]), CONTENT_TYPE)


@bp.get("/draft.xml")
def draft_xml() -> Response:
    """The XML of the draft, byte for byte."""
    return unaltered(g.draft.hash) or answer(
        g.draft.xml, "text/xml; charset=utf-8", tag=g.draft.hash
    )


@bp.get("/draft/manifest")
def draft_manifest() -> Response:
    """The files that a phone should hold for the draft."""
    with read_transaction() as connection:
        lists = load_lists(connection, g.draft.project_id)
        listed = []
        for file in files_of(connection, g.draft):
            info = lists.get(file.list_name or "")
            md5 = file.md5
            if info is not None:
                md5 = list_hash(connection, g.draft.project_id, info, _NOBODY)
            if md5 is not None:
                listed.append(_listed(file, md5, info))
    return answer(manifest(listed), CONTENT_TYPE)


def _listed(file: ExpectedFile, md5: str, info: ListInfo | None) -> ManifestFile:
    return ManifestFile(
        filename=file.name,
        hash=md5,
        download_url=address("attachments", file.name),
        entity_list=info is not None,
        integrity_url=None if info is None else address("integrity", info.name),
    )


@bp.get("/draft/attachments/<path:name>")
def draft_file(name: str) -> Response:
    """One file of the draft."""
    project_id = g.draft.project_id
    with read_transaction() as connection:
        file = next((one for one in files_of(connection, g.draft) if one.name == name), None)
        info = file and load_lists(connection, project_id).get(file.list_name or "")
        if info:
            tag = list_hash(connection, project_id, info, _NOBODY)
            content = list_csv(connection, project_id, info, _NOBODY)
            return answer(content, "text/csv; charset=utf-8", tag=tag)
    if file is None or file.sha256 is None:
        raise NotFound("the draft has no such file")
    content = context().blobs.read(file.sha256)
    return answer(content, file.content_type or "application/octet-stream", tag=file.md5)


@bp.get("/draft/integrity/<path:list_name>")
def draft_integrity(list_name: str) -> Response:
    """Nothing made by trying a draft came here, and nothing is said of the children who did."""
    return answer(integrity([]), CONTENT_TYPE)


bp.add_url_rule("/draft/submission", view_func=preflight, methods=["HEAD", "GET"])


@bp.post("/draft/submission")
def try_draft() -> Response:
    """Keep a filled draft apart; 201 once it is on the disk."""
    with ExitStack() as opened:
        try:
            sent = read_sent(opened)
        except UnreadableBody as exc:
            raise UnreadableDraft(exc.message) from exc
        raw = sent.forms[0].file.read(MAX_BYTES + 1)  # a byte too many is refused as unreadable
        files = {part.name: context().blobs.put(part.file) for part in sent.files}
    try_out(g.draft, raw, files, device_id=device_id(), clock=context().clock)
    return message(SUCCESS, 201)
