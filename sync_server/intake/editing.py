"""Edits of submissions, across the records they name: merge.md, section 3.

An edit and its original may come in any order and name other records. Where both are here,
each record that the edit no longer names gets a change that takes the original's values back,
and a record that only the edit names hears that nothing more is to be waited for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from conflict.areas import UNBOUND, Area, area_of
from conflict.edits import withdrawals
from conflict.types import Change
from odk_forms.changes import named_entities, submission_key
from odk_forms.instance import read
from sync_server.intake.readings import Derived, Key, Readings
from sync_server.stores.changes import Origin, find_of_submissions, settled_of
from sync_server.stores.submissions import find_xml
from sync_server.stores.tokens import find_device_by_id

NO_ITEM = -1
"""The item of a change that nobody in the batch sent: an edit that was here before made it."""


@dataclass(slots=True)
class Editing:
    """What the edits of a batch ask for besides the changes that were sent.

    `withdrawn` are changes to decide after the others; `here` are submissions that edits
    name; `stood` are changes of edits that were here before their original.
    """

    withdrawn: list[Derived] = field(default_factory=list)
    here: frozenset[str] = frozenset()
    stood: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Named:
    """One submission: its changes, the records it names, who sent it, and from which area.

    It names a record also where the change of it is in quarantine.
    """

    item: int
    origin: Origin
    changes: tuple[Change, ...]
    entities: frozenset[str]
    area: Area | None = None


def follow_edits(
    connection: Connection, project_id: int, project: str, readings: Readings
) -> Editing:
    """Find the edits of which this batch brings one side, and what they ask for."""
    pairs = list(_pairs(readings))
    if not pairs:
        return Editing()
    before = {key for pair in pairs for key in pair} - readings.submitted.keys()
    sent = _sent(connection, project_id, readings)
    named = {**_stored(connection, project_id, before, readings), **sent}
    editing = Editing(here=frozenset(submission_key(*of) for _, of in pairs))
    for edit, of in pairs:
        editing.withdrawn += _withdrawn(named[of], named[edit], edit, of, project)
        if edit in before or edit in readings.known:  # which may be sent again beside it
            editing.stood += named[edit].changes
    return editing


def _pairs(readings: Readings) -> Iterator[tuple[Key, Key]]:
    """(edit, original) of which both are here and at least one has just come."""
    sent, known = readings.submitted, readings.known
    edits = {key: one.origin.deprecated_id for key, one in sent.items()}
    edits |= {key: row.deprecated_id for key, row in known.items() if key not in sent}
    for (form, instance), of in edits.items():
        if of is None or of == instance:
            continue
        original = (form, of)
        if original in sent or ((form, instance) in sent and original in known):
            yield (form, instance), original


def _stored(
    connection: Connection, project_id: int, keys: set[Key], readings: Readings
) -> dict[Key, _Named]:
    rows = find_of_submissions(connection, project_id, keys)
    xml = find_xml(connection, project_id, keys)
    found = {}
    for key in keys:
        changes = tuple(settled_of(row).change for row in rows.get(key, ()))
        origin = _origin(readings.known[key])
        entities = named_entities(read(xml[key]))
        area = _area(connection, project_id, origin.actor_id)
        found[key] = _Named(NO_ITEM, origin, changes, entities, area)
    return found


def _area(connection: Connection, project_id: int, actor_id: int | None) -> Area:
    """What the sender of an earlier submission may write."""
    device = actor_id and find_device_by_id(connection, project_id, actor_id)
    return area_of(device.actor_id, device.properties) if device else UNBOUND


def _origin(row: Any) -> Origin:
    return Origin(
        row.actor_id,
        row.device_id,
        row.xml_form_id,
        row.form_version,
        row.instance_id,
        row.deprecated_id,
    )


def _sent(connection: Connection, project_id: int, readings: Readings) -> dict[Key, _Named]:
    """The submissions of the batch; a record that a block names which cannot be read is named.

    What a hub relays is judged by the area of the phone: the hub's own may be wider.
    """
    changes: dict[int, list[Change]] = {}
    entities: dict[int, set[str]] = {}
    for one in readings.changes:
        changes.setdefault(one.item, []).append(one.change)
        entities.setdefault(one.item, set()).add(one.change.entity)
    for item, result in readings.unreadable:
        entities.setdefault(item, set()).add(result.entity)
    return {
        key: _Named(
            one.item,
            one.origin,
            tuple(changes.get(one.item, ())),
            frozenset(entities.get(one.item, ())),
            _area(connection, project_id, one.origin.actor_id) if one.relayed else None,
        )
        for key, one in readings.submitted.items()
    }


def _withdrawn(
    original: _Named, edited: _Named, edit: Key, of: Key, project: str
) -> Iterator[Derived]:
    author = edited.origin.actor_id
    for change in withdrawals(
        original.changes,
        edit=submission_key(*edit),
        of=submission_key(*of),
        named=edited.entities,
        project=project,
        author="" if author is None else str(author),
    ):
        yield Derived(edited.item, change, edited.origin, area=edited.area)
