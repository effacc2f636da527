"""Batches as files: all this server took in, or what came since the last file, and back in."""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from conflict.areas import UNBOUND
from schemas.batches import PROTOCOL
from sync_server.blobs import Blobs, is_sha256
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import AlreadyThere, BadValue
from sync_server.intake.arrival import Author, Project
from sync_server.intake.batches import Pushed, push
from sync_server.relay import cursors
from sync_server.relay.pull import pull_page
from sync_server.relay.syncbatch import (
    BlobPart,
    ItemLine,
    Reader,
    Writer,
    checked,
    is_syncbatch,
)
from sync_server.stores.blobs import (
    deliver_blob,
    find_blobs,
    keep_blobs,
    list_blobs_since,
    lock_blobs,
)

_PAGE = 200
_MOST_ITEMS = 500
_MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Exported:
    """What a file was given. `missing` attachments were named and have not come here yet."""

    items: int
    blobs: int
    missing: int
    cursor: str


@dataclass(slots=True)
class Imported:
    """What a file brought; `statuses` counts what became of its items, once it is in."""

    items: int = 0
    blobs: int = 0
    cursor: str = ""
    statuses: Counter[str] = field(default_factory=Counter)


def export_batch(
    project: Project,
    file: Path,
    *,
    since: str | None,
    epoch: str,
    secret_key: str,
    blobs: Blobs,
) -> Exported:
    """Write a file of all that came in, or of what came `since` the cursor of an earlier one.

    Readable by its owner alone; it is whole when it is there under its name.

    Errors    `CursorGone`; `AlreadyThere` when `file` is something else, which would be lost;
              `OSError` when the disk is full.
    """
    cursor = cursors.read(since, secret_key) if since else None
    after = cursor.seq if cursor is not None else None
    header = {"project": project.uuid, "node": project.node, "epoch": epoch, "since": since}
    with _written_whole(file) as stream:
        writer = Writer(stream, header)
        named: dict[bytes, None] = {}  # as bytes: a district has a million of them
        more = True
        while more:
            page = pull_page(
                project,
                epoch=epoch,
                area=UNBOUND,
                device=False,
                mode=cursors.CHANGES,
                lists=None,
                cursor=cursor,
                limit=_PAGE,
            )
            for item in page.changes:
                writer.add_item(item)
                named.update(dict.fromkeys(_attachments(item)))
            cursor, more = page.cursor, page.more
        if after is not None:  # bytes that came after the file that had their item
            with read_transaction() as connection:
                late = list_blobs_since(connection, project.id, after)
            named.update(dict.fromkeys(map(bytes.fromhex, late)))
        missing = _add_blobs(writer, project, named, blobs)
        text = cursors.sign(cast("cursors.Cursor", cursor), secret_key)
        writer.finish(text)
    return Exported(writer.items, writer.blobs, missing, text)


def import_batch(
    project: Project,
    file: Path,
    *,
    by: int,
    epoch: str,
    blobs: Blobs,
    clock: Clock,
) -> Imported:
    """Take a file in, as sent by `by`, once all of it was found whole and of this project.

    Its batches have ids that follow from the file: imported again, or from where it was
    interrupted, it changes nothing that is there.

    Errors    `BadValue`, and then nothing of it is stored; `StoreBusy`; `OSError` when the disk
              is full or the file cannot be read.
    """
    with file.open("rb") as stream:
        seal = checked(stream, file.name)
        _check_all(stream, file.name, project, seal.items, seal.blobs)
        reader, done = Reader(stream, file.name), Imported()
        author = Author(by, may_decide=True, manages=True, relays=True)
        for part in _grouped(reader.parts()):
            if isinstance(part, BlobPart):
                _take_blob(project, part, by, blobs, clock)
                done.blobs += 1
                continue
            batch_id = uuid.uuid5(
                uuid.UUID(project.uuid), f"{seal.sha256}\n{done.items}\n{len(part)}"
            )
            raw = b"".join(line.raw for line in part)
            pushed = Pushed(str(batch_id), raw, [line.plain for line in part])
            answer = push(project, pushed, author=author, epoch=epoch, clock=clock)
            done.items += len(part)
            done.statuses.update(_told(answer))
        done.cursor = reader.cursor
    return done


