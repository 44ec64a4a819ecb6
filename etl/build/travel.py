"""What it costs to get from the areas of the finest level to sites, by the locality's own ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyproj

from etl.build.levels import Floats, Ints, LevelFrame
from etl.sections import Travel as TravelSettings
from geo.travel import nearest_straight_line, reach_m, straight_line_costs

Mode = Literal["foot", "car"]


class Pairs(NamedTuple):
    """Areas and sites within a limit.

    Attributes
    ----------
    cell, site : positions, shape (n_pairs,).
    cost_min : minutes.
    """

    cell: Ints
    site: Ints
    cost_min: Floats


@dataclass(frozen=True)
class Travel:
    """Travel from the areas of the finest level.

    Attributes
    ----------
    basis : how costs come about; said on every screen.
    """

    cells: LevelFrame
    settings: TravelSettings
    basis: Literal["straight_line", "road"] = "straight_line"

    def speed_kmh(self, mode: Mode) -> float:
        """Speed of a mode [km/h]."""
        return self.settings.foot_kmh if mode == "foot" else self.settings.car_kmh

    def nearest(self, site_xy: Floats, mode: Mode) -> tuple[Floats, Ints]:
        """Minutes from each cell to the nearest site and its position; NaN and -1 for none."""
        return nearest_straight_line(
            self.cells.xy, site_xy, detour=self.settings.detour, speed_kmh=self.speed_kmh(mode)
        )

    def pairs(self, site_xy: Floats, mode: Mode, *, limit_min: float) -> Pairs:
        """All cells and sites within `limit_min`."""
        cells, sites = _names(len(self.cells)), _names(len(site_xy))
        costs = straight_line_costs(
            self.cells.xy,
            site_xy,
            area_codes=cells,
            site_ids=sites,
            detour=self.settings.detour,
            speed_kmh=self.speed_kmh(mode),
            max_cost_min=limit_min,
        )
        return Pairs(
            pd.Index(cells).get_indexer(pd.Index(costs["area_code"])).astype(np.int64),
            pd.Index(sites).get_indexer(pd.Index(costs["site_id"])).astype(np.int64),
            costs["cost_min"].to_numpy(),
        )

    def reach_m(self, limit_min: float, mode: Mode) -> float:
        """Straight-line distance that a limit allows [m]."""
        return reach_m(limit_min, detour=self.settings.detour, speed_kmh=self.speed_kmh(mode))


def metric_xy(sites: pd.DataFrame, *, crs: str) -> Floats:
    """Sites' coordinates in the metric CRS [m], shape (n, 2); NaN where a site has none."""
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    lon = sites["lon"].to_numpy(dtype=np.float64)
    lat = sites["lat"].to_numpy(dtype=np.float64)
    x, y = to_metric.transform(lon, lat)
    xy = np.column_stack([x, y]).astype(np.float64)
    return np.where(np.isfinite(xy), xy, np.nan)


def _names(n: int) -> Sequence[str]:
    return [str(i) for i in range(n)]
