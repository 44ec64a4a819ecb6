"""What makes a network of roads: class, direction, speed, and whether a line only passes over

Revision 0004. Roads that are stored already have no class: times stay straight lines until the
files are read again, which the new columns of their source bring about.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("intake_context") as table:
        table.add_column(sa.Column("road_class", sa.Text()))
        table.add_column(sa.Column("one_way", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("speed_kmh", sa.Double()))
        table.add_column(
            sa.Column("passes", sa.Boolean(), nullable=False, server_default=sa.false())
        )


def downgrade() -> None:
    with op.batch_alter_table("intake_context") as table:
        for name in ("road_class", "one_way", "speed_kmh", "passes"):
            table.drop_column(name)
