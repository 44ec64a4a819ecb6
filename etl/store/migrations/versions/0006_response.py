"""How warnings are answered: each warning's life, its events, the offices' PINs

Revision 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "response_warning",
        sa.Column("warning_id", sa.Text(), nullable=False),
        sa.Column("episode_id", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("town_code", sa.Text(), nullable=False),
        sa.Column("town_name", sa.Text(), nullable=False),
        sa.Column("areas", sa.Text(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("peak_tier", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=True),
        sa.Column("assigned", sa.Text(), nullable=True),
        sa.Column("opened_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_week", sa.Text(), nullable=False),
        sa.Column("last_week", sa.Text(), nullable=False),
        sa.Column("acknowledge_by_utc", sa.DateTime(timezone=True), nullable=True),
        sa.Column("respond_by_utc", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.Column("responded_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.Column("faded", sa.Boolean(), nullable=False),
        sa.Column("earlier_id", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.Text(), nullable=True),
        sa.Column("reason_zh", sa.Text(), nullable=False),
        sa.Column("reason_en", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("warning_id", name=op.f("pk_response_warning")),
    )
    op.create_index("ix_response_warning_state", "response_warning", ["state"], unique=False)
    op.create_table(
        "response_event",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("warning_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_response_event")),
        sa.UniqueConstraint("warning_id", "version", name="uq_response_event_version"),
    )
    op.create_table(
        "response_office",
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("wait_until_utc", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("office", name=op.f("pk_response_office")),
    )


def downgrade() -> None:
    for name in ("response_office", "response_event", "response_warning"):
        op.drop_table(name)
