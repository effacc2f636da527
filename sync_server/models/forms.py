"""Forms and what they came with.

forms ── form_versions ── form_attachments ──▶ blobs ◀── blob_senders
  └───── form_devices ──▶ app_users
lists ── properties                 (made by publishing, shared by forms)
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from sync_server.models.base import (
    Base,
    Bytes,
    Instant,
    Json,
    MaybeInstant,
    MaybeWords,
    Words,
)


class Form(Base):
    """One form of a project. `version` is the one phones are handed now."""

    __tablename__ = "forms"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    state: Mapped[Words] = mapped_column(default="open")  # open, closing, closed
    given: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it is only for the devices that it is given to: `form_devices` has them."""
    version: Mapped[Words]
    created_at: Mapped[Instant]
    updated_at: Mapped[MaybeInstant]
    deleted_at: Mapped[MaybeInstant]


class FormDevice(Base):
    """A device account that a form is given to. It counts once the form is `given`."""

    __tablename__ = "form_devices"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "xml_form_id"], ["forms.project_id", "forms.xml_form_id"]
        ),
        ForeignKeyConstraint(
            ["project_id", "actor_id"], ["app_users.project_id", "app_users.actor_id"]
        ),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(primary_key=True)


class FormVersion(Base):
    """A published version: its bytes are served as they are, and `hash` is their md5."""

    __tablename__ = "form_versions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "xml_form_id"], ["forms.project_id", "forms.xml_form_id"]
        ),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    version: Mapped[Words] = mapped_column(primary_key=True)
    serial: Mapped[int]  # 1, 2, 3 … in the order of publishing
    name: Mapped[Words]
    hash: Mapped[Words]
    xml: Mapped[Bytes]
    definition: Mapped[Json]  # odk_forms.xform.FormDefinition.to_json()
    source_name: Mapped[MaybeWords]
    source: Mapped[bytes | None]
    published_at: Mapped[Instant]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))


class FormAttachment(Base):
    """A file a version of a form expects: its bytes, or the entity list it is linked to."""

    __tablename__ = "form_attachments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "xml_form_id", "version"],
            ["form_versions.project_id", "form_versions.xml_form_id", "form_versions.version"],
        ),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    version: Mapped[Words] = mapped_column(primary_key=True)
    name: Mapped[Words] = mapped_column(primary_key=True)
    type: Mapped[Words]
    list_name: Mapped[MaybeWords]
    sha256: Mapped[MaybeWords]
    md5: Mapped[MaybeWords]
    content_type: Mapped[MaybeWords]
    updated_at: Mapped[MaybeInstant]


class EntityList(Base):
    """An entity list. `schema_serial` rises when phones would see other columns or rows for it."""

    __tablename__ = "lists"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    name: Mapped[Words] = mapped_column(primary_key=True)
    approval_required: Mapped[bool] = mapped_column(default=False)
    access_filter: Mapped[Json] = mapped_column(nullable=True)
    schema_serial: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[Instant]


class Property(Base):
    """A property of a list, with its merge policy and whether phones may hold it."""

    __tablename__ = "properties"
    __table_args__ = (
        ForeignKeyConstraint(["project_id", "list_name"], ["lists.project_id", "lists.name"]),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    list_name: Mapped[Words] = mapped_column(primary_key=True)
    name: Mapped[Words] = mapped_column(primary_key=True)
    ordinal: Mapped[int]
    policy: Mapped[Words] = mapped_column(default="review")
    phone: Mapped[bool] = mapped_column(default=True)
    published_at: Mapped[Instant]


class Blob(Base):
    """Bytes in the blob folder, named by their SHA-256; written and fsynced before this row."""

    __tablename__ = "blobs"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    sha256: Mapped[Words] = mapped_column(primary_key=True)
    size: Mapped[int]
    created_at: Mapped[Instant]


class BlobSender(Base):
    """Who has sent the whole of a blob. To know its name is not to have it."""

    __tablename__ = "blob_senders"
    __table_args__ = (
        ForeignKeyConstraint(["project_id", "sha256"], ["blobs.project_id", "blobs.sha256"]),
        Index("blob_senders_sender", "project_id", "actor_id", "received_at"),
        {"sqlite_with_rowid": False},
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[Words] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    received_at: Mapped[Instant]


class BlobAwaited(Base):
    """A submission whose sender has named a blob and not sent it yet. Gone once it came.

    Who sends a submission need not be who filled it: hubs relay, and two may relay the same.
    """

    __tablename__ = "blobs_awaited"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "xml_form_id", "instance_id"],
            ["submissions.project_id", "submissions.xml_form_id", "submissions.instance_id"],
        ),
        {"sqlite_with_rowid": False},
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[Words] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    instance_id: Mapped[Words] = mapped_column(primary_key=True)
