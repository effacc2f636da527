"""A zip that is written as it is sent: whatever is in it, little of it is in memory or on the disk
twice."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

_CHUNK = 1 << 18
_WHEN = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say: the same content is the same bytes
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a zip: `open` is asked for its bytes when its turn comes. `packed` pays for text
    and not for photos."""

    name: str
    size: int
    stream: IO[bytes]
    packed: bool = True


def zipped(members: Iterable[Member]) -> Iterator[bytes]:
    """The zip, piece by piece. Each stream is closed once it is read."""
    out = _Outbox()
    with zipfile.ZipFile(out, "w") as archive:
        for one in members:
            info = zipfile.ZipInfo(one.name, _WHEN)
            info.compress_type = zipfile.ZIP_DEFLATED if one.packed else zipfile.ZIP_STORED
            info.file_size = one.size  # so that it is known whether it needs a large header
            with one.stream, archive.open(info, "w") as member:
                while piece := one.stream.read(_CHUNK):
                    member.write(piece)
                    yield out.take()
            yield out.take()
    yield out.take()


class _Outbox:
    """What was written and not yet taken. It cannot seek, so that nothing written is altered."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """What was written is where it can be taken already."""

    def close(self) -> None:
        """Nothing is open."""

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken
