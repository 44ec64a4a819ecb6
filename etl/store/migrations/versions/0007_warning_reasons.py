"""Why a place is warned: what lifted its tier, how its week was tested, the sentence that says so

Revision 0007. Rows of snapshots that are published already say none of it.
"""

import sqlalchemy as sa
from alembic import op

from etl.store import qgis

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXTS = ("raised_by", "method", "look", "episode_id", "reason_zh", "reason_en")
FLAGS = ("held", "provisional")


def upgrade() -> None:
    # The views of a desktop GIS name every column of the table.
    qgis.remove(op.get_bind())
    with op.batch_alter_table("published_warning") as table:
        table.add_column(sa.Column("base_tier", sa.SmallInteger()))
        table.add_column(sa.Column("reach", sa.Integer(), nullable=False, server_default="0"))
        for name in TEXTS:
            table.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        for name in FLAGS:
            table.add_column(
                sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
            )
    qgis.refresh(op.get_bind())


def downgrade() -> None:
    qgis.remove(op.get_bind())
    with op.batch_alter_table("published_warning") as table:
        for name in ("base_tier", "reach", *TEXTS, *FLAGS):
            table.drop_column(name)
    qgis.refresh(op.get_bind())
