"""A phone's own copy of an entity list, as ODK Collect keeps it between forms.

Source: reference notes on Collect's LocalEntityUseCases and Entity (August 2026):
creates made here are version 1 with no trunk; an update adds one to the version and keeps
trunk and branch; a newer row from the server replaces the copy and begins a new branch.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sync_server.fleet.blocks import EntityBlock

SERVER_COLUMNS = ("name", "label", "__version")
LOCAL_COLUMNS = ("__version", "__trunkVersion", "__branchId")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEntity:
    """`trunk_version` is None for an entity made here that no CSV has shown yet (`offline`)."""

    id: str
    label: str
    version: int
    trunk_version: int | None
    branch_id: str
    offline: bool
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def dirty(self) -> bool:
        return self.version != self.trunk_version


class LocalList:
    """One entity list on one phone. Nothing is kept of a list that was never downloaded."""

    def __init__(
        self,
        name: str,
        *,
        needs_approval: bool = False,
        new_branch: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.name = name
        self.needs_approval = needs_approval
        self.entities: dict[str, LocalEntity] = {}
        self._known = False
        self._columns: list[str] = []
        self._new_branch = new_branch

    def import_csv(self, content: bytes) -> bool:
        """Take a list from the server in; False when Collect would ignore all of it.

        That is: no header, a repeated column, or a row without name, label or version.
        """
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        if not rows or len(set(rows[0])) != len(rows[0]) or not set(SERVER_COLUMNS) <= {*rows[0]}:
            return False
        header = rows[0]
        if any(len(row) != len(header) for row in rows[1:]):
            return False
        self._known = True
        self._columns = [
            name for name in header if name not in SERVER_COLUMNS and not name.startswith("__")
        ]
        seen = {}
        for row in rows[1:]:
            record = dict(zip(header, row, strict=True))
            properties = {name: record[name] for name in self._columns}
            seen[record["name"]] = self._refreshed(
                record["name"], record["label"], int(record["__version"]), properties
            )
        kept = {e.id: e for e in self.entities.values() if e.offline and e.id not in seen}
        self.entities = {**seen, **kept}
        return True

    def apply(self, block: EntityBlock) -> bool:
        """What finalising a form does to the list at once; False when it leaves it alone."""
        if not self._known or block.dataset != self.name:
            return False
        local = self.entities.get(block.id)
        if block.update and local is not None:
            self.entities[block.id] = replace(
                local,
                label=block.label or local.label,
                version=local.version + 1,
                properties={**local.properties, **block.properties},
            )
            return True
        if block.create and local is None and self._keeps(block):
            self.entities[block.id] = LocalEntity(
                id=block.id,
                label=block.label or "",
                version=1,
                trunk_version=None,
                branch_id=self._new_branch(),
                offline=True,
                properties=dict(block.properties),
            )
            return True
        return False

    def offline_ids(self) -> tuple[str, ...]:
        """The ids Collect asks the integrity URL about."""
        return tuple(entity.id for entity in self.entities.values() if entity.offline)

    def forget(self, deleted: Iterable[str]) -> None:
        """Take an integrity answer in: entities made here that the server says are deleted."""
        for entity_id in deleted:
            if entity_id in self.offline_ids():
                del self.entities[entity_id]

    def to_csv(self) -> bytes:
        """What a form's secondary instance sees: `LIST.csv` with the three local columns."""
        made_here = [name for e in self.entities.values() for name in e.properties]
        properties = list(dict.fromkeys([*self._columns, *made_here]))
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["name", "label", *LOCAL_COLUMNS, *properties])
        for e in self.entities.values():
            trunk = "" if e.trunk_version is None else e.trunk_version
            values = [e.properties.get(name, "") for name in properties]
            writer.writerow([e.id, e.label, e.version, trunk, e.branch_id, *values])
        return out.getvalue().encode()

    def _refreshed(
        self, entity_id: str, label: str, version: int, properties: dict[str, str]
    ) -> LocalEntity:
        """The copy after a server row: the server's when it is newer, or as new and we edited."""
        local = self.entities.get(entity_id)
        if local is not None and local.version > version:
            return replace(local, offline=False)
        if local is not None and local.version == version and not local.dirty:
            return local
        return LocalEntity(
            id=entity_id,
            label=label,
            version=version,
            trunk_version=version,
            branch_id=self._new_branch(),
            offline=False,
            properties=properties,
        )

    def _keeps(self, block: EntityBlock) -> bool:
        """A create stays on the phone when it has a v4 UUID and a label, and needs no approval."""
        try:
            is_v4 = uuid.UUID(block.id).version == 4
        except ValueError:
            return False
        return is_v4 and bool((block.label or "").strip()) and not self.needs_approval
