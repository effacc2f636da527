"""forms that are for some devices only."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "forms", sa.Column("given", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "form_devices",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("xml_form_id", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "xml_form_id"], ["forms.project_id", "forms.xml_form_id"]
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "actor_id"], ["app_users.project_id", "app_users.actor_id"]
        ),
        sa.PrimaryKeyConstraint("project_id", "xml_form_id", "actor_id"),
    )


def downgrade() -> None:
    op.drop_table("form_devices")
    op.drop_column("forms", "given")
