"""sums of bytes and clocks far off need 64 bits; what is kept has all its parts, or not yet."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_LARGE = (
    ("contacts", "bytes_up", False),
    ("contacts", "bytes_down", False),
    ("contacts", "clock_ahead", True),
    ("hubs", "clock_offset_ms", True),
    ("upstreams", "clock_offset_ms", False),
)


def upgrade() -> None:
    op.add_column(
        "quarantine", sa.Column("complete", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    _alter(sa.Integer(), sa.BigInteger())


def downgrade() -> None:
    _alter(sa.BigInteger(), sa.Integer())
    op.drop_column("quarantine", "complete")


def _alter(old: sa.Integer, new: sa.Integer) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return  # SQLite's integers have 64 bits as they are
    for table, column, nullable in _LARGE:
        op.alter_column(table, column, existing_type=old, type_=new, existing_nullable=nullable)
