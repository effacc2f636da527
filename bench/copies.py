"""Copies of one posyandu's rows: eighty thousand children without eighty thousand changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.stores import Store

_TABLES = ("changes", "records", "record_versions", "record_scopes", "journal", "list_heads")
_LENGTH = 36  # of an id


@dataclass(slots=True)
class Table:
    """One table: its columns, the rows copied, and the copies."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    copies: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass(slots=True)
class Rows:
    """Every row of a small project."""

    tables: dict[str, Table]

    def add_copy(self, renamed: Mapping[str, str], *, later: int) -> None:
        """Copy it all under other ids and another `kode`, so many numbers later in the journal."""
        for table in self.tables.values():
            seq = table.columns.index("seq") if "seq" in table.columns else None
            for row in table.rows:
                ids = [v for v in row if isinstance(v, str) and v in renamed]
                texts = [*ids, *(old for old in renamed if len(old) < _LENGTH)]
                copy = [_renamed(value, texts, renamed) for value in row]
                if seq is not None:
                    copy[seq] += later
                table.copies.append(tuple(copy))

    def write(self, store: Store, project_id: int) -> None:
        """Write the copies, and the counter of the journal behind them."""
        connection = store.connect()
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        for name, table in self.tables.items():
            marks = ", ".join([store.mark] * len(table.columns))
            columns = ", ".join(table.columns)
            insert = f"INSERT INTO {name} ({columns}) VALUES ({marks})"  # noqa: S608
            cursor.executemany(insert, table.copies)
        cursor.execute(
            "UPDATE journal_heads SET head = (SELECT max(seq) FROM journal"  # noqa: S608
            f" WHERE journal.project_id = {project_id}) WHERE project_id = {project_id}"
        )
        cursor.execute("COMMIT")
        if store.at_once:
            cursor.execute("ANALYZE")  # as its autovacuum would, a minute later
        connection.close()


def _renamed(value: Any, texts: list[str], renamed: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for old in texts:
            value = value.replace(old, renamed[old])
    return value


def read_rows(store: Store, project_id: int) -> Rows:
    """What a project's tables hold of its list `anak`, as the driver gives it."""
    connection = store.connect()
    tables = {}
    for name in _TABLES:
        select = f"SELECT * FROM {name} WHERE project_id = {project_id}"  # noqa: S608
        if name == "journal":
            select += " AND change_id IS NOT NULL"  # the others tell of lists, not of records
        cursor = connection.execute(select)
        columns = [one[0] for one in cursor.description]
        tables[name] = Table(columns, cursor.fetchall())
    connection.close()
    return Rows(tables)
