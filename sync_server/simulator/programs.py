"""A program of the fleet: it keeps a copy of the records, edits offline, and drains its outbox."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from odk_forms.packs import PackList
from sync_server.client import Outbox, SyncRefused, SyncUnreachable
from sync_server.simulator.book import Book, Typed
from sync_server.simulator.faults import Luck, SpoiltClient
from sync_server.simulator.plan import ProgramEdit, chance

Copy = dict[str, dict[str, Any]]
_COMPARED = ("list", "label", "version", "status", "reviews", "waiting")


class Program:
    """One program; without `weeks` it only watches. `place` is its server, project and token."""

    def __init__(
        self,
        name: str,
        main: PackList,
        weeks: Sequence[Sequence[ProgramEdit]],
        *,
        place: tuple[str, int, str],
        villages: Sequence[str],
        book: Book,
        seed: int,
        loss: float,
        folder: Path,
    ) -> None:
        self.name, self.main, self.weeks, self.villages = name, main, weeks, villages
        self.book = book
        self.place = place
        self.folder = folder
        self._luck = Luck(chance(seed, "line", name), loss, book)

    def work(self, week: int) -> None:
        """Pull, edit what was pulled, send."""
        with self._client() as client, self._outbox() as outbox:
            self._pull(client, outbox)
            for edit in self.weeks[week] if self.weeks else ():
                self._edit(outbox, edit)
            outbox.drain(client)

    def finish(self) -> int:
        """Send and fetch the rest over a line that is well again; how many items went."""
        self._luck.heal()
        with self._client() as client, self._outbox() as outbox:
            done = outbox.drain(client)
            if done.stopped is not None:
                raise done.stopped
            outbox.pull_into(client)
        return done.sent

    def copies(self) -> tuple[Copy, Copy]:
        """The records as they came to be in this copy, and those of a copy begun just now."""
        with self._client() as client:
            with self._outbox() as outbox:
                outbox.pull_into(client)
                kept = _copy(outbox)
            path = self.folder / f"{self.name}-fresh.db"
            with Outbox(path) as fresh:
                fresh.pull_into(client)
                return kept, _copy(fresh)

    def _client(self) -> SpoiltClient:
        return SpoiltClient(*self.place, luck=self._luck, results=self._told)

    def _outbox(self) -> Outbox:
        return Outbox(self.folder / f"{self.name}.db")

    def _pull(self, client: SpoiltClient, outbox: Outbox) -> None:
        with suppress(SyncUnreachable, SyncRefused):  # it works on what it has
            outbox.pull_into(client)

    def _told(self, results: Sequence[Mapping[str, Any]]) -> None:
        taken = [str(one["changeId"]) for one in results if one["status"] != "rejected"]
        self.book.acknowledge(taken, self.name)

    def _edit(self, outbox: Outbox, edit: ProgramEdit) -> None:
        """Changes of one record, the later ones on top of what this program wrote itself."""
        if edit.pick is None:
            entity, version, shown = edit.entity, None, None
        else:
            known = outbox.db.table("records").rows_where(
                "list = ? and status != 'incomplete' and status != 'deleted'",
                [self.main.name],
                "entity",
            )
            rows = list(known)
            if not rows:
                return
            row = rows[int(edit.pick * len(rows))]
            entity, version, shown = row["entity"], row["version"], json.loads(row["data"])
        belongs = {rule.property_name: self.villages[edit.village] for rule in self.main.access}
        for step, (change_id, typed) in enumerate(edit.steps):
            creates = version is None and step == 0
            values = {**typed, **(belongs if creates else {})}
            base = _base(version, step, edit.entity) if not creates else {}
            outbox.add(
                {
                    **{"kind": "change", "changeId": change_id, "list": self.main.name},
                    **{"entity": entity, "op": "create" if creates else "update"},
                    **({"label": f"{self.main.name} {self.name}"} if creates else {}),
                    **base,
                    "data": values,
                }
            )
            self.book.wrote(Typed(change_id, entity, values, shown))
            shown = {**(shown or {}), **values}


def _base(version: int | None, step: int, branch: str) -> dict[str, Any]:
    """What says which version an edit was made on: a chain of them is a branch."""
    if version is None:
        return {"baseVersion": step, "branchId": branch}
    if step == 0:
        return {"baseVersion": version, "trunkVersion": version, "branchId": branch}
    return {"baseVersion": version + step, "trunkVersion": version, "branchId": branch}


def _copy(outbox: Outbox) -> Copy:
    return {
        row["entity"]: {**{name: row[name] for name in _COMPARED}, "data": json.loads(row["data"])}
        for row in outbox.db.table("records").rows
    }
