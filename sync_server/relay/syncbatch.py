"""A batch as a file, for a USB stick or a chat message: a gzip of JSON, a line a thing.

{"simpul": "syncbatch", "protocol": 1, "project", "node", "epoch", "since"}    the header
{"kind": "submission" | "change" | …}         an item, as the feed of changes gives it
{"blob": "<sha256>", "size": n}               an attachment; behind it its bytes, in pieces:
{"bytes": "<base64>"}
{"cursor": "…"}                               where the next file goes on
{"items": n, "blobs": n, "sha256": "…"}       the trailer: of every byte of the file before it

The trailer is a member of its own in the gzip, stored and of a fixed length, so that the file can
be checked as it is. A digest of the text alone would not notice a bit that unpacks to nothing.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from schemas.batches import PROTOCOL
from sync_server.errors import BadValue

_CHUNK = 1 << 20
_PIECE = 48 << 10  # bytes of an attachment in one line
_LONGEST_HEADER = 1 << 16
_LONGEST_LINE = 1 << 28
_MAGIC = b"\x1f\x8b"
_FRONT = _MAGIC + b"\x08\x00" + b"\x00" * 5 + b"\xff"  # no name, no time, no system
_TRAILER_LINE = 160
_TRAILER = len(_FRONT) + 5 + _TRAILER_LINE + 8
_KIND = "syncbatch"


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item, and its bytes as they are in the file."""

    raw: bytes
    plain: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BlobPart:
    """An attachment; `content` is to be read before the next part of the file is."""

    sha256: str
    size: int
    content: Stream


@dataclass(frozen=True, slots=True)
class Seal:
    """What the trailer says: how much the file holds, and the digest of all before it."""

    items: int
    blobs: int
    sha256: str


class Writer:
    """Writes a file from its beginning to its end, in bounded memory."""

    def __init__(self, stream: BinaryIO, header: Mapping[str, Any]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._packer = zlib.compressobj(wbits=31)
        self.items = self.blobs = 0
        self._line({"simpul": _KIND, "protocol": PROTOCOL, **header})

    def add_item(self, item: Mapping[str, Any]) -> None:
        self._line(item)
        self.items += 1

    def add_blob(self, sha256: str, size: int, source: BinaryIO) -> None:
        """Add the bytes of an attachment. Errors: `BadValue` when they are not its bytes."""
        digest = hashlib.sha256()
        self._line({"blob": sha256, "size": size})
        while piece := source.read(_PIECE):
            digest.update(piece)
            self._line({"bytes": base64.b64encode(piece).decode("ascii")})
        if digest.hexdigest() != sha256:
            raise BadValue(f"an attachment here is damaged: {sha256}")
        self.blobs += 1

    def finish(self, cursor: str) -> None:
        self._line({"cursor": cursor})
        self._out(self._packer.flush())
        self._stream.write(_trailer(Seal(self.items, self.blobs, self._digest.hexdigest())))

    def _line(self, plain: Mapping[str, Any]) -> None:
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        self._out(self._packer.compress(text.encode("utf-8", "backslashreplace") + b"\n"))

    def _out(self, data: bytes) -> None:
        self._digest.update(data)
        self._stream.write(data)


class Reader:
    """Reads a file whose seal was found whole; `cursor` is known when all parts have been read.

    Errors    `BadValue` of every method for what is not of the shape above.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        stream.seek(0)
        self._gzip = gzip.GzipFile(fileobj=stream, mode="rb")
        self._name = name
        self._ahead: tuple[bytes, dict[str, Any]] | None = None
        self.cursor = ""
        _, self.header = self._next(_LONGEST_HEADER)
        if self.header.get("simpul") != _KIND:
            raise BadValue(f"{name} is no batch of Simpul")

    def parts(self) -> Iterator[ItemLine | BlobPart]:
        """The items and attachments, in their order."""
        while True:
            raw, plain = self._next()
            if "kind" in plain:
                yield ItemLine(raw, plain)
            elif "blob" in plain:
                stream, size = Stream(self._pieces()), plain.get("size")
                if not isinstance(size, int):
                    raise self._bad()
                yield BlobPart(str(plain["blob"]), size, stream)
                stream.drain()
            elif "cursor" in plain:
                self.cursor = str(plain["cursor"])
                return
            else:
                raise self._bad()

    def _pieces(self) -> Iterator[bytes]:
        while True:
            raw, plain = self._next()
            if "bytes" not in plain:
                self._ahead = raw, plain
                return
            try:
                yield base64.b64decode(plain["bytes"], validate=True)
            except (TypeError, ValueError) as exc:
                raise self._bad() from exc

    def _next(self, most: int = _LONGEST_LINE) -> tuple[bytes, dict[str, Any]]:
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return ahead
        try:
            raw = self._gzip.readline(most)
            plain = json.loads(raw)
        except (OSError, EOFError, zlib.error, ValueError, RecursionError) as exc:
            raise self._bad() from exc
        if not isinstance(plain, dict):
            raise self._bad()
        return raw, plain

    def _bad(self) -> BadValue:
        return BadValue(f"{self._name} cannot be read as a batch of Simpul")


class Stream:
    """The bytes of an attachment, as a file that is read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int = -1) -> bytes:
        """The next piece, whatever its size; nothing at the end."""
        for piece in self._pieces:
            if piece:
                return piece
        return b""

    def drain(self) -> None:
        while self.read():
            pass


def checked(stream: BinaryIO, name: str) -> Seal:
    """The seal of a file, once every byte of it was looked at.

    Errors    `BadValue`: it is none, not whole, altered, or of a newer Simpul.
    """
    stream.seek(0)
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise BadValue(f"{name} is no batch of Simpul")
    refuse_newer(stream, name)
    left = max(0, stream.seek(0, 2) - _TRAILER)
    digest = hashlib.sha256()
    stream.seek(0)
    while left and (chunk := stream.read(min(_CHUNK, left))):
        digest.update(chunk)
        left -= len(chunk)
    trailer = stream.read()
    seal = _seal(trailer, digest.hexdigest())
    if seal is None or _trailer(seal) != trailer:
        raise BadValue(f"{name} is not whole, or was altered since it was made: use another copy")
    return seal


def refuse_newer(stream: BinaryIO, name: str) -> None:
    """Say so when a file is of a protocol that is not known here, whatever else is in it."""
    try:
        protocol = Reader(stream, name).header.get("protocol")
    except BadValue:
        return  # it has no header to be believed: the seal tells
    if isinstance(protocol, int) and protocol > PROTOCOL:
        raise BadValue(f"{name} was made by a newer Simpul than this: upgrade this one")


def is_syncbatch(stream: BinaryIO) -> bool:
    """Whether a file begins as a batch does."""
    try:
        return bool(Reader(stream, "").header)
    except BadValue:
        return False


def _seal(trailer: bytes, sha256: str) -> Seal | None:
    """What a trailer says, with the digest it should have."""
    try:
        plain = json.loads(trailer[len(_FRONT) + 5 : -8])
        return Seal(int(plain["items"]), int(plain["blobs"]), sha256)
    except (ValueError, TypeError, KeyError):
        return None


def _trailer(seal: Seal) -> bytes:
    """The last member: its line as it is, with no bit that is free to be another."""
    told = {"items": seal.items, "blobs": seal.blobs, "sha256": seal.sha256}
    line = json.dumps(told).encode().ljust(_TRAILER_LINE - 1) + b"\n"
    length = len(line)
    stored = b"\x01" + struct.pack("<HH", length, length ^ 0xFFFF) + line
    return _FRONT + stored + struct.pack("<II", zlib.crc32(line), length)
