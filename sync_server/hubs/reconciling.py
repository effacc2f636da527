"""After a restore, of the centre or of this hub: only what one of the two lacks goes over the link.

Both say in 256 digests what they hold. Of the buckets that differ the centre names the marks; what
only this hub holds is sent, what only the centre holds is fetched, and the feeds go on from where
they stood when the digests were made. The places in the feeds are kept last: cut anywhere, all of
it is done again, and finds less to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sync_server.client import SyncRefused
from sync_server.clock import Clock
from sync_server.db import read_transaction, write_transaction
from sync_server.hubs.fetching import take_in
from sync_server.hubs.link import HubLink
from sync_server.hubs.sending import Sender
from sync_server.intake.arrival import Project
from sync_server.relay import cursors
from sync_server.relay.digests import FORM, KEPT, OURS, Digest, Ref, digests_for, held_in, items_at
from sync_server.stores import upstreams as store
from sync_server.stores.digests import (
    find_forms_of_files,
    find_kept_with_files,
    page_of_files,
)

_PAGE = 200  # items in memory at once
_MARKS = 5000  # of one question
_FILES = 500
_NOT_FOUND = 404

Done = tuple[str, int]
"""Progress: (`sent` or `fetched`, how many more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """One comparison with the centre. `sends` and `fetches` say which ways are open."""

    project: Project
    upstream: Any
    link: HubLink
    sender: Sender
    own_epoch: str
    clock: Clock
    secret_key: str
    limits: Mapping[str, int]
    sends: bool
    fetches: bool

    def run(self) -> Iterator[Done]:
        """Compare, send and fetch to the end.

        A hub that holds nothing yet, and a centre of a version that knows no digests, are left
        to the feeds, which begin with everything.

        Errors    those of `Sender.drain`.
        """
        yield from (("sent", count) for count in self.sender.send_kept())
        ours = digests_for(self.project, OURS, epoch=self.own_epoch)
        if not ours.buckets:
            return
        try:
            theirs = self.link.digests()
        except SyncRefused as exc:
            if exc.status != _NOT_FOUND:
                raise
            return
        for group in _groups(ours.buckets, theirs["buckets"]):
            yield from self._level(group)
        if self.sends:
            yield from self._send_files()
        reached = {}
        if self.sends:
            reached["push_cursor"] = cursors.sign(ours.cursor, self.secret_key)
        if self.fetches:
            reached["pull_cursor"] = theirs["cursor"]
        with write_transaction() as connection:
            store.update_upstream(connection, self.project.id, reached)

    def _level(self, buckets: Sequence[str]) -> Iterator[Done]:
        """Send and fetch what differs in some buckets."""
        there = self.link.marks(buckets)
        here = held_in(self.project, OURS, buckets)
        if self.sends:
            refs = {ref for mark, ref in here.items() if mark not in there and ref is not None}
            yield from self._send(sorted(refs))
        if self.fetches:
            yield from self._fetch(sorted(there - here.keys()))

    def _send(self, refs: Sequence[Ref]) -> Iterator[Done]:
        for page in _pages(refs, _PAGE):
            self.sender.offer(items_at(self.project, OURS, page), self.limits)
            yield from (("sent", count) for count in self.sender.send_kept())

    def _fetch(self, marks: Sequence[str]) -> Iterator[Done]:
        for page in _pages(marks, _PAGE):
            items, batch_id = self.link.items_of(page), self.clock.new_id()
            if not items:  # they have altered since: the feed has them
                continue
            take_in(
                self.project,
                self.upstream,
                items,
                batch_id,
                own_epoch=self.own_epoch,
                clock=self.clock,
            )
            with write_transaction() as connection:
                actor_id = self.upstream.actor_id
                store.forget_batch(connection, self.project.id, actor_id, batch_id)
            yield "fetched", len(items)

    def _send_files(self) -> Iterator[Done]:
        """Send again what names files that the centre has not got: the bytes follow it."""
        for files in self._files_of_forms():
            lacking = self._lacking(files)
            with read_transaction() as connection:
                keys = find_forms_of_files(connection, self.project.id, lacking)
            yield from self._send(sorted((FORM, *key) for key in keys))
        with read_transaction() as connection:
            kept = find_kept_with_files(connection, self.project.id)
        for page in _pages(kept, _PAGE):
            named = {one["sha256"] for row in page for one in row.attachments}
            here = [one for one in named if self.sender.blobs_here.size(one) is not None]
            lacking = {one for some in _pages(here, _FILES) for one in self._lacking(some)}
            yield from self._send(
                [
                    (KEPT, row.quarantine_id)
                    for row in page
                    if any(one["sha256"] in lacking for one in row.attachments)
                ]
            )

    def _lacking(self, files: Sequence[str]) -> set[str]:
        """What the centre lacks of some files and is not on its way."""
        lacking = self.link.lacking(files)
        with read_transaction() as connection:
            return set(lacking) - store.find_owed(connection, self.project.id, lacking)

    def _files_of_forms(self) -> Iterator[Sequence[str]]:
        after = ""
        while True:
            with read_transaction() as connection:
                files = page_of_files(connection, self.project.id, after=after, limit=_FILES)
            if not files:
                return
            yield files
            after = files[-1]


def _groups(
    ours: Mapping[str, Digest], theirs: Mapping[str, Mapping[str, Any]]
) -> Iterator[list[str]]:
    """The buckets that differ, as many together as have few enough marks."""
    group: list[str] = []
    size = 0
    for bucket in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(bucket), theirs.get(bucket, {})
        if mine is not None and mine.digest == other.get("digest"):
            continue
        count = max(mine.count if mine is not None else 0, other.get("count", 0))
        if group and size + count > _MARKS:
            yield group
            group, size = [], 0
        group.append(bucket)
        size += count
    if group:
        yield group


def _pages(every: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (every[start : start + size] for start in range(0, len(every), size))
