"""The only writer of the store: sources replaced whole, snapshots published whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import DBAPIError

from etl.store import migrate, qgis
from etl.store import tables as t
from etl.store.engine import bulk_insert, open_engine
from etl.store.intake import SourceIntake, note_findings, store_intake, withdraw
from etl.store.rows import insert_frame, plain
from geo.errors import StoreError

if TYPE_CHECKING:
    import geopandas as gpd

    from etl.findings import Finding
    from etl.outcome import DeliveryResult

ADVISORY_LOCK = 0x58494E54  # "XINT": one writer at a time on PostgreSQL
COMPRESSION = 1  # arrays are mostly zeros or noise: higher levels cost time and save little


@dataclass(frozen=True)
class PublishedLevel:
    """Areas of one level in idx order, with their picture.

    Attributes
    ----------
    geometry_hash : of the boundaries; snapshots with the same boundaries share them.
    areas : area_code, name, parent_code, lon, lat, west, south, east, north (WGS 84).
    geojson : gzip GeoJSON of the areas; properties idx, code, name.
    """

    level: str
    geometry_hash: str
    areas: pd.DataFrame
    geojson: bytes


class PublishedLayer:
    """One layer of one level and week, packed as the store keeps it; arrays in idx order.

    A build holds hundreds of layers until it is published: packed they take a tenth of the room.
    """

    __slots__ = ("_classes", "_states", "_values", "layer", "level", "n", "week")

    def __init__(
        self,
        level: str,
        layer: str,
        week: str,
        *,
        values: npt.NDArray[np.float64],
        states: npt.NDArray[np.uint8],
        classes: npt.NDArray[np.uint8],
    ) -> None:
        self.level, self.layer, self.week, self.n = level, layer, week, len(values)
        self._values = zlib.compress(np.asarray(values, dtype="<f8").tobytes(), COMPRESSION)
        self._states = zlib.compress(np.asarray(states, dtype=np.uint8).tobytes(), COMPRESSION)
        self._classes = zlib.compress(np.asarray(classes, dtype=np.uint8).tobytes(), COMPRESSION)

    @property
    def values(self) -> npt.NDArray[np.float64]:
        return np.frombuffer(zlib.decompress(self._values), dtype="<f8").astype(np.float64)

    @property
    def states(self) -> npt.NDArray[np.uint8]:
        return np.frombuffer(zlib.decompress(self._states), dtype=np.uint8)

    @property
    def classes(self) -> npt.NDArray[np.uint8]:
        return np.frombuffer(zlib.decompress(self._classes), dtype=np.uint8)

    @property
    def row(self) -> tuple[Any, ...]:
        """Level, layer, week, length, and the three arrays as the store has them."""
        key = (self.level, self.layer, self.week, self.n)
        return (*key, self._values, self._states, self._classes)


@dataclass(frozen=True)
class Publication:
    """Everything one snapshot holds."""

    snapshot_id: str
    week: str
    published_at_utc: datetime
    code_version: str
    config_sha256: str
    meta: dict[str, Any]
    levels: Sequence[PublishedLevel]
    layers: Iterable[PublishedLayer]
    sites: pd.DataFrame
    warnings: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    contexts: Mapping[str, bytes] = field(default_factory=dict)


class Writer:
    """Opens a store for writing and brings its schema to this version."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_engine(url)
        # Asked at the end of each transaction: whoever lost the lease may not end it.
        self.guard: Callable[[Connection], None] = lambda _connection: None
        try:
            migrate.upgrade(self.engine)
        except DBAPIError as exc:
            raise StoreError(f"the store cannot be opened for writing: {exc.orig}") from exc

    def store_intake(
        self,
        sources: Sequence[SourceIntake],
        strangers: Sequence[DeliveryResult] = (),
        areas: gpd.GeoDataFrame | None = None,
        *,
        keep: Sequence[str],
        now: datetime,
        on_rows: Callable[[int], object] = lambda _n: None,
    ) -> None:
        """Store what an intake has read, in one transaction; see `etl.store.intake`."""
        with self._transaction() as connection:
            store_intake(connection, sources, strangers, areas, keep=keep, now=now, on_rows=on_rows)

    def note_findings(self, findings: Sequence[Finding]) -> None:
        """Keep what was found where an intake came to nothing."""
        with self._transaction() as connection:
            note_findings(connection, findings)

    def withdraw(self, delivery_id: int) -> str | None:
        """Take a delivery out of force, and say of which source it was."""
        with self._transaction() as connection:
            return withdraw(connection, delivery_id)

    def publish(self, publication: Publication) -> None:
        """Publish one snapshot: all of it becomes visible at once, or nothing does."""
        with self._transaction() as connection:
            known = set(connection.scalars(select(t.published_geometry.c.geometry_hash)))
            for level in publication.levels:
                if level.geometry_hash not in known:
                    _insert_level(connection, level)
            for geometry_hash, geojson in publication.contexts.items():
                if geometry_hash not in known:
                    row = {"geometry_hash": geometry_hash, "geojson": geojson}
                    connection.execute(insert(t.published_geometry).values(**row))
            connection.execute(
                insert(t.published_snapshot).values(
                    snapshot_id=publication.snapshot_id,
                    week=publication.week,
                    published_at_utc=publication.published_at_utc,
                    code_version=publication.code_version,
                    config_sha256=publication.config_sha256,
                    meta=publication.meta,
                )
            )
            self._insert_contents(connection, publication)
            qgis.refresh(connection)

    @staticmethod
    def _insert_contents(connection: Connection, publication: Publication) -> None:
        key = {"snapshot_id": publication.snapshot_id}
        columns = ["snapshot_id", "level", "layer", "week", "n", "values", "states", "classes"]
        packed = ((publication.snapshot_id, *layer.row) for layer in publication.layers)
        bulk_insert(connection, t.published_layer, columns, packed)
        insert_frame(connection, t.published_site, publication.sites, **key)
        insert_frame(connection, t.published_warning, publication.warnings, **key)
        for name, frame in publication.tables.items():
            records = {"columns": list(frame.columns), "rows": _plain_rows(frame)}
            connection.execute(insert(t.published_table).values(**key, name=name, records=records))

    def known_geometries(self) -> set[str]:
        """Hashes of all boundaries already published."""
        with self.engine.connect() as connection:
            return set(connection.scalars(select(t.published_geometry.c.geometry_hash)))

    def breaks_of_year(self, year: str, config_sha256: str) -> dict[str, list[float]]:
        """Class ends already published in a year under the same configuration, by layer."""
        columns = t.published_snapshot.c
        query = (
            select(columns.meta)
            .where(columns.week.startswith(year), columns.config_sha256 == config_sha256)
            .order_by(columns.published_at_utc)
        )
        with self.engine.connect() as connection:
            metas = connection.scalars(query).all()
        return {
            layer["code"]: layer["breaks"]
            for meta in metas
            for layer in meta["layers"]
            if layer["breaks"]
        }

    def _transaction(self) -> _Exclusive:
        return _Exclusive(self.engine, self.guard)


class _Exclusive:
    """A transaction that waits for any other writer, so that two runs never interleave."""

    def __init__(self, engine: Engine, guard: Callable[[Connection], None]) -> None:
        self._context = engine.begin()
        self._guard = guard

    def __enter__(self) -> Connection:
        connection = self._connection = self._context.__enter__()
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        return connection

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is None:
            try:
                self._guard(self._connection)
            except BaseException as exc:
                self._context.__exit__(type(exc), exc, exc.__traceback__)
                raise
        self._context.__exit__(kind, error, trace)


def _insert_level(connection: Connection, level: PublishedLevel) -> None:
    key = {"geometry_hash": level.geometry_hash}
    areas = level.areas.reset_index(drop=True)
    areas = areas.assign(idx=np.arange(len(areas)))
    insert_frame(connection, t.published_area, areas, **key)
    connection.execute(insert(t.published_geometry).values(**key, geojson=level.geojson))


def _plain_rows(frame: pd.DataFrame) -> list[list[Any]]:
    return [list(row) for row in plain(frame)]
