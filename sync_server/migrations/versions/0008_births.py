"""the offset of records born after a restore."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "nodes", sa.Column("first_offset", sa.Integer(), nullable=False, server_default="0")
    )
    # As far as records show it: each restore has raised them by a thousand, or more of them.
    op.execute(
        "UPDATE nodes SET first_offset = "
        "COALESCE((SELECT MAX(version_offset) / 1000 * 1000 FROM records), 0)"
    )


def downgrade() -> None:
    op.drop_column("nodes", "first_offset")
