"""Entity lists, their properties, and the heads their phones' hashes are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Text, bindparam, func, select, text, type_coerce

from conflict.areas import AWAY, EVERYBODY, Rule, rules_of
from conflict.policy import Policies, Policy
from sync_server.models.forms import EntityList, Property
from sync_server.models.records import ListHead
from sync_server.stores.upsert import PROJECT, any_of, table_of, upsert_rows

_L = table_of(EntityList).c
_P = table_of(Property).c
_H = table_of(ListHead).c

_LISTS = (
    select(
        _L.name.label("list_name"),
        _L.schema_serial,
        _L.approval_required,
        type_coerce(_L.access_filter, Text).label("access_filter"),
        _P.name,
        _P.policy,
        _P.phone,
    )
    .outerjoin(table_of(Property), (_P.project_id == _L.project_id) & (_P.list_name == _L.name))
    .where(_L.project_id == PROJECT)
    .order_by(_L.name, _P.ordinal, _P.name)
)
_HEADS = (
    select(_H.scope, _H.seq)
    .where(
        _H.project_id == PROJECT,
        _H.list_name == bindparam("list_name"),
        _H.scope.in_(any_of("scopes")),
    )
    .order_by(_H.scope)
)
_LAST_HEAD = select(func.max(_H.seq)).where(
    _H.project_id == PROJECT, _H.list_name == bindparam("list_name"), _H.scope != AWAY
)

# Locks of two numbers never meet those of one, which records are locked by.
_SPACE = 0x6C697374
_HOLD = text("SELECT pg_advisory_xact_lock_shared(:space, :id)")
_HOLD_ALONE = text("SELECT pg_advisory_xact_lock(:space, :id)")


@dataclass(frozen=True, slots=True)
class ListInfo:
    """A list as the engine and the phones' door need it."""

    name: str
    schema_serial: int
    approval_required: bool
    rules: tuple[Rule, ...]
    properties: tuple[str, ...] = ()
    policies: Policies = field(default_factory=Policies)

    def of_the_list(self, data: Mapping[str, str]) -> dict[str, str]:
        """What is shown of `data`: the properties that the list has, whatever else was sent."""
        return {n: v for n, v in data.items() if n in self.policies.by_property}

    @property
    def phone_properties(self) -> tuple[str, ...]:
        """The properties phones hold, in the order they were published."""
        return tuple(n for n in self.properties if n not in self.policies.kept_off_phones)


def hold_lists(connection: Connection, project_id: int, *, alone: bool = False) -> None:
    """Keep what a project's lists declare as it is until commit; `alone`, to alter it.

    Who takes changes in reads policies first and records later; who alters a policy reads
    every record and writes it as the new one says. Neither may come between the other's steps.
    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_HOLD_ALONE if alone else _HOLD, {"space": _SPACE, "id": project_id})


def load_lists(connection: Connection, project_id: int) -> dict[str, ListInfo]:
    """Every list of a project with its properties, in one statement."""
    rows = connection.execute(_LISTS, {"project_id": project_id}).all()
    grouped = groupby(rows, key=lambda row: row.list_name)
    return {name: _info(tuple(mine)) for name, mine in grouped}


@lru_cache(maxsize=1024)  # equal rows say the same, whenever they are read
def _info(rows: tuple[Any, ...]) -> ListInfo:
    """One list from its joined rows; a list without properties has one row without a name."""
    head = rows[0]
    rules = rules_of(json.loads(head.access_filter) if head.access_filter else None)
    properties = [row for row in rows if row.name is not None]
    policies = Policies(
        by_property={row.name: Policy.parse(row.policy) for row in properties},
        kept_off_phones=frozenset(row.name for row in properties if not row.phone),
        filters=frozenset(rule.dataset_property for rule in rules),
    )
    return ListInfo(
        name=head.list_name,
        schema_serial=head.schema_serial,
        approval_required=head.approval_required,
        rules=rules,
        properties=tuple(row.name for row in properties),
        policies=policies,
    )


def save_list(
    connection: Connection, project_id: int, old: ListInfo | None, new: ListInfo, *, at: str
) -> None:
    """Write a list as it is declared now; `old` is how it was, None for one that is made."""
    rules = [
        {"datasetProperty": r.dataset_property, "actorProperty": r.actor_property}
        for r in new.rules
    ]
    row = {
        "project_id": project_id,
        "name": new.name,
        "approval_required": new.approval_required,
        "access_filter": {"type": "property", "rules": rules} if rules else None,
        "schema_serial": new.schema_serial,
        "created_at": at,
    }
    upsert_rows(connection, EntityList, [row], keep=("created_at",))
    had = {} if old is None else _declared(old)
    declared = _declared(new)
    rows = [
        {
            "project_id": project_id,
            "list_name": new.name,
            "name": name,
            "ordinal": ordinal,
            "policy": declared[name][0],
            "phone": declared[name][1],
            "published_at": at,
        }
        for ordinal, name in enumerate(new.properties, start=1)
        if declared[name] != had.get(name)
    ]
    upsert_rows(connection, Property, rows, keep=("ordinal", "published_at"))


def _declared(info: ListInfo) -> dict[str, tuple[str, bool]]:
    """Property -> its policy as text, and whether phones hold it."""
    policies = info.policies
    return {n: (str(policies.of(n)), n not in policies.kept_off_phones) for n in info.properties}


def touch_heads(
    connection: Connection, project_id: int, touched: Mapping[tuple[str, str], int]
) -> None:
    """Note the last journal number of each (list, scope) that a transaction touched."""
    upsert_rows(
        connection,
        ListHead,
        [
            {"project_id": project_id, "list_name": name, "scope": scope, "seq": seq}
            for (name, scope), seq in sorted(touched.items())
        ],
    )


def find_heads(
    connection: Connection, project_id: int, list_name: str, scopes: Iterable[str] | None
) -> list[tuple[str, int]]:
    """The heads of the scopes named, by scope; for None, the last of all, of who sees every one."""
    if scopes is None:
        last = connection.execute(_LAST_HEAD, {"project_id": project_id, "list_name": list_name})
        return [(EVERYBODY, last.scalar_one() or 0)]
    rows = connection.execute(
        _HEADS, {"project_id": project_id, "list_name": list_name, "scopes": sorted(scopes)}
    )
    return [(scope, seq) for scope, seq in rows]
