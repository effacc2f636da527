"""What was sent and what stands: the tables behind the one road in.

    submissions ── submission_attachments
         │ derived
      changes ──▶ records ── record_versions     (undo: what each step altered, before it)
         │           ├────── record_scopes       (who may see it)
         │           └────── reviews             (open questions)
      journal ──▶ list_heads                     (last journal number that touched a scope)
    quarantine                                   (kept raw, needs a person)

What settling needs is kept so that no history is ever replayed on the common path: `records.state`
has, per property, the writes that stand; `record_versions.undo` has, for the properties
one step altered, what they read before it. The view at a version is the present undone.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, text, true
from sqlalchemy.orm import Mapped, mapped_column

from sync_server.models.base import (
    Base,
    Bytes,
    Instant,
    Json,
    MaybeInstant,
    MaybeWords,
    Uuid,
    Words,
)

# Small rows found by their key only: on SQLite they lie in its order, one tree less to write.
CLUSTERED = {"sqlite_with_rowid": False}


class Submission(Base):
    """One filled form, its instance XML byte for byte."""

    __tablename__ = "submissions"
    __table_args__ = (
        Index("submissions_received", "project_id", "received_at"),
        Index("submissions_actor", "project_id", "actor_id", "received_at"),
        Index(
            "submissions_deprecated",  # the few that are edits, by what they are edits of
            "project_id",
            "deprecated_id",
            sqlite_where=text("deprecated_id IS NOT NULL"),
            postgresql_where=text("deprecated_id IS NOT NULL"),
        ),
    )

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    instance_id: Mapped[Words] = mapped_column(primary_key=True)
    form_version: Mapped[Words]
    version_unknown: Mapped[bool] = mapped_column(default=False)
    xml: Mapped[Bytes]
    sha256: Mapped[Words]
    complete: Mapped[bool] = mapped_column(default=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    author_name: Mapped[MaybeWords]  # of somebody who has no account here, as told where they have
    device_id: Mapped[Words]
    user_agent: Mapped[MaybeWords]
    instance_name: Mapped[MaybeWords]
    deprecated_id: Mapped[MaybeWords]
    client_time: Mapped[MaybeInstant]
    received_at: Mapped[Instant]  # the smallest stamp of its path
    path: Mapped[Json] = mapped_column(nullable=True)  # None: taken in here before paths were kept
    deleted_at: Mapped[MaybeInstant]


class SubmissionAttachment(Base):
    """A file of a submission. Other bytes under one name are all kept; the newest counts."""

    __tablename__ = "submission_attachments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["project_id", "xml_form_id", "instance_id"],
            ["submissions.project_id", "submissions.xml_form_id", "submissions.instance_id"],
        ),
        Index("submission_attachments_sha256", "project_id", "sha256"),
    )

    project_id: Mapped[int] = mapped_column(primary_key=True)
    xml_form_id: Mapped[Words] = mapped_column(primary_key=True)
    instance_id: Mapped[Words] = mapped_column(primary_key=True)
    name: Mapped[Words] = mapped_column(primary_key=True)
    sha256: Mapped[Words] = mapped_column(primary_key=True)
    content_type: Mapped[Words]
    referenced: Mapped[bool]
    received_at: Mapped[Instant]
    here_at: Mapped[MaybeInstant]  # when its bytes were here; None while it is only a name


class ChangeRow(Base):
    """One change as received, with what its first server settled."""

    __tablename__ = "changes"
    __table_args__ = (
        Index("changes_entity", "project_id", "entity"),
        Index("changes_branch", "project_id", "branch_id"),
        Index("changes_instance", "project_id", "instance_id"),
        Index(
            "changes_waiting",  # the sync board counts the few that wait, whatever the history
            "project_id",
            "actor_id",
            sqlite_where=text("waiting = 1"),
            postgresql_where=text("waiting"),
        ),
    )

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    change_id: Mapped[Uuid] = mapped_column(primary_key=True)
    list_name: Mapped[Words]
    entity: Mapped[Uuid]
    op: Mapped[Words]
    label: Mapped[MaybeWords]
    data: Mapped[Json]
    base_version: Mapped[int | None]
    trunk_version: Mapped[int | None]
    branch_id: Mapped[MaybeWords]
    client_time: Mapped[MaybeInstant]
    from_form: Mapped[bool]
    decision: Mapped[Json] = mapped_column(nullable=True)  # contenders, status, of, note
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    author_name: Mapped[MaybeWords]  # as in `submissions`
    device_id: Mapped[Words]
    xml_form_id: Mapped[MaybeWords]
    form_version: Mapped[MaybeWords]
    instance_id: Mapped[MaybeWords]
    deprecated_id: Mapped[MaybeWords]  # the instance that the submission is an edit of
    received_at: Mapped[Instant]  # the smallest stamp of its path
    path: Mapped[Json]
    settled: Mapped[Json]
    waiting: Mapped[bool]
    status: Mapped[Words]  # what was answered when it was taken in


class RecordRow(Base):
    """One record as it stands. Phones are shown `version + version_offset`."""

    __tablename__ = "records"
    __table_args__ = (Index("records_list", "project_id", "list_name", "label"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    entity: Mapped[Uuid] = mapped_column(primary_key=True)
    list_name: Mapped[Words]
    label: Mapped[Words]
    data: Mapped[Json]
    state: Mapped[Json]
    version: Mapped[int]
    version_offset: Mapped[int] = mapped_column(default=0)
    born_at: Mapped[int | None]
    status: Mapped[Words]
    waiting: Mapped[int]
    open_reviews: Mapped[int]
    creator_id: Mapped[int | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]


class RecordVersion(Base):
    """One step of a record: what the properties it altered read before."""

    __tablename__ = "record_versions"
    __table_args__ = CLUSTERED

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    entity: Mapped[Uuid] = mapped_column(primary_key=True)
    served: Mapped[int] = mapped_column(primary_key=True)
    change_id: Mapped[MaybeWords]
    undo: Mapped[Json]
    at: Mapped[Instant]


class RecordScope(Base):
    """A scope that may see a record: the values of its list's filter, or `@` and its writer."""

    __tablename__ = "record_scopes"
    __table_args__ = (
        # With the scope in it, so that SQLite, which knows no statistics, prefers it to the
        # primary key, of which it would read the whole project.
        Index("record_scopes_entity", "project_id", "entity", "scope"),
        CLUSTERED,
    )

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    list_name: Mapped[Words] = mapped_column(primary_key=True)
    scope: Mapped[Words] = mapped_column(primary_key=True)
    entity: Mapped[Uuid] = mapped_column(primary_key=True)


