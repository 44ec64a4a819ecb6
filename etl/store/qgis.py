"""What a desktop GIS opens on PostgreSQL with PostGIS: geometry columns, and views of what is
published.

Everything here exists on PostgreSQL only, and only where the database has the PostGIS extension;
without it the store works as ever. Names begin with ``qgis_``, columns are called ``geom``
(`is_shared` tells them from what every store has). The views hold the newest snapshot, run with
their owner's rights and show published figures only: a role that may read them and nothing else
sees no intake and no withheld count (docs/qgis.md).
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, select, text
from sqlalchemy.schema import SchemaItem

from etl.store.tables import published_geometry, published_layer, published_snapshot
from geo.model import Missing

VIEWS = ("qgis_areas", "qgis_sites", "qgis_values", "qgis_warnings")
_TABLES = ("qgis_shape", "qgis_layer")
_POINT = "ST_SetSRID(ST_MakePoint(lon, lat), 4326)"
_WKB = "ST_GeomFromWKB(geometry, 4326)"
# Table → type of its geometry column, and what the database works it out from by itself.
_COLUMNS = {
    "intake_area": ("MultiPolygon", f"ST_Multi(ST_CollectionExtract({_WKB}, 3))"),
    "intake_context": ("Geometry", _WKB),
    "intake_site": ("Point", _POINT),
    "published_site": ("Point", _POINT),
}
_STATES = {
    Missing.OK: ("value", "有数值"),
    Missing.NO_DATA: ("no data", "无数据"),
    Missing.SUPPRESSED: ("suppressed", "已隐去"),
    Missing.UNRELIABLE: ("unreliable", "不可靠"),
    Missing.NOT_APPLICABLE: ("not applicable", "不适用"),
    Missing.UNREACHABLE: ("no way there", "无路可达"),
}
_SHOWN = (Missing.OK, Missing.UNRELIABLE)
_FLOAT8, _INT2 = 701, 21  # type oids of PostgreSQL, fixed for ever
_KEY_BITS = 24  # of a view's key for the position of an area: 16 million areas a level


def _key(*parts: str) -> str:
    """SQL of a stable positive integer from texts: 60 bits of their MD5."""
    joined = " || ' ' || ".join(parts)
    return f"('x' || substr(md5({joined}), 1, 15))::bit(60)::bigint"


def _words(state: str, language: int) -> str:
    words = ", ".join(f"'{_STATES[missing][language]}'" for missing in Missing)
    return f"(ARRAY[{words}])[{state} + 1]"


_NEWEST = """(
    SELECT snapshot_id, week, meta FROM published_snapshot
    ORDER BY week DESC, published_at_utc DESC LIMIT 1
)"""
_MADE_TABLES = (
    """CREATE TABLE qgis_shape (
        geometry_hash text NOT NULL, idx integer NOT NULL, geom geometry(MultiPolygon, 4326),
        CONSTRAINT pk_qgis_shape PRIMARY KEY (geometry_hash, idx))""",
    "CREATE INDEX ix_qgis_shape_geom ON qgis_shape USING gist (geom)",
    """CREATE TABLE qgis_layer (
        snapshot_id text NOT NULL REFERENCES published_snapshot ON DELETE CASCADE,
        geometry_hash text NOT NULL, level text NOT NULL, layer text NOT NULL, week text NOT NULL,
        layer_zh text, layer_en text, unit_zh text, unit_en text,
        "values" float8[] NOT NULL, states int2[] NOT NULL,
        CONSTRAINT pk_qgis_layer PRIMARY KEY (level, layer))""",
    # Kept as they are: PostgreSQL's own compression would take longer than all the rest.
    'ALTER TABLE qgis_layer ALTER "values" SET STORAGE EXTERNAL, ALTER states SET STORAGE EXTERNAL',
)
_LAYER_COLUMNS = (
    "snapshot_id", "geometry_hash", "level", "layer", "week",
    "layer_zh", "layer_en", "unit_zh", "unit_en", "values", "states",
)  # fmt: skip
_MADE_VIEWS = {
    "qgis_areas": (
        f"""SELECT {_key("e.entry ->> 'level'", "a.area_code")} AS key,
            s.snapshot_id, e.entry ->> 'level' AS level, a.area_code, a.name, a.parent_code, g.geom
        FROM {_NEWEST} s
        CROSS JOIN LATERAL json_array_elements(s.meta -> 'levels') AS e(entry)
        JOIN published_area a ON a.geometry_hash = e.entry -> 'geometry' ->> 'hash'
        JOIN qgis_shape g ON g.geometry_hash = a.geometry_hash AND g.idx = a.idx""",
        "Areas of the newest snapshot, of all levels",
    ),
    "qgis_sites": (
        f"""SELECT {_key("p.site_id")} AS key, p.*
        FROM published_site p JOIN {_NEWEST} s ON s.snapshot_id = p.snapshot_id""",
        "Service sites of the newest snapshot; a hotline has no point",
    ),
    "qgis_values": (
        f"""SELECT
            (('x' || substr(md5(q.level || ' ' || q.layer), 1, 9))::bit(36)::bigint
                << {_KEY_BITS}) + u.n AS key,
            q.snapshot_id, s.week, q.level, a.area_code, a.name,
            q.layer, q.layer_zh, q.layer_en, q.unit_zh, q.unit_en,
            CASE WHEN u.state IN ({", ".join(str(int(m)) for m in _SHOWN)})
                THEN nullif(u.value, 'NaN') END AS value,
            {_words("u.state", 0)} AS state, {_words("u.state", 1)} AS state_zh, g.geom
        FROM qgis_layer q
        JOIN published_snapshot s ON s.snapshot_id = q.snapshot_id
        CROSS JOIN LATERAL unnest(q.values, q.states) WITH ORDINALITY AS u(value, state, n)
        JOIN published_area a ON a.geometry_hash = q.geometry_hash AND a.idx = u.n - 1
        JOIN qgis_shape g ON g.geometry_hash = q.geometry_hash AND g.idx = u.n - 1""",
        "Published figures of the newest snapshot and week; state says why a value is missing",
    ),
    "qgis_warnings": (
        f"""SELECT {_key("w.level", "w.area_code", "w.measure")} AS key, w.*, g.geom
        FROM {_NEWEST} s
        JOIN published_warning w ON w.snapshot_id = s.snapshot_id AND w.week = s.week
        LEFT JOIN (
            SELECT e.entry ->> 'level' AS level, e.entry -> 'geometry' ->> 'hash' AS geometry_hash
            FROM {_NEWEST} n
            CROSS JOIN LATERAL json_array_elements(n.meta -> 'levels') AS e(entry)
        ) l ON l.level = w.level
        LEFT JOIN published_area a
            ON a.geometry_hash = l.geometry_hash AND a.area_code = w.area_code
        LEFT JOIN qgis_shape g ON g.geometry_hash = a.geometry_hash AND g.idx = a.idx""",
        "Warnings of the newest week",
    ),
}


def is_shared(
    _item: SchemaItem,
    name: str | None,
    kind: str,
    _reflected: bool,  # noqa: FBT001 (Alembic's signature)
    _compared_to: SchemaItem | None,
) -> bool:
    """Tell Alembic what every store has, from what only PostGIS adds."""
    if kind == "table":
        return name not in {*_TABLES, "spatial_ref_sys"}
    if kind in {"column", "index"}:
        return name != "geom" and not str(name).endswith("_geom")
    return True


def available(connection: Connection) -> bool:
    """Whether the database is PostgreSQL with the PostGIS extension."""
    if connection.dialect.name != "postgresql":
        return False
    found = connection.scalar(text("SELECT 1 FROM pg_extension WHERE extname = 'postgis'"))
    return found is not None


def prepare(connection: Connection) -> bool:
    """Add columns, tables and views if PostGIS is there and they are not.

    Returns
    -------
    Whether they are there now.
    """
    if not available(connection):
        return False
    if connection.scalar(text("SELECT to_regclass('qgis_values')")) is not None:
        return True
    for table, (kind, source) in _COLUMNS.items():
        made = f"geometry({kind}, 4326) GENERATED ALWAYS AS ({source}) STORED"
        _run(connection, f"ALTER TABLE {table} ADD COLUMN geom {made}")
        _run(connection, f"CREATE INDEX ix_{table}_geom ON {table} USING gist (geom)")
    for statement in _MADE_TABLES:
        _run(connection, statement)
    for view, (query, comment) in _MADE_VIEWS.items():
        _run(connection, f"CREATE VIEW {view} AS {query}")
        _run(connection, f"COMMENT ON VIEW {view} IS '{comment}'")
        _run(connection, f"COMMENT ON COLUMN {view}.key IS 'Feature id: stable, unique'")
    return True


def remove(connection: Connection) -> None:
    """Take out all that `prepare` has added."""
    if connection.dialect.name != "postgresql":
        return
    for view in VIEWS:
        _run(connection, f"DROP VIEW IF EXISTS {view}")
    for table in _TABLES:
        _run(connection, f"DROP TABLE IF EXISTS {table}")
    for table in _COLUMNS:
        _run(connection, f"ALTER TABLE {table} DROP COLUMN IF EXISTS geom")


def refresh(connection: Connection) -> None:
    """Bring shapes and figures to the newest snapshot, in the caller's transaction.

    Does nothing without PostGIS. A database that got it later is filled at the next publication.
    """
    if not prepare(connection):
        return
    snapshots = published_snapshot.c
    newest = connection.execute(
        select(snapshots.snapshot_id, snapshots.week, snapshots.meta)
        .order_by(snapshots.week.desc(), snapshots.published_at_utc.desc())
        .limit(1)
    ).first()
    if newest is None:
        return
    hashes = {entry["level"]: entry["geometry"]["hash"] for entry in newest.meta["levels"]}
    _fill_shapes(connection, set(hashes.values()))
    held = connection.scalar(text("SELECT snapshot_id FROM qgis_layer LIMIT 1"))
    if held != newest.snapshot_id:
        _run(connection, "DELETE FROM qgis_layer")
        columns = published_layer.c
        rows = connection.execute(
            select(published_layer).where(
                columns.snapshot_id == newest.snapshot_id, columns.week.in_(["", newest.week])
            )
        ).all()
        _copy_layers(connection, _fields(rows, newest.meta["layers"], hashes))


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)  # our own texts, never input


def _fill_shapes(connection: Connection, hashes: set[str]) -> None:
    """Polygons of boundaries that are new, from the very pictures that the browser is given."""
    wanted = {"hashes": sorted(hashes)}
    connection.execute(
        text("DELETE FROM qgis_shape WHERE geometry_hash <> ALL(CAST(:hashes AS text[]))"), wanted
    )
    held = set(connection.scalars(text("SELECT DISTINCT geometry_hash FROM qgis_shape")))
    columns = published_geometry.c
    missing = select(columns.geometry_hash, columns.geojson).where(
        columns.geometry_hash.in_(hashes - held)
    )
    for row in connection.execute(missing).all():
        # Rounding to the browser's precision may make a sliver cross itself: mended only then.
        connection.execute(
            text(
                """INSERT INTO qgis_shape
                SELECT :hash, idx, ST_Multi(ST_CollectionExtract(
                    CASE WHEN ST_IsValid(shape) THEN shape ELSE ST_MakeValid(shape) END, 3))
                FROM (
                    SELECT (f -> 'properties' ->> 'idx')::integer AS idx,
                        ST_SetSRID(ST_GeomFromGeoJSON(f ->> 'geometry'), 4326) AS shape
                    FROM json_array_elements(CAST(:picture AS json) -> 'features') AS f
                ) AS found"""
            ),
            {"hash": row.geometry_hash, "picture": gzip.decompress(row.geojson).decode()},
        )
    if hashes - held:
        _run(connection, "ANALYZE qgis_shape")


def _fields(
    rows: Iterable[Row[Any]], layers: list[dict[str, Any]], hashes: dict[str, str]
) -> Iterator[tuple[bytes | None, ...]]:
    """Published layers as the fields of COPY in its binary form."""
    named = {entry["code"]: entry for entry in layers}
    for row in rows:
        entry = named.get(row.layer, {})
        words = (entry.get(name, {}).get(language) for name, language in _NAMES)
        told = (row.snapshot_id, hashes[row.level], row.level, row.layer, row.week, *words)
        values = np.frombuffer(zlib.decompress(row.values), dtype="<f8")
        states = np.frombuffer(zlib.decompress(row.states), dtype=np.uint8)
        yield (
            *(None if word is None else word.encode() for word in told),
            _array(values.astype(">f8"), _FLOAT8),
            _array(states.astype(">i2"), _INT2),
        )


_NAMES = (("name", "zh"), ("name", "en"), ("unit", "zh"), ("unit", "en"))


def _array(values: npt.NDArray[Any], oid: int) -> bytes:
    """One-dimensional array in the binary form of PostgreSQL (src/backend/utils/adt/arrayfuncs.c).

    A hundred thousand numbers in a millisecond; as a list of Python numbers they take a hundred.
    """
    if not len(values):
        return struct.pack("!iiI", 0, 0, oid)
    items = np.empty(len(values), dtype=[("bytes", ">i4"), ("value", values.dtype)])
    items["bytes"], items["value"] = values.itemsize, values
    return struct.pack("!iiIii", 1, 0, oid, len(values), 1) + items.tobytes()


def _copy_layers(connection: Connection, rows: Iterable[tuple[bytes | None, ...]]) -> None:
    names = ", ".join(f'"{name}"' for name in _LAYER_COLUMNS)
    driver: Any = connection.connection.cursor()
    try:
        with driver.copy(f"COPY qgis_layer ({names}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0))
            for row in rows:
                fields = (
                    struct.pack("!i", -1)
                    if field is None
                    else struct.pack("!i", len(field)) + field
                    for field in row
                )
                copy.write(struct.pack("!h", len(row)) + b"".join(fields))
            copy.write(struct.pack("!h", -1))
    finally:
        driver.close()
