"""The watchdog: which source is late today, from what the store has accepted."""

from __future__ import annotations

import logging
from datetime import UTC, date

from sqlalchemy import Engine, select

from etl.freshness import Freshness, judge, rhythm
from etl.store.tables import intake_source

logger = logging.getLogger(__name__)


def late_sources(engine: Engine, *, today: date) -> dict[str, Freshness]:
    """Sources that are late, stale or failed on a day in the locality, by id."""
    with engine.connect() as connection:
        rows = connection.execute(select(intake_source).order_by(intake_source.c.source_id)).all()
    found = {}
    for row in rows:
        received = row.received_at_utc
        freshness = judge(
            newest_week=row.newest_week,
            received_on=(received if received.tzinfo else received.replace(tzinfo=UTC)).date(),
            max_age_days=row.max_age_days,
            expected=rhythm(row.role, row.max_age_days),
            failed=row.failed,
            today=today,
        )
        if freshness.state != "fresh":
            found[row.source_id] = freshness
    return found


def watch(engine: Engine, *, today: date) -> str | None:
    """Log each source that is late; all of them as a note for the record, None when none is."""
    found = late_sources(engine, today=today)
    for source_id, freshness in found.items():
        logger.warning(
            "%s: %s, %s days old", source_id, freshness.state, freshness.days,
            extra={"source": source_id},
        )  # fmt: skip
    said = [f"{name} {one.state} ({one.days} days)" for name, one in found.items()]
    return ", ".join(said) or None
