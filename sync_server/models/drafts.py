"""Forms that are tried before they are published, apart from all that counts.

form_drafts ─┬─ draft_files          (bytes in the blob folder)
             └─ draft_submissions
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from sync_server.models.base import Base, Bytes, Instant, Json, MaybeWords, Words


class FormDraft(Base):
    """The draft of a form, and the token of the addresses that try it."""

    __tablename__ = "form_drafts"
    __table_args__ = (Index("form_drafts_token", "token_hash", unique=True),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    version: Mapped[Words]
    name: Mapped[Words]
    hash: Mapped[Words]
    xml: Mapped[Bytes]
    definition: Mapped[Json]
    source_name: Mapped[MaybeWords]
    source: Mapped[bytes | None]
    token_hash: Mapped[Words]
    token_sealed: Mapped[Words]
    created_at: Mapped[Instant]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))


class DraftFile(Base):
    """A file that was given to a draft."""

    __tablename__ = "draft_files"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "xml_form_id"], ["form_drafts.project_id", "form_drafts.xml_form_id"]
        ),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    name: Mapped[Words] = mapped_column(primary_key=True)
    sha256: Mapped[Words]
    md5: Mapped[Words]
    content_type: Mapped[Words]
    updated_at: Mapped[Instant]


class DraftSubmission(Base):
    """What a phone sent to a draft. `files` are its attachments: name -> SHA-256."""

    __tablename__ = "draft_submissions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "xml_form_id"], ["form_drafts.project_id", "form_drafts.xml_form_id"]
        ),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    instance_id: Mapped[Words] = mapped_column(primary_key=True)
    raw: Mapped[Bytes]
    files: Mapped[Json] = mapped_column(default=dict)
    device_id: Mapped[Words]
    received_at: Mapped[Instant]
