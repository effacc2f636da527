"""The file of a backup: a zip archive that tells by its last bytes whether it is whole.

simpul-backup             what this is, in words
tables/<name>.jsonl       a table: a row a line, values in the order of its columns; bytes as base64
secret.key                what device tokens are sealed with
attachments/<sha256>      as they came
contents.json             what is in here, with the SHA-256 of each of the above
comment of the archive    the SHA-256 of all before it
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from sync_server.errors import BadValue

FORMAT = 1
_FRONT = "simpul-backup"
_CONTENTS = "contents.json"
_KEY = "secret.key"
_ATTACHMENTS = "attachments/"
_CHUNK = 1 << 20
_LINES_AT_ONCE = 500
_BYTES_AT_ONCE = 8 << 20
_FRONT_TEXT = (
    "A backup of Simpul, to be put back with `simpul restore`.\n"
    "It holds children's data, and the key of every phone's token: guard it.\n"
)
_SEAL = b"simpul backup, sha256 "
_OPEN_SEAL = _SEAL + b"0" * 64  # what the comment is while its digest is taken
_NAME_AT = 30  # where a zip file has the name of its first member

Tell = Callable[[str, int, int], None]
"""Hears how far something has come: what, how much, of how much."""


@dataclass(frozen=True, slots=True)
class TableMember:
    """One table in a backup; `sha256` is of its lines."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a backup says it holds. `revision` is that of the migrations its tables stood at.

    `missing` are attachments that the store named and the folder had not, or not whole.
    """

    program: str
    made_at: str
    node: str
    epoch: str
    database: str
    revision: str
    key_sha256: str
    tables: tuple[TableMember, ...]
    attachments: int
    attachment_bytes: int
    missing: tuple[str, ...]

    @property
    def rows(self) -> dict[str, int]:
        return {table.name: table.rows for table in self.tables}


class Writer:
    """Writes a backup into a stream, from its beginning to its end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = _Hashed(stream)
        self._zip = zipfile.ZipFile(self._stream, "w")
        self._add(_FRONT, [_FRONT_TEXT.encode()])

    def add_table(
        self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> TableMember:
        """Add one table; what `rows` holds is read as it is written."""
        digest, count = hashlib.sha256(), 0

        def lines() -> Iterator[bytes]:
            nonlocal count
            for row in rows:
                line = _ENCODER.encode(list(row)).encode() + b"\n"
                digest.update(line)
                count += 1
                yield line

        self._add(f"tables/{name}.jsonl", lines(), packed=True)
        return TableMember(name, tuple(columns), count, digest.hexdigest())

    def add_key(self, key: str) -> str:
        """Add the secret key; its SHA-256."""
        self._add(_KEY, [key.encode()])
        return hashlib.sha256(key.encode()).hexdigest()

    def add_attachment(self, sha256: str, source: BinaryIO) -> int | None:
        """Add the bytes of an attachment; their number, or None when they are not its bytes."""
        digest, size = hashlib.sha256(), 0

        def chunks() -> Iterator[bytes]:
            nonlocal size
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        self._add(_ATTACHMENTS + sha256, chunks())
        return size if digest.hexdigest() == sha256 else None

    def finish(self, contents: Contents) -> bytes:
        """End the archive; the seal, to be written after it once all of it is."""
        facts = {name: getattr(contents, name) for name in contents.__slots__}
        facts["tables"] = [
            {name: getattr(table, name) for name in table.__slots__} for table in contents.tables
        ]
        self._add(_CONTENTS, [json.dumps({"format": FORMAT, **facts}, indent=1).encode()])
        self._zip.comment = _OPEN_SEAL
        self._zip.close()
        return _seal(self._stream.digest)

    def _add(self, name: str, chunks: Iterable[bytes], *, packed: bool = False) -> None:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        with self._zip.open(info, "w", force_zip64=True) as member:
            for chunk in chunks:
                member.write(chunk)


class Archive:
    """A backup that was found whole, open for reading."""

    def __init__(self, opened: zipfile.ZipFile, contents: Contents) -> None:
        self._zip = opened
        self.contents = contents

    def read_table(self, table: TableMember) -> Iterator[list[list[Any]]]:
        """The rows of a table, some at a time; bytes still in base64.

        Errors    `BadValue` at the end when they are not what was written.
        """
        digest, count = hashlib.sha256(), 0
        with self._zip.open(f"tables/{table.name}.jsonl") as member:
            for lines in _some(member):
                for line in lines:
                    digest.update(line)
                count += len(lines)
                yield [json.loads(line) for line in lines]
        if (digest.hexdigest(), count) != (table.sha256, table.rows):
            raise BadValue(f"the backup reads otherwise than a moment ago: table {table.name}")

    def read_key(self) -> str:
        key = self._zip.read(_KEY)
        if hashlib.sha256(key).hexdigest() != self.contents.key_sha256:
            raise BadValue("the backup reads otherwise than a moment ago: its key")
        return key.decode()

    @contextmanager
    def attachment(self, sha256: str) -> Iterator[BinaryIO]:
        with self._zip.open(_ATTACHMENTS + sha256) as member:
            yield member  # type: ignore[misc]  # it reads bytes, which is all that is asked of it

    def list_attachments(self) -> list[str]:
        """The attachments whose bytes are here, by their SHA-256."""
        names = (name.removeprefix(_ATTACHMENTS) for name in self._zip.namelist())
        there = {name for name in names if len(name) == 64}
        return sorted(there - set(self.contents.missing))


@contextmanager
def opened(stream: BinaryIO, name: str, *, tell: Tell) -> Iterator[Archive]:
    """A backup to read from, once every byte of it was looked at.

    Errors    `BadValue`: it is none, not whole, altered, or of a newer Simpul.
    """
    _check_seal(stream, name, tell)
    try:
        with zipfile.ZipFile(stream) as archive:
            facts = json.loads(archive.read(_CONTENTS))
            if facts.pop("format") > FORMAT:
                raise BadValue(f"{name} was made by a newer Simpul than this: upgrade this one")
            yield Archive(archive, _contents(facts))
    except (zipfile.BadZipFile, zlib.error, EOFError) as exc:
        raise BadValue(f"{name} cannot be read: {exc}") from exc


def _check_seal(stream: BinaryIO, name: str, tell: Tell) -> None:
    end = stream.seek(0, 2)
    stream.seek(_NAME_AT)
    if stream.read(len(_FRONT)) != _FRONT.encode():
        raise BadValue(f"{name} is no backup of Simpul")
    digest, left = hashlib.sha256(), max(0, end - len(_OPEN_SEAL))
    stream.seek(0)
    while left and (chunk := stream.read(min(_CHUNK, left))):
        digest.update(chunk)
        left -= len(chunk)
        tell("checking the backup, bytes", end - left, end)
    digest.update(_OPEN_SEAL)
    if stream.read() != _seal(digest):
        raise BadValue(f"{name} is not whole, or was altered since it was made: use another copy")


def is_backup(stream: BinaryIO) -> bool:
    """Whether a file begins as a backup does."""
    stream.seek(_NAME_AT)
    return stream.read(len(_FRONT)) == _FRONT.encode()


def as_bytes(value: str | None) -> bytes | None:
    """The bytes that a backup has as text."""
    return None if value is None else base64.b64decode(value)


def _seal(digest: hashlib._Hash) -> bytes:
    return _SEAL + digest.hexdigest().encode()


SEAL_BYTES = len(_OPEN_SEAL)


def _contents(facts: Mapping[str, Any]) -> Contents:
    tables = tuple(
        TableMember(one["name"], tuple(one["columns"]), one["rows"], one["sha256"])
        for one in facts["tables"]
    )
    return Contents(**{**facts, "tables": tables, "missing": tuple(facts["missing"])})


def _some(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines in groups that are neither too many nor too large."""
    group: list[bytes] = []
    size = 0
    for line in lines:
        group.append(line)
        size += len(line)
        if len(group) >= _LINES_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield group
            group, size = [], 0
    if group:
        yield group


def _plain(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    raise TypeError(f"a column of {type(value).__name__}")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)


class _Hashed:
    """A stream that is only ever written on, with the digest of what went through."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()
