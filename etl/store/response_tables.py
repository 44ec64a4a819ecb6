"""Tables of how warnings are answered, for SQLite and PostgreSQL alike.

`response_event` is the record, appended to and never changed. `response_warning` is what the events
of a warning add up to, kept beside them so that a page asks one table. Offices stand here by the
codes of `xintu.toml`, persons nowhere.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from etl.store.tables import metadata

# One row a warning. state: open, acknowledged, responding, closed, dismissed. `areas` are codes
# joined by "|"; `version` is the number of its events.
response_warning = Table(
    "response_warning",
    metadata,
    Column("warning_id", Text, primary_key=True),
    Column("episode_id", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("town_code", Text, nullable=False),
    Column("town_name", Text, nullable=False),
    Column("areas", Text, nullable=False),
    Column("tier", SmallInteger, nullable=False),
    Column("peak_tier", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("office", Text),
    Column("assigned", Text),
    Column("opened_at_utc", DateTime(timezone=True), nullable=False),
    Column("opened_week", Text, nullable=False),
    Column("last_week", Text, nullable=False),
    Column("acknowledge_by_utc", DateTime(timezone=True)),
    Column("respond_by_utc", DateTime(timezone=True)),
    Column("due_at_utc", DateTime(timezone=True)),
    Column("acknowledged_at_utc", DateTime(timezone=True)),
    Column("responded_at_utc", DateTime(timezone=True)),
    Column("ended_at_utc", DateTime(timezone=True)),
    Column("faded", Boolean, nullable=False),
    Column("earlier_id", Text),
    Column("merged_into", Text),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_response_warning_state", "state"),
)

# kind: see `etl.response.life.Kind`. `changes` holds what the event says of the warning.
response_event = Table(
    "response_event",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("warning_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("tier", SmallInteger, nullable=False),
    Column("week", Text, nullable=False),
    Column("office", Text),
    Column("text", Text, nullable=False),
    Column("at_utc", DateTime(timezone=True), nullable=False),
    Column("changes", JSON, nullable=False),
    UniqueConstraint("warning_id", "version", name="uq_response_event_version"),
)

# An office's PIN, salted and hashed, and how often a wrong one was given since the last right one.
response_office = Table(
    "response_office",
    metadata,
    Column("office", Text, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("wait_until_utc", DateTime(timezone=True)),
    Column("set_at_utc", DateTime(timezone=True), nullable=False),
)
