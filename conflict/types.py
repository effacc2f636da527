"""The nouns of the merge: plain, frozen values.

Times are *instants*: UTC text in ISO 8601 with milliseconds and `Z`
("2026-11-21T03:00:00.000Z"). They sort as time, so nothing here reads a clock or
parses one. Values of properties are XForm text: `""` is what a person left blank,
a key that is not there was not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from conflict.policy import LABEL, Policies


class Op(StrEnum):
    """What the author of a change wished."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"
    RESOLVE = "resolve"  # a supervisor's decision over the writes it lists
    REOPEN = "reopen"  # voids a resolve


class RecordStatus(StrEnum):
    """What a record is, as `docs/merge.md` says."""

    ACTIVE = "active"
    INCOMPLETE = "incomplete"  # its create has not come
    DISPUTED = "disputed"  # deleted by one, written by another who had not seen that
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One author's wish about one record, as it was received. Immutable.

    The base is `base_version` alone, or `branch_id` with `base_version` and
    `trunk_version` (None after an offline create), or nothing. `submission` is the filled
    form it is in, `deprecates` the one that this form is an edit of; "" where there is none.
    """

    change_id: str
    list_name: str
    entity: str
    op: Op
    label: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    base_version: int | None = None
    trunk_version: int | None = None
    branch_id: str | None = None
    client_time: str | None = None
    author: str = ""
    from_form: bool = False
    contenders: tuple[str, ...] = ()
    status: str | None = None
    of: str | None = None
    submission: str = ""
    deprecates: str = ""

    def received(self) -> dict[str, str]:
        """Every property received, the label among them when there is one."""
        if self.label is None:
            return dict(self.data)
        return {**self.data, LABEL: self.label}


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling found for one received property.

    `write` is False when the value was the one shown; then `replaces` is what the
    author of the value shown had replaced, so that a later settlement can lean on it.
    """

    write: bool
    replaces: tuple[str, ...] = ()
    observed_on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledChange:
    """A change with what its first server found about it, ready to be folded.

    `node` is the server that settled it, `received_at` the smallest stamp of its path.
    `covers` (deletes) maps a property to the writes that stood in the author's view;
    `voids` (restore, a resolve to active) names deletes. `trunk_view` and `policies`, by
    which it is settled again, are kept only while it may be. `inexact` when all that was
    known of what its author was shown is what another server settled of its original.
    """

    change: Change
    received_at: str
    properties: Mapping[str, Settled]
    covers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    voids: tuple[str, ...] = ()
    waiting: bool = False
    trunk_view: View | None = None
    policies: Policies | None = None
    node: str = ""
    inexact: bool = False

    @property
    def order_time(self) -> str:
        """The device's time, at most that of the first server: a clock set to 2035 wins nothing."""
        client = self.change.client_time
        return min(client, self.received_at) if client else self.received_at


class Write(NamedTuple):  # as is what is seen: records have hundreds, and are read whole
    """One property of one change that counts as an edit."""

    change_id: str
    value: str
    order_time: str
    received_at: str
    observed_on: str | None = None
    resolve: bool = False


class Seen(NamedTuple):
    """One property as its author saw it: text, the write it came from, all that stood."""

    value: str
    source: str | None = None
    observed_on: str | None = None
    standing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """One property: the writes nobody has replaced, and which of them is shown.

    `writes` are sorted by (order_time, change_id); `shown` is a change id, or
    None when none of them may be shown (under `latest`, only invalid dates). `ids` are
    those of the writes, and `seen` is how somebody sees them, None when there are none: both
    are asked for again and again, and of late weights there may be hundreds.
    """

    writes: tuple[Write, ...] = ()
    shown: str | None = None
    ids: tuple[str, ...] = field(init=False, repr=False, compare=False)
    seen: Seen | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = tuple([write.change_id for write in self.writes])
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "seen", self._seen(ids) if ids else None)

    def _seen(self, ids: tuple[str, ...]) -> Seen:
        shown = self.shown_write()
        if shown is None:
            return Seen("", None, None, ids)
        return Seen(shown.value, shown.change_id, shown.observed_on, ids)

    def shown_write(self) -> Write | None:
        for write in reversed(self.writes):  # mostly one of the last
            if write.change_id == self.shown:
                return write
        return None


@dataclass(frozen=True, slots=True)
class View:
    """A record as one author saw it."""

    seen: Mapping[str, Seen] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()

    def value(self, name: str) -> str:
        one = self.seen.get(name)
        return one.value if one else ""


@dataclass(frozen=True, slots=True)
class Review:
    """A question for a person. Open exactly while it is among a state's reviews."""

    kind: str  # field, move, delete
    field: str  # "" for a delete
    contenders: tuple[str, ...]
    shown: str | None = None


@dataclass(frozen=True, slots=True)
class RecordState:
    """What a record shows, and what must be known of it to take in the next change.

    `version` counts the changes taken in, deletes and restores apart. `deletes`
    maps the deletes standing to what each covers. `awaited` are writes that
    somebody here has replaced and that have not come yet. `deprecated` are the
    submissions that others here are edits of; `heirs` maps each of their changes to the
    writes that took the place of its own with the same value, by property.
    """

    version: int = 0
    created: bool = False
    fields: Mapping[str, Standing] = field(default_factory=dict)
    deletes: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    status: RecordStatus = RecordStatus.INCOMPLETE
    waiting: int = 0
    awaited: frozenset[str] = frozenset()
    deprecated: frozenset[str] = frozenset()
    heirs: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
