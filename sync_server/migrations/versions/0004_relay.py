"""what is relayed: the path of a submission, and the journal of what altered no record."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("submissions", sa.Column("path", sa.Text(), nullable=True))
    op.add_column(
        "journal", sa.Column("kind", sa.Text(), nullable=False, server_default="step")
    )
    op.add_column("journal", sa.Column("ref", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("journal", "ref")
    op.drop_column("journal", "kind")
    op.drop_column("submissions", "path")
