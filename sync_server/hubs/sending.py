"""Up: what came in at this hub goes to its centre, page after page of its own feed.

A page becomes batches that are kept, with their ids, before any is sent, and one is forgotten
when it was answered. So nothing is lost or sent under two ids wherever the link or the power
goes; what is sent again all the same is known there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from conflict.areas import UNBOUND
from sync_server.blobs import Blobs
from sync_server.client import SyncRefused, batches
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import BatchReused, CursorGone, EpochMoved
from sync_server.hubs.link import HubLink
from sync_server.intake.arrival import Project
from sync_server.relay import cursors
from sync_server.relay.pull import pull_page
from sync_server.relay.records import Page
from sync_server.stores import upstreams as store

_PAGE = 200  # submissions may be large: this many are in memory at once
_NEVER_MIND = (400, 413, 415, 422)
"""The batch itself is at fault, and perhaps one item of it alone."""

Item = dict[str, Any]


class CentreRestored(Exception):
    """The centre was restored from a backup since: what it may have lost is sent again."""

    def __init__(self, epoch: str) -> None:
        super().__init__("the centre was restored from a backup: try again")
        self.epoch = epoch


class Sender:
    """One drain of a project's outbox. `sent`, `refused` and `blobs` count what it did."""

    def __init__(
        self,
        project: Project,
        upstream: Any,
        link: HubLink,
        *,
        own_epoch: str,
        blobs: Blobs,
        clock: Clock,
        secret_key: str,
    ) -> None:
        self.project = project
        self.upstream = upstream
        self.link = link
        self.own_epoch = own_epoch
        self.blobs_here = blobs
        self.clock = clock
        self.secret_key = secret_key
        self.cursor: str | None = upstream.push_cursor
        self.sent = 0
        self.refused = 0
        self.blobs = 0

    def drain(self, limits: Mapping[str, int]) -> Iterator[int]:
        """Send everything; yields how many items were answered, batch after batch.

        Errors    `SyncUnreachable`; `SyncRefused` when this hub is let in no more;
                  `CentreRestored`.
        """
        more = True
        while more:
            yield from self.send_kept()
            page = self._page()
            self._keep(batches(page.changes, limits), page)
            more = page.more or bool(page.changes)
        yield from self.send_kept()
        self._send_blobs()

    def offer(self, items: Sequence[Item], limits: Mapping[str, int]) -> None:
        """Put items on their way, wherever the feed is gone on from."""
        with write_transaction() as connection:
            store.add_outgoing(connection, self.project.id, self._rows(batches(items, limits)))

    def _page(self) -> Page:
        cursor = self._place()
        return pull_page(
            self.project,
            epoch=self.own_epoch,
            area=UNBOUND,
            device=False,
            mode=cursors.CHANGES,
            lists=None,
            cursor=cursor,
            limit=_PAGE,
            peer=self.upstream.node,
        )

    def _place(self) -> cursors.Cursor | None:
        """Where the feed is to be gone on from; from the beginning after a restore of this hub."""
        if self.cursor is None:
            return None
        try:
            found = cursors.read(self.cursor, self.secret_key)
        except CursorGone:
            return None
        return found if found.epoch == self.own_epoch else None

    def _keep(self, groups: Iterable[list[Item]], page: Page) -> None:
        """Put a page's batches on their way, and go on from behind it, in one transaction."""
        after, rows = cursors.sign(page.cursor, self.secret_key), self._rows(groups)
        if not rows and after == self.cursor:
            return
        with write_transaction() as connection:
            store.add_outgoing(connection, self.project.id, rows)
            store.update_upstream(connection, self.project.id, {"push_cursor": after})
        self.cursor = after

    def _rows(self, groups: Iterable[list[Item]]) -> list[dict[str, Any]]:
        at = instant(self.clock.now())
        return [
            {"batch_id": self.clock.new_id(), "items": group, "made_at": at} for group in groups
        ]

    def send_kept(self) -> Iterator[int]:
        """Send the batches that are on their way; yields how many items were answered."""
        while True:
            with read_transaction() as connection:
                row = store.next_outgoing(connection, self.project.id)
            if row is None:
                return
            yield self._send(row)

    def _send(self, row: Any) -> int:
        """Send one batch; how many of its items were answered."""
        epoch = self.upstream.epoch
        try:
            answer = self.link.push(row.items, batch_id=row.batch_id, epoch=epoch)
        except SyncRefused as exc:
            if exc.code == EpochMoved.code:
                raise CentreRestored(str(exc.details.get("epoch", ""))) from exc
            if exc.code == BatchReused.code:  # known there with other bytes: under another id
                self._again(row, [row.items])
                return 0
            if exc.status not in _NEVER_MIND:
                raise
            if len(row.items) > 1:  # to find the one that it is about
                middle = len(row.items) // 2
                self._again(row, [row.items[:middle], row.items[middle:]])
                return 0
            self._answered(row, [_refusal(exc)])
            return 1
        results = answer.get("results")
        self._answered(row, results if isinstance(results, list) else [])
        return len(row.items)

    def _again(self, row: Any, groups: Sequence[Sequence[Item]]) -> None:
        first, *others = groups
        at = instant(self.clock.now())
        changed = {"batch_id": self.clock.new_id(), "items": list(first)}
        rows = [
            {"batch_id": self.clock.new_id(), "items": list(group), "made_at": at}
            for group in others
        ]
        with write_transaction() as connection:
            store.alter_outgoing(connection, self.project.id, row.ordinal, changed)
            store.add_outgoing(connection, self.project.id, rows)

    def _answered(self, row: Any, results: Sequence[Any]) -> None:
        """Forget a batch: what was refused is listed, what has files owes their bytes."""
        at = instant(self.clock.now())
        refused = []
        owed: list[str] = []
        for place, item in enumerate(row.items):
            result = results[place] if place < len(results) else _NO_ANSWER
            if not isinstance(result, Mapping) or result.get("status") == "rejected":
                said = result if isinstance(result, Mapping) else _NO_ANSWER
                refused.append(self._refused(item, said, at))
            else:
                owed += [one["sha256"] for one in item.get("attachments", ())]
        with write_transaction() as connection:
            store.drop_outgoing(connection, self.project.id, row.ordinal)
            store.add_refused(connection, refused)
            store.owe_blobs(connection, self.project.id, owed, at=at)
            store.update_upstream(connection, self.project.id, {"pushed_at": at})
        self.sent += len(row.items) - len(refused)
        self.refused += len(refused)

    def _refused(self, item: Item, said: Mapping[str, Any], at: str) -> dict[str, Any]:
        return {
            "project_id": self.project.id,
            "refused_id": self.clock.new_id(),
            "kind": str(item.get("kind", "")),
            "named": str(item.get("instanceId") or item.get("changeId") or ""),
            "code": str(said.get("code") or ""),
            "detail": str(said.get("detail") or ""),
            "item": item,
            "at": at,
        }

    def _send_blobs(self) -> None:
        """Send the bytes that are owed and here; what has not come yet stays owed.

        Of a form that came from the centre in part, or that phones sent to both, the bytes may
        be there and never come here: they are owed no more.
        """
        after = ""
        while True:
            with read_transaction() as connection:
                page = store.page_of_owed(connection, self.project.id, after=after, limit=100)
            for sha256 in page:
                if self.blobs_here.size(sha256) is not None:
                    self._send_blob(sha256)
                elif self.link.has_blob(sha256):
                    with write_transaction() as connection:
                        store.drop_owed(connection, self.project.id, sha256)
            if not page:
                return
            after = page[-1]

    def _send_blob(self, sha256: str) -> None:
        refused: list[dict[str, Any]] = []
        at = instant(self.clock.now())
        try:
            self.link.put_blob(sha256, self.blobs_here.path(sha256))
            self.blobs += 1
        except SyncRefused as exc:
            if exc.status not in _NEVER_MIND:
                raise
            refused = [self._refused({"kind": "blob", "changeId": sha256}, _refusal(exc), at)]
        except ValueError:  # the disk gave other bytes than were put on it
            said = {"code": "damaged", "detail": "the file here is damaged"}
            refused = [self._refused({"kind": "blob", "changeId": sha256}, said, at)]
        with write_transaction() as connection:
            store.drop_owed(connection, self.project.id, sha256)
            store.add_refused(connection, refused)
        self.refused += len(refused)


_NO_ANSWER = {"status": "rejected", "code": "no_answer", "detail": "the centre said nothing of it"}


def _refusal(exc: SyncRefused) -> dict[str, Any]:
    return {"status": "rejected", "code": str(exc.code), "detail": exc.message}
