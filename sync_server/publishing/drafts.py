"""Drafts: a form is tried on phones, apart from all that counts, before it is published."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from odk_forms.definition import FormDefinition
from odk_forms.errors import FormError, InstanceError
from odk_forms.instance import read as read_instance
from odk_forms.sheets import Sheets
from odk_forms.xform import read, with_version
from sync_server.accounts.centre import refuse_at_a_hub
from sync_server.accounts.credentials import hash_of_token, new_token, seal
from sync_server.clock import Clock, instant
from sync_server.context import context
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import BadValue, DraftAltered, DraftGone, NotFound, UnreadableDraft
from sync_server.publishing.form_files import FormFile, keep_blobs, put_files
from sync_server.publishing.publish import (
    Checked,
    Published,
    given_with,
    publish_checked,
    refuse,
    refuse_linked,
)
from sync_server.stores import blobs as blob_store
from sync_server.stores import drafts as store
from sync_server.stores import forms as form_store
from sync_server.stores.audits import add_audit
from sync_server.stores.lists import load_lists

_LONGEST_ID = 600
"""Letters of an instanceID, for a draft: PostgreSQL has no keys of many more."""


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """A file that a draft expects: the list it is linked to, or its bytes, or neither yet."""

    name: str
    type: str
    list_name: str | None = None
    sha256: str | None = None
    md5: str | None = None
    content_type: str | None = None
    updated_at: str | None = None


def keep_draft(
    project_id: int,
    form: Checked,
    *,
    by: int | None,
    clock: Clock,
    secret_key: str,
    xml_form_id: str | None = None,
    attachments: Mapping[str, bytes] | None = None,
) -> str:
    """Keep a form as a draft, in the place of the one before; its form id.

    Its addresses stay those of the one before, so that phones which try it go on, and so do the
    files that were given to it, but for newer ones in `attachments`: name -> bytes.
    Errors    `BadValue` when it is another form than `xml_form_id`; `BadForm` for a file that it
              does not expect; `AtTheCentre`.
    """
    definition, at, token = form.definition, instant(clock.now()), new_token()
    if xml_form_id not in (None, definition.xml_form_id):
        raise BadValue(
            f"this is the form '{definition.xml_form_id}'",
            field="xmlFormId",
            value=definition.xml_form_id,
        )
    row = {
        "project_id": project_id,
        "xml_form_id": definition.xml_form_id,
        "version": definition.version,
        "name": definition.title,
        "hash": hashlib.md5(form.xml, usedforsecurity=False).hexdigest(),
        "xml": form.xml,
        "definition": definition.to_json(),
        "source_name": form.filename.replace("\x00", ""),
        "source": form.source,
        "token_hash": hash_of_token(token),
        "token_sealed": seal(token, secret_key),
        "created_at": at,
        "created_by": by,
    }
    files = put_files(given_with(form, attachments))
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        store.save_draft(connection, row)
        draft = draft_of(connection, project_id, definition.xml_form_id)
        linked = {one.name: one.list_name for one in files_of(connection, draft) if one.list_name}
        for name in sorted(files.keys() & linked.keys()):
            refuse_linked(name, linked[name])
        _give(connection, draft, files, at=at)
        _note(connection, "form.update.draft.set", row, by=by, at=at)
    return definition.xml_form_id


def trial_address(public_root: str, token: str, project_id: int, xml_form_id: str) -> str:
    """The server address at which phones try the draft of this token."""
    form = quote(xml_form_id, safe="")
    return f"{public_root}/v1/test/{token}/projects/{project_id}/forms/{form}/draft"


def again(project_id: int, xml_form_id: str) -> Checked:
    """The newest published version, to make a draft of. Errors: `NotFound`."""
    with read_transaction() as connection:
        row = form_store.find_version(connection, project_id, xml_form_id)
        if row is None:
            raise NotFound("there is no such form")
        source = form_store.find_source(connection, project_id, xml_form_id, row.version)
    return _checked(row.xml, row.source_name, source)


def _checked(xml: bytes, filename: str | None, source: bytes | None) -> Checked:
    return Checked(
        xml=xml,
        definition=read(xml),
        messages=(),
        sheets=Sheets(),
        filename=filename or "",
        source=xml if source is None else source,
    )


def publish_draft(
    project_id: int,
    xml_form_id: str,
    *,
    by: int | None,
    clock: Clock,
    version: str | None = None,
    confirm_policies: bool = False,
    seen: str | None = None,
) -> Published:
    """Publish a draft, under another version if one is given, and let the draft go.

    `seen` is the hash of the draft that was looked at: what nobody saw is not published.
    Errors    `NotFound`; `DraftAltered`; those of `publish_checked`, and then the draft stays.
    """
    blobs = context().blobs
    with read_transaction() as connection:
        draft = draft_of(connection, project_id, xml_form_id)
        _require_seen(draft, seen)
        given = store.list_draft_files(connection, project_id, xml_form_id)
        names = {one.name for one in files_of(connection, draft) if one.list_name is None}
    try:
        xml = draft.xml if version is None else with_version(draft.xml, version)
    except FormError as exc:
        refuse(exc.messages)
    done = publish_checked(
        project_id,
        _checked(xml, draft.source_name, draft.source),
        by=by,
        clock=clock,
        attachments={f.name: blobs.read(f.sha256) for f in given if f.name in names},
        confirm_policies=confirm_policies,
    )
    with write_transaction() as connection:
        left = store.find_draft(connection, project_id, xml_form_id)
        if left is not None and left.hash == draft.hash:  # and not one that came meanwhile
            store.delete_draft(connection, project_id, xml_form_id)
    return done


def _require_seen(draft: Any, seen: str | None) -> None:
    if seen is not None and seen != draft.hash:
        raise DraftAltered("somebody kept another draft of this form meanwhile")


def drop_draft(
    project_id: int, xml_form_id: str, *, by: int | None, clock: Clock, seen: str | None = None
) -> None:
    """Let a draft go, with what was sent to it. Errors: `NotFound`; `DraftAltered`."""
    at = instant(clock.now())
    with write_transaction() as connection:
        draft = draft_of(connection, project_id, xml_form_id)
        _require_seen(draft, seen)
        store.delete_draft(connection, project_id, xml_form_id)
        _note(connection, "form.update.draft.delete", draft._mapping, by=by, at=at)


def give_file(
    project_id: int, xml_form_id: str, name: str, content: bytes, *, by: int | None, clock: Clock
) -> None:
    """Give a draft a file that it expects. Errors: `NotFound`; `BadValue` for an entity list."""
    at, files = instant(clock.now()), put_files({name: content})
    with write_transaction() as connection:
        draft = draft_of(connection, project_id, xml_form_id)
        expected = {one.name: one for one in files_of(connection, draft)}
        if name not in expected:
            raise NotFound(f"the draft does not expect a file '{name}'")
        if expected[name].list_name is not None:
            raise BadValue(f"'{name}' is an entity list", field="name", value=name)
        _give(connection, draft, files, at=at)
        _note(connection, "form.attachment.update", draft._mapping, by=by, at=at)


def _give(connection: Connection, draft: Any, files: Mapping[str, FormFile], *, at: str) -> None:
    keep_blobs(connection, draft.project_id, files.values(), at=at)
    for name, file in files.items():
        of = {"project_id": draft.project_id, "xml_form_id": draft.xml_form_id, "name": name}
        facts = {"sha256": file.sha256, "md5": file.md5, "content_type": file.content_type}
        store.save_draft_file(connection, {**of, **facts, "updated_at": at})


def draft_of(connection: Connection, project_id: int, xml_form_id: str) -> Any:
    """The row of a form's draft. Errors: `NotFound`."""
    row = store.find_draft(connection, project_id, xml_form_id)
    if row is None:
        raise NotFound("this form has no draft")
    return row


