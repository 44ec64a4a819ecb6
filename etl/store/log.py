"""The log of deliveries, without loading anything heavy."""

from __future__ import annotations

from sqlalchemy import Engine, select

from etl.deliveries import Logged
from etl.store.tables import intake_delivery


def read_log(engine: Engine) -> tuple[Logged, ...]:
    """All deliveries, in the order in which they came."""
    columns = intake_delivery.c
    query = select(
        columns.delivery_id,
        columns.source_id,
        columns.name,
        columns.location,
        columns.sha256,
        columns.bytes,
        columns.state,
        columns.returned_for,
    ).order_by(columns.delivery_id)
    with engine.connect() as connection:
        return tuple(Logged(*row) for row in connection.execute(query))
