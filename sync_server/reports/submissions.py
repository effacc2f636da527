"""Submissions as they came: which files they name, which are here, and what came beside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from odk_forms.changes import attachment_names
from odk_forms.definition import FormDefinition
from odk_forms.encryption import plaintext_beside
from odk_forms.file_names import Named
from odk_forms.instance import read
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.stores import submissions as store
from sync_server.stores.forms import FormInfo, find_forms, load_definitions


@dataclass(frozen=True, slots=True)
class SentFile:
    """A name under which a submission has files. `sha256` is of the newest bytes that are here,
    None while they are only a name; `older` are the hashes of those before, oldest first."""

    name: str
    referenced: bool
    sha256: str | None = None
    content_type: str | None = None
    received_at: str | None = None
    older: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        return self.sha256 is not None


@dataclass(frozen=True, slots=True)
class Filled:
    """One submission with its files. `row` is as the store has it."""

    row: Any
    encrypted: bool
    files: tuple[SentFile, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.files if one.referenced and not one.exists)

    @property
    def plaintext_beside(self) -> tuple[str, ...]:
        """The files that an encrypted form brought unencrypted."""
        return plaintext_beside(one.name for one in self.files) if self.encrypted else ()


def submission(project_id: int, xml_form_id: str, instance_id: str) -> Filled:
    """One submission. Errors: `NotFound`."""
    with read_transaction() as connection:
        row = store.find_submission(connection, project_id, xml_form_id, instance_id)
        if row is None or row.deleted_at is not None:
            raise NotFound("there is no such submission")
        return _filled(connection, project_id, [row])[0]


def submissions_of_form(
    project_id: int, xml_form_id: str, *, limit: int, offset: int = 0, deleted: bool = False
) -> list[Filled]:
    """The submissions of a form, newest first; those that are `deleted`, or the others."""
    with read_transaction() as connection:
        rows = store.list_submissions(
            connection, project_id, xml_form_id, limit=limit, offset=offset, deleted=deleted
        )
        return _filled(connection, project_id, rows)


def _filled(connection: Connection, project_id: int, rows: Sequence[Any]) -> list[Filled]:
    """Submissions of one form with their files."""
    if not rows:
        return []
    xml_form_id = rows[0].xml_form_id
    forms = find_forms(connection, project_id, [(xml_form_id, row.form_version) for row in rows])
    info = forms.get(xml_form_id)
    hashes = set(info.hashes.values()) if info is not None else set()
    definitions = load_definitions(connection, project_id, hashes)
    ids = [row.instance_id for row in rows]
    files = store.list_attachments_of(connection, project_id, xml_form_id, ids)
    return [
        _one(row, files[row.instance_id], _definition(info, row.form_version, definitions))
        for row in rows
    ]


def _definition(info: FormInfo | None, version: str, known: Any) -> FormDefinition | None:
    """That of its version; of one that was never published, the newest."""
    if info is None:
        return None
    found: FormDefinition | None = known.get(info.hashes.get(version, info.hashes[info.version]))
    return found


def _one(row: Any, files: Sequence[Any], definition: FormDefinition | None) -> Filled:
    instance = read(row.xml)
    named = attachment_names(instance, definition) if definition is not None else ()
    return Filled(row, instance.encrypted, tuple(sent_files(files, named)))


def sent_files(rows: Sequence[Any], named: Sequence[str]) -> Iterable[SentFile]:
    """Every name once: as it came, and as the XML has it where nothing came."""
    by_name: dict[str, list[Any]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    xml = Named(named)
    came = {xml.of(name) for name in by_name}
    for name, kept in by_name.items():
        here = [row for row in kept if row.here_at is not None]
        newest = here[-1] if here else None
        yield SentFile(
            name=name,
            referenced=xml.of(name) is not None,
            sha256=newest and newest.sha256,
            content_type=kept[-1].content_type,
            received_at=kept[-1].received_at,
            older=tuple(row.sha256 for row in here[:-1]),
        )
    for name in named:
        if name not in came:
            yield SentFile(name=name, referenced=True)
