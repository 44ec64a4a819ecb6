"""Tables of questions where sites should be, for SQLite and PostgreSQL alike.

`siting_scenario` is a question with the state of its job, `siting_result` its answer, written once.
`siting_call` is what a page asks of the planner's process in between, and keeps free points.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from etl.store.tables import metadata

# One row a scenario; `number` is its place in the queue. state: queued, running, done, infeasible,
# cancelled, failed. `worker` is who has it, `attempts` how often it was taken up.
siting_scenario = Table(
    "siting_scenario",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("scenario_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("snapshot_id", Text, nullable=False),
    Column("week", Text, nullable=False),
    Column("question", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("progress", Double, nullable=False),
    Column("best", Double),
    Column("bound", Double),
    Column("gap", Double),
    Column("message_zh", Text, nullable=False),
    Column("message_en", Text, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Column("worker", Text),
    Column("attempts", Integer, nullable=False),
    Column("replay_of", Text),
    Column("created_at_utc", DateTime(timezone=True), nullable=False),
    Column("started_at_utc", DateTime(timezone=True)),
    Column("heartbeat_at_utc", DateTime(timezone=True)),
    Column("ended_at_utc", DateTime(timezone=True)),
    UniqueConstraint("scenario_id", name="uq_siting_scenario_id"),
    Index("ix_siting_scenario_state", "state"),
)

# `answer`: bytes of `etl.siting.answer.Answer`; `meta` stands beside them for lists.
siting_result = Table(
    "siting_result",
    metadata,
    Column("scenario_id", Text, primary_key=True),
    Column("meta", JSON, nullable=False),
    Column("answer", LargeBinary, nullable=False),
)

# kind: candidates (of a question on a snapshot; `key` is the hash of both) or point (a free point
# of a scenario; `key` is the scenario's id). state: asked, done, failed.
siting_call = Table(
    "siting_call",
    metadata,
    Column("call_id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("asked", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("reply", LargeBinary),
    Column("message_zh", Text, nullable=False),
    Column("message_en", Text, nullable=False),
    Column("asked_at_utc", DateTime(timezone=True), nullable=False),
    Index("ix_siting_call_state", "state"),
    Index("ix_siting_call_key", "kind", "key"),
)
