"""Bytes that come by themselves, in as many requests as the link needs: blobs of attachments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync_server.blobs import Blobs, Partial
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import (
    BadRequest,
    BadValue,
    BlobDiffers,
    BlobMoved,
    MissingParameter,
    NotAllowed,
    StoreBusy,
    TooLarge,
)
from sync_server.intake.arrival import Author
from sync_server.reports.blobs import readable_blobs
from sync_server.stores.blobs import deliver_blob, find_sent, keep_blobs, lock_blobs

_PIECE = 1 << 14  # on a bad link this much waits in memory, and is lost with the connection


@dataclass(frozen=True, slots=True)
class Progress:
    """How many bytes of a blob are here, and whether that is all and its hash is right."""

    offset: int
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """What one request brings: where it belongs, and the length of the whole and of itself.

    `length` is None when it was said before; `size` is None when it is not known. `read(n)`
    gives at most n bytes, and none at the end or when the link is cut.
    """

    offset: int
    length: int | None
    size: int | None
    read: Callable[[int], bytes]


def progress(project_id: int, sha256: str, *, sender: Author, blobs: Blobs) -> Progress:
    """What is here of a blob, as far as the sender may know: what it sent, or may read.

    A blob that another has sent is not here for who has not got it: "yes" to a hash would
    tell of another village's photo.
    """
    whole = blobs.size(sha256)
    if whole is not None and _known_to(sender, project_id, [sha256]):
        return Progress(whole, complete=True)
    return Progress(blobs.partial(project_id, _id(sender), sha256).size)


def lacking(project_id: int, hashes: Sequence[str], *, sender: Author, blobs: Blobs) -> list[str]:
    """Those of many blobs of which `progress` would say that they are not all here."""
    known = _known_to(sender, project_id, hashes)
    return [one for one in hashes if one not in known or blobs.size(one) is None]


def _known_to(sender: Author, project_id: int, hashes: Sequence[str]) -> set[str]:
    with read_transaction() as connection:
        sent = find_sent(connection, project_id, hashes, _id(sender))
        return sent | readable_blobs(connection, project_id, sender, hashes)


def _id(sender: Author) -> int:
    if sender.actor_id is None:
        raise NotAllowed("blobs are sent by devices and people")
    return sender.actor_id


def append(
    project_id: int,
    sha256: str,
    piece: Piece,
    *,
    sender: Author,
    most: int,
    blobs: Blobs,
    clock: Clock,
) -> Progress:
    """Add a piece; when it was the last, the blob is here for the submissions that name it.

    Whatever came of a piece that was cut is kept, and durable when this returns.

    Errors    `BlobMoved` when it does not belong where it says; `BlobDiffers` when the whole
              has another hash, and then nothing of it is kept; `MissingParameter`, `BadValue`,
              `BadRequest` for lengths that do not fit; `TooLarge`; `StoreBusy`, also for a
              full disk.
    """
    here = progress(project_id, sha256, sender=sender, blobs=blobs)
    if piece.offset != here.offset:
        raise _moved(here)
    if here.complete:
        _refuse_more(piece, here.offset)
        return here
    if piece.length is not None and piece.length > most:
        raise TooLarge("the blob is larger than is taken", limit="maxBodyBytes", most=most)
    partial = blobs.partial(project_id, _id(sender), sha256)
    try:
        length = _length(partial, piece)
        at = None if length is None else _write(partial, piece, length)
        if at is not None and length is not None:
            if at < length:
                return Progress(at)
            if _finish(project_id, partial, length, _id(sender), blobs, clock):
                return Progress(length, complete=True)
    except OSError as exc:
        raise StoreBusy("the blob could not be stored just now") from exc
    here = progress(project_id, sha256, sender=sender, blobs=blobs)
    if here.complete:  # another request brought the same end
        return here
    raise _moved(here)


def _moved(here: Progress) -> BlobMoved:
    return BlobMoved("the next byte is another one", offset=here.offset, complete=here.complete)


def _length(partial: Partial, piece: Piece) -> int | None:
    """How long the whole is to be; None when the beginning has gone since it was looked at."""
    length = partial.begin(None if piece.offset else piece.length)
    if length is None and not piece.offset:
        raise MissingParameter("the first piece says Upload-Length", field="Upload-Length")
    if length is not None and piece.length not in (None, length):
        raise BadValue(
            f"this blob was to be {length} bytes long", field="Upload-Length", value=piece.length
        )
    return length


def _refuse_more(piece: Piece, room: int) -> None:
    """Refuse what has more bytes than the whole has room for."""
    more = piece.size > room - piece.offset if piece.size is not None else bool(piece.read(1))
    if more:
        raise BadRequest("there are more bytes than Upload-Length says", field="Upload-Length")


def _write(partial: Partial, piece: Piece, length: int) -> int | None:
    """Add the bytes as they come; how many are here then, or None when others came between."""
    if piece.size is not None:
        _refuse_more(piece, length)
    at, left = piece.offset, length - piece.offset
    try:
        while left and (came := piece.read(min(_PIECE, left))):
            if not partial.append(came, at):
                return None
            at, left = at + len(came), left - len(came)
    finally:
        partial.sync()
    if not left and piece.size is None:
        _refuse_more(Piece(at, None, None, piece.read), length)
    return at


def _finish(
    project_id: int, partial: Partial, length: int, sender: int, blobs: Blobs, clock: Clock
) -> bool:
    """Make a blob of a partial that is all here; False when another request did, or began anew."""
    with partial.held(length) as here:
        if not here:
            return False
        if not partial.is_right():
            partial.remove()
            raise BlobDiffers("the bytes have another hash; send them all again", offset=0)
        blobs.adopt(partial)
        at = instant(clock.now())
        with write_transaction() as connection:
            lock_blobs(connection, project_id, [partial.sha256])
            keep_blobs(connection, project_id, {partial.sha256: length}, at=at, sender=sender)
            deliver_blob(connection, project_id, partial.sha256, sender=sender, at=at)
        partial.remove()
        return True
