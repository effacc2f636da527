"""Drafts of forms, the files given to them, and what phones sent to try them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from sync_server.models.drafts import DraftFile, DraftSubmission, FormDraft
from sync_server.stores.upsert import table_of, upsert_rows

_D = table_of(FormDraft).c
_F = table_of(DraftFile).c
_S = table_of(DraftSubmission).c


def find_draft(connection: Connection, project_id: int, xml_form_id: str) -> Any:
    """The row of a form's draft, or None."""
    return connection.execute(
        select(*_D).where(_D.project_id == project_id, _D.xml_form_id == xml_form_id)
    ).one_or_none()


def list_drafts(connection: Connection, project_id: int) -> Sequence[Any]:
    """The drafts of a project, by name: xml_form_id, name, version, created_at."""
    return connection.execute(
        select(_D.xml_form_id, _D.name, _D.version, _D.created_at)
        .where(_D.project_id == project_id)
        .order_by(_D.name, _D.xml_form_id)
    ).all()


def find_draft_of_token(connection: Connection, project_id: int, token_hash: str) -> Any:
    """The row of the draft that a token is of, or None."""
    return connection.execute(
        select(*_D).where(_D.project_id == project_id, _D.token_hash == token_hash)
    ).one_or_none()


def save_draft(connection: Connection, row: Mapping[str, Any]) -> None:
    """Keep a draft; one that is there is written over, but for its token."""
    upsert_rows(connection, FormDraft, [row], keep=("token_hash", "token_sealed"))


def delete_draft(connection: Connection, project_id: int, xml_form_id: str) -> bool:
    """Let a draft go with all that is of it; False when there is none."""
    for table, columns in ((DraftSubmission, _S), (DraftFile, _F)):
        connection.execute(
            delete(table_of(table)).where(
                columns.project_id == project_id, columns.xml_form_id == xml_form_id
            )
        )
    gone = connection.execute(
        delete(table_of(FormDraft))
        .where(_D.project_id == project_id, _D.xml_form_id == xml_form_id)
        .returning(_D.xml_form_id)
    )
    return gone.first() is not None


def save_draft_file(connection: Connection, row: Mapping[str, Any]) -> None:
    upsert_rows(connection, DraftFile, [row])


def list_draft_files(connection: Connection, project_id: int, xml_form_id: str) -> Sequence[Any]:
    """The files given to a draft: name, sha256, md5, content_type, updated_at."""
    return connection.execute(
        select(_F.name, _F.sha256, _F.md5, _F.content_type, _F.updated_at)
        .where(_F.project_id == project_id, _F.xml_form_id == xml_form_id)
        .order_by(_F.name)
    ).all()


def find_draft_submission(
    connection: Connection, project_id: int, xml_form_id: str, instance_id: str
) -> Any:
    """What was sent to a draft under an instanceID, or None."""
    return connection.execute(
        select(*_S).where(
            _S.project_id == project_id,
            _S.xml_form_id == xml_form_id,
            _S.instance_id == instance_id,
        )
    ).one_or_none()


def save_draft_submission(connection: Connection, row: Mapping[str, Any]) -> None:
    upsert_rows(connection, DraftSubmission, [row])


def list_draft_submissions(
    connection: Connection, project_id: int, xml_form_id: str
) -> Sequence[Any]:
    """What was sent to a draft, newest first: instance_id, files, device_id, received_at."""
    return connection.execute(
        select(_S.instance_id, _S.files, _S.device_id, _S.received_at)
        .where(_S.project_id == project_id, _S.xml_form_id == xml_form_id)
        .order_by(_S.received_at.desc(), _S.instance_id)
    ).all()
