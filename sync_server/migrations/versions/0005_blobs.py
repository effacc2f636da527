"""blobs that come by themselves: who sent them, and which attachments are only names yet."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("submission_attachments", sa.Column("here_at", sa.String(length=24)))
    op.create_index(
        "submission_attachments_sha256", "submission_attachments", ["project_id", "sha256"]
    )
    op.create_table(
        "blob_senders",
        sa.Column("project_id", sa.Integer(), primary_key=True),
        sa.Column("sha256", sa.Text(), primary_key=True),
        sa.Column("actor_id", sa.Integer(), sa.ForeignKey("actors.id"), primary_key=True),
        sa.Column("received_at", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["project_id", "sha256"], ["blobs.project_id", "blobs.sha256"]),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "blobs_awaited",
        sa.Column("project_id", sa.Integer(), primary_key=True),
        sa.Column("sha256", sa.Text(), primary_key=True),
        sa.Column("actor_id", sa.Integer(), sa.ForeignKey("actors.id"), primary_key=True),
        sa.Column("xml_form_id", sa.Text(), primary_key=True),
        sa.Column("instance_id", sa.Text(), primary_key=True),
        sa.ForeignKeyConstraint(
            ["project_id", "xml_form_id", "instance_id"],
            ["submissions.project_id", "submissions.xml_form_id", "submissions.instance_id"],
        ),
        sqlite_with_rowid=False,
    )
    # Until now every file came with its submission.
    op.execute(
        "UPDATE submission_attachments SET here_at = received_at WHERE EXISTS (SELECT 1 FROM blobs"
        " WHERE blobs.project_id = submission_attachments.project_id"
        " AND blobs.sha256 = submission_attachments.sha256)"
    )
    op.execute(
        "INSERT INTO blob_senders (project_id, sha256, actor_id, received_at)"
        " SELECT a.project_id, a.sha256, s.actor_id, min(a.received_at)"
        " FROM submission_attachments a JOIN submissions s ON s.project_id = a.project_id"
        " AND s.xml_form_id = a.xml_form_id AND s.instance_id = a.instance_id"
        " WHERE a.here_at IS NOT NULL AND s.actor_id IS NOT NULL"
        " GROUP BY a.project_id, a.sha256, s.actor_id"
    )
    _from_quarantine(op.get_bind())


def _from_quarantine(connection: sa.Connection) -> None:
    kept = connection.execute(
        sa.text(
            "SELECT project_id, actor_id, received_at, attachments FROM quarantine"
            " WHERE attachments <> '[]' AND actor_id IS NOT NULL"
        )
    ).all()
    for project_id, actor_id, received_at, attachments in kept:
        for one in json.loads(attachments):
            connection.execute(
                sa.text(
                    "INSERT INTO blob_senders (project_id, sha256, actor_id, received_at)"
                    " SELECT project_id, sha256, :actor, :at FROM blobs"
                    " WHERE project_id = :project AND sha256 = :sha256"
                    " ON CONFLICT DO NOTHING"
                ),
                {
                    "actor": actor_id,
                    "at": received_at,
                    "project": project_id,
                    "sha256": one["sha256"],
                },
            )


def downgrade() -> None:
    op.drop_table("blobs_awaited")
    op.drop_table("blob_senders")
    op.drop_index("submission_attachments_sha256", "submission_attachments")
    op.drop_column("submission_attachments", "here_at")
