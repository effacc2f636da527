"""What was read of a batch: its changes, its submissions, and what cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conflict.areas import Area
from conflict.types import Change
from sync_server.intake.arrival import ChangeResult, Relayed, SubmissionResult, UnderLock
from sync_server.intake.keeping import raw_change
from sync_server.stores.changes import Origin
from sync_server.stores.quarantine import Poison

Row = dict[str, Any]
Key = tuple[str, str]
"""A submission: its form and its instance."""


@dataclass(frozen=True, slots=True)
class Derived:
    """One change to decide: where it came from, and which item of the batch it belongs to.

    `xml` is the submission it is in; None for a change that came by itself. `area` is that of
    its author, where somebody else sent the batch. `json` is a change that came by itself as
    it came, where that is known.
    """

    item: int
    change: Change
    origin: Origin
    xml: bytes | None = None
    note: str = ""
    under_lock: UnderLock | None = None
    relayed: Relayed | None = None
    area: Area | None = None
    json: bytes | None = None

    @property
    def raw(self) -> bytes:
        """What is kept of it when it cannot be used."""
        return self.xml or self.json or raw_change(self.change, self.note)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submission of the batch whose changes are to be decided; `relayed` by a hub or a file."""

    item: int
    origin: Origin
    relayed: bool = False


@dataclass(slots=True)
class Readings:
    """All that was read of a batch, ready to be decided and written."""

    changes: list[Derived] = field(default_factory=list)
    answered: dict[int, SubmissionResult] = field(default_factory=dict)
    unreadable: list[tuple[int, ChangeResult]] = field(default_factory=list)
    poisons: list[Poison] = field(default_factory=list)
    submissions: list[Row] = field(default_factory=list)
    attachments: list[Row] = field(default_factory=list)
    remarks: dict[int, tuple[str, str]] = field(default_factory=dict)
    resent: set[int] = field(default_factory=set)
    completed: list[Key] = field(default_factory=list)
    blobs: dict[str, int] = field(default_factory=dict)
    submitted: dict[Key, Submitted] = field(default_factory=dict)
    known: Mapping[Key, Any] = field(default_factory=dict)
