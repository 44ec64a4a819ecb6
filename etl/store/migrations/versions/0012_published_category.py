"""Category of a published site: what a planner needs to know of the indicators that ask for one

Revision 0012. Snapshots that are published already do not have it.
"""

import sqlalchemy as sa
from alembic import op

from etl.store import qgis

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The views of a desktop GIS name every column of the table.
    qgis.remove(op.get_bind())
    with op.batch_alter_table("published_site") as table:
        table.add_column(sa.Column("category", sa.Text()))
    qgis.refresh(op.get_bind())


def downgrade() -> None:
    qgis.remove(op.get_bind())
    with op.batch_alter_table("published_site") as table:
        table.drop_column("category")
    qgis.refresh(op.get_bind())
