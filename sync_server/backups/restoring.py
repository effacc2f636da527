"""An install is made of a backup: whole, or nothing is there.

The attachments and the key come first, the rows last and at once: before them there is no
install, after them it is whole. A file `restoring` marks the home meanwhile, so that what
an ended try left behind is known for what it is.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import LargeBinary, Table, create_engine
from sqlalchemy.exc import DataError, IntegrityError

from sync_server.backups.archive import Archive, TableMember, Tell, as_bytes
from sync_server.blobs import Blobs
from sync_server.clock import Clock, instant, moment
from sync_server.db import write_transaction
from sync_server.errors import AlreadyThere, BadValue, StoreBusy
from sync_server.settings import Settings, make_home
from sync_server.stores import tables as store
from sync_server.stores.audits import add_audit

RAISED_BY = 1000  # merge.md: a record's offset rises by a multiple of it at each restore
_YEAR_MINUTES = 366 * 24 * 60
_MARK = "restoring"
_KEY = "secret.key"


@dataclass(frozen=True, slots=True)
class Raised:
    """What is other in a restored copy than in its backup: a new life of the same server.

    `offset` is added to every record's number, and to that which records are born with, so
    that none is served twice. `serial` is
    added to every list's schema serial, which its hash is made of: it comes from the epoch,
    so that no phone meets a hash that an earlier life gave to other rows.
    """

    epoch: str
    offset: int
    serial: int

    @classmethod
    def anew(cls, made_at: str, *, clock: Clock) -> Raised:
        """For each whole minute that the backup is old another thousand: it may be put back twice.

        For a year at most, as phones count to 2**31.
        """
        minutes = int((clock.now() - moment(made_at)).total_seconds() // 60)
        lives = 1 + min(max(0, minutes), _YEAR_MINUTES)
        epoch = clock.new_id()
        return cls(epoch, RAISED_BY * lives, 1 + UUID(epoch).int % (1 << 20))

    def row(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        """A row of the backup as it is put back."""
        if table == "nodes":
            raised = {**row, "epoch": self.epoch}
            if "first_offset" in row:  # else it is of before there was one, and made by `init`
                raised["first_offset"] += self.offset
            return raised
        if table == "records":
            return {**row, "version_offset": row["version_offset"] + self.offset}
        if table == "lists":
            return {**row, "schema_serial": row["schema_serial"] + self.serial}
        return row


def staged(settings: Settings) -> Settings:
    """The settings to fill the store under: a file of SQLite gets its name when it is whole."""
    file = settings.sqlite_file
    return (
        settings if file is None else replace(settings, database_url=f"sqlite:///{_beside(file)}")
    )


@contextmanager
def begun(settings: Settings) -> Iterator[None]:
    """Do within this all that a restore does: at its end there is an install, or nothing new.

    Errors    `AlreadyThere` naming what is in the way; `StoreBusy` while another restore runs.
    """
    made = not settings.home.exists()
    make_home(settings.home)
    with (settings.home / _MARK).open("a+b") as mark:
        _lock(mark, settings.home)
        again = mark.tell() > 0  # an earlier try came past this point, and not to its end
        try:
            _refuse_filled(settings, again=again)
        except BaseException:
            if not again:
                _forget(settings.home, made=made)
            raise
        mark.write(b"a restore is running, or was ended before its end\n")
        mark.flush()
        os.fsync(mark.fileno())
        _clear(settings, files=False)
        try:
            yield
            _rename(settings)
        except BaseException:
            # Where the rows are, everything is: what failed came after them.
            if not _filled_tables(settings):
                _clear(settings, files=not again)
                if not again:
                    _forget(settings.home, made=made)
            raise
        (settings.home / _MARK).unlink()
        _fsync(settings.home)


def is_unfinished(settings: Settings) -> bool:
    """Whether a restore is running here, or was ended before its end."""
    return (settings.home / _MARK).exists() and not _filled_tables(settings)


def put_files(archive: Archive, settings: Settings, blobs: Blobs, *, tell: Tell) -> None:
    """Put attachments and key in their places; nothing reads them before the rows are there.

    Errors    `BadValue` when `SIMPUL_SECRET_KEY` is another than the backup's.
    """
    key, path = archive.read_key(), settings.home / _KEY
    is_set = settings.secret_key not in ("", path.read_text().strip() if path.exists() else "")
    if is_set and settings.secret_key != key:
        raise BadValue(
            "SIMPUL_SECRET_KEY is set, and is another than the backup's: device tokens could not "
            "be shown any more. Leave it unset to take the backup's key"
        )
    names = archive.list_attachments()
    for done, sha256 in enumerate(names, start=1):
        with archive.attachment(sha256) as source:
            if blobs.put(source)[0] != sha256:
                raise BadValue("the backup reads otherwise than a moment ago: an attachment")
        tell("attachments", done, len(names))
    if not is_set:
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(key)
        _fsync(path)
    _fsync(settings.home)


def load(archive: Archive, *, clock: Clock, tell: Tell) -> Raised:
    """Put every row back in one transaction; the tables stand at the backup's revision, empty.

    Errors    `BadValue` for rows that this database cannot take.
    """
    raised = Raised.anew(archive.contents.made_at, clock=clock)
    members = {member.name: member for member in archive.contents.tables}
    with write_transaction() as connection:
        tables = store.list_tables(connection)
        if unknown := members.keys() - {table.name for table in tables}:
            raise BadValue(f"the backup has tables that are not known here: {sorted(unknown)}")
        for table in tables:
            if member := members.get(table.name):
                done = 0
                try:
                    for rows in _rows(archive, member, table, raised):
                        store.write_rows(connection, table, rows)
                        done += len(rows)
                        tell(f"{table.name}, rows", done, member.rows)
                except (DataError, IntegrityError) as exc:
                    reason = next(iter(str(exc.orig).splitlines()), "")
                    raise BadValue(f"{table.name} cannot be put back here: {reason}") from exc
        store.follow_ids(connection, tables)
    return raised


def note(archive: Archive, raised: Raised, *, clock: Clock) -> None:
    """Leave an audit row: from here on it is another life."""
    details = {"madeAt": archive.contents.made_at, "epoch": raised.epoch}
    with write_transaction() as connection:
        add_audit(connection, "backup.restore", at=instant(clock.now()), details=details)


def _rows(
    archive: Archive, member: TableMember, table: Table, raised: Raised
) -> Iterator[list[Mapping[str, Any]]]:
    binary = {c.name for c in table.columns if isinstance(c.type, LargeBinary)}
    for some in archive.read_table(member):
        yield [
            raised.row(
                table.name,
                {
                    name: as_bytes(value) if name in binary else value
                    for name, value in zip(member.columns, row, strict=True)
                },
            )
            for row in some
        ]


def _refuse_filled(settings: Settings, *, again: bool) -> None:
    """Errors: `AlreadyThere`, naming what is there. What an ended try left is not in the way."""
    there = _filled_tables(settings)
    if not again:
        if (settings.home / _KEY).exists():
            there.append("a secret key")
        blobs = settings.home / "blobs"
        if blobs.exists() and any(blobs.iterdir()):
            there.append("attachments")
    if there:
        raise AlreadyThere(
            f"{settings.home} and its database are in use: they hold {', '.join(there)}. A backup "
            "is put into an empty home: give it a SIMPUL_HOME (and SIMPUL_DATABASE_URL) of its "
            "own, or move what is here away first"
        )


def _filled_tables(settings: Settings) -> list[str]:
    file = settings.sqlite_file
    if file is not None and not file.exists():
        return [path.name for path in _companions(file) if path.exists()]
    engine = create_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            filled = store.list_filled(connection)
    finally:
        engine.dispose()
    return [f"rows in {len(filled)} tables"] if filled else []


def _lock(mark: BinaryIO, home: Path) -> None:
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        raise StoreBusy(f"another restore is running in {home}") from exc


def _rename(settings: Settings) -> None:
    """Give SQLite's file its name: from here on there is an install."""
    file = settings.sqlite_file
    if file is None:
        return
    for path in _companions(file):  # of a file without rows, if any
        path.unlink(missing_ok=True)
    new = _beside(file)
    _fsync(new)
    new.replace(file)
    _fsync(file.parent)


def _clear(settings: Settings, *, files: bool) -> None:
    """Remove what is no install: a file of SQLite half filled, and `files` put in place."""
    if (file := settings.sqlite_file) is not None:
        new = _beside(file)
        for path in (new, *_companions(new)):
            path.unlink(missing_ok=True)
    if files:
        (settings.home / _KEY).unlink(missing_ok=True)
        blobs = settings.home / "blobs"
        for path in sorted(blobs.glob("**/*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        with suppress(OSError):  # a volume of its own stays
            blobs.rmdir()


def _forget(home: Path, *, made: bool) -> None:
    (home / _MARK).unlink(missing_ok=True)
    if made:
        home.rmdir()


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.restoring")


def _companions(file: Path) -> tuple[Path, Path]:
    """SQLite's own files beside a database: what it had not written into it yet."""
    return file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
