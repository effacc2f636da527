"""Publishing: a form becomes a version that phones are handed, with its lists and files.

Everything about one form happens in one write transaction. What is refused comes with
messages that name sheet and cell, as its author can mend them there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from odk_forms.convert import to_xform
from odk_forms.definition import FormDefinition
from odk_forms.errors import FormError, Message
from odk_forms.sheets import Sheets
from odk_forms.xform import read
from sync_server.accounts.centre import refuse_at_a_hub
from sync_server.clock import Clock, instant
from sync_server.context import context
from sync_server.db import write_transaction
from sync_server.errors import BadForm, VersionTaken
from sync_server.intake.requeue import retry_kept
from sync_server.publishing.declaring import DeclaredLists, declared_by_form
from sync_server.publishing.form_files import (
    FormFile,
    carried,
    keep_blobs,
    present,
    put_files,
)
from sync_server.publishing.lists import alter_lists, lists_to_alter
from sync_server.stores import forms as store
from sync_server.stores.audits import add_audit
from sync_server.stores.lists import ListInfo

_ITEMSETS = "itemsets.csv"


@dataclass(frozen=True, slots=True)
class Checked:
    """A form that may be published as far as it alone can tell.

    `messages` are warnings. `sheets` finds cells for what a project has against it.
    """

    xml: bytes
    definition: FormDefinition
    messages: tuple[Message, ...]
    sheets: Sheets
    filename: str
    source: bytes
    itemsets: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing did. `unchanged`: this very version was published before.

    `lists` were made by it; `missing` are files that the form expects and nobody gave yet.
    """

    xml_form_id: str
    version: str
    hash: str
    messages: tuple[Message, ...] = ()
    unchanged: bool = False
    lists: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def check(content: bytes, filename: str) -> Checked:
    """Read and convert an uploaded form. Errors: `BadForm`; nothing is written."""
    try:
        converted = to_xform(content, filename)
        definition = read(converted.xml)
    except FormError as exc:
        refuse(exc.messages)
    return Checked(
        xml=converted.xml,
        definition=definition,
        messages=converted.messages,
        sheets=converted.sheets,
        filename=filename,
        source=content,
        itemsets=converted.itemsets,
    )


def publish(
    project_id: int,
    content: bytes,
    filename: str,
    *,
    by: int | None,
    clock: Clock,
    attachments: Mapping[str, bytes] | None = None,
    confirm_policies: bool = False,
) -> Published:
    """Check an uploaded form and publish it. See `publish_checked`."""
    return publish_checked(
        project_id,
        check(content, filename),
        by=by,
        clock=clock,
        attachments=attachments,
        confirm_policies=confirm_policies,
    )


def publish_checked(
    project_id: int,
    form: Checked,
    *,
    by: int | None,
    clock: Clock,
    attachments: Mapping[str, bytes] | None = None,
    confirm_policies: bool = False,
    lists_are_declared: bool = False,
) -> Published:
    """Publish a form: its version, the files it expects, the lists it writes to.

    Shapes    `attachments`: file name -> bytes. A file named like a list is linked to it; one
              not given again is carried over from the version before.
    Returns   `unchanged` when the same bytes were published under this version before: then
              only files given anew are written.
    Errors    `VersionTaken` with `details.suggestion` when the version has other bytes;
              `BadForm` for what the project has against it, and for a form that names another
              policy than its list has, unless `confirm_policies`; `NotFound`; `AtTheCentre`.
    """
    at, files = instant(clock.now()), put_files(given_with(form, attachments))
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        lists = lists_to_alter(connection, project_id)
        publishing = _Publishing(connection, project_id, form, lists, by=by, at=at)
        if publishing.is_known(_today(clock)):
            done = publishing.give(files)
        else:
            declared = DeclaredLists() if lists_are_declared else None
            done = publishing.go(files, declared, confirm_policies=confirm_policies)
    if not done.unchanged:
        retry_kept(
            project_id,
            xml_form_id=done.xml_form_id,
            lists=bool(done.lists),
            by=by,
            clock=clock,
        )
    return done


def refuse(messages: Sequence[Message], **details: object) -> NoReturn:
    """Raise `BadForm`: its first error as the sentence, every message in `details.messages`."""
    first = next(one for one in messages if one.severity == "error")
    text = f"{first.cell}: {first.text}" if first.cell else first.text
    raise BadForm(text, messages=[asdict(one) for one in messages], **details)


def given_with(form: Checked, attachments: Mapping[str, bytes] | None) -> dict[str, bytes]:
    """The files that came with a form, its own choices among them.

    Errors    `BadForm` for a file that it does not expect.
    """
    given = dict(attachments or {})
    if form.itemsets is not None:
        given.setdefault(_ITEMSETS, form.itemsets)
    expected = [ref.name for ref in form.definition.media]
    unknown = sorted(given.keys() - set(expected))
    if unknown:
        listed = ", ".join(expected) or "none"
        texts = (f"The form does not expect a file '{n}'; it expects: {listed}." for n in unknown)
        refuse([Message("error", text) for text in texts])
    return given


def refuse_linked(name: str, list_name: str) -> NoReturn:
    """Refuse a file in the place of an entity list. Errors: `BadForm`."""
    text = (
        f"'{name}' is the entity list '{list_name}': import its rows into the list "
        "instead of attaching them."
    )
    refuse([Message("error", text)])


