"""Published snapshots, read only: the one door for pages, walls, reports and exports."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Row, Select, func, or_, select
from sqlalchemy.exc import DBAPIError

from etl.response.reading import Responses, read_responses
from etl.store import migrate
from etl.store.engine import open_engine
from etl.store.tables import (
    published_area,
    published_geometry,
    published_layer,
    published_site,
    published_snapshot,
    published_table,
    published_warning,
)
from geo.errors import NotPublishedError, StoreError
from geo.model import LEVELS, Level, Missing

NO_DATA_CLASS = int(Missing.NO_DATA) * 16


@dataclass(frozen=True)
class Snapshot:
    """One published week; `meta` carries what screens need to draw legends and words."""

    snapshot_id: str
    week: str
    published_at_utc: datetime
    code_version: str
    meta: dict[str, Any]

    def level(self, level: str) -> dict[str, Any]:
        """Entry of one level in `meta`: its count, bounds and geometry."""
        for entry in self.meta["levels"]:
            if entry["level"] == level:
                found: dict[str, Any] = entry
                return found
        raise NotPublishedError(f"snapshot {self.snapshot_id} has no level {level!r}")

    def layer(self, code: str) -> dict[str, Any]:
        """Entry of one layer in `meta`: its names, unit, palette and breaks."""
        for entry in self.meta["layers"]:
            if entry["code"] == code:
                found: dict[str, Any] = entry
                return found
        raise NotPublishedError(f"snapshot {self.snapshot_id} has no layer {code!r}")


@dataclass(frozen=True)
class LayerData:
    """One layer of one level and week, in the order of the level's areas.

    Attributes
    ----------
    values : float64, shape (n,), unit of the layer; NaN wherever `states` withholds it.
    states : uint8, shape (n,), `geo.model.Missing`.
    classes : uint8, shape (n,), state * 16 + class of the layer's breaks; 15 is a true zero.
    """

    values: npt.NDArray[np.float64]
    states: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Cell:
    """One value of one area."""

    value: float
    state: Missing
    class_index: int


class Reader:
    """Reads published snapshots; never writes, never sees intake.

    Parameters
    ----------
    url : SQLAlchemy URL of the store.

    Raises
    ------
    StoreError : there is no store, or its schema is not this version's.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url, read_only=True)
        migrate.check(self._engine)
        # Snapshots and boundaries are immutable, so what was read once stays true.
        self._snapshot_once = lru_cache(maxsize=16)(self._snapshot)
        self._areas_once = lru_cache(maxsize=16)(self._areas)
        self._table_once = lru_cache(maxsize=32)(self._table)

    def close(self) -> None:
        """Give back the connections; the reader is of no use afterwards."""
        self._engine.dispose()

    def forked(self) -> None:
        """Forget the parent process's connections, after a fork; they go on serving the parent."""
        self._engine.dispose(close=False)

    def _rows(self, query: Select[Any]) -> list[Row[Any]]:
        with self._connect() as connection:
            return list(connection.execute(query))

    def _connect(self) -> Connection:
        try:
            return self._engine.connect()
        except DBAPIError as exc:
            raise StoreError(f"the store does not answer: {exc.orig}") from exc

    def _frame(self, query: Select[Any]) -> pd.DataFrame:
        with self._connect() as connection:
            return pd.read_sql_query(query, connection)

    # ------------------------------------------------------------ snapshots

    def current(self) -> Snapshot:
        """Newest publication of the newest week.

        Raises
        ------
        NotPublishedError : nothing has been published.
        """
        newest = (
            select(published_snapshot.c.snapshot_id)
            .order_by(
                published_snapshot.c.week.desc(), published_snapshot.c.published_at_utc.desc()
            )
            .limit(1)
        )
        rows = self._rows(newest)
        if not rows:
            raise NotPublishedError("nothing has been published yet; run `xintu run` first")
        return self._snapshot_once(rows[0][0])

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """One snapshot by its id."""
        return self._snapshot_once(snapshot_id)

    def _snapshot(self, snapshot_id: str) -> Snapshot:
        rows = self._rows(
            select(published_snapshot).where(published_snapshot.c.snapshot_id == snapshot_id)
        )
        if not rows:
            raise NotPublishedError(f"no snapshot {snapshot_id!r}")
        row = rows[0]
        return Snapshot(
            row.snapshot_id, row.week, _utc(row.published_at_utc), row.code_version, row.meta
        )

    def snapshots(self) -> pd.DataFrame:
        """All snapshots, newest first: `snapshot_id`, `week`, `published_at_utc`."""
        columns = published_snapshot.c
        return self._frame(
            select(columns.snapshot_id, columns.week, columns.published_at_utc).order_by(
                columns.week.desc(), columns.published_at_utc.desc()
            )
        )

    # ------------------------------------------------------------ areas

    def _hash(self, snapshot_id: str, level: str) -> str:
        return str(self.snapshot(snapshot_id).level(level)["geometry"]["hash"])

    def areas(self, snapshot_id: str, level: str) -> pd.DataFrame:
        """Areas of a level in idx order: code, name, parent, label point and bounds (WGS 84)."""
        return self._areas_once(self._hash(snapshot_id, level))

    def _areas(self, geometry_hash: str) -> pd.DataFrame:
        columns = [c for c in published_area.c if c.name not in ("geometry_hash", "idx")]
        return self._frame(
            select(*columns)
            .where(published_area.c.geometry_hash == geometry_hash)
            .order_by(published_area.c.idx)
        )

    def index(self, snapshot_id: str, level: str, area_code: str) -> int:
        """Position of an area in its level's arrays.

        Raises
        ------
        NotPublishedError : the level has no such area.
        """
        rows = self._rows(
            select(published_area.c.idx).where(
                published_area.c.geometry_hash == self._hash(snapshot_id, level),
                published_area.c.area_code == area_code,
            )
        )
        if not rows:
            raise NotPublishedError(f"no area {area_code!r} at level {level!r}")
        return int(rows[0][0])

    def search(self, snapshot_id: str, text: str, *, limit: int = 10) -> pd.DataFrame:
        """Areas whose name or code holds `text`, larger areas first."""
        text = text.strip()
        levels = [entry["level"] for entry in self.snapshot(snapshot_id).meta["levels"]]
        found: list[pd.DataFrame] = []
        for level in sorted(levels, key=lambda name: -LEVELS.index(Level(name))):
            if not text:
                break
            columns = published_area.c
            frame = self._frame(
                select(
                    columns.area_code, columns.name, columns.parent_code, columns.lon, columns.lat
                )
                .where(
                    columns.geometry_hash == self._hash(snapshot_id, level),
                    or_(
                        columns.name.contains(text, autoescape=True),
                        columns.area_code.startswith(text, autoescape=True),
                    ),
                )
                .order_by(func.length(columns.name), columns.area_code)
                .limit(limit)
            )
            found.append(frame.assign(level=level, parent_name=self._parents(snapshot_id, frame)))
        columns_out = ["level", "area_code", "name", "parent_name", "lon", "lat"]
        if not found:
            return pd.DataFrame(columns=columns_out)
        return pd.concat(found, ignore_index=True)[columns_out].head(limit)

    def _parents(self, snapshot_id: str, areas: pd.DataFrame) -> list[str]:
        names: dict[str, str] = {}
        for entry in self.snapshot(snapshot_id).meta["levels"]:
            if entry["level"] != Level.GRID:
                level_areas = self.areas(snapshot_id, entry["level"])
                names |= dict(zip(level_areas["area_code"], level_areas["name"], strict=True))
        return [names.get(code, "") for code in areas["parent_code"]]

    # ------------------------------------------------------------ layers

    def layer(self, snapshot_id: str, level: str, layer: str, week: str = "") -> LayerData:
        """One layer; a week without a row is no data everywhere, never zero."""
        rows = self._rows(
            select(published_layer).where(
                published_layer.c.snapshot_id == snapshot_id,
                published_layer.c.level == level,
                published_layer.c.layer == layer,
                published_layer.c.week == week,
            )
        )
        if rows:
            return _unpack(rows[0])
        self.snapshot(snapshot_id).layer(layer)
        n = int(self.snapshot(snapshot_id).level(level)["n"])
        return LayerData(
            values=np.full(n, np.nan),
            states=np.full(n, int(Missing.NO_DATA), dtype=np.uint8),
            classes=np.full(n, NO_DATA_CLASS, dtype=np.uint8),
        )

    def series(self, snapshot_id: str, level: str, area_code: str, layer: str) -> pd.DataFrame:
        """Weekly values of one area over the snapshot's weeks: `week`, `value`, `state`."""
        idx = self.index(snapshot_id, level, area_code)
        rows = self._rows(
            select(published_layer).where(
                published_layer.c.snapshot_id == snapshot_id,
                published_layer.c.level == level,
                published_layer.c.layer == layer,
            )
        )
        cells = {row.week: _cell(_unpack(row), idx) for row in rows}
        absent = Cell(np.nan, Missing.NO_DATA, 0)
        weeks = self.snapshot(snapshot_id).meta["weeks"]
        picked = [cells.get(week, absent) for week in weeks]
        return pd.DataFrame(
            {
                "week": weeks,
                "value": [cell.value for cell in picked],
                "state": [int(cell.state) for cell in picked],
            }
        )

    def profile(self, snapshot_id: str, level: str, area_code: str, week: str) -> dict[str, Cell]:
        """Every layer of one area: the static ones, and the weekly ones of `week`."""
        idx = self.index(snapshot_id, level, area_code)
        rows = self._rows(
            select(published_layer).where(
                published_layer.c.snapshot_id == snapshot_id,
                published_layer.c.level == level,
                published_layer.c.week.in_(["", week]),
            )
        )
        return {row.layer: _cell(_unpack(row), idx) for row in rows}

    # ------------------------------------------------------------ sites, warnings, tables

    def sites(self, snapshot_id: str) -> pd.DataFrame:
        """Service sites with WGS 84 coordinates; a hotline has none."""
        columns = [c for c in published_site.c if c.name != "snapshot_id"]
        return self._frame(
            select(*columns)
            .where(published_site.c.snapshot_id == snapshot_id)
            .order_by(published_site.c.kind, published_site.c.site_id)
        )

    def warnings(self, snapshot_id: str, week: str | None = None) -> pd.DataFrame:
        """Warnings of a week, the newest by default: highest tier first, then highest score."""
        week = week or self.snapshot(snapshot_id).week
        columns = [c for c in published_warning.c if c.name != "snapshot_id"]
        return self._frame(
            select(*columns)
            .where(published_warning.c.snapshot_id == snapshot_id, published_warning.c.week == week)
            .order_by(
                published_warning.c.tier.desc(),
                published_warning.c.score.desc(),
                published_warning.c.area_code,
            )
        )

    def table(self, snapshot_id: str, name: str) -> pd.DataFrame:
        """One of the small tables that pages show as they are."""
        return self._table_once(snapshot_id, name).copy()

    def _table(self, snapshot_id: str, name: str) -> pd.DataFrame:
        rows = self._rows(
            select(published_table.c.records).where(
                published_table.c.snapshot_id == snapshot_id, published_table.c.name == name
            )
        )
        if not rows:
            raise NotPublishedError(f"snapshot {snapshot_id} has no table {name!r}")
        return pd.DataFrame(rows[0].records["rows"], columns=rows[0].records["columns"])

    def responses(self, *, now: datetime, weeks: int = 12) -> Responses:
        """How warnings are answered: those that are live, and those of the last weeks; `Responses`.

        Parameters
        ----------
        now : aware; what is overdue, and what was due, is told as of then.
        weeks : how far back warnings that have ended, and the shares, go.
        """
        with self._connect() as connection:
            return read_responses(connection, now=now, weeks=weeks)

    # ------------------------------------------------------------ pictures

    def geometry(self, geometry_hash: str) -> bytes:
        """Gzip GeoJSON of a level's areas or of a context theme.

        Raises
        ------
        NotPublishedError : no such geometry.
        """
        rows = self._rows(
            select(published_geometry.c.geojson).where(
                published_geometry.c.geometry_hash == geometry_hash
            )
        )
        if not rows:
            raise NotPublishedError(f"no geometry {geometry_hash!r}")
        return bytes(rows[0][0])


def _utc(stamp: datetime) -> datetime:
    """SQLite keeps no time zone; what it gives back is the UTC that was stored."""
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)


def _unpack(row: Row[Any]) -> LayerData:
    return LayerData(
        values=np.frombuffer(zlib.decompress(row.values), dtype="<f8"),
        states=np.frombuffer(zlib.decompress(row.states), dtype=np.uint8),
        classes=np.frombuffer(zlib.decompress(row.classes), dtype=np.uint8),
    )


def _cell(layer: LayerData, idx: int) -> Cell:
    return Cell(
        value=float(layer.values[idx]),
        state=Missing(int(layer.states[idx])),
        class_index=int(layer.classes[idx]) % 16,
    )
