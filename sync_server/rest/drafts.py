"""Drafts of forms: kept, tried on phones, and published. For managers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from schemas.forms import DraftSubmissionShape, FormAttachmentShape, FormShape
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.publishing import drafts
from sync_server.publishing.drafts import again, draft_of, files_of
from sync_server.rest.forms import check_sent, keep_as_draft, shown_draft
from sync_server.stores import drafts as store
from sync_server.stores.forms import find_version
from sync_server.web.auth import require_manager
from sync_server.web.bodies import query_flag

_DRAFT = "/projects/<int:project_id>/forms/<path:xml_form_id>/draft"

bp = Blueprint("drafts", __name__)


@bp.post(_DRAFT)
def keep(project_id: int, xml_form_id: str) -> Any:
    """Keep the form of the body as the draft; without a body, the newest published version."""
    person = require_manager(project_id)
    form = check_sent() if request.get_data() else again(project_id, xml_form_id)
    keep_as_draft(project_id, form, person, xml_form_id)
    return {"success": True}


@bp.get(_DRAFT)
def show(project_id: int, xml_form_id: str) -> Any:
    """The draft, with the token and the address that phones try it at."""
    require_manager(project_id)
    return shown_draft(project_id, xml_form_id)


@bp.get(f"{_DRAFT}.xml")
def show_xml(project_id: int, xml_form_id: str) -> Any:
    """The XForm of the draft, byte for byte."""
    require_manager(project_id)
    with read_transaction() as connection:
        row = draft_of(connection, project_id, xml_form_id)
    return Response(row.xml, content_type="application/xml")


@bp.post(f"{_DRAFT}/publish")
def publish(project_id: int, xml_form_id: str) -> Any:
    """Publish the draft, under `version=` if that is given. Its test addresses end."""
    person = require_manager(project_id)
    done = drafts.publish_draft(
        project_id,
        xml_form_id,
        by=person.actor_id,
        clock=context().clock,
        version=request.args.get("version"),
        confirm_policies=query_flag("confirmPolicies"),
    )
    with read_transaction() as connection:
        row = find_version(connection, project_id, xml_form_id, done.version)
    return FormShape().dump({**row._mapping, "project_id": project_id})


@bp.delete(_DRAFT)
def drop(project_id: int, xml_form_id: str) -> Any:
    """Let the draft go, with what was sent to it."""
    person = require_manager(project_id)
    drafts.drop_draft(project_id, xml_form_id, by=person.actor_id, clock=context().clock)
    return {"success": True}


@bp.get(f"{_DRAFT}/attachments")
def list_files(project_id: int, xml_form_id: str) -> Any:
    """The files that the draft expects."""
    require_manager(project_id)
    with read_transaction() as connection:
        files = files_of(connection, draft_of(connection, project_id, xml_form_id))
    return [
        FormAttachmentShape().dump(
            {
                **{name: getattr(one, name) for name in ("name", "type", "md5", "updated_at")},
                "exists": bool(one.sha256 or one.list_name),
                "blob_exists": one.sha256 is not None,
                "dataset_exists": one.list_name is not None,
            }
        )
        for one in files
    ]


@bp.post(f"{_DRAFT}/attachments/<path:name>")
def give_file(project_id: int, xml_form_id: str, name: str) -> Any:
    """Give the draft a file that it expects."""
    person = require_manager(project_id)
    clock = context().clock
    content = request.get_data()
    drafts.give_file(project_id, xml_form_id, name, content, by=person.actor_id, clock=clock)
    return {"success": True}


@bp.get(f"{_DRAFT}/submissions")
def list_submissions(project_id: int, xml_form_id: str) -> Any:
    """What phones sent to the draft, newest first."""
    require_manager(project_id)
    with read_transaction() as connection:
        draft_of(connection, project_id, xml_form_id)
        rows = store.list_draft_submissions(connection, project_id, xml_form_id)
    return [
        DraftSubmissionShape().dump({**row._mapping, "attachments": sorted(row.files)})
        for row in rows
    ]


@bp.get(f"{_DRAFT}/submissions/<path:instance_id>.xml")
def show_submission(project_id: int, xml_form_id: str, instance_id: str) -> Any:
    """One of them, byte for byte as it came."""
    require_manager(project_id)
    with read_transaction() as connection:
        row = store.find_draft_submission(connection, project_id, xml_form_id, instance_id)
    if row is None:
        raise NotFound("nothing was sent to this draft under this instanceID")
    return Response(row.raw, content_type="application/xml")
