"""One record, whole: what it shows and where each value came from, what is asked, what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from conflict.areas import Area
from conflict.fold import outcomes
from conflict.policy import LABEL, Policies
from conflict.settle import received_value
from conflict.standing import reviews
from conflict.types import Op, RecordState, SettledChange, Write
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.reports.board import visible_to
from sync_server.reports.labels import Labels, load_labels, name_places
from sync_server.reports.routes import hubs_on
from sync_server.stores.changes import list_history, settled_of
from sync_server.stores.devices import list_form_titles
from sync_server.stores.hubs import name_nodes
from sync_server.stores.lists import ListInfo, load_lists
from sync_server.stores.packing import unpack_state
from sync_server.stores.records import find_record
from sync_server.stores.report import list_labels, list_names, list_reviews_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where something came from: which change, by whom, on which phone, in which filled form."""

    change_id: str
    op: Op
    author: str | None
    device_id: str
    form_title: str | None
    form_version: str | None
    xml_form_id: str | None
    instance_id: str | None
    client_time: str | None
    received_at: str  # by the first server that it came to
    here_at: str  # by this one
    hubs: tuple[tuple[str, str], ...] = ()  # the hubs it came through, and when each had it
    has_account: bool = True

    @property
    def elsewhere(self) -> str | None:
        """The hub at which its author is known, where that is not here."""
        return self.hubs[0][0] if self.hubs and not self.has_account else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One property as the record shows it now."""

    name: str
    label: str
    value: str
    place: str | None  # what the value stands for, where it is the code of a place
    observed_on: str | None
    source: Source | None
    review: str | None  # the open review that asks about it


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOutcome:
    """One property of one change, and what became of it."""

    name: str
    label: str
    value: str
    outcome: str  # current superseded contender settled unchanged
    observed_on: str | None = None
    replaced: tuple[str, ...] = ()  # the values it took the place of
    option: bool = False  # an option of a union: "1" is in, "0" is out


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change in a record's history."""

    source: Source
    status: str
    waiting: bool
    note: str
    decided: str | None  # a resolve's "active" or "deleted"
    fields: tuple[FieldOutcome, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was observed on one day: property -> the values written for it."""

    day: str
    values: Mapping[str, tuple[FieldOutcome, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """All that is known of one record."""

    entity: str
    list_name: str
    list_label: str
    label: str
    status: str
    version: int
    waiting: int
    created_at: str
    updated_at: str
    values: tuple[Value, ...]
    measured: tuple[Measured, ...]
    measured_labels: Mapping[str, str]
    open_reviews: tuple[tuple[str, str, str], ...]  # (id, kind, label of the field)
    entries: tuple[Entry, ...]  # newest first


class Past:
    """A record's changes with the names of those who wrote them, loaded once."""

    def __init__(
        self, connection: Connection, project_id: int, row: Any, info: ListInfo, labels: Labels
    ) -> None:
        rows = list_history(connection, project_id, row.entity)
        self.info = info
        self.labels = labels
        self.state: RecordState = unpack_state(row.state)
        self.rows: dict[str, Any] = {one.change_id: one for one in rows}
        self.settled: dict[str, SettledChange] = {one.change_id: settled_of(one) for one in rows}
        self._hubs = name_nodes(connection, project_id)
        self._names = list_names(connection, (one.actor_id for one in rows))
        self._titles = list_form_titles(
            connection, project_id, {(o.xml_form_id, o.form_version) for o in rows if o.xml_form_id}
        )

    def source(self, change_id: str) -> Source:
        """Where a change of this record came from."""
        row = self.rows[change_id]
        return Source(
            change_id=row.change_id,
            op=Op(row.op),
            author=self._names.get(row.actor_id) or row.author_name,
            has_account=row.actor_id is not None,
            device_id=row.device_id,
            form_title=self._titles.get((row.xml_form_id, row.form_version), row.xml_form_id),
            form_version=row.form_version,
            xml_form_id=row.xml_form_id,
            instance_id=row.instance_id,
            client_time=row.client_time,
            received_at=row.received_at,
            here_at=row.path[-1]["receivedAt"],
            hubs=hubs_on(row.path, self._hubs),
        )

    def value(self, change_id: str, name: str) -> str | None:
        """What a change said of a property; None when it is not here."""
        one = self.settled.get(change_id)
        return None if one is None else received_value(one.change, name)

    def observed_on(self, change_id: str, name: str) -> str | None:
        settled = self.settled[change_id].properties.get(name)
        return settled.observed_on if settled else None

    def replaced(self, change_id: str, name: str) -> tuple[str, ...]:
        """The values that a change took the place of."""
        settled = self.settled[change_id].properties.get(name)
        targets = settled.replaces if settled and settled.write else ()
        values = (self.value(target, name) for target in targets if target != change_id)
        return tuple(dict.fromkeys(v for v in values if v is not None))

    def label(self, name: str) -> str:
        """What a property is called; of the record's own label, ""."""
        return "" if name == LABEL else self.labels.property(self.info.name, name)


def record_page(project_id: int, entity: str, area: Area, *, language: str) -> RecordPage:
    """One record of an area with its whole history. Errors: `NotFound`, also outside the area."""
    with read_transaction() as connection:
        row, lists = get_record(connection, project_id, entity, area)
        labels = load_labels(connection, project_id, language)
        info = lists[row.list_name]
        past = Past(connection, project_id, row, info, labels)
        filtered = {rule.dataset_property: rule.actor_property for rule in info.rules}
        coded = {
            name: (filtered[name], value) for name, value in row.data.items() if name in filtered
        }
        places = name_places(connection, project_id, lists, coded.values())
        asked = list_reviews_of(connection, project_id, entity)
    open_now = [one for one in asked if one.state == "open"]
    page = _Page(past, info.policies, {one.field: one.review_id for one in open_now})
    measured_names = [n for n in info.properties if info.policies.of(n).kind == "latest"]
    return RecordPage(
        entity=entity,
        list_name=row.list_name,
        list_label=labels.list(row.list_name),
        label=row.label,
        status=row.status,
        version=row.version,
        waiting=row.waiting,
        created_at=row.created_at,
        updated_at=row.updated_at,
        values=tuple(
            page.value(name, row.data[name], places.get(coded.get(name, ("", ""))))
            for name in (*info.properties, *sorted(row.data.keys() - set(info.properties)))
            if name in row.data
        ),
        measured=page.measured(measured_names),
        measured_labels={name: past.label(name) for name in measured_names},
        open_reviews=tuple((one.review_id, one.kind, past.label(one.field)) for one in open_now),
        entries=tuple(page.entry(one) for one in reversed(past.settled.values())),
    )


def get_record(
    connection: Connection, project_id: int, entity: str, area: Area
) -> tuple[Any, dict[str, ListInfo]]:
    """A record's row and its project's lists. Errors: `NotFound`, also outside the area."""
    lists = load_lists(connection, project_id)
    row = find_record(connection, project_id, entity)
    if row is None or not list_labels(connection, project_id, [entity], visible_to(lists, area)):
        raise NotFound("there is no such record")
    return row, lists


class _Page:
    """Puts together what one record's page says."""

    def __init__(self, past: Past, policies: Policies, asked: Mapping[str, str]) -> None:
        self.past = past
        self.policies = policies
        self.asked = asked
        self.contending = {r.field: r.contenders for r in reviews(past.state, policies)}
        self._outcomes = {cid: self._of_change(one) for cid, one in past.settled.items()}

    def value(self, name: str, shown: str, place: str | None) -> Value:
        write = self._shown_write(name, shown)
        return Value(
            name=name,
            label=self.past.label(name),
            value=shown,
            place=place if place != shown else None,
            observed_on=write.observed_on if write else None,
            source=self.past.source(write.change_id) if write else None,
            review=self.asked.get(name),
        )

    def _shown_write(self, name: str, shown: str) -> Write | None:
        """The write a shown value came from; of a union or a date, the newest that made it so."""
        fields = self.past.state.fields
        if name in fields:
            return fields[name].shown_write()
        if name in self.policies.dates:
            dated = [n for n in fields if self.policies.of(n).date_property == name]
            writes = [w for n in dated if (w := fields[n].shown_write()) is not None]
            writes = [w for w in writes if w.observed_on == shown]
        else:
            options = [n for n in fields if n.startswith(f"{name}/")]
            writes = [w for n in options if (w := fields[n].shown_write()) is not None]
        return max(writes, key=lambda w: (w.order_time, w.change_id), default=None)

    def entry(self, one: SettledChange) -> Entry:
        change_id = one.change.change_id
        row = self.past.rows[change_id]
        return Entry(
            source=self.past.source(change_id),
            status=row.status,
            waiting=row.waiting,
            note=(row.decision or {}).get("note", ""),
            decided=one.change.status,
            fields=self._outcomes[change_id],
        )

    def _of_change(self, one: SettledChange) -> tuple[FieldOutcome, ...]:
        found = outcomes(one, self.past.state, self.contending, self.policies)
        order = {name: place for place, name in enumerate((LABEL, *self.past.info.properties))}
        found.sort(key=lambda f: (order.get(f.name.split("/", 1)[0], len(order)), f.name))
        return tuple(
            FieldOutcome(
                name=field.name,
                label=self.past.label(field.name),
                value=field.value,
                outcome=field.outcome,
                observed_on=_observed_on(one, field.name),
                replaced=self.past.replaced(one.change.change_id, field.name),
                option="/" in field.name,
            )
            for field in found
            if not ("/" in field.name and field.outcome == "unchanged")
        )

    def measured(self, names: Sequence[str]) -> tuple[Measured, ...]:
        """Every day something was observed, newest first."""
        days: dict[str, dict[str, list[FieldOutcome]]] = {}
        for fields in self._outcomes.values():
            for field in fields:
                if field.name in names and field.observed_on and field.outcome != "unchanged":
                    day = days.setdefault(field.observed_on[:10], {})
                    day.setdefault(field.name, []).append(field)
        return tuple(
            Measured(day, {name: tuple(found) for name, found in days[day].items()})
            for day in sorted(days, reverse=True)
        )


def _observed_on(one: SettledChange, name: str) -> str | None:
    settled = one.properties.get(name)
    return settled.observed_on if settled is not None else None
