"""Step 1: the levels of the locality as aligned arrays, finest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.checks import amount_faults, area_faults, require, tree_faults
from geo.model import LEVELS, Level
from geo.rollup import roll_up

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LevelFrame:
    """Areas of one level, sorted by code; position in every array is the area's `idx`.

    Attributes
    ----------
    codes, names, parent_codes : str, shape (n,).
    parents : position of the parent in the next level up; -1 where there is none.
    geometry : EPSG:4326.
    xy : representative points in the locality's metric CRS [m], shape (n, 2).
    area_m2 : areas in the same CRS [m²].
    persons : group → persons, shape (n,); NaN where not known.
    """

    level: Level
    codes: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]
    parent_codes: npt.NDArray[np.object_]
    parents: Ints
    geometry: gpd.GeoSeries
    xy: Floats
    area_m2: Floats
    persons: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.codes)

    def positions(self, codes: Sequence[str] | npt.NDArray[np.object_]) -> Ints:
        """Position of each code; -1 where the level does not have it."""
        return pd.Index(self.codes).get_indexer(pd.Index(codes)).astype(np.int64)


def build_levels(
    areas: gpd.GeoDataFrame, population: pd.DataFrame, *, crs: str
) -> tuple[LevelFrame, ...]:
    """Arrange areas and population by level, finest first.

    A group that a level's own files give is taken from them; otherwise it is the sum over the
    level below, and NaN where nothing below is known.

    Parameters
    ----------
    areas : level, area_code, name, parent_code, geometry (EPSG:4326).
    population : level, area_code, group_code, persons.
    crs : metric CRS of distances.

    Raises
    ------
    FaultsError : codes are doubled, a geometry is no polygon, persons are negative, or an area
        below the top does not lie in one of the level above. Left alone, such an area would drop
        out of every sum above it unseen.
    """
    present = [level for level in LEVELS if (areas["level"] == level).any()]
    require(
        "areas",
        *(area_faults(level, areas[areas["level"] == level], metric=False) for level in present),
        tree_faults("areas", areas, levels=present),
        amount_faults("persons", population["persons"].to_numpy(dtype=np.float64)),
    )
    frames: list[LevelFrame] = []
    for position, level in enumerate(present):
        own = areas[areas["level"] == level].sort_values("area_code", ignore_index=True)
        codes = own["area_code"].to_numpy(dtype=object)
        parents = np.full(len(own), -1, dtype=np.int64)
        if position + 1 < len(present):
            above = areas[areas["level"] == present[position + 1]]
            index = pd.Index(above["area_code"].sort_values())
            parents = index.get_indexer(pd.Index(own["parent_code"])).astype(np.int64)
        metric = own.geometry.to_crs(crs).to_numpy()
        persons = _own_population(population[population["level"] == level], codes)
        if frames:
            for group, values in frames[-1].persons.items():
                if group not in persons:
                    below = frames[-1].parents
                    persons[group] = roll_up(values, below, n_parents=len(own)).values
        frames.append(
            LevelFrame(
                level=level,
                codes=codes,
                names=own["name"].to_numpy(dtype=object),
                parent_codes=own["parent_code"].fillna("").to_numpy(dtype=object),
                parents=parents,
                geometry=gpd.GeoSeries(own.geometry),
                xy=shapely.get_coordinates(shapely.point_on_surface(metric)),
                area_m2=shapely.area(metric),
                persons=persons,
            )
        )
    return tuple(frames)


def _own_population(population: pd.DataFrame, codes: npt.NDArray[np.object_]) -> dict[str, Floats]:
    """Group → persons in the order of `codes`, summed over sources that split a group."""
    index = pd.Index(codes)
    out: dict[str, Floats] = {}
    for group, rows in population.groupby("group_code", sort=True):
        positions = index.get_indexer(pd.Index(rows["area_code"]))
        values = np.full(len(codes), np.nan)
        values[positions[positions >= 0]] = rows["persons"].to_numpy()[positions >= 0]
        out[str(group)] = values
    return out


def ancestors(levels: Sequence[LevelFrame], upper: int) -> Ints:
    """Position in `levels[upper]` of the ancestor of each area of the finest level."""
    index = np.arange(len(levels[0]))
    for below in range(upper):
        parents = levels[below].parents
        index = np.where(index >= 0, parents[index], -1)
    return index