class ListHead(Base):
    """The last journal number that touched a scope of a list; phones' list hashes come of it."""

    __tablename__ = "list_heads"
    __table_args__ = CLUSTERED

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    list_name: Mapped[Words] = mapped_column(primary_key=True)
    scope: Mapped[Words] = mapped_column(primary_key=True)
    seq: Mapped[int]


class JournalHead(Base):
    """The project's counter: taken last before commit, so that numbers commit in their order."""

    __tablename__ = "journal_heads"
    __table_args__ = CLUSTERED

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    head: Mapped[int]


class JournalRow(Base):
    """One step of one record, or something else that came in, in the order of commits.

    `kind` is `step`, or `again` where the change was here before and was settled anew, or
    `filter` where another access filter was set; and `submission`, `more` (parts of one that
    was here) or `quarantine` for what altered no record, which hubs must hear of too.
    """

    __tablename__ = "journal"
    __table_args__ = CLUSTERED

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Words] = mapped_column(default="step", server_default="step")
    ref: Mapped[MaybeWords]  # the submission or the quarantined thing, where no record stepped
    list_name: Mapped[Words]
    entity: Mapped[Uuid]
    change_id: Mapped[MaybeWords]
    scopes_from: Mapped[Json]
    scopes_to: Mapped[Json]
    at: Mapped[Instant]


class ReviewRow(Base):
    """A question for a person; closed rows stay for the history."""

    __tablename__ = "reviews"
    __table_args__ = (
        Index("reviews_entity", "project_id", "entity"),
        Index("reviews_state", "project_id", "state", "opened_at"),
    )

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    review_id: Mapped[Uuid] = mapped_column(primary_key=True)
    list_name: Mapped[Words]
    entity: Mapped[Uuid]
    kind: Mapped[Words]
    field: Mapped[Words]
    contenders: Mapped[Json]
    shown: Mapped[MaybeWords]
    state: Mapped[Words]  # open, closed
    opened_at: Mapped[Instant]
    closed_at: Mapped[MaybeInstant]
    closed_by: Mapped[MaybeWords]  # the change that closed it


class QuarantineRow(Base):
    """Something a known device sent that could not be used: kept raw until a person decides."""

    __tablename__ = "quarantine"
    __table_args__ = (
        Index("quarantine_state", "project_id", "state", "received_at"),
        Index("quarantine_sender", "project_id", "actor_id", "received_at"),
    )

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    quarantine_id: Mapped[Uuid] = mapped_column(primary_key=True)
    kind: Mapped[Words]  # submission, change, request
    code: Mapped[Words]  # a result code of the sync contract
    detail: Mapped[Words]
    raw: Mapped[Bytes]  # empty for a change of a form: its submission has them
    content_type: Mapped[Words]
    attachments: Mapped[Json]  # [{name, sha256, contentType, here}]: their bytes are blobs
    complete: Mapped[bool] = mapped_column(default=True, server_default=true())
    sha256: Mapped[Words]
    xml_form_id: Mapped[MaybeWords]
    instance_id: Mapped[MaybeWords]
    change_id: Mapped[MaybeWords]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    device_id: Mapped[Words]
    received_at: Mapped[Instant]
    state: Mapped[Words]  # open, resolved, discarded
    decided_at: Mapped[MaybeInstant]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
