"""Floor and owner of a site: what a planner asks of a place for a new room

Revision 0011. Sites that are stored already have neither until their files are read again, which
the new columns of their source bring about.
"""

import sqlalchemy as sa
from alembic import op

from etl.store import qgis

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = ("intake_site", "published_site")
COLUMNS = ("floor", "owner")


def upgrade() -> None:
    # The views of a desktop GIS name every column of the table.
    qgis.remove(op.get_bind())
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            for column in COLUMNS:
                table.add_column(sa.Column(column, sa.Text()))
    qgis.refresh(op.get_bind())


def downgrade() -> None:
    qgis.remove(op.get_bind())
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            for column in COLUMNS:
                table.drop_column(column)
    qgis.refresh(op.get_bind())
