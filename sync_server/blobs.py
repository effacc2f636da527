"""The blob folder: bytes under their SHA-256, on the disk before any row names them.

    part-<random>                              being put just now, or left by a process that died
    <2 digits>/<sha256>                        whole, the same for whoever sent it
    partial/<project>/<sender>/<sha256>        what came so far of one that is being sent
    partial/<project>/<sender>/<sha256>.length how long it is to be

A partial is its sender's own. Under its hash alone, whoever knows the hash could read off it how
much of a photo another village has sent, and send rubbish that spoils it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_CHUNK = 1 << 20
_PART = "part-"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """Content-addressed files. A name from outside is never part of a path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, stream: IO[bytes]) -> tuple[str, int]:
        """Keep what `stream` holds; (sha256, size in bytes). Durable when this returns.

        Errors    `OSError` when the disk is full or away; then nothing is kept.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with _held_part(self.folder) as (out, part):
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
            target = self.path(digest.hexdigest())
            target.parent.mkdir(mode=0o700, exist_ok=True)
            part.replace(target)
            _fsync_folder(target.parent)
            _fsync_folder(self.folder)
        return digest.hexdigest(), size

    def sweep(self) -> int:
        """Remove what processes that were killed had begun to put; how many there were.

        Whoever is putting one holds its lock, which ends with its process. Partials are no such
        thing: their senders go on with them.
        """
        swept = 0
        for part in self.folder.glob(f"{_PART}*"):
            with suppress(OSError), part.open("rb") as left:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(left, part):
                    part.unlink()
                    swept += 1
        return swept

    def adopt(self, partial: Partial) -> None:
        """Keep the bytes of a partial whose hash is right; a second name, and no second copy.

        The partial stays, so that what is cut before the store knows of it is not sent again.
        """
        target = self.path(partial.sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            os.link(partial.data, target)
        except FileExistsError:
            return
        except OSError:  # a file system that has no second names
            with partial.data.open("rb") as stream:
                self.put(stream)
            return
        _fsync_folder(target.parent)
        _fsync_folder(self.folder)

    def partial(self, project_id: int, sender: int, sha256: str) -> Partial:
        """What has come of a blob from one sender; ValueError for what is no hash."""
        self.path(sha256)
        return Partial(self.folder / "partial" / str(project_id) / str(sender), sha256)

    def path(self, sha256: str) -> Path:
        """Where the bytes of a hash are or would be; ValueError for what is no hash."""
        if not is_sha256(sha256):
            raise ValueError("not a SHA-256 in lower-case hexadecimal")
        return self.folder / sha256[:2] / sha256

    def size(self, sha256: str) -> int | None:
        """How many bytes a blob has; None when it is not here."""
        path = self.path(sha256)
        return path.stat().st_size if path.exists() else None

    def read(self, sha256: str) -> bytes:
        """The bytes; FileNotFoundError when they are not here."""
        return self.path(sha256).read_bytes()


class Partial:
    """A blob on its way, which any thread of any process may be adding to.

    The lock is held for one piece at a time and never while a sender is waited for: a phone that
    went out of reach leaves a connection that nobody closes, and must find its blob free when it
    is back. A piece is added where the sender says it belongs, or not at all.

    Errors    `OSError` of every method when the disk is full or away.
    """

    def __init__(self, folder: Path, sha256: str) -> None:
        self.sha256 = sha256
        self.data = folder / sha256
        self._length = folder / f"{sha256}.length"

    @property
    def size(self) -> int:
        """How many bytes are here."""
        try:
            return self.data.stat().st_size
        except FileNotFoundError:
            return 0

    def begin(self, length: int | None) -> int | None:
        """How long it is to be: as was said at first, or `length`; None when nobody has said.

        What is said holds from the first byte on.
        """
        if length is not None:
            self._length.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked(make=length is not None) as noted:
            known = noted.read() if noted is not None else b""
            if known and (self.size or length is None):
                return int(known)
            if noted is None or length is None:
                return None
            noted.truncate(0)
            noted.write(str(length).encode())
            noted.flush()
            os.fsync(noted.fileno())
            self.data.write_bytes(b"")
            _fsync_folder(self.data.parent)
            return length

    def append(self, piece: bytes, at: int) -> bool:
        """Add a piece behind the first `at` bytes; False when it does not belong there."""
        with self._locked() as noted:
            if noted is None or self.size != at or not self.data.exists():
                return False
            with self.data.open("r+b", buffering=0) as out:
                out.seek(at)
                rest = memoryview(piece)
                while rest:
                    rest = rest[out.write(rest) :]
        return True

    def sync(self) -> None:
        """Make durable what is here, if anything is."""
        try:
            handle = os.open(self.data, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextmanager
    def held(self, size: int) -> Iterator[bool]:
        """Keep everybody else from it; whether it is here still and has `size` bytes."""
        with self._locked() as noted:
            yield noted is not None and self.data.exists() and self.size == size

    def is_right(self) -> bool:
        """Whether its bytes have the hash that names it."""
        with self.data.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == self.sha256

    def remove(self) -> None:
        """Take it away; the caller holds it."""
        self.data.unlink(missing_ok=True)
        self._length.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, *, make: bool = False) -> Iterator[IO[bytes] | None]:
        """The file of its length, locked; None when there is none and none is to be made.

        `flock` and not `lockf`: that one does not keep two threads of one process apart. Who waits
        may be given the lock of a file that was removed meanwhile, and then looks again.
        """
        while True:
            try:
                noted = self._length.open("a+b" if make else "r+b")
            except FileNotFoundError:
                yield None
                return
            with noted:
                fcntl.flock(noted, fcntl.LOCK_EX)
                if _is_at(noted, self._length):
                    noted.seek(0)
                    yield noted
                    return


def is_sha256(text: str) -> bool:
    """Whether this is a SHA-256 in lower-case hexadecimal.

    >>> is_sha256("0" * 64), is_sha256("A" * 64), is_sha256("0" * 64 + chr(10))
    (True, False, False)
    """
    return _SHA256.fullmatch(text) is not None


@contextmanager
def _held_part(folder: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file of a name that is nobody's, locked; gone at the end when it is still there.

    One that was swept before it could be locked is made again.
    """
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=_PART)
        part = Path(name)
        with os.fdopen(handle, "wb") as out:
            fcntl.flock(out, fcntl.LOCK_EX)
            if _is_at(out, part):
                try:
                    yield out, part
                finally:
                    part.unlink(missing_ok=True)
                return


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
