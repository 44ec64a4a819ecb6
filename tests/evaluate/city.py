"""The real city: dengue by district and week, a stand-in for a measure of the product."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.detect import farrington_flexible, watch_areas
from tests.evaluate.detectors import NOMINAL, nearest_areas

OUTBREAKS = (2010, 2012, 2014, 2015)
QUIET = (2008, 2009, 2011, 2013, 2016, 2017, 2018, 2019, 2020, 2021, 2022, 2024)
FROM, NO_DATA = 2004, 2023
# No alarm with fewer cases of the district in four weeks, for both: Farrington's own rule.
LEAST, LEAST_WEEKS = 5, 4
N_NEAREST = 12


@dataclass(frozen=True)
class Years:
    """Alarms of one detector by district, by the year of the week's Monday."""

    weeks: pd.DatetimeIndex
    year: np.ndarray
    alarms: np.ndarray

    def first(self, year: int) -> pd.Timestamp | None:
        """Monday of the first week of the year with an alarm."""
        rows = np.flatnonzero((self.year == year) & self.alarms.any(axis=1))
        return self.weeks[rows[0]] if len(rows) else None

    def n_alarms(self, year: int) -> int:
        """Alarms of all districts in the year."""
        return int(self.alarms[self.year == year].sum())


def read(folder: Path) -> tuple[np.ndarray, pd.DatetimeIndex, np.ndarray]:
    """Counts by week and district, NaN in the year without data; Mondays; centres [m]."""
    frame = pd.read_csv(folder / "cases" / "tainan_dengue_weekly_by_town_1998_2024.csv")
    weeks = pd.DatetimeIndex(pd.to_datetime(frame.pop("week_monday")))
    towns = gpd.read_file(folder / "boundaries" / "tainan_towns_37.geojson")
    centre = towns.set_index("TOWNNAME").to_crs(3826).loc[frame.columns].centroid
    counts = frame.to_numpy(dtype=float)
    counts[weeks.year == NO_DATA] = np.nan
    return counts, weeks, np.column_stack([centre.x, centre.y])


def run(folder: Path) -> tuple[Years, Years]:
    """Farrington on the district series, and the policy; every week by what was known then."""
    counts, weeks, xy = read(folder)
    year = weeks.year.to_numpy()
    at = np.flatnonzero(year >= FROM)
    enough = np.array(
        [np.nansum(counts[max(t - LEAST_WEEKS + 1, 0) : t + 1], axis=0) >= LEAST for t in at]
    )
    score = watch_areas(counts, at=at, nearest=nearest_areas(xy, N_NEAREST)).score
    alone = farrington_flexible(counts, at=at, limit54=(LEAST, LEAST_WEEKS)).alarm
    return (
        Years(weeks[at], year[at], alone),
        Years(weeks[at], year[at], enough & (score >= NOMINAL)),
    )
