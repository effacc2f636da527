"""hubs of a centre, their invitations, and what a hub keeps of its centre."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INSTANT = sa.String(length=24)
_UUID = sa.String(length=36)


def upgrade() -> None:
    _of_a_centre()
    _of_a_hub()


def _of_a_centre() -> None:
    op.create_table(
        "hubs",
        sa.Column("project_id", sa.Integer(), sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("actor_id", sa.Integer(), sa.ForeignKey("actors.id"), primary_key=True),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text()),
        sa.Column("node", sa.Text()),
        sa.Column("created_by", sa.Integer()),
        sa.Column("paired_at", _INSTANT),
        sa.Column("last_seen_at", _INSTANT),
        sa.Column("clock_offset_ms", sa.Integer()),
        sa.Column("revoked_at", _INSTANT),
    )
    op.create_index("hubs_token", "hubs", ["token_hash"], unique=True)
    op.create_table(
        "hub_invitations",
        sa.Column("project_id", sa.Integer(), primary_key=True),
        sa.Column("code_hash", sa.Text(), primary_key=True),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT),
        sa.ForeignKeyConstraint(["project_id", "actor_id"], ["hubs.project_id", "hubs.actor_id"]),
    )
    op.create_index("hub_invitations_code", "hub_invitations", ["code_hash"], unique=True)


def _of_a_hub() -> None:
    op.create_table(
        "upstreams",
        sa.Column("project_id", sa.Integer(), sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("remote_project_id", sa.Integer(), nullable=False),
        sa.Column("hub_name", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Integer(), sa.ForeignKey("actors.id"), nullable=False),
        sa.Column("token_sealed", sa.Text(), nullable=False),
        sa.Column("node", _UUID, nullable=False),
        sa.Column("epoch", _UUID, nullable=False),
        sa.Column("own_epoch", _UUID, nullable=False),
        sa.Column("setup_tag", sa.Text()),
        sa.Column("push_cursor", sa.Text()),
        sa.Column("pull_cursor", sa.Text()),
        sa.Column("clock_offset_ms", sa.Integer(), nullable=False),
        sa.Column("paired_at", _INSTANT, nullable=False),
        sa.Column("tried_at", _INSTANT),
        sa.Column("heard_at", _INSTANT),
        sa.Column("pushed_at", _INSTANT),
        sa.Column("trouble", sa.Text()),
    )
    op.create_table(
        "outgoing_batches",
        _of_upstream(),
        sa.Column("ordinal", sa.Integer(), primary_key=True),
        sa.Column("batch_id", _UUID, nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
    )
    op.create_table(
        "owed_blobs",
        _of_upstream(),
        sa.Column("sha256", sa.Text(), primary_key=True),
        sa.Column("noted_at", _INSTANT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "refused_items",
        _of_upstream(),
        sa.Column("refused_id", _UUID, primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("named", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
    )


def _of_upstream() -> sa.Column[int]:
    return sa.Column(
        "project_id", sa.Integer(), sa.ForeignKey("upstreams.project_id"), primary_key=True
    )


def downgrade() -> None:
    for table in (
        *("refused_items", "owed_blobs", "outgoing_batches", "upstreams"),
        *("hub_invitations", "hubs"),
    ):
        op.drop_table(table)
