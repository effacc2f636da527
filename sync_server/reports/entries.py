"""The submissions of a form for an export: which of them count now, and what each says.

Read in one snapshot and in pages, so that a large form is no burden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from odk_forms.changes import attachment_names
from odk_forms.editions import Edit, Editions, Family
from odk_forms.instance import Instance, read
from odk_forms.tables import ROOT, Layout, lay_out
from odk_forms.xml import child, content
from sync_server.errors import BadRequest, NotFound
from sync_server.reports.filters import (
    REVIEW_STATE,
    SUBMISSION_DATE,
    SUBMITTER_ID,
    UPDATED_AT,
    Term,
)
from sync_server.reports.submissions import SentFile, sent_files
from sync_server.stores import exports as store
from sync_server.stores.forms import find_version, list_versions, load_definitions
from sync_server.stores.submissions import find_xml, list_attachments_of

BEFORE = ("SubmissionDate",)
BEHIND = (
    *("KEY", "SubmitterID", "SubmitterName", "AttachmentsPresent", "AttachmentsExpected"),
    *("Status", "ReviewState", "DeviceID", "Edits", "FormVersion"),
)
"""The columns of the form's table before and behind those of its questions, as in ODK Central."""

_AT_ONCE = 250
_BYTES_AT_ONCE = 4 * 1024 * 1024
_MOST_CHOICES = 16_000  # about as many columns as a spreadsheet has


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked of an export: Central's words, and `safe` for spreadsheets."""

    group_paths: bool = True
    deleted_fields: bool = False
    split_many: bool = False
    safe: bool = False
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the form's table. `first` are the facts of what it is an edit of, where that is
    here, else its own; `instance` and `files` are there once they are read."""

    family: Family
    first: Any
    own: Any
    instance: Instance | None = None
    files: tuple[SentFile, ...] = ()

    @property
    def state(self) -> str | None:
        return "edited" if self.family.edits else None

    @property
    def readable(self) -> Instance | None:
        """What can be read of it: nothing of an encrypted one."""
        return None if self.instance is None or self.instance.encrypted else self.instance

    @property
    def status(self) -> str:
        """Central's words for what cannot be read."""
        if self.instance is None or self.readable is not None:
            return ""
        form = child(self.instance.root, "encryptedXmlFile")
        name = "" if form is None else content(form).strip()
        here = any(one.exists and one.name == name for one in self.files)
        return "not decrypted" if here else "missing encrypted form data"

    def has(self, terms: Sequence[Term]) -> bool:
        facts = {
            SUBMISSION_DATE: self.first.received_at,
            UPDATED_AT: self.own.received_at if self.family.edits else None,
            SUBMITTER_ID: self.first.actor_id,
            REVIEW_STATE: self.state,
        }
        return all(one.holds(facts) for one in terms)


class Reading:
    """The submissions of one form, in one snapshot."""

    def __init__(
        self, connection: Connection, project_id: int, xml_form_id: str, options: Options
    ) -> None:
        self._where = (connection, project_id, xml_form_id)
        self.options = options
        versions = version_hashes(connection, project_id, xml_form_id)
        known = load_definitions(connection, project_id, versions.values())
        self._definitions = {version: known[digest] for version, digest in versions.items()}
        self._newest = next(iter(self._definitions.values()))
        edits = store.list_edits(connection, project_id, xml_form_id)
        self._editions = Editions(
            Edit(one.instance_id, one.deprecated_id, one.received_at, one.deleted_at is not None)
            for one in edits
        )

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the form's own table."""
        return (*BEFORE, *self.layout.tables[ROOT].header, *BEHIND)

    @cached_property
    def layout(self) -> Layout:
        """The tables, with a column for each choice where that is asked for."""
        if not self.options.split_many:
            return self._lay_out({})
        plain, found = self._lay_out({}), defaultdict[str, set[str]](set)
        for entry in self.entries():
            if entry.readable is not None:
                for path, one in plain.chosen(entry.readable):
                    found[path].add(one)
            if sum(map(len, found.values())) > _MOST_CHOICES:
                raise BadRequest(
                    f"there are more than {_MOST_CHOICES} choices: leave out splitSelectMultiples",
                    field="splitSelectMultiples",
                )
        return self._lay_out({path: sorted(some) for path, some in found.items()})

    def _lay_out(self, choices: dict[str, list[str]]) -> Layout:
        all_of_them = tuple(self._definitions.values())
        used = all_of_them if self.options.deleted_fields else all_of_them[:1]
        return lay_out(used, group_paths=self.options.group_paths, choices=choices)

    def entries(self) -> Iterator[Entry]:
        """Every submission that counts now and was asked for, the newest first."""
        for page in store.list_pages(*self._where, rows=_AT_ONCE):
            chosen = [one for one in self._entries(page) if one.has(self.options.terms)]
            for some in _in_parts(chosen):
                yield from self._loaded(some)

    def rows(self, entry: Entry) -> Iterator[tuple[int, list[str]]]:
        """The rows of one submission as (number of the table, cells)."""
        if entry.readable is None:
            blank = [""] * len(self.layout.tables[ROOT].header)
            yield ROOT, _with_facts(entry, blank)
            return
        for number, row in self.layout.rows(entry.readable, entry.family.first):
            yield number, _with_facts(entry, row) if number == ROOT else row

    def _entries(self, page: Sequence[Any]) -> Iterator[Entry]:
        families = [(self._editions.family(row.instance_id), row) for row in page]
        shown = [(family, row) for family, row in families if family.current == row.instance_id]
        others = [family.first for family, row in shown if family.first != row.instance_id]
        firsts = store.find_facts(*self._where, others)
        for family, row in shown:
            yield Entry(family, firsts.get(family.first, row), row)

    def _loaded(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        connection, project_id, xml_form_id = self._where
        ids = [one.own.instance_id for one in entries]
        contents = find_xml(connection, project_id, [(xml_form_id, one) for one in ids])
        files = list_attachments_of(connection, project_id, xml_form_id, ids)
        for entry in entries:
            instance = read(contents[xml_form_id, entry.own.instance_id])
            definition = self._definitions.get(entry.own.form_version, self._newest)
            named = attachment_names(instance, definition)
            sent = tuple(sent_files(files[entry.own.instance_id], named))
            yield Entry(entry.family, entry.first, entry.own, instance, sent)


def version_hashes(connection: Connection, project_id: int, xml_form_id: str) -> dict[str, str]:
    """The hash of each published version, that which phones are handed now before the others."""
    current = find_version(connection, project_id, xml_form_id)
    if current is None:
        raise NotFound("there is no such form")
    versions = {row.version: row.hash for row in list_versions(connection, project_id, xml_form_id)}
    return {current.version: current.hash, **versions}


def _in_parts(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """So many at once that their XML is no burden, and one at least."""
    part: list[Entry] = []
    size = 0
    for one in entries:
        if part and size + one.own.size > _BYTES_AT_ONCE:
            yield part
            part, size = [], 0
        part.append(one)
        size += one.own.size
    if part:
        yield part


def _with_facts(entry: Entry, cells: Sequence[str]) -> list[str]:
    first = entry.first
    named = [one for one in entry.files if one.referenced]
    return [
        first.received_at,
        *cells,
        entry.family.first,
        "" if first.actor_id is None else str(first.actor_id),
        first.display_name or first.author_name or "",
        str(sum(one.exists for one in named)),
        str(len(named)),
        entry.status,
        entry.state or "",
        first.device_id,
        str(entry.family.edits),
        first.form_version,
    ]
