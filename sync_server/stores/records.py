"""Records: what stands now, the steps back from it, and who may see it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Integer, String, column, delete, select, text, values

from conflict.areas import AWAY
from conflict.basis import needs_history
from conflict.record import Record, Undo
from conflict.taking import reads_history
from conflict.types import Change, Op, RecordStatus, SettledChange
from sync_server.models.records import RecordRow, RecordScope, RecordVersion
from sync_server.stores.changes import find_creates, find_histories, find_mates
from sync_server.stores.packing import pack_state, pack_undo, unpack_state, unpack_undo
from sync_server.stores.submissions import find_keys
from sync_server.stores.upsert import (
    PROJECT,
    any_of,
    insert_missing,
    insert_rows,
    table_of,
    upsert_rows,
)

_R = table_of(RecordRow).c
_V = table_of(RecordVersion).c
_S = table_of(RecordScope).c

_ROWS = select(
    _R.entity,
    _R.list_name,
    _R.state,
    _R.version_offset,
    _R.born_at,
    _R.creator_id,
    _R.created_at,
).where(_R.project_id == PROJECT, _R.entity.in_(any_of("ids")))
_SCOPES = select(_S.entity, _S.scope).where(_S.project_id == PROJECT, _S.entity.in_(any_of("ids")))


ON_PHONES = frozenset({RecordStatus.ACTIVE, RecordStatus.DISPUTED})
"""What phones keep: records whose create has come and that are not deleted."""


@dataclass(slots=True)
class Held:
    """A record in memory while a batch is decided, with what its row says besides its state."""

    record: Record
    list_name: str
    entity: str
    scopes: frozenset[str] = frozenset()
    creator_id: int | None = None
    created_at: str = ""
    steps: list[tuple[Undo, str | None]] = field(default_factory=list)


def lock_records(connection: Connection, project_id: int, keys: Iterable[str]) -> None:
    """Make other writers of these entities and instances wait until commit.

    SQLite has one writer, who is here already. PostgreSQL takes a lock on each key in
    one order, so that two writers never wait for each other, and so that a record that
    is not there yet can be locked too (`FOR UPDATE` locks no row that is not there).
    """
    if connection.dialect.name != "postgresql":
        return
    numbers = sorted({_lock_number(project_id, key) for key in keys})
    if not numbers:
        return
    connection.execute(
        text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k"),
        {"keys": numbers},
    )


def _lock_number(project_id: int, key: str) -> int:
    digest = hashlib.sha256(f"{project_id}\n{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def load_records(
    connection: Connection,
    project_id: int,
    changes: Sequence[Change],
    *,
    relayed: Sequence[SettledChange] = (),
    deep: Collection[str] = (),
) -> dict[str, Held]:
    """The records these changes are of, each with as much of its past as they need.

    `relayed` are those of them that another server settled, `deep` records that need it all.

    A handful of statements, however many changes: the rows; the scopes; the earlier changes of
    their branches; the creates of offline births; the steps back to their bases; the
    whole history of the few that need one.
    """
    by_entity: dict[str, list[Change]] = {}
    for change in changes:
        by_entity.setdefault(change.entity, []).append(change)
    held = _load_rows(connection, project_id, by_entity)
    _load_scopes(connection, project_id, held)
    near = find_mates(connection, project_id, (c.branch_id for c in changes if c.branch_id))
    born = [e for e, mine in by_entity.items() if e in held and any(map(_from_birth, mine))]
    near |= find_creates(connection, project_id, born)
    for one in near.values():
        if one.change.entity in held:
            held[one.change.entity].record.known[one.change.change_id] = one
    wanted = {entity for entity in deep if entity in held}
    wanted |= {e for e, mine in by_entity.items() if e in held and _is_deep(held[e].record, mine)}
    wanted |= {
        one.change.entity
        for one in relayed
        if one.change.entity in held
        # What stands now may have been replaced when the second of a batch is taken in.
        and (
            len(by_entity[one.change.entity]) > 1
            or reads_history(held[one.change.entity].record.state, one)
        )
    }
    _deepen(connection, project_id, {entity: held[entity].record for entity in wanted})
    _load_steps(connection, project_id, held, by_entity)
    return held


def load_standing(
    connection: Connection, project_id: int, entities: Iterable[str]
) -> dict[str, Held]:
    """Some records as they stand, with nothing of their past."""
    held = _load_rows(connection, project_id, entities)
    _load_scopes(connection, project_id, held)
    return held


def _oldest_asked(record: Record, changes: Sequence[Change]) -> int | None:
    """The oldest number that settling may ask for; an edit asks when its original came, too."""
    every = [*(one.change for one in record.known.values()), *changes]
    if record.whole and any(one.deprecates for one in every):
        return 0
    return min((b for change in changes if (b := _base(change)) is not None), default=None)


def _deepen(connection: Connection, project_id: int, records: Mapping[str, Record]) -> None:
    """Load all that is known of some records, and which originals of their edits are here."""
    for one in find_histories(connection, project_id, records).values():
        records[one.change.entity].known[one.change.change_id] = one
    edited: dict[str, set[str]] = {}
    for entity, record in records.items():
        record.whole = True
        changes = [one.change for one in record.known.values()]
        named = {one.deprecates for one in changes if one.deprecates}
        edited[entity] = named - {one.submission for one in changes}
    here = find_keys(connection, project_id, set().union(*edited.values()))
    for entity, record in records.items():
        record.here = here & edited[entity]


def _from_birth(change: Change) -> bool:
    return change.branch_id is not None and change.trunk_version is None


def _is_deep(record: Record, changes: Sequence[Change]) -> bool:
    return needs_history(record.state, changes, tuple(record.known.values()))


def _load_rows(connection: Connection, project_id: int, entities: Iterable[str]) -> dict[str, Held]:
    rows = connection.execute(_ROWS, {"project_id": project_id, "ids": sorted(entities)})
    return {
        row.entity: Held(
            record=Record(
                state=unpack_state(row.state),
                offset=row.version_offset,
                born_at=row.born_at,
                whole=False,
            ),
            list_name=row.list_name,
            entity=row.entity,
            creator_id=row.creator_id,
            created_at=row.created_at,
        )
        for row in rows
    }


def _load_scopes(connection: Connection, project_id: int, held: Mapping[str, Held]) -> None:
    if not held:
        return
    rows = connection.execute(_SCOPES, {"project_id": project_id, "ids": sorted(held)})
    for entity, scope in rows:
        held[entity].scopes |= {scope}


def _load_steps(
    connection: Connection,
    project_id: int,
    held: Mapping[str, Held],
    by_entity: Mapping[str, Sequence[Change]],
) -> None:
    """The undo steps after the oldest base asked of each record; none when all are current."""
    behind = []
    for entity, one in held.items():
        oldest = _oldest_asked(one.record, by_entity[entity])
        if oldest is not None and oldest < one.record.served:
            behind.append((entity, oldest))
    if not behind:
        return
    wanted = (
        values(column("entity", String), column("base", Integer), name="wanted").data(behind).cte()
    )
    rows = connection.execute(
        select(_V.entity, _V.served, _V.undo, _V.change_id)
        .join(wanted, (_V.entity == wanted.c.entity) & (_V.served > wanted.c.base))
        .where(_V.project_id == project_id)
        .order_by(_V.entity, _V.served.desc())
    )
    for entity, served, undo, change_id in rows:
        held[entity].record.undo.append(unpack_undo(served, undo, change_id))


def _base(change: Change) -> int | None:
    if change.op is Op.CREATE or change.base_version is None:
        return None
    return change.base_version if change.branch_id is None else change.trunk_version


def save_records(
    connection: Connection,
    project_id: int,
    saved: Sequence[tuple[Held, str, Mapping[str, str], int]],
    *,
    at: str,
) -> None:
    """Write records as they stand: (held, label, data shown, open reviews), and their steps."""
    upsert_rows(
        connection,
        RecordRow,
        [
            {
                "project_id": project_id,
                "entity": held.entity,
                "list_name": held.list_name,
                "label": label,
                "data": dict(data),
                "state": pack_state(held.record.state),
                "version": held.record.state.version,
                "version_offset": held.record.offset,
                "born_at": held.record.born_at,
                "status": held.record.state.status.value,
                "waiting": held.record.state.waiting,
                "open_reviews": open_reviews,
                "creator_id": held.creator_id,
                "created_at": held.created_at,
                "updated_at": at,
            }
            for held, label, data, open_reviews in saved
        ],
    )
    insert_rows(
        connection,
        RecordVersion,
        [
            {
                "project_id": project_id,
                "entity": held.entity,
                "served": undo.served,
                "change_id": change_id,
                "undo": pack_undo(undo),
                "at": at,
            }
            for held, *_ in saved
            for undo, change_id in held.steps
        ],
    )


def save_scopes(
    connection: Connection, project_id: int, moved: Sequence[tuple[Held, frozenset[str]]]
) -> None:
    """Replace the scopes of records: (held with the scopes it had, the scopes it has now)."""
    left = [held.entity for held, after in moved if held.scopes - after]
    if left:
        connection.execute(
            delete(table_of(RecordScope)).where(_S.project_id == project_id, _S.entity.in_(left))
        )
    insert_missing(
        connection,
        RecordScope,
        [
            {
                "project_id": project_id,
                "list_name": held.list_name,
                "scope": scope,
                "entity": held.entity,
            }
            for held, after in moved
            for scope in sorted(after)
        ],
    )


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """A record as a phone's list has it."""

    entity: str
    label: str
    version: int
    data: Mapping[str, str]


