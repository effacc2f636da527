"""batches that hubs and programs push, with the answer each was given."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("project_id", sa.Integer(), sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("sender_id", sa.Integer(), sa.ForeignKey("actors.id"), primary_key=True),
        sa.Column("batch_id", sa.String(length=36), primary_key=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("received_at", sa.String(length=24), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("batches")
