"""Changes: the log that nothing is ever removed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from conflict.types import Change, Op, SettledChange
from odk_forms.changes import submission_key
from sync_server.models.records import ChangeRow
from sync_server.stores.packing import pack_settled, unpack_settled
from sync_server.stores.upsert import PROJECT, any_of, insert_rows, table_of

_T = table_of(ChangeRow).c

_HERE = select(*_T).where(_T.project_id == PROJECT)
_BY_ID = _HERE.where(_T.change_id.in_(any_of("ids")))
_BY_BRANCH = _HERE.where(_T.branch_id.in_(any_of("ids")))
_CREATES = _HERE.where(_T.entity.in_(any_of("ids")), _T.op == Op.CREATE.value)
_HISTORIES = _HERE.where(_T.entity.in_(any_of("ids")))
_OF_INSTANCES = _HERE.where(_T.instance_id.in_(any_of("ids")))
_WRITERS = (
    select(_T.entity, _T.actor_id)
    .where(_T.project_id == PROJECT, _T.entity.in_(any_of("ids")), _T.actor_id.is_not(None))
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change came from: who, on which phone, in which filled form."""

    actor_id: int | None
    device_id: str = ""
    xml_form_id: str | None = None
    form_version: str | None = None
    instance_id: str | None = None
    deprecated_id: str | None = None
    path: tuple[Mapping[str, str], ...] = ()  # the stamps before this server's own
    author_name: str | None = None  # of somebody who has no account here


def find_changes(
    connection: Connection, project_id: int, change_ids: Iterable[str]
) -> dict[str, SettledChange]:
    """The changes already here, by id."""
    return _by_id(connection, project_id, _BY_ID, change_ids)


def find_mates(
    connection: Connection, project_id: int, branch_ids: Iterable[str]
) -> dict[str, SettledChange]:
    """Every change of the branches named, by id."""
    return _by_id(connection, project_id, _BY_BRANCH, branch_ids)


def find_creates(
    connection: Connection, project_id: int, entities: Iterable[str]
) -> dict[str, SettledChange]:
    """The creates of the records named, by change id."""
    return _by_id(connection, project_id, _CREATES, entities)


def find_histories(
    connection: Connection, project_id: int, entities: Iterable[str]
) -> dict[str, SettledChange]:
    """Every change of the records named, by change id."""
    return _by_id(connection, project_id, _HISTORIES, entities)


def find_of_submissions(
    connection: Connection, project_id: int, submissions: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[Row[Any]]]:
    """The rows of the changes of some submissions, by (form, instance)."""
    wanted = set(submissions)
    found: dict[tuple[str, str], list[Row[Any]]] = {}
    if wanted:
        ids = sorted({instance for _, instance in wanted})
        for row in connection.execute(_OF_INSTANCES, {"project_id": project_id, "ids": ids}):
            if (row.xml_form_id, row.instance_id) in wanted:
                found.setdefault((row.xml_form_id, row.instance_id), []).append(row)
    return found


def find_writers(
    connection: Connection, project_id: int, entities: Iterable[str]
) -> dict[str, set[int]]:
    """The actors that wrote each record named."""
    ids = sorted(set(entities))
    found: dict[str, set[int]] = {}
    if ids:
        rows = connection.execute(_WRITERS, {"project_id": project_id, "ids": ids})
        for entity, actor_id in rows:
            found.setdefault(entity, set()).add(actor_id)
    return found


def list_history(connection: Connection, project_id: int, entity: str) -> Sequence[Row[Any]]:
    """The rows of a record's changes, oldest first by their first stamp."""
    return connection.execute(
        select(*_T)
        .where(_T.project_id == project_id, _T.entity == entity)
        .order_by(_T.received_at, _T.change_id)
    ).all()


def find_rows(connection: Connection, project_id: int, change_ids: Iterable[str]) -> dict[str, Any]:
    """The whole rows of changes, by id: who sent each, on which phone, in which form."""
    ids = sorted(set(change_ids))
    if not ids:
        return {}
    rows = connection.execute(select(*_T).where(_T.project_id == project_id, _T.change_id.in_(ids)))
    return {row.change_id: row for row in rows}


def insert_changes(
    connection: Connection,
    project_id: int,
    taken: Sequence[tuple[SettledChange, Origin, str, str]],
    *,
    stamp: Mapping[str, str],
) -> None:
    """Append changes taken in: (settled, origin, status answered, decision note).

    `stamp` is this server's own: its node and when it took them in.
    """
    insert_rows(
        connection,
        ChangeRow,
        [_row(project_id, one, origin, status, note, stamp) for one, origin, status, note in taken],
    )


