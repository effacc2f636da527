"""authors who have no account here: the name that came with what they decided elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("submissions", "changes"):
        op.add_column(table, sa.Column("author_name", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in ("changes", "submissions"):
        op.drop_column(table, "author_name")
