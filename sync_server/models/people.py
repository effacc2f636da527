"""Who there is: projects, people, their devices, and what each may see.

projects ─┬─ assignments ── actors ─┬─ users ── sessions
          ├─ app_users ─────────────┘ ── former_tokens
          ├─ actor_properties
          └─ contacts ─┬─ served_forms       (what each phone asked for, and when)
                       └─ served_lists
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


class Node(Base):
    """This install: one row. A restored backup gets a new epoch."""

    __tablename__ = "nodes"

    id: Mapped[int] = mapped_column(primary_key=True)
    node: Mapped[Uuid]
    epoch: Mapped[Uuid]
    first_offset: Mapped[int] = mapped_column(default=0, server_default="0")
    """The offset of records born here: what restores have raised those by that were there."""


class Project(Base):
    """One programme of one regency. `uuid` is the same on a centre and on its hubs."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[Uuid] = mapped_column(unique=True)
    name: Mapped[Words]
    description: Mapped[MaybeWords]
    archived: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Instant]
    updated_at: Mapped[MaybeInstant]


class Actor(Base):
    """Anybody who can be asked for: a web user, a device account, a hub."""

    __tablename__ = "actors"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Words]  # user, app_user, hub; at a hub, its centre
    display_name: Mapped[Words]
    created_at: Mapped[Instant]
    updated_at: Mapped[MaybeInstant]
    deleted_at: Mapped[MaybeInstant]


class User(Base):
    """A person who logs in with a password."""

    __tablename__ = "users"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    email: Mapped[Words] = mapped_column(unique=True)  # lower case
    password_hash: Mapped[MaybeWords]
    language: Mapped[MaybeWords]


class LoginSession(Base):
    """A session of a user, by the hash of its token; `csrf` guards the forms of its pages."""

    __tablename__ = "sessions"

    token_hash: Mapped[Words] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    csrf: Mapped[Words]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]


class LoginFailure(Base):
    """Wrong passwords for one address of a person, so that guessing is slowed."""

    __tablename__ = "login_failures"

    email: Mapped[Words] = mapped_column(primary_key=True)
    count: Mapped[int]
    last_at: Mapped[Instant]


class SiteAssignment(Base):
    """A role that holds everywhere."""

    __tablename__ = "site_assignments"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    role: Mapped[Words] = mapped_column(primary_key=True)


class Assignment(Base):
    """A role in one project. `properties` scope it to an area, as on a device."""

    __tablename__ = "assignments"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    role: Mapped[Words] = mapped_column(primary_key=True)
    properties: Mapped[Json] = mapped_column(default=dict)


class ActorProperty(Base):
    """A property that devices and people of a project may bear: posyandu, desa …"""

    __tablename__ = "actor_properties"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    name: Mapped[Words] = mapped_column(primary_key=True)


class AppUser(Base):
    """A device account. Its token is kept hashed to be found, and sealed to be shown again."""

    __tablename__ = "app_users"
    __table_args__ = (Index("app_users_token", "token_hash", unique=True),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    token_hash: Mapped[Words]
    token_sealed: Mapped[Words]
    properties: Mapped[Json] = mapped_column(default=dict)  # name -> text or list of texts
    created_by: Mapped[int | None]
    revoked_at: Mapped[MaybeInstant]
    part_bytes: Mapped[int | None]  # of a POST on its line; None: as the settings say


class FormerToken(Base):
    """A token that a device account had before it was given another: known, and let in no more."""

    __tablename__ = "former_tokens"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "actor_id"], ["app_users.project_id", "app_users.actor_id"]
        ),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[Words] = mapped_column(primary_key=True)
    actor_id: Mapped[int]
    replaced_at: Mapped[Instant]


class Audit(Base):
    """Who did what to whom. Never a value of a record, never a secret."""

    __tablename__ = "audits"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    action: Mapped[Words]
    details: Mapped[Json] = mapped_column(default=dict)
    logged_at: Mapped[Instant]


class Contact(Base):
    """What one phone (a device account on one install of Collect) has asked for, summed up."""

    __tablename__ = "contacts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "actor_id"], ["app_users.project_id", "app_users.actor_id"]
        ),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[Words] = mapped_column(primary_key=True)  # "" when the phone did not say
    first_at: Mapped[Instant]
    last_at: Mapped[Instant]
    last_submission_at: Mapped[MaybeInstant]
    user_agent: Mapped[MaybeWords]
    bytes_up: Mapped[Large] = mapped_column(default=0)
    bytes_down: Mapped[Large] = mapped_column(default=0)
    clock_ahead: Mapped[MaybeLarge]  # seconds by `Date`, known but for twelve hours
    clock_at: Mapped[MaybeInstant]


class ServedForm(Base):
    """Which version of a form a phone was last handed."""

    __tablename__ = "served_forms"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "actor_id"], ["app_users.project_id", "app_users.actor_id"]
        ),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[Words] = mapped_column(primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    version: Mapped[Words]
    at: Mapped[Instant]


class ServedList(Base):
    """Which content of an entity list a phone was last handed, and which it was last told of."""

    __tablename__ = "served_lists"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "actor_id"], ["app_users.project_id", "app_users.actor_id"]
        ),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[Words] = mapped_column(primary_key=True)
    list_name: Mapped[Words] = mapped_column(primary_key=True)
    hash: Mapped[MaybeWords]
    at: Mapped[MaybeInstant]
    told_hash: Mapped[MaybeWords]
    told_at: Mapped[MaybeInstant]
