"""edits of submissions: which instance a change's submission takes the place of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ARE_EDITS = sa.text("deprecated_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("changes", sa.Column("deprecated_id", sa.Text(), nullable=True))
    op.create_index(
        "submissions_deprecated",
        "submissions",
        ["project_id", "deprecated_id"],
        sqlite_where=ARE_EDITS,
        postgresql_where=ARE_EDITS,
    )


def downgrade() -> None:
    op.drop_index("submissions_deprecated", "submissions")
    op.drop_column("changes", "deprecated_id")
