"""Hubs: a centre's book of them, and what a hub keeps of its centre.

hubs ── hub_invitations                        (at a centre)
upstreams ─┬─ outgoing_batches                 (at a hub)
           ├─ owed_blobs
           └─ refused_items
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from sync_server.models.base import (
    Base,
    Instant,
    Json,
    Large,
    MaybeInstant,
    MaybeLarge,
    MaybeWords,
    Uuid,
    Words,
)


class Hub(Base):
    """An install that relays for a project, within the area of its properties.

    Without properties it relays all of it. Its token is kept as a hash; it has none before it
    is paired.
    """

    __tablename__ = "hubs"
    __table_args__ = (Index("hubs_token", "token_hash", unique=True),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    properties: Mapped[Json] = mapped_column(default=dict)  # name -> text or list of texts
    token_hash: Mapped[MaybeWords]
    node: Mapped[MaybeWords]  # of the install that was paired
    created_by: Mapped[int | None]
    paired_at: Mapped[MaybeInstant]
    last_seen_at: Mapped[MaybeInstant]
    clock_offset_ms: Mapped[MaybeLarge]  # this server's clock less the hub's, when last heard
    revoked_at: Mapped[MaybeInstant]


class HubInvitation(Base):
    """A code that pairs one install, once and for a day; only its hash is kept."""

    __tablename__ = "hub_invitations"
    __table_args__ = (
        ForeignKeyConstraint(["project_id", "actor_id"], ["hubs.project_id", "hubs.actor_id"]),
        Index("hub_invitations_code", "code_hash", unique=True),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[Words] = mapped_column(primary_key=True)
    actor_id: Mapped[int]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[MaybeInstant]


class Upstream(Base):
    """The centre of a project that this install is a hub of, and how far it has got with it.

    `push_cursor` is a place in this server's own feed, `pull_cursor` one in the centre's, which
    only the centre can read. A cursor is None where everything is to be gone through again.
    """

    __tablename__ = "upstreams"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    url: Mapped[Words]
    remote_project_id: Mapped[int]
    hub_name: Mapped[Words]
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))  # the centre, as a sender here
    token_sealed: Mapped[Words]
    node: Mapped[Uuid]  # the centre's
    epoch: Mapped[Uuid]  # the centre's, when it was last heard
    own_epoch: Mapped[Uuid]  # this install's, when it last relayed
    setup_tag: Mapped[MaybeWords]  # the ETag of what was last set up from the centre
    push_cursor: Mapped[MaybeWords]
    pull_cursor: Mapped[MaybeWords]
    clock_offset_ms: Mapped[Large] = mapped_column(default=0)  # the centre's clock less this one's
    paired_at: Mapped[Instant]
    tried_at: Mapped[MaybeInstant]
    heard_at: Mapped[MaybeInstant]
    pushed_at: Mapped[MaybeInstant]  # when the centre last answered for something sent
    trouble: Mapped[MaybeWords]  # why the last try ended early; None when it drained


class OutgoingBatch(Base):
    """A batch on its way to the centre: kept, with its id, until it is answered."""

    __tablename__ = "outgoing_batches"
    __table_args__ = (ForeignKeyConstraint(["project_id"], ["upstreams.project_id"]),)

    project_id: Mapped[int] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[Uuid]
    items: Mapped[Json]
    made_at: Mapped[Instant]


class OwedBlob(Base):
    """Bytes that the centre was told of and has not got yet."""

    __tablename__ = "owed_blobs"
    __table_args__ = (
        ForeignKeyConstraint(["project_id"], ["upstreams.project_id"]),
        {"sqlite_with_rowid": False},
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[Words] = mapped_column(primary_key=True)
    noted_at: Mapped[Instant]


class RefusedItem(Base):
    """What the centre would not take: for a person to look at, in nobody's way."""

    __tablename__ = "refused_items"
    __table_args__ = (ForeignKeyConstraint(["project_id"], ["upstreams.project_id"]),)

    project_id: Mapped[int] = mapped_column(primary_key=True)
    refused_id: Mapped[Uuid] = mapped_column(primary_key=True)
    kind: Mapped[Words]
    named: Mapped[Words]  # the id of the item, where it has one
    code: Mapped[Words]
    detail: Mapped[Words]
    item: Mapped[Json]
    at: Mapped[Instant]
