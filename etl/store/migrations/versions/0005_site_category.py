"""Category of a site: what a target that speaks of some sites of a kind goes by

Revision 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("intake_site", sa.Column("category", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("intake_site", "category")
