"""An existing register, kept in a spreadsheet, brought into a list on the one road.

The ids of rows and of their changes come of what the rows say, so that importing a file twice
changes nothing, and a file that grew brings in only what is new: what phones wrote since
is never overwritten by a row that was imported before.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from conflict.policy import UNION, Policies
from conflict.standing import same
from conflict.types import Change, Op, RecordStatus
from odk_forms.entity_lists import RegisterRow, read_csv
from odk_forms.errors import FormError, Message
from sync_server.accounts.people import get_project
from sync_server.clock import Clock
from sync_server.db import read_transaction
from sync_server.errors import BadValue, NotFound
from sync_server.intake.arrival import Author, Project, SentChange
from sync_server.intake.ingest import ingest
from sync_server.publishing.lists import add_property, same_but_for_case
from sync_server.stores.changes import find_changes
from sync_server.stores.list_records import find_present
from sync_server.stores.lists import ListInfo, load_lists

T = TypeVar("T")

CHUNK = 500
"""Rows read or taken in at a time: a transaction's length, and a statement's."""


@dataclass(slots=True)
class Plan:
    """What an import would do: nothing of it is written.

    `messages` have row numbers, the header being row 1; with an error among them nothing can be
    imported. `new_properties` are columns that the list does not have.
    """

    list_name: str
    create: int = 0
    update: int = 0
    unchanged: int = 0
    messages: list[Message] = field(default_factory=list)
    new_properties: tuple[str, ...] = ()
    changes: list[Change] = field(default_factory=list, repr=False)

    @property
    def errors(self) -> list[Message]:
        return [one for one in self.messages if one.severity == "error"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `statuses`: the ingest's word for each row taken in -> how many."""

    plan: Plan
    statuses: Mapping[str, int]


def plan_import(
    project_id: int, list_name: str, content: bytes, *, add_properties: bool = False
) -> Plan:
    """Say what importing a CSV into a list would do.

    A row is an update when its `name` is a record of the list and it says something else;
    a blank cell of it leaves what the record shows. Every other row is a create.
    Errors    `NotFound` for the project or the list.
    """
    project = get_project(project_id)
    with read_transaction() as connection:
        lists = load_lists(connection, project_id)
        info = lists.get(list_name)
        if info is None:
            known = ", ".join(sorted(lists)) or "none"
            raise NotFound(f"there is no list '{list_name}' in this project; there are: {known}")
        plan = Plan(list_name)
        try:
            columns, rows = read_csv(content)
        except FormError as exc:
            plan.messages.extend(exc.messages)
            return plan
        plan.new_properties = tuple(name for name in columns if name not in info.properties)
        plan.messages.extend(_column_faults(plan, info, add_properties=add_properties))
        if not plan.errors:
            _Planner(connection, project, info, plan).plan(rows)
    return plan


def run_import(
    project_id: int,
    list_name: str,
    content: bytes,
    *,
    by: int | None,
    clock: Clock,
    add_properties: bool = False,
) -> Imported:
    """Import a CSV into a list, in transactions of 500 rows; stopped half-way, run it again.

    Errors    `NotFound`; `BadValue` with `details.messages` when the file has errors: then
              nothing is written.
    """
    plan = plan_import(project_id, list_name, content, add_properties=add_properties)
    if plan.errors:
        first = plan.errors[0]
        place = f"row {first.row}: " if first.row else ""
        messages = [asdict(one) for one in plan.messages]
        raise BadValue(f"{place}{first.text}", messages=messages)
    for name in plan.new_properties:
        add_property(project_id, list_name, name, by=by, clock=clock)
    author = Author(actor_id=by, may_decide=True)
    project, statuses = get_project(project_id), Counter[str]()
    for some in _chunks(plan.changes):
        results = ingest(project, [SentChange(one) for one in some], author=author, clock=clock)
        statuses.update(one.status.value for one in results)
    return Imported(plan, dict(statuses))


