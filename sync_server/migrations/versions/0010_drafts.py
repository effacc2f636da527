"""drafts of forms, and what is sent to them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OF_DRAFT = (
    ["project_id", "xml_form_id"],
    ["form_drafts.project_id", "form_drafts.xml_form_id"],
)


def upgrade() -> None:
    op.create_table(
        "form_drafts",
        sa.Column("project_id", sa.Integer(), sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("xml_form_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("xml", sa.LargeBinary(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=True),
        sa.Column("source", sa.LargeBinary(), nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("token_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(24), nullable=False),
        sa.Column("created_by", sa.Integer(), sa.ForeignKey("actors.id"), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "xml_form_id"),
    )
    op.create_index("form_drafts_token", "form_drafts", ["token_hash"], unique=True)
    op.create_table(
        "draft_files",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("xml_form_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("md5", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.String(24), nullable=False),
        sa.ForeignKeyConstraint(*_OF_DRAFT),
        sa.PrimaryKeyConstraint("project_id", "xml_form_id", "name"),
    )
    op.create_table(
        "draft_submissions",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("xml_form_id", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.String(24), nullable=False),
        sa.ForeignKeyConstraint(*_OF_DRAFT),
        sa.PrimaryKeyConstraint("project_id", "xml_form_id", "instance_id"),
    )


def downgrade() -> None:
    op.drop_table("draft_submissions")
    op.drop_table("draft_files")
    op.drop_table("form_drafts")
