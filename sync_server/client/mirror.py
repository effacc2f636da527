"""The records of a project as a program last pulled them, and where the pull goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from sync_server.client.link import SyncClient
from sync_server.client.refusals import SyncRefused

_GONE = 410
_MOST_RESTARTS = 3
_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Pulled:
    """How many records came, and how many left: moved out of the area, or gone with a restart."""

    records: int
    left: int


class Mirror:
    """The tables `records` and `state` of an outbox.

    `generation` counts how often the records were begun anew: what still bears an older one
    when the end is reached was not among them. Until then the older copy can be read.
    """

    def __init__(
        self, db: sqlite_utils.Database, writing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._writing = writing

    def make(self) -> None:
        """Make the tables; within a transaction."""
        records = {
            **{"entity": str, "list": str, "version": int, "label": str, "data": str},
            **{"status": str, "reviews": int, "waiting": int, "updatedAt": str},
            "generation": int,
        }
        self._db.table("records").create(records, pk="entity", if_not_exists=True)
        state = {"id": int, "epoch": str, "cursor": str, "lists": str, "generation": int}
        self._db.table("state").create({**state, "swept": int}, pk="id", if_not_exists=True)
        start = {"id": 1, "generation": 0, "swept": 0}
        self._db.table("state").insert(start, pk="id", ignore=True)

    @property
    def epoch(self) -> str | None:
        """The life of the server that is known here."""
        found = self._state()["epoch"]
        return None if found is None else str(found)

    @epoch.setter
    def epoch(self, value: str | None) -> None:
        with self._writing():
            self._note(epoch=value)

    @property
    def cursor(self) -> str | None:
        """Where the pull goes on; None when nothing was pulled."""
        found = self._state()["cursor"]
        return None if found is None else str(found)

    @property
    def lists(self) -> list[str] | None:
        """The lists that are pulled; None for all of them."""
        found = self._state()["lists"]
        return None if found is None else list(json.loads(found))

    def pull(self, client: SyncClient, lists: Sequence[str] | None) -> Pulled:
        """Pull until nothing is left, a page a transaction."""
        if self.cursor is not None and lists != self.lists:
            self._begin_anew()  # a filter is inside the cursor
        records = left = restarts = 0
        more = True
        while more:
            cursor = self.cursor
            try:
                page = client.pull(cursor=cursor, lists=lists, limit=_LIMIT)
            except SyncRefused as exc:
                if exc.status != _GONE or cursor is None or restarts >= _MOST_RESTARTS:
                    raise
                restarts += 1
                self._begin_anew()
                continue
            more = bool(page["more"])
            left += self._take(page, lists, last=not more)
            records += len(page["records"])
        return Pulled(records, left)

    def _take(self, page: Mapping[str, Any], lists: Sequence[str] | None, *, last: bool) -> int:
        """Write one page and the place behind it; how many records left with it."""
        with self._writing():
            state = self._state()
            self._put(page["records"], state["generation"])
            before = self._db.table("records").count
            gone = [one["entity"] for one in page["leave"]]
            self._db.table("records").delete_where(
                "entity in (select value from json_each(?))", [json.dumps(gone)]
            )
            if last and state["swept"] < state["generation"]:
                self._db.table("records").delete_where("generation < ?", [state["generation"]])
            self._note(
                cursor=page["cursor"],
                epoch=page["epoch"],
                lists=None if lists is None else json.dumps(list(lists)),
                swept=state["generation"] if last else state["swept"],
            )
            return int(before - self._db.table("records").count)

    def _put(self, records: Iterable[Mapping[str, Any]], generation: int) -> None:
        columns = [name for name in self._db.table("records").columns_dict if name != "generation"]
        rows = [
            {
                **{name: record.get(name) for name in columns},
                "data": json.dumps(record["data"], ensure_ascii=False),
                "generation": generation,
            }
            for record in records
        ]
        self._db.table("records").upsert_all(rows, pk="entity")

    def _begin_anew(self) -> None:
        with self._writing():
            self._note(cursor=None, generation=self._state()["generation"] + 1)

    def _state(self) -> dict[str, Any]:
        return dict(self._db.table("state").get(1))

    def _note(self, **changed: object) -> None:
        self._db.table("state").update(1, changed)