def list_for_phones(
    connection: Connection, project_id: int, list_name: str, scopes: Iterable[str] | None
) -> list[PhoneRow]:
    """The records of a list that any of `scopes` may see, in one fixed order; None sees all.

    Without those of which an edit has left nothing: they would be empty choices.
    """
    visible = select(_S.entity).where(
        _S.project_id == project_id,
        _S.list_name == list_name,
        _S.scope != AWAY if scopes is None else _S.scope.in_(sorted(scopes)),
    )
    rows = connection.execute(
        select(_R.entity, _R.label, _R.version, _R.version_offset, _R.data)
        .where(
            _R.project_id == project_id,
            _R.entity.in_(visible),
            _R.status.in_(sorted(ON_PHONES)),
        )
        .order_by(_R.entity)
    )
    return [
        PhoneRow(r.entity, r.label, r.version + r.version_offset, r.data)
        for r in rows
        if r.label or r.data
    ]


def find_record(connection: Connection, project_id: int, entity: str) -> Any:
    """The row of one record, or None."""
    return connection.execute(
        select(*_R).where(_R.project_id == project_id, _R.entity == entity)
    ).one_or_none()


def find_scopes(
    connection: Connection, project_id: int, entities: Iterable[str]
) -> dict[str, set[str]]:
    """The scopes that may see each record named."""
    found: dict[str, set[str]] = {}
    rows = connection.execute(_SCOPES, {"project_id": project_id, "ids": sorted(set(entities))})
    for entity, scope in rows:
        found.setdefault(entity, set()).add(scope)
    return found


def find_statuses(
    connection: Connection, project_id: int, list_name: str, entities: Iterable[str]
) -> dict[str, str]:
    """The status of each record of a list that is named and here."""
    rows = connection.execute(
        select(_R.entity, _R.status).where(
            _R.project_id == project_id,
            _R.list_name == list_name,
            _R.entity.in_(sorted(set(entities))),
        )
    )
    return {row.entity: row.status for row in rows}
