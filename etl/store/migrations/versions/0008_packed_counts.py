"""Weekly counts packed: an array a delivery, level, measure and week instead of a row a figure

Revision 0008. Stored figures are carried over. What the arrays hold is told in `etl.store.packed`;
it is written out here, since a revision must not change with the code.
"""

import zlib
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NO_DATA, NOT_SAID = -1, -2

ROWS = sa.table(
    "intake_observation",
    *map(sa.column, ("delivery_id", "level", "area_code", "week", "measure", "count")),
)
COUNTS = sa.table(
    "intake_count",
    *map(sa.column, ("delivery_id", "level", "measure", "week", "known", "figures")),
)
AREAS = sa.table("intake_count_area", *map(sa.column, ("delivery_id", "level", "codes")))


def upgrade() -> None:
    op.create_table(
        "intake_count",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "delivery_id", "level", "measure", "week", name=op.f("pk_intake_count")
        ),
    )
    op.create_index("ix_intake_count_week", "intake_count", ["week"], unique=False)
    op.create_table(
        "intake_count_area",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("codes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "level", name=op.f("pk_intake_count_area")),
    )
    place = _pack_areas()
    keys = [ROWS.c[name] for name in ("delivery_id", "level", "measure", "week")]
    figures = sa.select(*keys, ROWS.c.area_code, ROWS.c.count).order_by(*keys)
    for key, rows in groupby(_streamed(figures), key=itemgetter(0, 1, 2, 3)):
        of = place[key[:2]]
        packed = np.full(len(of), NOT_SAID, dtype="<i8")
        for *_, code, count in rows:
            packed[of[code]] = NO_DATA if count is None else count
        known = int((packed >= 0).sum())
        values = (*key, known, zlib.compress(packed.tobytes(), 1))
        op.get_bind().execute(sa.insert(COUNTS).values(values))
    op.drop_table("intake_observation")


def _pack_areas() -> dict[tuple[int, str], dict[str, int]]:
    """Store the lists of areas; place of each area in the list of its delivery and level."""
    place = {}
    names = sa.select(ROWS.c.delivery_id, ROWS.c.level, ROWS.c.area_code).distinct()
    every: dict[tuple[int, str], list[str]] = {}
    for delivery_id, level, code in _streamed(names):
        every.setdefault((delivery_id, level), []).append(code)
    for key, codes in every.items():
        packed = zlib.compress("\n".join(sorted(codes)).encode(), 1)
        op.get_bind().execute(sa.insert(AREAS).values((*key, packed)))
        place[key] = {code: i for i, code in enumerate(sorted(codes))}
    return place


def _streamed(query: sa.Select[Any]) -> Iterable[Any]:
    """Rows a block at a time: there may be tens of millions."""
    return op.get_bind().execute(query, execution_options={"yield_per": 10_000})


def downgrade() -> None:
    op.create_table(
        "intake_observation",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("count", sa.Double(), nullable=True),
    )
    bind = op.get_bind()
    lists = {
        (delivery_id, level): zlib.decompress(codes).decode().split("\n")
        for delivery_id, level, codes in bind.execute(sa.select(AREAS))
    }
    for delivery_id, level, measure, week, _, packed in _streamed(sa.select(COUNTS)):
        figures = np.frombuffer(zlib.decompress(packed), dtype="<i8").tolist()
        rows = [
            (delivery_id, level, code, week, measure, None if figure == NO_DATA else figure)
            for code, figure in zip(lists[delivery_id, level], figures, strict=True)
            if figure != NOT_SAID
        ]
        if rows:
            names = [column.name for column in ROWS.c]
            bind.execute(sa.insert(ROWS), [dict(zip(names, row, strict=True)) for row in rows])
    op.drop_table("intake_count_area")
    op.drop_table("intake_count")