def files_of(connection: Connection, draft: Any) -> list[ExpectedFile]:
    """The files that a draft expects: those given to it, and of the published version the rest."""
    of = (draft.project_id, draft.xml_form_id)
    lists = load_lists(connection, draft.project_id)
    published = form_store.find_version(connection, *of)
    had = published and form_store.list_form_attachments(connection, *of, published.version)
    rows = {row.name: row for row in had or ()}
    rows |= {row.name: row for row in store.list_draft_files(connection, *of)}
    files = []
    for ref in FormDefinition.from_json(draft.definition).media:
        stem = ref.name.removesuffix(".csv")
        if stem != ref.name and stem in lists:
            files.append(ExpectedFile(ref.name, ref.type, list_name=stem))
            continue
        row = rows.get(ref.name)
        names = ("sha256", "md5", "content_type", "updated_at")
        facts = {name: getattr(row, name, None) for name in names}
        files.append(ExpectedFile(ref.name, ref.type, **facts))
    return files


def try_out(
    draft: Any,
    raw: bytes,
    files: Mapping[str, tuple[str, int]],
    *,
    device_id: str,
    clock: Clock,
) -> None:
    """Keep what a phone sent to a draft, apart. `files`: name -> (SHA-256, bytes).

    Errors    `UnreadableDraft`; `DraftGone` when the draft went meanwhile.
    """
    try:
        instance = read_instance(raw)
    except InstanceError as exc:
        raise UnreadableDraft("the XML could not be read") from exc
    if len(instance.instance_id) > _LONGEST_ID:
        raise UnreadableDraft("the instanceID is longer than any database looks up")
    at = instant(clock.now())
    of = (draft.project_id, draft.xml_form_id, instance.instance_id)
    with write_transaction() as connection:
        if store.find_draft(connection, *of[:2]) is None:
            raise DraftGone("the draft was published or deleted")
        known = store.find_draft_submission(connection, *of)
        blob_store.keep_blobs(connection, draft.project_id, dict(files.values()), at=at)
        kept = {name: sha256 for name, (sha256, _) in files.items()}
        row = {
            "project_id": draft.project_id,
            "xml_form_id": draft.xml_form_id,
            "instance_id": instance.instance_id,
            "raw": raw,
            "files": {**(known.files if known else {}), **kept},
            "device_id": device_id,
            "received_at": known.received_at if known else at,
        }
        store.save_draft_submission(connection, row)


def _note(
    connection: Connection, act: str, draft: Mapping[str, Any], *, by: int | None, at: str
) -> None:
    details = {"xmlFormId": draft["xml_form_id"], "version": draft["version"]}
    add_audit(connection, act, at=at, by=by, project_id=draft["project_id"], details=details)
