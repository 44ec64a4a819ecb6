"""Tables of the store, for SQLite and PostgreSQL alike.

Two sides that never mix: ``intake_*`` holds what departments handed in and what became of each
row; ``published_*`` holds immutable snapshots. Only the reader's side is open to the dashboard.
Area codes are text, times are UTC, weeks are ISO weeks as ``2026-W46``.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)


def _delivery_id() -> Column[int]:
    """Which file said it; no foreign key, since rows and deliveries go in and out together."""
    return Column("delivery_id", Integer, nullable=False)


# One row a source: what is in force of it. `inputs_sha256` is of all that its rows depend on; while
# that stays the same, nothing of the source is read again.
intake_source = Table(
    "intake_source",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("encoding", Text),
    Column("sheet", Text),
    Column("received_at_utc", DateTime(timezone=True), nullable=False),
    Column("rows_read", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("set_aside", Integer, nullable=False),
    Column("superseded", Integer, nullable=False),
    Column("newest_week", Text),
    Column("max_age_days", Integer),
    Column("failed", Boolean, nullable=False),
    Column("inputs_sha256", Text, nullable=False),
)

# Every file ever handed in, and where each of its rows ended. state: current, replaced (by a later
# file of the same name), failed (could not be used; nothing of it is kept), withdrawn by a person,
# forgotten (its source is no longer in xintu.toml).
intake_delivery = Table(
    "intake_delivery",
    metadata,
    Column("delivery_id", Integer, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("received_at_utc", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("returned_for", Integer),
    Column("encoding", Text),
    Column("sheet", Text),
    Column("rows_read", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("superseded", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("set_aside", Integer, nullable=False),
    Column("newest_week", Text),
    Index("ix_intake_delivery_source_id", "source_id"),
)

# What a later file changed of the figures in force; one that came or went has only one side.
intake_change = Table(
    "intake_change",
    metadata,
    Column("change_id", Integer, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("delivery_id", Integer),
    Column("changed_at_utc", DateTime(timezone=True), nullable=False),
    Column("level", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("week", Text, nullable=False),
    Column("figure", Text, nullable=False),
    Column("before", Double),
    Column("after", Double),
    Index("ix_intake_change_delivery_id", "delivery_id"),
)

intake_finding = Table(
    "intake_finding",
    metadata,
    Column("finding_id", Integer, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("delivery_id", Integer),
    Column("file", Text, nullable=False),
    Column("sheet", Text),
    Column("row", Integer),
    Column("column", Text),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("came", Text),
    Column("wanted_zh", Text, nullable=False),
    Column("wanted_en", Text, nullable=False),
    Column("action_zh", Text, nullable=False),
    Column("action_en", Text, nullable=False),
    Column("proposal", Text),
    Column("count", Integer, nullable=False),
)

intake_quarantine = Table(
    "intake_quarantine",
    metadata,
    Column("quarantine_id", Integer, primary_key=True),
    _delivery_id(),
    Column("row", Integer, nullable=False),
    Column("raw", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("marks", Text, nullable=False),
)

intake_area = Table(
    "intake_area",
    metadata,
    Column("level", Text, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_code", Text),
    Column("geometry", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "area_code"),
)

intake_population = Table(
    "intake_population",
    metadata,
    _delivery_id(),
    Column("level", Text, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("group_code", Text, nullable=False),
    Column("persons", Double),
)

intake_site = Table(
    "intake_site",
    metadata,
    _delivery_id(),
    Column("site_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("category", Text),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("lon", Double),
    Column("lat", Double),
    Column("x_original", Double),
    Column("y_original", Double),
    Column("datum", Text),
    Column("quality", Text, nullable=False),
    Column("town_code", Text),
    Column("village_code", Text),
    Column("grid_code", Text),
    Column("staff", Double),
    Column("rooms", Double),
    Column("area_m2", Double),
    Column("beds", Double),
    Column("places", Double),
    Column("pupils", Double),
    Column("hours", Text),
    Column("floor", Text),
    Column("owner", Text),
    Column("opened_on", Text),
    Column("closed_on", Text),
)

intake_area_change = Table(
    "intake_area_change",
    metadata,
    _delivery_id(),
    Column("level", Text, nullable=False),
    Column("old_code", Text, nullable=False),
    Column("new_code", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("weight", Double, nullable=False),
)

# Weekly counts, an array a key; `etl.store.packed` says how they are packed.
intake_count = Table(
    "intake_count",
    metadata,
    _delivery_id(),
    Column("level", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("week", Text, nullable=False),
    Column("known", Integer, nullable=False),
    Column("figures", LargeBinary, nullable=False),
    PrimaryKeyConstraint("delivery_id", "level", "measure", "week"),
    Index("ix_intake_count_week", "week"),
)

# The areas that the arrays of a delivery are about.
intake_count_area = Table(
    "intake_count_area",
    metadata,
    _delivery_id(),
    Column("level", Text, nullable=False),
    Column("codes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("delivery_id", "level"),
)

intake_context = Table(
    "intake_context",
    metadata,
    _delivery_id(),
    Column("theme", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("road_class", Text),
    Column("one_way", Integer, nullable=False),
    Column("speed_kmh", Double),
    Column("passes", Boolean, nullable=False),
    Column("geometry", LargeBinary, nullable=False),
)

# Who is doing a job just now. A holder that died is known by its expired lease, or on its own host
# by its process id.
job_lease = Table(
    "job_lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("taken_at_utc", DateTime(timezone=True), nullable=False),
    Column("until_utc", DateTime(timezone=True), nullable=False),
)

# Every run of a job with its outcome: ok, failed, interrupted; NULL while it runs.
job_run = Table(
    "job_run",
    metadata,
    Column("run_id", Integer, primary_key=True),
    Column("job", Text, nullable=False),
    Column("due_at_utc", DateTime(timezone=True)),
    Column("started_at_utc", DateTime(timezone=True), nullable=False),
    Column("ended_at_utc", DateTime(timezone=True)),
    Column("attempt", Integer, nullable=False),
    Column("outcome", Text),
    Column("error", Text),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Index("ix_job_run_job", "job", "started_at_utc"),
)

published_snapshot = Table(
    "published_snapshot",
    metadata,
    Column("snapshot_id", Text, primary_key=True),
    Column("week", Text, nullable=False),
    Column("published_at_utc", DateTime(timezone=True), nullable=False),
    Column("code_version", Text, nullable=False),
    Column("config_sha256", Text, nullable=False),
    Column("meta", JSON, nullable=False),
)


def _snapshot_id() -> Column[str]:
    return Column(
        "snapshot_id",
        Text,
        ForeignKey("published_snapshot.snapshot_id", ondelete="CASCADE"),
        nullable=False,
    )


# Areas and their pictures are kept once for all snapshots that share the same boundaries.
published_area = Table(
    "published_area",
    metadata,
    Column("geometry_hash", Text, nullable=False),
    Column("idx", Integer, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_code", Text),
    Column("lon", Double, nullable=False),
    Column("lat", Double, nullable=False),
    Column("west", Double, nullable=False),
    Column("south", Double, nullable=False),
    Column("east", Double, nullable=False),
    Column("north", Double, nullable=False),
    PrimaryKeyConstraint("geometry_hash", "idx"),
    Index("ix_published_area_code", "geometry_hash", "area_code"),
)

published_geometry = Table(
    "published_geometry",
    metadata,
    Column("geometry_hash", Text, primary_key=True),
    Column("geojson", LargeBinary, nullable=False),
)

# Arrays, zlib: float64 values, uint8 states, uint8 class bytes, all in idx order.
published_layer = Table(
    "published_layer",
    metadata,
    _snapshot_id(),
    Column("level", Text, nullable=False),
    Column("layer", Text, nullable=False),
    Column("week", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("values", LargeBinary, nullable=False),
    Column("states", LargeBinary, nullable=False),
    Column("classes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("snapshot_id", "level", "layer", "week"),
)

published_site = Table(
    "published_site",
    metadata,
    _snapshot_id(),
    Column("site_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("lon", Double),
    Column("lat", Double),
    Column("quality", Text, nullable=False),
    Column("town_code", Text),
    Column("village_code", Text),
    Column("staff", Double),
    Column("rooms", Double),
    Column("area_m2", Double),
    Column("beds", Double),
    Column("places", Double),
    Column("pupils", Double),
    Column("hours", Text),
    Column("floor", Text),
    Column("owner", Text),
    Column("category", Text),
    PrimaryKeyConstraint("snapshot_id", "site_id"),
)

# base_tier: of the week's figures alone; raised_by: what lifted it from there ("persistence,gap");
# held: it stands although the figures fell. Rows by earlier versions have none of these.
published_warning = Table(
    "published_warning",
    metadata,
    _snapshot_id(),
    Column("level", Text, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("week", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_name", Text, nullable=False),
    Column("tier", SmallInteger, nullable=False),
    Column("count", Double, nullable=False),
    Column("expected", Double, nullable=False),
    Column("upper", Double, nullable=False),
    Column("score", Double, nullable=False),
    Column("weeks_running", Integer, nullable=False),
    Column("since_week", Text, nullable=False),
    Column("base_tier", SmallInteger),
    Column("raised_by", Text, nullable=False, server_default=""),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("method", Text, nullable=False, server_default=""),
    Column("look", Text, nullable=False, server_default=""),
    Column("reach", Integer, nullable=False, server_default="0"),
    Column("provisional", Boolean, nullable=False, server_default=false()),
    Column("episode_id", Text, nullable=False, server_default=""),
    Column("reason_zh", Text, nullable=False, server_default=""),
    Column("reason_en", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("snapshot_id", "level", "area_code", "measure", "week"),
)

# Small tables that a page shows as they are: headline, gap_ranking, coverage, sources, findings.
published_table = Table(
    "published_table",
    metadata,
    _snapshot_id(),
    Column("name", Text, nullable=False),
    Column("records", JSON, nullable=False),
    PrimaryKeyConstraint("snapshot_id", "name"),
)
