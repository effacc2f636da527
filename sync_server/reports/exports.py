"""The submissions of a form as tables: one for the form, one for each repeat, and their files.

The layout is ODK Central's; docs/central-compatibility.md says what differs. The tables are
written to files that are nobody's before a byte is sent: what is sent is whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from typing import IO

from sqlalchemy import Connection

from odk_forms.cells import line
from odk_forms.tables import ROOT, file_names, plain_name
from sync_server.blobs import Blobs
from sync_server.db import read_transaction
from sync_server.reports.entries import Entry, Options, Reading, version_hashes
from sync_server.reports.phone_audits import AUDIT, HEADER, can_be_read, rows_of
from sync_server.reports.zips import Member, zipped
from sync_server.stores.exports import sum_up

_LAYOUT = 2
"""Raised when the same submissions are written otherwise: what was fetched before is stale then."""

_FOLDER = "folder"

ROOT_ALONE, TABLES, WITH_FILES = "csv", "csv.zip", "zip"
"""The kinds of exports, by the endings that Central gives their names."""

NewFile = Callable[[], IO[bytes]]
"""Makes a file that is nobody's: to be written, then read, and gone once it is closed."""


def tag_of(project_id: int, xml_form_id: str, kind: str, options: Options) -> str:
    """What alters whenever the export would, found without reading a submission's XML.

    Errors    `NotFound` for a form that is not here.
    """
    with read_transaction() as connection:
        return _tag(connection, project_id, xml_form_id, kind, options)


def write_root(project_id: int, xml_form_id: str, options: Options, out: IO[bytes]) -> str:
    """Write the form's own table, without its repeats; its tag. Errors: as `bundle`."""
    with read_transaction() as connection:
        reading = Reading(connection, project_id, xml_form_id, options)
        out.write(line(reading.header, safe=options.safe))
        for entry in reading.entries():
            for number, row in reading.rows(entry):
                if number == ROOT:
                    out.write(line(row, safe=options.safe))
        return _tag(connection, project_id, xml_form_id, ROOT_ALONE, options)


def bundle(
    project_id: int,
    xml_form_id: str,
    options: Options,
    *,
    attachments: bool,
    blobs: Blobs,
    new_file: NewFile,
) -> Bundle:
    """Every table of a form, and with `attachments` the files of what is in them.

    Errors    `NotFound` for a form that is not here; `BadRequest` when choices would be more
              columns than a table can have.
    """
    made = Bundle(blobs, new_file)
    try:
        with read_transaction() as connection:
            reading = Reading(connection, project_id, xml_form_id, options)
            _write(made, reading, xml_form_id, attachments=attachments)
            kind = WITH_FILES if attachments else TABLES
            made.tag = _tag(connection, project_id, xml_form_id, kind, options)
    except BaseException:
        made.close()
        raise
    return made


@dataclass(slots=True)
class Bundle:
    """Tables that are written, by name, and the list of the files that go with them."""

    blobs: Blobs
    new_file: NewFile
    tables: dict[str, IO[bytes]] = field(default_factory=dict)
    media: IO[bytes] | None = None
    tag: str = ""
    _names: dict[str, str] = field(default_factory=dict)

    def table(self, name: str) -> IO[bytes]:
        """A new table."""
        self.tables[name] = self.new_file()
        return self.tables[name]

    def add_file(self, name: str, key: str, sha256: str) -> None:
        """A file of the submission `key`. Of several of one name those that came later in the
        table are in a folder of their submission, but for the same bytes once more. No file is
        called as a folder, whatever the case: it could not be unpacked beside it."""
        plain, folder = plain_name(name), plain_name(key.removeprefix("uuid:"))
        number, place = 1, plain
        while (there := self._taken_by(place.casefold())) is not None:
            if there == sha256:
                return
            place = f"{folder}/{plain}" if number == 1 else f"{folder}-{number}/{plain}"
            number += 1
        self._names[place.rpartition("/")[0].casefold()] = _FOLDER
        self._names[place.casefold()] = sha256
        if self.media is None:
            self.media = self.new_file()
        self.media.write(json.dumps([place, sha256]).encode() + b"\n")

    def pieces(self) -> Iterator[bytes]:
        """The zip, piece by piece. The files are read where they are kept, and copied nowhere."""
        yield from zipped(self._members())

    def close(self) -> None:
        for file in self.tables.values():
            file.close()
        if self.media is not None:
            self.media.close()

    def _taken_by(self, place: str) -> str | None:
        """The hash of what stands in the way of a file there, `_FOLDER` for what is another
        thing than a file of its name; None where it is free."""
        folder = self._names.get(place.rpartition("/")[0], _FOLDER)
        return _FOLDER if folder != _FOLDER else self._names.get(place)

    def _members(self) -> Iterator[Member]:
        for name, file in self.tables.items():
            size = file.tell()
            file.seek(0)
            yield Member(name, size, file)
        if self.media is None:
            return
        self.media.seek(0)
        for told in self.media:
            place, sha256 = json.loads(told)
            path = self.blobs.path(sha256)
            yield Member(f"media/{place}", path.stat().st_size, path.open("rb"), packed=False)


def _tag(
    connection: Connection, project_id: int, xml_form_id: str, kind: str, options: Options
) -> str:
    versions = version_hashes(connection, project_id, xml_form_id)
    came = sum_up(connection, project_id, xml_form_id)
    known = json.dumps([_LAYOUT, kind, astuple(options), list(versions.items()), came])
    return hashlib.sha256(known.encode()).hexdigest()[:32]


def _write(made: Bundle, reading: Reading, xml_form_id: str, *, attachments: bool) -> None:
    safe, layout = reading.options.safe, reading.layout
    files = [made.table(name) for name in file_names(xml_form_id, layout)]
    for number, table in enumerate(layout.tables):
        header = reading.header if number == ROOT else table.header
        files[number].write(line(header, safe=safe))
    audits = f"{plain_name(xml_form_id)} - audit.csv"
    for entry in reading.entries():
        for number, row in reading.rows(entry):
            files[number].write(line(row, safe=safe))
        if attachments and entry.readable is not None:
            _write_files(made, entry, audits, safe=safe)


def _write_files(made: Bundle, entry: Entry, audits: str, *, safe: bool) -> None:
    """What the XML names and is here: audit logs into one table, the others into the list."""
    key = entry.family.first
    for one in entry.files:
        if not one.referenced or one.sha256 is None:
            continue
        path = made.blobs.path(one.sha256)
        if not path.exists():
            continue
        if one.name != AUDIT or not can_be_read(path):
            made.add_file(one.name, key, one.sha256)
            continue
        out = made.tables.get(audits)
        if out is None:
            out = made.table(audits)
            out.write(line(HEADER, safe=safe))
        for row in rows_of(path, key):
            out.write(line(row, safe=safe))