def _told(answer: Mapping[str, Any]) -> Iterator[str]:
    """What became of each item; one that was answered before is known already."""
    for one in answer["results"]:
        known = answer["replayed"] and one["status"] not in ("quarantined", "rejected")
        yield "duplicate" if known else str(one["status"])


def _check_all(stream: BinaryIO, name: str, project: Project, items: int, blobs: int) -> None:
    """Read a file from end to end before anything of it is stored."""
    reader = Reader(stream, name)
    header, found = reader.header, [0, 0]
    if header.get("protocol") != PROTOCOL:
        raise BadValue(f"{name} is of a protocol that is not known here")
    if header.get("project") != project.uuid:
        raise BadValue(f"{name} is of another project: {header.get('project')}")
    for part in reader.parts():
        found[isinstance(part, BlobPart)] += 1
        if isinstance(part, BlobPart):
            digest, size = hashlib.sha256(), 0
            while piece := part.content.read():
                digest.update(piece)
                size += len(piece)
            if (digest.hexdigest(), size) != (part.sha256, part.size):
                raise BadValue(f"{name} has an attachment with other bytes than its own")
    if found != [items, blobs]:
        raise BadValue(f"{name} has not as many items as it says")


def _grouped(
    parts: Iterable[ItemLine | BlobPart],
) -> Iterator[list[ItemLine] | BlobPart]:
    """Items in batches, the same ones each time; attachments as they come."""
    group: list[ItemLine] = []
    size = 0
    for part in parts:
        full = len(group) >= _MOST_ITEMS or size >= _MOST_BYTES
        if group and (full or isinstance(part, BlobPart)):
            yield group
            group, size = [], 0
        if isinstance(part, BlobPart):
            yield part
        else:
            group.append(part)
            size += len(part.raw)
    if group:
        yield group


def _take_blob(project: Project, part: BlobPart, by: int, blobs: Blobs, clock: Clock) -> None:
    if blobs.size(part.sha256) is None:
        sha256, _ = blobs.put(cast("BinaryIO", part.content))
        if sha256 != part.sha256:
            raise BadValue("the file reads otherwise than a moment ago")
    at = instant(clock.now())
    with write_transaction() as connection:
        lock_blobs(connection, project.id, [part.sha256])
        keep_blobs(connection, project.id, {part.sha256: part.size}, at=at, sender=by)
        deliver_blob(connection, project.id, part.sha256, sender=by, at=at)


def _attachments(item: Mapping[str, Any]) -> Iterator[bytes]:
    """The hashes an item names. What is in quarantine may say anything."""
    said = item.get("attachments")
    for one in said if isinstance(said, list) else ():
        sha256 = one.get("sha256") if isinstance(one, dict) else None
        if isinstance(sha256, str) and is_sha256(sha256):
            yield bytes.fromhex(sha256)


def _add_blobs(writer: Writer, project: Project, named: Iterable[bytes], blobs: Blobs) -> int:
    """Add each attachment that is here, once; how many are not."""
    wanted, missing = [one.hex() for one in named], 0
    for start in range(0, len(wanted), _PAGE):
        some = wanted[start : start + _PAGE]
        with read_transaction() as connection:
            here = find_blobs(connection, project.id, some)
        for sha256 in some:
            size = blobs.size(sha256) if sha256 in here else None
            if size is None:
                missing += 1
                continue
            with blobs.path(sha256).open("rb") as source:
                writer.add_blob(sha256, size, source)
    return missing


@contextmanager
def _written_whole(file: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when all of it is on the disk; an older batch is replaced."""
    if file.exists():
        with file.open("rb") as stream:
            if not is_syncbatch(stream):
                raise AlreadyThere(f"{file} is there already and is no batch: choose another name")
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
