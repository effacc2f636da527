"""A queue of items in one SQLite file, and a copy of the records: what a program keeps offline.

queue      items that wait, in the order they were added; `batch` is the one they went out in
batches    batches that were sent and not answered yet: they go out again with the same bytes
blobs      files that items name and the server has not got yet
rejected   what the server will not have, and why; for a person to look at
records    the records as they were when last pulled
state      one row: where the pull goes on, and the life (epoch) of the server it knows

Any program of the field reads it: `sqlite-utils rows out.db rejected`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlite_utils

from sync_server.client.link import SyncClient
from sync_server.client.mirror import Mirror, Pulled
from sync_server.client.refusals import SyncRefused, SyncUnreachable
from sync_server.client.splitting import Item, batches, plain_bytes, plain_text

_WAIT_SECONDS = 30
_REUSED, _EPOCH = 409.51, 409.52
# One item can be the reason: too large, or nested too deep. All else is about the whole queue.
_OF_AN_ITEM = (400.1, 413, 413.50)
_MOST_EPOCHS = 3
_TABLES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("queue", "id", {"id": int, "item": str, "batch": str}),
    ("batches", "number", {"number": int, "batch": str, "epoch": str}),
    ("blobs", "sha256", {"sha256": str, "path": str}),
    ("rejected", "id", {"id": int, "item": str, "code": str, "detail": str}),
)


@dataclass(frozen=True, slots=True)
class Drained:
    """What came of a drain: items that the server has, what waits still, what it will not have.

    `stopped` is why it ended before everything had been tried; None when it had.
    """

    sent: int
    kept: int
    rejected: int
    stopped: SyncRefused | SyncUnreachable | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    """Items that go out together; `epoch` is part of their bytes."""

    batch_id: str
    epoch: str | None
    ids: Sequence[int]
    items: Sequence[Item]


@dataclass(slots=True)
class _Run:
    """How far one drain has come. `undecided` are batches that the server is still deciding."""

    limits: Mapping[str, int]
    after: int = 0
    sent: int = 0
    rejected: int = 0
    epochs: int = 0
    undecided: list[str] = field(default_factory=list)


class Outbox:
    """The queue in the file at `path`, made when it is not there; for one thread at a time.

    Whatever a method did before the power failed is either all there or not at all, and
    nothing that was queued is lost or taken in twice.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        Path(path).touch(mode=0o600)
        self.db = sqlite_utils.Database(sqlite3.connect(path, timeout=_WAIT_SECONDS))
        self.db.execute("PRAGMA synchronous = FULL")
        self._mirror = Mirror(self.db, self._writing)
        self._make()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.db.close()

    def add(self, item: Mapping[str, Any], *, blobs: Iterable[str | os.PathLike[str]] = ()) -> None:
        """Queue an item, and the files it names by their SHA-256; durable when this returns.

        The files stay where they are until they have been sent.

        Errors    `TypeError` or `ValueError` for what has no JSON; `OSError` for a file that
                  cannot be read.
        """
        text = plain_text(item)
        text.encode()  # SQLite keeps UTF-8: a lone surrogate is refused here and not later
        named = [{"sha256": _sha256(path), "path": str(Path(path).resolve())} for path in blobs]
        with self._writing():
            self.db.table("queue").insert({"item": text, "batch": None})
            self.db.table("blobs").upsert_all(named, pk="sha256")

    def pending(self) -> int:
        """How many items and files wait."""
        return self.db.table("queue").count + self.db.table("blobs").count

    def drain(self, client: SyncClient) -> Drained:
        """Send what waits, until nothing does or the link or the server stops it.

        An item leaves the queue when it has a result: to the table `rejected` if that is what
        its result says. When the server was restored meanwhile, the records are pulled first
        and all that waits is sent again.
        """
        run, stopped = _Run({}), None
        try:
            self._drain(client, run)
            self._send_blobs(client, run)
        except (SyncRefused, SyncUnreachable) as exc:
            stopped = exc
        return Drained(run.sent, self.pending(), run.rejected, stopped)

    def pull_into(self, client: SyncClient, *, lists: Sequence[str] | None = None) -> Pulled:
        """Bring the table `records` up to date; of `lists` only, if any are named.

        A cursor that is good no more is dropped: all records are fetched again, and what was
        not among them is taken away at the end.
        """
        return self._mirror.pull(client, lists)

    def _make(self) -> None:
        with self._writing():
            for name, pk, columns in _TABLES:
                self.db.table(name).create(dict(columns), pk=pk, if_not_exists=True)
            self.db.table("queue").create_index(["batch"], if_not_exists=True)
            self._mirror.make()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction; IMMEDIATE, so that whoever else adds to the queue is waited for."""
        self.db.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.conn.rollback()
            raise
        self.db.conn.commit()

    def _drain(self, client: SyncClient, run: _Run) -> None:
        if not self.db.table("queue").count:
            return
        info = client.info()
        run.limits = info["limits"]
        if self._mirror.epoch is None:
            self._mirror.epoch = info["epoch"]
        while (batch := self._next(run)) is not None:
            try:
                answer = client.push(batch.items, batch_id=batch.batch_id, epoch=batch.epoch)
            except SyncRefused as exc:
                self._refused(client, run, batch, exc)
            else:
                self._settle(run, batch, answer)

    def _next(self, run: _Run) -> _Batch | None:
        """A batch that was not answered, else a new one of what waits."""
        waiting = "batch not in (select value from json_each(?))"
        undecided = json.dumps(run.undecided)
        for row in self.db.table("batches").rows_where(waiting, [undecided], "number", limit=1):
            queued = self.db.table("queue").rows_where("batch = ?", [row["batch"]], "id")
            rows = list(queued)
            return _batch(row["batch"], row["epoch"], rows)
        with self._writing():
            rows = self._first(run)
            if not rows:
                return None
            run.after = rows[-1]["id"]
            return _batch(*self._bind([row["id"] for row in rows]), rows)

    def _first(self, run: _Run) -> list[dict[str, Any]]:
        """As many of the items that wait as one batch has room for."""
        found: list[dict[str, Any]] = []
        size = 0
        for row in self.db.table("queue").rows_where(
            "batch is null and id > ?", [run.after], "id", limit=run.limits.get("maxItems", 500)
        ):
            size += len(row["item"])
            if found and size > run.limits.get("maxRawBytes", 8 << 20):
                break
            found.append(row)
        group = next(batches((json.loads(row["item"]) for row in found), run.limits), [])
        return found[: len(group)]

    def _bind(self, ids: Sequence[int]) -> tuple[str, str | None]:
        """Make a batch of queued items; its id and epoch, noted before it is sent."""
        batch_id, epoch = str(uuid.uuid4()), self._mirror.epoch
        self.db.table("batches").insert({"batch": batch_id, "epoch": epoch})
        self.db.execute(
            "update queue set batch = ? where id in (select value from json_each(?))",
            [batch_id, json.dumps(list(ids))],
        )
        return batch_id, epoch

    def _settle(self, run: _Run, batch: _Batch, answer: Mapping[str, Any]) -> None:
        """Let go of what has a result; what has none waits for the next drain."""
        results = answer.get("results")
        if not isinstance(results, list):  # not decided yet: the same batch is asked about again
            run.undecided.append(batch.batch_id)
            return
        told = list(zip(batch.ids, batch.items, results, strict=False))
        refused = [(item, one) for _, item, one in told if one.get("status") == "rejected"]
        with self._writing():
            for item, one in refused:
                self._reject(item, one.get("code"), one.get("detail"))
            self._let_go([place for place, *_ in told])
            self._release(batch.batch_id)
        run.sent += len(told) - len(refused)
        run.rejected += len(refused)

    def _refused(self, client: SyncClient, run: _Run, batch: _Batch, exc: SyncRefused) -> None:
        """What to do about a batch that was refused whole; raises when that is to stop here."""
        if exc.code == _EPOCH and run.epochs < _MOST_EPOCHS:
            run.epochs, run.after = run.epochs + 1, 0
            self._mirror.epoch = exc.details.get("epoch")
            if self._mirror.cursor is not None:
                self.pull_into(client, lists=self._mirror.lists)
            with self._writing():
                self.db.execute("update queue set batch = null")
                self.db.execute("delete from batches")
        elif exc.code == _REUSED:
            self._rebind(batch, [batch.ids])
        elif exc.code in _OF_AN_ITEM and len(batch.ids) > 1:
            middle = len(batch.ids) // 2
            self._rebind(batch, [batch.ids[:middle], batch.ids[middle:]])
        elif exc.code in _OF_AN_ITEM:
            with self._writing():
                self._reject(batch.items[0], str(exc.code), exc.message)
                self._let_go(batch.ids)
                self._release(batch.batch_id)
            run.rejected += 1
        else:
            raise exc

    def _rebind(self, batch: _Batch, groups: Sequence[Sequence[int]]) -> None:
        with self._writing():
            self._release(batch.batch_id)
            for ids in groups:
                self._bind(ids)

    def _release(self, batch_id: str) -> None:
        self.db.execute("update queue set batch = null where batch = ?", [batch_id])
        self.db.execute("delete from batches where batch = ?", [batch_id])

    def _let_go(self, ids: Sequence[int]) -> None:
        self.db.execute(
            "delete from queue where id in (select value from json_each(?))",
            [json.dumps(list(ids))],
        )

    def _reject(self, item: Mapping[str, Any], code: str | None, detail: str | None) -> None:
        text = plain_bytes(item).decode()
        self.db.table("rejected").insert({"item": text, "code": code, "detail": detail})

    def _send_blobs(self, client: SyncClient, run: _Run) -> None:
        """Send the files; one that cannot be sent keeps no other back."""
        for row in list(self.db.table("blobs").rows):
            code, detail = None, None
            try:
                client.put_blob(row["sha256"], row["path"])
            except (ValueError, OSError) as exc:
                code, detail = "blob_gone", str(exc)
            except SyncRefused as exc:
                if exc.status not in (400, 409, 413):
                    raise
                if exc.status == 409:  # somebody else is sending it: next time
                    continue
                code, detail = str(exc.code), exc.message
            with self._writing():
                if code is not None:
                    self._reject({"blob": row["sha256"], "path": row["path"]}, code, detail)
                    run.rejected += 1
                self.db.table("blobs").delete_where("sha256 = ?", [row["sha256"]])


def _batch(batch_id: str, epoch: str | None, rows: Sequence[Mapping[str, Any]]) -> _Batch:
    return _Batch(
        batch_id, epoch, [row["id"] for row in rows], [json.loads(row["item"]) for row in rows]
    )


def _sha256(path: str | os.PathLike[str]) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
