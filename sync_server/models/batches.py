"""Batches that hubs and programs pushed, so that one sent twice is answered once."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from sync_server.models.base import Base, Instant, Json, Uuid, Words


class BatchRow(Base):
    """One batch with the answer it was given; `sha256` is of its bytes once inflated."""

    __tablename__ = "batches"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    batch_id: Mapped[Uuid] = mapped_column(primary_key=True)
    sha256: Mapped[Words]
    answer: Mapped[Json]
    received_at: Mapped[Instant]
