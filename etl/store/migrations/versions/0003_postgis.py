"""Geometry columns and views for a desktop GIS, on PostgreSQL with PostGIS; nothing elsewhere

Revision 0003. What is published already is shown at once. A database that gets PostGIS later is
given them at its next publication.
"""

from alembic import op

from etl.store import qgis

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    qgis.refresh(op.get_bind())


def downgrade() -> None:
    qgis.remove(op.get_bind())
