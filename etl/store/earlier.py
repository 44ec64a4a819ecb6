"""What all earlier publications told of counts that are about to be published again."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Engine, select

from etl.store.tables import published_area, published_layer, published_snapshot
from geo.disclosure import Earlier
from geo.model import Missing


class Told:
    """The memory of a store: every snapshot ever published, asked one layer at a time.

    Parameters
    ----------
    engine : the store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._codes: dict[str, pd.Index] = {}
        with engine.connect() as connection:
            rows = connection.execute(
                select(published_snapshot.c.snapshot_id, published_snapshot.c.meta)
            ).all()
        self._geometry = {
            (row.snapshot_id, entry["level"]): str(entry["geometry"]["hash"])
            for row in rows
            for entry in row.meta["levels"]
        }

    def earlier(
        self,
        layer: str,
        level: str,
        codes: Sequence[str] | npt.NDArray[np.object_],
        weeks: Sequence[str],
        values: npt.NDArray[np.float64],
    ) -> Earlier:
        """What was told of a layer, against the figures it has now.

        Parameters
        ----------
        codes : areas of today; what was told of others is left out.
        weeks : of the rows of `values`.
        values : float64, shape (n_weeks, n_areas): the true figures of today.
        """
        withheld = np.zeros(values.shape, dtype=bool)
        known = np.zeros(values.shape, dtype=bool)
        if not self._geometry:  # the first publication: nothing to ask for
            return Earlier(withheld, known)
        row_of = {week: row for row, week in enumerate(weeks)}
        columns = published_layer.c
        query = select(columns.snapshot_id, columns.week, columns["values"], columns.states).where(
            columns.layer == layer, columns.level == level, columns.week.in_(list(weeks))
        )
        seen: set[tuple[str, str, bytes, bytes]] = set()
        here = pd.Index(codes)
        places: dict[str, npt.NDArray[np.intp]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                geometry = self._geometry[row.snapshot_id, level]
                told = (geometry, row.week, row[2], row.states)
                # Most snapshots repeat what the one before said of a week, byte for byte.
                if told in seen:
                    continue
                seen.add(told)
                if geometry not in places:
                    places[geometry] = here.get_indexer(self._areas(geometry))
                at = places[geometry]
                then = np.frombuffer(zlib.decompress(row[2]), dtype="<f8")
                states = np.frombuffer(zlib.decompress(row.states), dtype=np.uint8)
                week = row_of[row.week]
                hidden = (states == Missing.SUPPRESSED) & (at >= 0)
                withheld[week, at[hidden]] = True
                shown = (states == Missing.OK) & (at >= 0)
                same = shown & (then == values[week, at])
                known[week, at[same]] = True
        return Earlier(withheld, known)

    def growth(
        self, layer: str, level: str, *, snapshots: Sequence[str], ages: int
    ) -> npt.NDArray[np.float64]:
        """Counts of a layer as they were published week after week.

        Parameters
        ----------
        snapshots : ISO weeks, without a gap; of each the first snapshot is looked at.
        ages : so many weeks of each snapshot, newest first.

        Returns
        -------
        float64, shape (n, ages), a row an area and week: the count in the snapshot of its own week,
        in that of the week after, and so on; NaN where none was published. Of the areas of the
        last of these snapshots.
        """
        position = {week: row for row, week in enumerate(snapshots)}
        first = self._first_of_week(snapshots)
        if not first:
            return np.empty((0, ages))
        here = self._geometry.get((first[max(first)], level))
        week_of = {
            snapshot: week
            for week, snapshot in first.items()
            if self._geometry.get((snapshot, level)) == here
        }
        columns = published_layer.c
        query = select(columns.snapshot_id, columns.week, columns["values"], columns.states).where(
            columns.snapshot_id.in_(list(week_of)),
            columns.layer == layer,
            columns.level == level,
            columns.week.in_(list(snapshots)),
        )
        rows: dict[str, npt.NDArray[np.float64]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                age = position[week_of[row.snapshot_id]] - position[row.week]
                if not 0 <= age < ages:
                    continue
                values = np.frombuffer(zlib.decompress(row[2]), dtype="<f8")
                states = np.frombuffer(zlib.decompress(row.states), dtype=np.uint8)
                table = rows.setdefault(row.week, np.full((len(values), ages), np.nan))
                table[:, age] = np.where(states == Missing.OK, values, np.nan)
        return np.concatenate([np.empty((0, ages)), *(rows[week] for week in sorted(rows))])

    def _first_of_week(self, weeks: Sequence[str]) -> dict[str, str]:
        """Week → its first snapshot."""
        columns = published_snapshot.c
        query = (
            select(columns.week, columns.snapshot_id)
            .where(columns.week.in_(list(weeks)))
            .order_by(columns.published_at_utc.desc())
        )
        with self._engine.connect() as connection:
            return {row.week: row.snapshot_id for row in connection.execute(query)}

    def _areas(self, geometry: str) -> pd.Index:
        if geometry not in self._codes:
            columns = published_area.c
            with self._engine.connect() as connection:
                codes = connection.scalars(
                    select(columns.area_code)
                    .where(columns.geometry_hash == geometry)
                    .order_by(columns.idx)
                ).all()
            self._codes[geometry] = pd.Index(codes)
        return self._codes[geometry]