class _Publishing:
    """One form going into one project, inside its transaction."""

    def __init__(
        self,
        connection: Connection,
        project_id: int,
        form: Checked,
        lists: Mapping[str, ListInfo],
        *,
        by: int | None,
        at: str,
    ) -> None:
        self.connection = connection
        self.project_id = project_id
        self.form = form
        self.lists = lists
        self.by = by
        self.at = at
        self.form_id = form.definition.xml_form_id
        self.version = form.definition.version
        self.hash = hashlib.md5(form.xml, usedforsecurity=False).hexdigest()
        self.versions = store.list_versions(connection, project_id, self.form_id)

    def is_known(self, today: str) -> bool:
        """Whether this version is here with these bytes. Errors: `VersionTaken` for others."""
        known = next((row for row in self.versions if row.version == self.version), None)
        if known is None or known.hash == self.hash:
            return known is not None
        suggestion = _next_version(today, [row.version for row in self.versions])
        text = (
            f"Version '{self.version}' of '{self.form_id}' is published already with another "
            f"content: phones would not tell them apart. Give it a new version: {suggestion}."
        )
        message = self.form.sheets.at("error", text, ("settings", "", "version"))
        raise VersionTaken(text, suggestion=suggestion, messages=[asdict(message)])

    def give(self, files: Mapping[str, FormFile]) -> Published:
        """Publish nothing anew: only keep the files that came with it."""
        rows = store.list_form_attachments(
            self.connection, self.project_id, self.form_id, self.version
        )
        had = {row.name: row for row in rows}
        newer = {n: f for n, f in files.items() if had[n].sha256 != f.sha256}
        self._expect([row for row in self._expected(newer, had) if row["name"] in newer])
        keep_blobs(self.connection, self.project_id, newer.values(), at=self.at)
        missing = (n for n, r in had.items() if n not in newer and not (r.list_name or r.sha256))
        return self._done((), tuple(missing), unchanged=True)

    def go(
        self,
        files: Mapping[str, FormFile],
        declared: DeclaredLists | None,
        *,
        confirm_policies: bool,
    ) -> Published:
        """Write the version and everything it brings; the project's counter is taken last."""
        form = self.form
        new = declared or declared_by_form(
            self.connection,
            self.project_id,
            form.definition,
            form.sheets,
            self.lists,
            confirmed=confirm_policies,
        )
        if new.messages:
            refuse([*new.messages, *form.messages], policies=list(new.differences))
        store.insert_version(self.connection, self._row())
        keep_blobs(self.connection, self.project_id, files.values(), at=self.at)
        self.lists = {**self.lists, **new.lists}
        before = self.versions[0].version if self.versions else None
        had = {} if before is None else self._attached(before)
        rows = self._expected(files, had)
        self._expect(rows)
        made = tuple(name for name in new.lists if name not in new.old)
        details = {"xmlFormId": self.form_id, "version": self.version, "hash": self.hash}
        action = "form.update.publish" if self.versions else "form.create"
        add_audit(
            self.connection,
            action,
            at=self.at,
            by=self.by,
            project_id=self.project_id,
            details=details,
        )
        alter_lists(self.connection, self.project_id, new.old, new.lists, at=self.at)
        missing = tuple(r["name"] for r in rows if r["list_name"] is None and r["sha256"] is None)
        return self._done(made, missing)

    def _row(self) -> dict[str, Any]:
        return {
            "project_id": self.project_id,
            "xml_form_id": self.form_id,
            "version": self.version,
            "serial": max((row.serial for row in self.versions), default=0) + 1,
            "name": self.form.definition.title,
            "hash": self.hash,
            "xml": self.form.xml,
            "definition": self.form.definition.to_json(),
            "source_name": _storable(self.form.filename),
            "source": self.form.source,
            "published_at": self.at,
            "published_by": self.by,
        }

    def _attached(self, version: str) -> dict[str, Any]:
        rows = store.list_form_attachments(self.connection, self.project_id, self.form_id, version)
        return {row.name: row for row in rows}

    def _expected(
        self, files: Mapping[str, FormFile], had: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """A row for every file that the form expects, with what is there of it."""
        rows = []
        for ref in self.form.definition.media:
            row: dict[str, Any] = {
                "project_id": self.project_id,
                "xml_form_id": self.form_id,
                "version": self.version,
                "name": ref.name,
                "type": ref.type,
                "list_name": None,
            }
            stem = ref.name.removesuffix(".csv")
            if stem != ref.name and stem in self.lists:
                if ref.name in files:
                    refuse_linked(ref.name, stem)
                row |= {"list_name": stem, **present(None, self.at)}
            elif ref.name in files:
                row |= present(files[ref.name], self.at)
            else:
                row |= carried(had.get(ref.name))
            rows.append(row)
        return rows

    def _expect(self, rows: Sequence[dict[str, Any]]) -> None:
        store.save_form_attachments(self.connection, rows)

    def _done(
        self, made: tuple[str, ...], missing: tuple[str, ...], *, unchanged: bool = False
    ) -> Published:
        return Published(
            xml_form_id=self.form_id,
            version=self.version,
            hash=self.hash,
            messages=self.form.messages,
            unchanged=unchanged,
            lists=made,
            missing=missing,
        )


def _storable(filename: str) -> str:
    r"""A file's name as both databases can keep it: it is only shown.

    >>> _storable("ukur\x00\udcff.xlsx")
    'ukur?.xlsx'
    """
    return filename.replace("\x00", "").encode(errors="replace").decode()


def _today(clock: Clock) -> str:
    zone = ZoneInfo(context().settings.timezone)
    return clock.now().astimezone(zone).strftime("%Y%m%d")


def _next_version(today: str, known: Sequence[str]) -> str:
    """The next YYYYMMDDNN after all that were published.

    >>> _next_version("20261121", ["2026112101", "v3"]), _next_version("20261121", [])
    ('2026112102', '2026112101')
    """
    numbers = [int(v) + 1 for v in known if len(v) == len(today) + 2 and v.isdecimal()]
    return str(max([int(f"{today}01"), *numbers]))