def _column_faults(plan: Plan, info: ListInfo, *, add_properties: bool) -> Iterator[Message]:
    for name in plan.new_properties:
        other = same_but_for_case(name, info.properties)
        if other is not None:
            text = f"The column '{name}' and the property '{other}' differ only by case."
            yield Message("error", text, row=1)
        elif not add_properties:
            text = f"The list '{info.name}' has no property '{name}'."
            yield Message("error", text, row=1)


class _Planner:
    """Holds rows against what the list has, a chunk at a time."""

    def __init__(
        self, connection: Connection, project: Project, info: ListInfo, plan: Plan
    ) -> None:
        self.connection = connection
        self.project = project
        self.info = info
        self.policies: Policies = info.policies
        self.made = plan
        self.first: dict[str, int] = {}

    def plan(self, rows: Sequence[RegisterRow]) -> None:
        for some in _chunks(rows):
            wanted = [(row, *self._ids(row)) for row in some]
            present = find_present(self.connection, self.project.id, (e for _, e, _ in wanted))
            known = find_changes(self.connection, self.project.id, (c for *_, c in wanted))
            for row, entity, change_id in wanted:
                if self._is_twice(row, entity):
                    continue
                self._row(row, entity, change_id, present.get(entity), change_id in known)

    def _ids(self, row: RegisterRow) -> tuple[str, str]:
        """The ids of a row's record and of its change: the same whenever the row is."""
        namespace = uuid.UUID(self.project.uuid)
        said = json.dumps([row.label, sorted(_typed(row).items())], ensure_ascii=False)
        entity = row.entity or str(uuid.uuid5(namespace, f"{self.info.name}\n{said}"))
        change = uuid.uuid5(namespace, f"import\n{self.info.name}\n{entity}\n{said}")
        return entity, str(change)

    def _is_twice(self, row: RegisterRow, entity: str) -> bool:
        first = self.first.setdefault(entity, row.row)
        if first == row.row:
            return False
        self._warn(row, f"Row {first} says the same; it is imported once.")
        self.made.unchanged += 1
        return True

    def _row(self, row: RegisterRow, entity: str, change_id: str, record: Any, known: bool) -> None:
        plan = self.made
        if record is not None and record.list_name != self.info.name:
            text = f"The record {entity} is in the list '{record.list_name}'."
            plan.messages.append(Message("error", text, row=row.row))
        elif known:
            plan.unchanged += 1
        elif record is None or record.status == RecordStatus.INCOMPLETE.value:
            plan.create += 1
            self._change(row, entity, change_id, Op.CREATE)
        elif record.status == RecordStatus.DELETED.value:
            self._warn(row, "This record was deleted; the row is left out.")
            plan.unchanged += 1
        elif self._says_the_same(row, record):
            plan.unchanged += 1
        else:
            plan.update += 1
            self._change(row, entity, change_id, Op.UPDATE)

    def _says_the_same(self, row: RegisterRow, record: Any) -> bool:
        return row.label == record.label and all(
            self._is_same(name, value, record.data.get(name, ""))
            for name, value in _typed(row).items()
        )

    def _is_same(self, name: str, value: str, shown: str) -> bool:
        policy = self.policies.of(name)
        if policy == UNION:
            return set(value.split()) == set(shown.split())
        return same(value, shown, policy)

    def _change(self, row: RegisterRow, entity: str, change_id: str, op: Op) -> None:
        # The whole row: a date that is new makes observations of values that are not.
        self.made.changes.append(
            Change(
                change_id=change_id,
                list_name=self.info.name,
                entity=entity,
                op=op,
                label=row.label,
                data=_typed(row),
            )
        )

    def _warn(self, row: RegisterRow, text: str) -> None:
        self.made.messages.append(Message("warning", text, row=row.row))


def _typed(row: RegisterRow) -> dict[str, str]:
    """What somebody typed: a blank cell of a spreadsheet says nothing."""
    return {name: value for name, value in row.data.items() if value}


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
