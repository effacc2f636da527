"""Entities as programs make, read and alter them; every writing goes the one road in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from conflict.areas import Area, scopes_of_actor
from conflict.policy import LABEL, UNION, Policies
from conflict.record import Record, Undo
from conflict.standing import read_view, reviews
from conflict.types import Change, Op, RecordState, RecordStatus
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction
from sync_server.errors import AlreadyThere, BadEntity, NotFound, StaleVersion
from sync_server.intake.arrival import Author, Project, SentChange
from sync_server.intake.ingest import ingest_or_refuse
from sync_server.stores import entities as store
from sync_server.stores.lists import ListInfo, load_lists
from sync_server.stores.packing import unpack_seen, unpack_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity as it stands. `version` is the number phones and programs are shown."""

    entity: str
    label: str
    data: Mapping[str, str]
    version: int
    base_version: int | None
    conflict: str | None
    conflicting: tuple[str, ...]
    creator_id: int | None
    created_at: str
    updated_at: str | None
    deleted_at: str | None
    writer_id: int | None
    user_agent: str | None
    written_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an entity, as it read when it was the newest."""

    label: str
    data: Mapping[str, str]
    version: int
    current: bool
    created_at: str
    creator_id: int | None
    user_agent: str | None
    base_version: int | None
    conflict: str | None
    data_received: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewEntity:
    """An entity to make; without an id it is given one."""

    entity: str | None
    label: str
    data: Mapping[str, str]


def list_entities(
    project_id: int,
    list_name: str,
    area: Area,
    *,
    deleted: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Entity]:
    """The entities of a list that an area sees, newest first. Errors: `NotFound`."""
    with read_transaction() as connection:
        info = get_list(connection, project_id, list_name)
        rows = store.list_entities(
            connection,
            project_id,
            list_name,
            scopes=scopes_of(info, area),
            deleted=deleted,
            limit=limit,
            offset=offset,
        )
    return [_entity(row, info.policies) for row in rows]


def get_entity(
    project_id: int, list_name: str, entity: str, area: Area, *, deleted: bool = False
) -> Entity:
    """One entity. Errors: `NotFound`, also outside the area, and when it is deleted or not."""
    with read_transaction() as connection:
        row, info = _find(connection, project_id, list_name, entity, area)
    if (row.status == RecordStatus.DELETED.value) is not deleted:
        raise NotFound("there is no such entity")
    return _entity(row, info.policies)


def list_versions(project_id: int, list_name: str, entity: str, area: Area) -> list[Version]:
    """Every version of an entity, oldest first, read back from the present step by step."""
    with read_transaction() as connection:
        row, info = _find(connection, project_id, list_name, entity, area)
        steps = store.list_versions(connection, project_id, entity)
    undo = [Undo(step.served, unpack_seen(step.undo)) for step in steps]
    record = Record(state=unpack_state(row.state), undo=undo)
    return [_version(record, info, one, row.served) for one in reversed(steps)]


def get_list(connection: Connection, project_id: int, list_name: str) -> ListInfo:
    """A list as it is declared. Errors: `NotFound`."""
    info = load_lists(connection, project_id).get(list_name)
    if info is None:
        raise NotFound("there is no such dataset")
    return info


def create_entities(
    project: Project,
    list_name: str,
    new: Sequence[NewEntity],
    *,
    note: str = "",
    author: Author,
    clock: Clock,
) -> list[str]:
    """Make entities, all or none; their ids, in order.

    Errors    `NotFound` for the list; `BadEntity` for a property it has not; `AlreadyThere`
              for an id that is taken or given twice.
    """
    ids = [one.entity or clock.new_id() for one in new]
    with read_transaction() as connection:
        info = get_list(connection, project.id, list_name)
        taken = store.find_known(connection, project.id, ids)
    if taken or len(set(ids)) < len(ids):
        raise _already_there(taken or [one for one, times in Counter(ids).items() if times > 1])
    for one in new:
        _refuse_unknown(info, one.data)
    sent = [
        SentChange(
            _change(list_name, entity, Op.CREATE, author, clock, one.label, one.data),
            note,
            under_lock=_only_if_new,
        )
        for entity, one in zip(ids, new, strict=True)
    ]
    ingest_or_refuse(project, sent, author=author, clock=clock)
    return ids


def _only_if_new(change: Change, record: Record | None, policies: Policies) -> Change:
    if record is not None:
        raise _already_there([change.entity])
    return change


def _already_there(doubled: Sequence[str]) -> AlreadyThere:
    return AlreadyThere("an entity has this id already", fields=["uuid"], values=list(doubled[:20]))


def decide_entity(
    project: Project,
    list_name: str,
    entity: str,
    *,
    label: str | None,
    data: Mapping[str, str],
    base_version: int | None,
    resolve: bool = False,
    note: str = "",
    author: Author,
    clock: Clock,
) -> None:
    """Say what an entity's properties are: a decision over all that stands in them now.

    `base_version` is the version it was read at, None to decide whatever came since.
    `resolve` decides its open reviews too, for what they show, where `data` names no other.
    Errors    `NotFound`; `StaleVersion`; `BadEntity` for an unknown property, or for nothing
              to alter.
    """
    with read_transaction() as connection:
        row, info = _find(connection, project.id, list_name, entity, author.area)
    _refuse_unknown(info, data)
    named = dict(data) if label is None else {**data, LABEL: label}
    if not named and not (resolve and row.open_reviews):
        if resolve:
            return
        raise BadEntity("name a label or a property to alter")

    def over_all_that_stands(change: Change, record: Record | None, policies: Policies) -> Change:
        if record is None or record.state.status is RecordStatus.DELETED:
            raise NotFound("there is no such entity")
        if base_version is not None and base_version != record.served:
            raise StaleVersion(
                "the entity has moved on; read it again",
                current=record.served,
                provided=base_version,
            )
        return _decision(change, record.state, policies, named, resolve=resolve)

    change = _change(list_name, entity, Op.RESOLVE, author, clock, None, {})
    sent = SentChange(change, note, under_lock=over_all_that_stands)
    ingest_or_refuse(project, [sent], author=author, clock=clock)


def _decision(
    change: Change,
    state: RecordState,
    policies: Policies,
    named: Mapping[str, str],
    *,
    resolve: bool,
) -> Change:
    """The change that says `named`, over all writes standing in those properties now."""
    said = {**_shown_in_reviews(state, policies), **named} if resolve else dict(named)
    said = {**_measured_on(state, policies, said), **said}
    contenders = _standing_in(state, policies, said)
    label = said.pop(LABEL, None)
    return replace(change, label=label, data=said, contenders=contenders)


def delete_entity(
    project: Project, list_name: str, entity: str, *, note: str = "", author: Author, clock: Clock
) -> None:
    """Delete an entity as it stands. Errors: `NotFound`."""
    shown = get_entity(project.id, list_name, entity, author.area)
    _sent(project, list_name, shown, Op.DELETE, note, author, clock)


def restore_entity(
    project: Project, list_name: str, entity: str, *, note: str = "", author: Author, clock: Clock
) -> None:
    """Bring a deleted entity back. Errors: `NotFound`, also when it is not deleted."""
    shown = get_entity(project.id, list_name, entity, author.area, deleted=True)
    _sent(project, list_name, shown, Op.RESTORE, note, author, clock)


def _sent(
    project: Project,
    list_name: str,
    shown: Entity,
    op: Op,
    note: str,
    author: Author,
    clock: Clock,
) -> None:
    def only_as_shown(change: Change, record: Record | None, policies: Policies) -> Change:
        gone = record is None or record.state.status is RecordStatus.DELETED
        if gone != (op is Op.RESTORE):
            raise NotFound("there is no such entity")
        return change

    change = _change(
        list_name, shown.entity, op, author, clock, None, {}, base_version=shown.version
    )
    sent = SentChange(change, note, under_lock=only_as_shown)
    ingest_or_refuse(project, [sent], author=author, clock=clock)


def _change(
    list_name: str,
    entity: str,
    op: Op,
    author: Author,
    clock: Clock,
    label: str | None,
    data: Mapping[str, str],
    *,
    base_version: int | None = None,
    contenders: tuple[str, ...] = (),
) -> Change:
    return Change(
        change_id=clock.new_id(),
        list_name=list_name,
        entity=entity,
        op=op,
        label=label,
        data=data,
        base_version=base_version,
        client_time=instant(clock.now()),
        author=str(author.actor_id or ""),
        contenders=contenders,
    )


def _find(
    connection: Connection, project_id: int, list_name: str, entity: str, area: Area
) -> tuple[Any, ListInfo]:
    info = get_list(connection, project_id, list_name)
    row = store.find_entity(
        connection, project_id, list_name, entity.lower(), scopes=scopes_of(info, area)
    )
    if row is None:
        raise NotFound("there is no such entity")
    return row, info


def scopes_of(info: ListInfo, area: Area) -> list[str] | None:
    """The scopes of a list that an area sees; None for everything."""
    return scopes_of_actor(info.rules, area) if area.bound else None


def _refuse_unknown(info: ListInfo, data: Iterable[str]) -> None:
    for name in data:
        if name not in info.properties:
            raise BadEntity(
                f"the dataset '{info.name}' has no property '{name[:100]}'", property=name[:100]
            )


def _standing_in(state: RecordState, policies: Policies, names: Iterable[str]) -> tuple[str, ...]:
    """The changes whose writes stand in these properties, or in the options of a union."""
    wanted = set(names)
    found = {
        write.change_id
        for name, standing in state.fields.items()
        if name in wanted or (_union_of(name, policies) in wanted)
        for write in standing.writes
    }
    return tuple(sorted(found))


def _union_of(name: str, policies: Policies) -> str | None:
    union = name.split("/", 1)[0]
    return union if union != name and policies.of(union) == UNION else None


def _shown_in_reviews(state: RecordState, policies: Policies) -> dict[str, str]:
    """What the properties that reviews ask about show now."""
    found: dict[str, str] = {}
    for review in reviews(state, policies):
        shown = state.fields[review.field].shown_write() if review.field else None
        if shown is not None:
            found[review.field] = shown.value
    return found


def _measured_on(
    state: RecordState, policies: Policies, named: Mapping[str, str]
) -> dict[str, str]:
    """What was measured on a date that is named: another date for it is another write of it."""
    found: dict[str, str] = {}
    for name, standing in state.fields.items():
        shown = standing.shown_write()
        if policies.of(name).date_property in named and shown is not None:
            found[name] = shown.value
    return found


def _entity(row: Any, policies: Policies) -> Entity:
    asked = reviews(unpack_state(row.state), policies) if row.open_reviews else ()
    deleted = row.status == RecordStatus.DELETED.value
    return Entity(
        entity=row.entity,
        label=row.label,
        data=row.data,
        version=row.served,
        base_version=row.base_version,
        conflict="hard" if row.open_reviews else "soft" if row.merged else None,
        conflicting=tuple(review.field for review in asked if review.field),
        creator_id=row.creator_id,
        created_at=row.created_at,
        updated_at=row.updated_at if row.updated_at != row.created_at else None,
        deleted_at=row.updated_at if deleted else None,
        writer_id=row.writer_id,
        user_agent=row.user_agent,
        written_at=row.written_at or row.updated_at,
    )


_CONFLICTS = {"merged": "soft", "conflict": "hard"}


def _version(record: Record, info: ListInfo, step: Any, newest: int) -> Version:
    label, data = read_view(record.view_at(step.served, info.policies), info.policies)
    received = dict(step.data or {})
    if step.label is not None:
        received[LABEL] = step.label
    source = {}
    if step.instance_id is not None:
        source = {
            "xmlFormId": step.xml_form_id,
            "formVersion": step.form_version,
            "instanceId": step.instance_id,
        }
    return Version(
        label=label,
        data=info.of_the_list(data),
        version=step.served,
        current=step.served == newest,
        created_at=step.at,
        creator_id=step.actor_id,
        user_agent=step.user_agent,
        base_version=step.base_version,
        conflict=_CONFLICTS.get(step.status or ""),
        data_received=received,
        source=source,
    )
