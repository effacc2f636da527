"""What a database has of a project, read back as the values that the engine works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from conflict.record import Record
from conflict.types import SettledChange
from sync_server.db import read_transaction
from sync_server.intake.arrival import Project
from sync_server.models.records import (
    ChangeRow,
    JournalRow,
    QuarantineRow,
    RecordRow,
    RecordScope,
    RecordVersion,
    ReviewRow,
    Submission,
)
from sync_server.stores.changes import settled_of
from sync_server.stores.packing import unpack_state, unpack_undo
from sync_server.stores.upsert import table_of

TABLES = (
    RecordRow,
    RecordVersion,
    RecordScope,
    ReviewRow,
    ChangeRow,
    JournalRow,
    Submission,
    QuarantineRow,
)


@dataclass(frozen=True)
class Stored:
    """Every row of a project, by its table; of the journal, the steps of records."""

    rows: Mapping[str, tuple[Any, ...]]

    @classmethod
    def of(cls, project: Project) -> Stored:
        with read_transaction() as connection:
            rows = {model.__tablename__: _rows(connection, model, project.id) for model in TABLES}
        rows["journal"] = tuple(row for row in rows["journal"] if row.entity)
        return cls(rows)

    def alters(self, before: Stored) -> dict[str, set[Any]]:
        """The rows that are otherwise or were not there before, by table."""
        return {
            name: found
            for name, rows in self.rows.items()
            if (found := {repr(row) for row in rows} ^ {repr(row) for row in before.rows[name]})
        }

    @property
    def entities(self) -> list[str]:
        return [row.entity for row in self.rows["records"]]

    def row(self, child: str) -> Any:
        return next(row for row in self.rows["records"] if row.entity == child)

    def record(self, child: str) -> Record:
        """A record with the steps back from it, newest first, and all its changes."""
        row = self.row(child)
        steps = [one for one in self.rows["record_versions"] if one.entity == child]
        return Record(
            state=unpack_state(row.state),
            offset=row.version_offset,
            born_at=row.born_at,
            undo=[unpack_undo(one.served, one.undo, one.change_id) for one in reversed(steps)],
            known=self.changes(child),
        )

    def changes(self, child: str) -> dict[str, SettledChange]:
        rows = (row for row in self.rows["changes"] if row.entity == child)
        return {row.change_id: settled_of(row) for row in rows}

    def reviews(self, child: str) -> set[tuple[Any, ...]]:
        return {
            (row.kind, row.field, tuple(row.contenders), row.shown)
            for row in self.rows["reviews"]
            if row.entity == child and row.state == "open"
        }

    def scopes(self, child: str) -> set[str]:
        return {row.scope for row in self.rows["record_scopes"] if row.entity == child}


def _rows(connection: Connection, model: Any, project_id: int) -> tuple[Any, ...]:
    table = table_of(model)
    wanted = select(*table.c).where(table.c.project_id == project_id)
    return tuple(connection.execute(wanted.order_by(*table.primary_key)).all())
