"""the size of a part that a device is told, where it is its own."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("app_users", sa.Column("part_bytes", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("app_users", "part_bytes")
