"""tokens that device accounts had before."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_tokens",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("replaced_at", sa.String(24), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "actor_id"], ["app_users.project_id", "app_users.actor_id"]
        ),
        sa.PrimaryKeyConstraint("project_id", "token_hash"),
    )


def downgrade() -> None:
    op.drop_table("former_tokens")
