"""what phones tell of their clocks, and which lists they hold."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contacts", sa.Column("clock_ahead", sa.Integer(), nullable=True))
    op.add_column("contacts", sa.Column("clock_at", sa.String(24), nullable=True))
    op.create_table(
        "served_lists",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=True),
        sa.Column("at", sa.String(24), nullable=True),
        sa.Column("told_hash", sa.Text(), nullable=True),
        sa.Column("told_at", sa.String(24), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id", "actor_id"], ["app_users.project_id", "app_users.actor_id"]
        ),
        sa.PrimaryKeyConstraint("project_id", "actor_id", "device_id", "list_name"),
    )


def downgrade() -> None:
    op.drop_table("served_lists")
    op.drop_column("contacts", "clock_at")
    op.drop_column("contacts", "clock_ahead")
