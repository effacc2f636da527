"""Lists of records, and the filled forms that wrote them, as a reader of an area may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conflict.areas import Area
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.reports.board import visible_to
from sync_server.reports.labels import load_labels, name_places
from sync_server.reports.routes import hubs_on
from sync_server.stores import report as store
from sync_server.stores.devices import list_form_titles
from sync_server.stores.hubs import name_nodes
from sync_server.stores.lists import load_lists
from sync_server.stores.submissions import find_submission, list_attachments


@dataclass(frozen=True, slots=True)
class ListCard:
    """One entity list, and how many of its records the reader may see."""

    name: str
    label: str
    records: int


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record in a list. `place` is what its filter property stands for."""

    entity: str
    label: str
    place: str
    status: str
    waiting: int
    open_reviews: int
    updated_at: str


@dataclass(frozen=True, slots=True)
class RecordList:
    """One page of a list; `after` is the record to go on from, None at the end."""

    name: str
    label: str
    place_label: str
    rows: tuple[RecordRow, ...]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPage:
    """One filled form as it came."""

    xml_form_id: str
    form_title: str
    form_version: str
    version_unknown: bool
    instance_id: str
    author: str | None
    device_id: str
    client_time: str | None
    received_at: str  # by this server
    hubs: tuple[tuple[str, str], ...]  # those it came through, and when each had it
    xml: bytes
    attachments: tuple[Any, ...]
    records: tuple[tuple[str, str], ...]  # (entity, label)

    @property
    def text(self) -> str:
        """The XML as text to read; bytes that are no UTF-8 show as such."""
        return self.xml.decode("utf-8", "replace")


def lists_of(project_id: int, area: Area, *, language: str) -> list[ListCard]:
    """The lists of a project, by name."""
    with read_transaction() as connection:
        lists = load_lists(connection, project_id)
        counts = store.count_records(connection, project_id, visible_to(lists, area))
        labels = load_labels(connection, project_id, language)
    return [ListCard(name, labels.list(name), counts.get(name, 0)) for name in lists]


def records_of(
    project_id: int,
    list_name: str,
    area: Area,
    *,
    language: str,
    search: str = "",
    after: str = "",
    limit: int = 50,
) -> RecordList:
    """One page of a list's records by label: those of an area whose label has `search` in it."""
    with read_transaction() as connection:
        lists = load_lists(connection, project_id)
        if list_name not in lists:
            raise NotFound("there is no such list")
        rows = store.list_records(
            connection,
            project_id,
            list_name,
            visible=visible_to(lists, area),
            search=search,
            after=after,
            limit=limit + 1,
        )
        labels = load_labels(connection, project_id, language)
        rule = next(iter(lists[list_name].rules), None)
        codes = {
            row.entity: (rule.actor_property, row.data.get(rule.dataset_property, ""))
            for row in rows
            if rule is not None and rule.actor_property != list_name
        }
        places = name_places(connection, project_id, lists, codes.values())
    shown = rows[:limit]
    return RecordList(
        name=list_name,
        label=labels.list(list_name),
        place_label=labels.actor_property(rule.actor_property) if rule and codes else "",
        rows=tuple(
            RecordRow(
                entity=row.entity,
                label=row.label,
                place=places.get(codes[row.entity], codes[row.entity][1]) if codes else "",
                status=row.status,
                waiting=row.waiting,
                open_reviews=row.open_reviews,
                updated_at=row.updated_at,
            )
            for row in shown
        ),
        after=shown[-1].entity if len(rows) > limit else None,
    )


def submission_page(
    project_id: int, xml_form_id: str, instance_id: str, area: Area
) -> SubmissionPage:
    """One filled form. Errors: `NotFound`, also for one that wrote a record outside the area."""
    with read_transaction() as connection:
        row = find_submission(connection, project_id, xml_form_id, instance_id)
        if row is None:
            raise NotFound("there is no such submission")
        entities = store.list_entities_of(connection, project_id, instance_id)
        visible = visible_to(load_lists(connection, project_id), area)
        labels = store.list_labels(connection, project_id, entities, visible)
        if area.bound and (not entities or len(labels) < len(entities)):
            raise NotFound("there is no such submission")
        titles = list_form_titles(connection, project_id, {(xml_form_id, row.form_version)})
        names = store.list_names(connection, [row.actor_id])
        files = list_attachments(connection, project_id, xml_form_id, instance_id)
        hubs = name_nodes(connection, project_id)
    return SubmissionPage(
        xml_form_id=xml_form_id,
        form_title=titles.get((xml_form_id, row.form_version), xml_form_id),
        form_version=row.form_version,
        version_unknown=row.version_unknown,
        instance_id=instance_id,
        author=names.get(row.actor_id) or row.author_name,
        device_id=row.device_id,
        hubs=hubs_on(row.path, hubs),
        client_time=row.client_time,
        received_at=row.path[-1]["receivedAt"] if row.path else row.received_at,
        xml=row.xml,
        attachments=tuple(files),
        records=tuple(labels),
    )