def update_copies(
    connection: Connection,
    project_id: int,
    copies: Sequence[tuple[SettledChange, Origin]],
    *,
    stamp: Mapping[str, str],
) -> None:
    """Keep another server's copy of changes in the place of this one's."""
    if not copies:
        return
    connection.execute(
        table_of(ChangeRow)
        .update()
        .where(_T.project_id == project_id, _T.change_id == bindparam("id_"))
        .values(
            settled=bindparam("settled_"),
            waiting=bindparam("waiting_"),
            received_at=bindparam("received_"),
            path=bindparam("path_"),
        ),
        [
            {
                "id_": one.change.change_id,
                "settled_": pack_settled(one),
                "waiting_": one.waiting,
                "received_": one.received_at,
                "path_": [*origin.path, stamp],
            }
            for one, origin in copies
        ],
    )


def update_settlements(
    connection: Connection, project_id: int, settled: Sequence[tuple[SettledChange, str]]
) -> None:
    """Keep what was settled again for changes that had waited, with the status they have now."""
    if not settled:
        return
    table = table_of(ChangeRow)
    connection.execute(
        table.update()
        .where(_T.project_id == project_id, _T.change_id == bindparam("id_"))
        .values(
            settled=bindparam("settled_"),
            waiting=bindparam("waiting_"),
            status=bindparam("status_"),
        ),
        [
            {
                "id_": one.change.change_id,
                "settled_": pack_settled(one),
                "waiting_": one.waiting,
                "status_": status,
            }
            for one, status in settled
        ],
    )


def settled_of(row: Row[Any] | Mapping[str, Any]) -> SettledChange:
    """A row of the table as the value that `conflict` works with."""
    get = row._mapping if isinstance(row, Row) else row
    decision = get["decision"] or {}
    change = Change(
        change_id=get["change_id"],
        list_name=get["list_name"],
        entity=get["entity"],
        op=Op(get["op"]),
        label=get["label"],
        data=get["data"],
        base_version=get["base_version"],
        trunk_version=get["trunk_version"],
        branch_id=get["branch_id"],
        client_time=get["client_time"],
        author="" if get["actor_id"] is None else str(get["actor_id"]),
        from_form=get["from_form"],
        contenders=tuple(decision.get("contenders", ())),
        status=decision.get("status"),
        of=decision.get("of"),
        submission=_key(get["xml_form_id"], get["instance_id"]),
        deprecates=_key(get["xml_form_id"], get["deprecated_id"]),
    )
    return SettledChange(
        change=change,
        received_at=get["received_at"],
        node=get["path"][0]["node"],
        **unpack_settled(get["settled"]),
    )


def _key(xml_form_id: str | None, instance_id: str | None) -> str:
    return submission_key(xml_form_id, instance_id) if xml_form_id and instance_id else ""


def _by_id(
    connection: Connection, project_id: int, statement: Select[Any], wanted: Iterable[str]
) -> dict[str, SettledChange]:
    ids = sorted(set(wanted))
    if not ids:
        return {}
    rows = connection.execute(statement, {"project_id": project_id, "ids": ids})
    return {row.change_id: settled_of(row) for row in rows}


def _row(
    project_id: int,
    one: SettledChange,
    origin: Origin,
    status: str,
    note: str,
    stamp: Mapping[str, str],
) -> dict[str, Any]:
    change = one.change
    decision = {
        "contenders": list(change.contenders),
        "status": change.status,
        "of": change.of,
        "note": note,
    }
    return {
        "project_id": project_id,
        "change_id": change.change_id,
        "list_name": change.list_name,
        "entity": change.entity,
        "op": change.op.value,
        "label": change.label,
        "data": dict(change.data),
        "base_version": change.base_version,
        "trunk_version": change.trunk_version,
        "branch_id": change.branch_id,
        "client_time": change.client_time,
        "from_form": change.from_form,
        "decision": decision if any(decision.values()) else None,
        "actor_id": origin.actor_id,
        "author_name": origin.author_name,
        "device_id": origin.device_id,
        "xml_form_id": origin.xml_form_id,
        "form_version": origin.form_version,
        "instance_id": origin.instance_id,
        "deprecated_id": origin.deprecated_id,
        "received_at": one.received_at,
        "path": [*origin.path, stamp],
        "settled": pack_settled(one),
        "waiting": one.waiting,
        "status": status,
    }
