"""A backup is taken while others write: of one moment, and whole or not there at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Table

from sync_server.backups.archive import SEAL_BYTES, Contents, TableMember, Tell, Writer, is_backup
from sync_server.blobs import Blobs
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction
from sync_server.errors import AlreadyThere, NotFound
from sync_server.stores import tables as store
from sync_server.stores.projects import find_node

# Who is logged in, and who mistyped a password: of no use in another life of this server.
LEFT_OUT = frozenset({"sessions", "login_failures"})
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class _Copied:
    """The attachments copied; `missing` are named by the store and not here, or not whole."""

    count: int = 0
    size: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What the store held at one moment."""

    node: str
    epoch: str
    database: str
    revision: str
    tables: tuple[TableMember, ...]
    blobs: frozenset[str]


def take(file: Path, *, secret_key: str, blobs: Blobs, clock: Clock, tell: Tell) -> Contents:
    """Write all that this install holds to `file`, readable by its owner alone.

    The tables are read in one transaction; the attachments after it, so that the bytes of
    every row are there: they are never altered, and on the disk before any row names them.

    Errors    `AlreadyThere` when `file` is something else than a backup, which would be lost;
              `NotFound` before `simpul init`; `OSError` when the disk is full.
    """
    _refuse_others(file)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w+b") as stream:
            writer, at = Writer(stream), instant(clock.now())
            snapshot = _add_tables(writer, tell)
            key_sha256 = writer.add_key(secret_key)
            copied = _add_blobs(writer, blobs, snapshot.blobs, tell)
            contents = Contents(
                program=version("simpul"),
                made_at=at,
                node=snapshot.node,
                epoch=snapshot.epoch,
                database=snapshot.database,
                revision=snapshot.revision,
                key_sha256=key_sha256,
                tables=snapshot.tables,
                attachments=copied.count,
                attachment_bytes=copied.size,
                missing=copied.missing,
            )
            _sealed(stream, writer.finish(contents))
        Path(name).replace(file)
        _fsync_folder(file.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return contents


def _refuse_others(file: Path) -> None:
    """An older backup of that name is replaced; a database given by mistake is not."""
    if file.exists():
        with file.open("rb") as stream:
            if not is_backup(stream):
                raise AlreadyThere(f"{file} is there already and is no backup: choose another name")


def _add_tables(writer: Writer, tell: Tell) -> _Snapshot:
    with read_transaction() as connection:
        node, revision = find_node(connection), store.find_revision(connection)
        if node is None or revision is None:
            raise NotFound("this server is not set up yet; run `simpul init`")
        tables = [t for t in store.list_tables(connection) if t.name not in LEFT_OUT]
        return _Snapshot(
            node=node.node,
            epoch=node.epoch,
            database=connection.dialect.name,
            revision=revision,
            tables=tuple(_add_table(writer, connection, table, tell) for table in tables),
            blobs=frozenset(store.list_blobs(connection)),
        )


def _add_table(writer: Writer, connection: Connection, table: Table, tell: Tell) -> TableMember:
    total = store.count_rows(connection, table)

    def rows() -> Iterator[Sequence[Any]]:
        done = 0
        for some in store.read_rows(connection, table):
            yield from some
            done += len(some)
            tell(f"{table.name}, rows", done, total)

    return writer.add_table(table.name, [column.name for column in table.columns], rows())


def _add_blobs(writer: Writer, blobs: Blobs, named: frozenset[str], tell: Tell) -> _Copied:
    """Copy every attachment that is here whole: more than are named, if some are named later."""
    copied, bad, found = _Copied(), [], _whole(blobs.folder)
    for done, sha256 in enumerate(sorted(found), start=1):
        try:
            with blobs.path(sha256).open("rb") as source:
                size = writer.add_attachment(sha256, source)
        except FileNotFoundError:
            size = None
        if size is None:
            bad.append(sha256)
        else:
            copied.count += 1
            copied.size += size
        tell("attachments", done, len(found))
    copied.missing = tuple(sorted({*bad, *(named - found)}))
    return copied


def _whole(folder: Path) -> set[str]:
    """The attachments that have come to their end; parts of others are sent again."""
    paths = folder.glob("??/*")
    return {path.name for path in paths if _SHA256.fullmatch(path.name) and path.is_file()}


def _sealed(stream: BinaryIO, seal: bytes) -> None:
    """Put the seal in its place and see everything onto the disk."""
    stream.seek(-SEAL_BYTES, os.SEEK_END)
    stream.write(seal)
    stream.flush()
    os.fsync(stream.fileno())


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
