"""What arrives on the one road, and what is answered: plain values, the same for every door."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from conflict.areas import UNBOUND, Area
from conflict.policy import Policies
from conflict.record import Record
from conflict.types import Change
from sync_server.stores.changes import Origin


class Status(StrEnum):
    """What became of an item. None of these is an error; worse ones stand later."""

    APPLIED = "applied"  # its base was current
    DUPLICATE = "duplicate"  # known already
    MERGED = "merged"  # somebody else's change came between; nothing for a person to do
    WAITING = "waiting"  # in force, an earlier part has not come
    CONFLICT = "conflict"  # one of its writes is a contender in an open review
    QUARANTINED = "quarantined"  # kept raw, needs a person
    REJECTED = "rejected"  # not kept: no item at all, or without an id


_WORSE = list(Status)


def worst(statuses: list[Status]) -> Status:
    """The worst of several: what a submission of several entities answers."""
    return max(statuses, key=_WORSE.index, default=Status.APPLIED)


@dataclass(frozen=True, slots=True)
class Project:
    """The project an arrival is for, and the node that takes it in."""

    id: int
    uuid: str
    node: str


@dataclass(frozen=True, slots=True)
class Author:
    """Who sends. `may_decide`: resolves, deletes and restores are for supervisors, not devices."""

    actor_id: int | None
    device_id: str = ""
    user_agent: str = ""
    area: Area = UNBOUND
    may_decide: bool = False
    manages: bool = False
    relays: bool = False  # a hub: what it settled is not settled again
    node: str = ""  # of a hub: what came through it is no news to it
    revoked: bool = False  # a device that is let in no more: what it still brings is kept


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a submission; its bytes are in the blob folder, unless they are still to come."""

    name: str
    sha256: str
    size: int
    content_type: str
    here: bool = True


@dataclass(frozen=True, slots=True)
class SentSubmission:
    """One POST of a filled form. `complete` is False while more of its files are to come.

    `again` derives the changes of a known submission once more, so that what had been
    quarantined of it gets a second chance; `received_at` is when that came.
    """

    raw: bytes
    attachments: tuple[Attached, ...] = ()
    complete: bool = True
    again: bool = False
    received_at: str | None = None
    device_id: str | None = None  # the phone, where it is not the sender itself
    user_agent: str | None = None
    relayed: Relayed | None = None
    changes: Mapping[str, Relayed] = field(default_factory=dict)
    item: bytes | None = None  # the relayed item as it came, with all that was settled


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the first server kept something in quarantine; it is not judged again."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a hub or another server says of something that it has taken in.

    `path` are the stamps of the servers it came through, the first one first. `settled` is
    what the first one settled, in the shape of the contract, None of what it kept in
    quarantine. `actor` is the account that sent it, by a key that is the same everywhere;
    `author_name` is what somebody is called whose account other servers do not have.
    """

    path: tuple[Mapping[str, str], ...]
    settled: Mapping[str, Any] | None = None
    verdict: Verdict | None = None
    actor: str | None = None
    author_name: str | None = None
    list_name: str = ""
    entity: str = ""

    @property
    def received_at(self) -> str:
        return min(stamp["receivedAt"] for stamp in self.path)


UnderLock = Callable[[Change, Record | None, Policies], Change]


@dataclass(frozen=True, slots=True)
class SentChange:
    """One change from a program, a page or an import, with the note a supervisor gave.

    `under_lock` is for somebody who waits for the answer at a screen. It is called once the
    record is locked, with the record as it stands (None when it is not here): it gives the
    change as it is to be taken in, or raises the refusal, and then nothing of the batch is
    written. What was read before the lock may have moved on.
    """

    change: Change
    note: str = ""
    under_lock: UnderLock | None = None
    relayed: Relayed | None = None
    origin: Origin | None = None
    item: bytes | None = None  # as it came, where more came than the change itself


@dataclass(frozen=True, slots=True)
class SentRaw:
    """An item that says what it is and cannot be used: kept as it came, with the reason.

    `relayed` is whether a hub or a file brought it: its stamps are to be believed. Then `actor`
    is the key of the account that sent it, and `device_id` the phone.
    """

    change_id: str
    raw: bytes
    code: str
    detail: str
    relayed: bool = False
    actor: str | None = None
    device_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeResult:
    """What became of one change; `fields` pairs each received property with its outcome."""

    change_id: str
    list_name: str
    entity: str
    status: Status
    version: int | None = None
    reviews: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    waits_for: str | None = None
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionResult:
    """What became of one submission: the worst of its changes, or its own quarantine."""

    xml_form_id: str
    instance_id: str
    status: Status
    changes: tuple[ChangeResult, ...] = ()
    code: str | None = None
    detail: str | None = None


def kept_change(change: Change, *, code: str, detail: str) -> ChangeResult:
    """The answer to a change that is kept in quarantine."""
    return ChangeResult(
        change_id=change.change_id,
        list_name=change.list_name,
        entity=change.entity,
        status=Status.QUARANTINED,
        code=code,
        detail=detail,
    )


Sent = SentSubmission | SentChange | SentRaw
Result = SubmissionResult | ChangeResult


@dataclass(slots=True)
class Receipt:
    """What makes a batch the same one when it is sent again, and the answer it was given.

    `write` makes the answer of the results. It is kept in the transaction that decides the
    batch, so that whoever lost it on the way gets the very same one: `answer` is filled in
    by ingest, and `replayed` says that it was given before.
    """

    batch_id: str
    sha256: str
    write: Callable[[Sequence[Result]], dict[str, Any]]
    answer: dict[str, Any] = field(default_factory=dict)
    replayed: bool = False


@dataclass(slots=True)
class Arrival:
    """One batch while it is taken in, at `now` by the clock; stamped `at` once it is its turn."""

    project: Project
    author: Author
    now: str
    sent: tuple[Sent, ...] = field(default=())
    receipt: Receipt | None = None
    at: str = ""

    def __post_init__(self) -> None:
        self.at = self.at or self.now

    @property
    def stamp(self) -> dict[str, str]:
        """This server's own stamp on what it takes in."""
        stamp = {"node": self.project.node, "receivedAt": self.at}
        return stamp if self.receipt is None else {**stamp, "batchId": self.receipt.batch_id}
