"""Copies of one posyandu's rows: a million children without a million changes.

The ids of the copies are written in bulk, by COPY where there is one; the rows are then made in
the database, by an INSERT … SELECT a table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.stores import Store
from conflict.areas import scope_of

_IDS = ("later", "old_entity", "old_change", "old_kode", "entity", "change_id", "kode")
_OF_RECORDS = ("changes", "records", "record_versions", "record_scopes", "journal")
_NUMBERS = ("later",)
_WITH_IDS = ("data", "settled", "state", "undo", "scopes_from", "scopes_to", "scope")

Ids = tuple[int, str, str, str, str, str, str]
"""One copy: how much later in the journal; entity, change and `kode` copied; those of the copy."""


def write_copies(store: Store, project_id: int, ids: Iterable[Ids]) -> None:
    """Copy records of a project within it, each under other ids and another `kode`."""
    connection = store.connect()
    cursor = connection.cursor()
    if not store.at_once:
        cursor.execute("PRAGMA cache_size = -4000000")
    cursor.execute("BEGIN")
    types = ((name, "INTEGER" if name in _NUMBERS else "TEXT") for name in _IDS)
    cursor.execute(f"CREATE TABLE bench_ids ({', '.join(' '.join(one) for one in types)})")
    store.fill(cursor, "bench_ids", _IDS, ids)
    for name in _OF_RECORDS:
        _copy(cursor, name, project_id, project_id, "bench_ids c ON t.entity = c.old_entity")
    places = "(SELECT DISTINCT later, '' AS old_entity, '' AS old_change, old_kode,"
    places += " '' AS entity, '' AS change_id, kode FROM bench_ids) c"
    places += " ON replace(t.scope, c.old_kode, '') <> t.scope"
    _copy(cursor, "list_heads", project_id, project_id, places)
    cursor.execute("DROP TABLE bench_ids")
    _follow(cursor, project_id)
    cursor.execute("COMMIT")
    _settle_down(store, cursor)
    connection.close()


def write_twin(store: Store, project_id: int, twin_id: int, kode: Iterable[str]) -> None:
    """Copy the records of some posyandu into another project, under the ids they have."""
    connection = store.connect()
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    wanted = ", ".join(f"'{scope_of([one])}'" for one in kode)
    ids = "(SELECT 0 AS later, entity AS old_entity, entity, '' AS old_change, '' AS change_id,"
    ids += f" '' AS old_kode, '' AS kode FROM record_scopes WHERE project_id = {project_id}"
    ids += f" AND scope IN ({wanted})) c ON t.entity = c.old_entity"
    for name in _OF_RECORDS:
        _copy(cursor, name, project_id, twin_id, ids, keep="change_id")
    _follow(cursor, twin_id)
    cursor.execute("COMMIT")
    _settle_down(store, cursor)
    connection.close()


def _copy(cursor: Any, table: str, project_id: int, into: int, ids: str, *, keep: str = "") -> None:
    cursor.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608
    columns = [one[0] for one in cursor.description]
    values = [str(into) if one == "project_id" else _value(one, keep) for one in columns]
    where = f"t.project_id = {project_id}"
    if table == "journal":
        where += " AND t.change_id IS NOT NULL"  # the others tell of lists, not of records
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608
        f" SELECT {', '.join(values)} FROM {table} t JOIN {ids} WHERE {where}"
    )


def _value(column: str, keep: str) -> str:
    """What a copy has in a column, as SQL."""
    if column == "seq":
        return "t.seq + c.later"
    if column in ("entity", "change_id") and column != keep:
        return f"c.{column}"
    found = f"t.{column}"
    if column in _WITH_IDS and not keep:
        for one in ("entity", "change", "kode"):
            new = "change_id" if one == "change" else one
            found = f"replace({found}, c.old_{one}, c.{new})"
    return found


def _follow(cursor: Any, project_id: int) -> None:
    """The counter of the journal, behind what was copied."""
    cursor.execute(
        "UPDATE journal_heads SET head = (SELECT max(seq) FROM journal"  # noqa: S608
        f" WHERE journal.project_id = {project_id}) WHERE project_id = {project_id}"
    )


def _settle_down(store: Store, cursor: Any) -> None:
    """What the database would do of itself in the next minutes: not while we measure."""
    if store.at_once:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    else:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
