"""What a phone gets of an entity list: its hash, its rows, and which births came to nothing.

A list's hash changes when, and only when, a row that this device may see changed: it is
made of the last journal number of each scope the device may see (ADR 0010), so it costs
the same in a project of a hundred children and of eighty thousand. Of a person who is bound
to no area it is made of the last number of all scopes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from conflict.areas import AWAY, Area, scopes_of_actor
from conflict.types import RecordStatus
from odk_forms.entity_lists import to_csv
from sync_server.stores.changes import find_writers
from sync_server.stores.lists import ListInfo, find_heads
from sync_server.stores.records import find_scopes, find_statuses, list_for_phones

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def list_hash(connection: Connection, project_id: int, info: ListInfo, area: Area) -> str:
    """32 hexadecimal digits that stand for what `area` may see of a list now."""
    seen = {
        "list": info.name,
        "serial": info.schema_serial,
        "properties": info.phone_properties,
        "heads": find_heads(connection, project_id, info.name, _scopes(info, area)),
    }
    return hashlib.md5(json.dumps(seen).encode(), usedforsecurity=False).hexdigest()


def list_csv(connection: Connection, project_id: int, info: ListInfo, area: Area) -> bytes:
    """The CSV of a list: `name,label,__version` and the properties that phones may hold."""
    rows = list_for_phones(connection, project_id, info.name, _scopes(info, area))
    return to_csv(info.phone_properties, ((r.entity, r.label, r.version, r.data) for r in rows))


def deleted_births(
    connection: Connection,
    project_id: int,
    info: ListInfo,
    area: Area,
    entities: Iterable[str] | None,
) -> list[tuple[str, bool]]:
    """Of the entities a phone made offline, those known here: (id, whether it is gone for it).

    What is not known is left out: it has not come yet, and the phone must keep it. A record
    that this device may not see and never wrote is left out too: it is not its business.
    None asks for every record of the list that this device may see.
    """
    if entities is None:
        rows = list_for_phones(connection, project_id, info.name, _scopes(info, area))
        return [(row.entity, False) for row in rows]
    wanted = _uuids(entities)
    statuses = find_statuses(connection, project_id, info.name, wanted)
    scopes = find_scopes(connection, project_id, statuses)
    writers = find_writers(connection, project_id, statuses)
    mine = _scopes(info, area)
    answers = []
    for entity in sorted(statuses):
        places = scopes.get(entity, set())
        visible = bool(places - {AWAY} if mine is None else places.intersection(mine))
        if not visible and area.actor_id not in writers.get(entity, set()):
            continue
        gone = not visible or statuses[entity] == RecordStatus.DELETED.value
        answers.append((entity, gone))
    return answers


def _scopes(info: ListInfo, area: Area) -> list[str] | None:
    """The scopes of a list that `area` may see; None for every one of a list that is filtered."""
    return scopes_of_actor(info.rules, area) if area.bound or not info.rules else None


def _uuids(entities: Iterable[str]) -> Sequence[str]:
    """The well-formed ids among those asked for: a malformed one is only ignored."""
    bare = {one.strip().lower() for one in entities}
    return sorted(one for one in bare if _UUID.fullmatch(one))
