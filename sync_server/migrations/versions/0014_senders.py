"""what one sender has sent is found without reading what all others have."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    of_one = ["project_id", "actor_id", "received_at"]
    op.create_index("quarantine_sender", "quarantine", of_one)
    op.create_index("blob_senders_sender", "blob_senders", of_one)


def downgrade() -> None:
    op.drop_index("blob_senders_sender", "blob_senders")
    op.drop_index("quarantine_sender", "quarantine")
