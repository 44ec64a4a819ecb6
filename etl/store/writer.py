"""The only writer of the store: sources replaced whole, snapshots published whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Engine, Table, delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from etl.store import migrate
from etl.store import tables as t
from etl.store.engine import bulk_insert, open_engine
from geo.errors import StoreError

if TYPE_CHECKING:
    import geopandas as gpd

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


@dataclass(frozen=True)
class PublishedLayer:
    """One layer of one level and week; arrays in idx order."""

    level: str
    layer: str
    week: str
    values: npt.NDArray[np.float64]
    states: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.uint8]


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
        try:
            migrate.upgrade(self.engine)
        except DBAPIError as exc:
            raise StoreError(f"the store cannot be opened for writing: {exc.orig}") from exc

    def replace_source(
        self,
        source: Mapping[str, Any],
        frames: Mapping[str, pd.DataFrame],
        findings: Sequence[Mapping[str, Any]],
        quarantine: pd.DataFrame,
    ) -> None:
        """Put one source's rows in the place of what it handed in before, in one transaction.

        Parameters
        ----------
        source : a row of `intake_source`.
        frames : table name → rows with that table's columns; `source_id` is filled in.
        findings, quarantine : rows of `intake_finding` and `intake_quarantine`.
        """
        source_id = source["source_id"]
        with self._transaction() as connection:
            known = select(t.intake_source.c.source_id).where(
                t.intake_source.c.source_id == source_id
            )
            if connection.scalar(known) is not None:
                for table in _tables_by_source():
                    connection.execute(delete(table).where(table.c.source_id == source_id))
            connection.execute(insert(t.intake_source).values(**source))
            for name, frame in frames.items():
                _insert_frame(connection, t.metadata.tables[name], frame, source_id=source_id)
            if findings:
                rows = [{**finding, "source_id": source_id} for finding in findings]
                connection.execute(insert(t.intake_finding), rows)
            _insert_frame(connection, t.intake_quarantine, quarantine, source_id=source_id)

    def forget_sources(self, keep: Iterable[str]) -> None:
        """Drop the rows of sources that the configuration no longer names."""
        keep = list(keep)
        with self._transaction() as connection:
            gone = select(t.intake_source.c.source_id).where(
                t.intake_source.c.source_id.not_in(keep)
            )
            if connection.scalar(gone) is not None:
                for table in _tables_by_source():
                    connection.execute(delete(table).where(table.c.source_id.not_in(keep)))

    def replace_areas(self, areas: gpd.GeoDataFrame) -> None:
        """Put all areas of all levels in place of the former ones, in one transaction."""
        frame = pd.DataFrame(areas.drop(columns="geometry"))
        frame["geometry"] = areas.geometry.to_wkb()
        with self._transaction() as connection:
            connection.execute(delete(t.intake_area))
            _insert_frame(connection, t.intake_area, frame)

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

    @staticmethod
    def _insert_contents(connection: Connection, publication: Publication) -> None:
        key = {"snapshot_id": publication.snapshot_id}
        columns = ["snapshot_id", "level", "layer", "week", "n", "values", "states", "classes"]
        packed = ((publication.snapshot_id, *_packed(layer)) for layer in publication.layers)
        bulk_insert(connection, t.published_layer, columns, packed)
        _insert_frame(connection, t.published_site, publication.sites, **key)
        _insert_frame(connection, t.published_warning, publication.warnings, **key)
        for name, frame in publication.tables.items():
            records = {"columns": list(frame.columns), "rows": _plain_rows(frame)}
            connection.execute(insert(t.published_table).values(**key, name=name, records=records))

    def record_failure(
        self, source: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]
    ) -> None:
        """Note that a source's file could not be used; what it handed in before stays."""
        key = source["source_id"]
        with self._transaction() as connection:
            connection.execute(delete(t.intake_source).where(t.intake_source.c.source_id == key))
            connection.execute(delete(t.intake_finding).where(t.intake_finding.c.source_id == key))
            connection.execute(insert(t.intake_source).values(**source))
            if findings:
                connection.execute(insert(t.intake_finding), list(findings))

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
        return _Exclusive(self.engine)


class _Exclusive:
    """A transaction that waits for any other writer, so that two runs never interleave."""

    def __init__(self, engine: Engine) -> None:
        self._context = engine.begin()

    def __enter__(self) -> Connection:
        connection = self._context.__enter__()
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        return connection

    def __exit__(self, *exc_info: Any) -> None:
        self._context.__exit__(*exc_info)


def _tables_by_source() -> list[Table]:
    return [
        table
        for table in t.metadata.sorted_tables
        if table.name.startswith("intake_") and "source_id" in table.c
    ]


def _insert_level(connection: Connection, level: PublishedLevel) -> None:
    key = {"geometry_hash": level.geometry_hash}
    areas = level.areas.reset_index(drop=True)
    areas = areas.assign(idx=np.arange(len(areas)))
    _insert_frame(connection, t.published_area, areas, **key)
    connection.execute(insert(t.published_geometry).values(**key, geojson=level.geojson))


def _packed(layer: PublishedLayer) -> tuple[Any, ...]:
    values = np.ascontiguousarray(layer.values, dtype="<f8")
    return (
        layer.level,
        layer.layer,
        layer.week,
        len(values),
        zlib.compress(values.tobytes(), COMPRESSION),
        zlib.compress(np.ascontiguousarray(layer.states, dtype=np.uint8).tobytes(), COMPRESSION),
        zlib.compress(np.ascontiguousarray(layer.classes, dtype=np.uint8).tobytes(), COMPRESSION),
    )


def _insert_frame(connection: Connection, table: Table, frame: pd.DataFrame, **key: str) -> None:
    """Insert a frame's columns that the table has; a NaN becomes NULL."""
    columns = [column.name for column in table.c if column.name in frame.columns]
    if frame.empty:
        return
    constant = tuple(key.values())
    rows = (constant + row for row in _plain(frame[columns]))
    bulk_insert(connection, table, [*key, *columns], rows)


def _plain(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Rows as plain Python values, NaN and NaT as None."""
    lists = []
    for name in frame.columns:
        column = frame[name]
        values = column.astype(object).to_numpy() if column.dtype == "category" else column
        plain = values.tolist()
        missing = np.flatnonzero(pd.isna(values))
        for position in missing.tolist():
            plain[position] = None
        lists.append(plain)
    return zip(*lists, strict=True)


def _plain_rows(frame: pd.DataFrame) -> list[list[Any]]:
    return [list(row) for row in _plain(frame)]
