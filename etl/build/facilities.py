"""Step 2: how near the nearest site is, who is covered, and how much service is in reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj

from etl.build import text
from etl.build.levels import Floats, LevelFrame, ancestors
from etl.build.work import Work
from etl.settings import KindSettings, LocalityConfig
from geo.access import floating_catchment_points
from geo.coverage import covered
from geo.model import Kind, Missing, SiteStatus
from geo.rollup import roll_up
from geo.travel import nearest_straight_line

PER_PERSONS = 10_000


@dataclass(frozen=True)
class Reach:
    """Results on the finest level that later steps need.

    Attributes
    ----------
    minutes : kind → minutes to the nearest open site, NaN where there is none.
    covered : kind → 1 or 0, NaN for cells without residents.
    access : staff (or rooms, places) per 10 000 residents at the default catchment.
    """

    minutes: dict[Kind, Floats]
    covered: dict[Kind, Floats]
    access: Floats


def metric_xy(sites: pd.DataFrame, *, crs: str) -> Floats:
    """Sites' coordinates in the metric CRS [m], shape (n, 2); NaN where a site has none."""
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    lon = sites["lon"].to_numpy(dtype=np.float64)
    lat = sites["lat"].to_numpy(dtype=np.float64)
    x, y = to_metric.transform(lon, lat)
    xy = np.column_stack([x, y]).astype(np.float64)
    return np.where(np.isfinite(xy), xy, np.nan)


def measure_reach(work: Work, sites: pd.DataFrame) -> Reach:
    """Add the coverage and accessibility layers of every level to `book`.

    A kind that no department has handed in gets no layer: its coverage is unknown, not zero.
    """
    config, cells = work.config, work.levels[0]
    located = sites[sites["lon"].notna()].reset_index(drop=True)
    xy = metric_xy(located, crs=config.locality.crs)
    open_now = (located["status"] == SiteStatus.OPEN).to_numpy()
    minutes: dict[Kind, Floats] = {}
    reached: dict[Kind, Floats] = {}
    for kind in config.kinds:
        of_kind = (located["kind"] == kind.code).to_numpy()
        if kind.on_map and of_kind.any():
            minutes[kind.code] = _minutes(cells, xy[of_kind & open_now], kind, config)
            reached[kind.code] = _covered(cells, minutes[kind.code], kind)
            _add_kind(work, kind, minutes[kind.code], reached[kind.code])
    supply = located[config.access.supply].to_numpy(dtype=np.float64)
    supplies = located["kind"].isin(config.access.kinds).to_numpy() & open_now & (supply > 0)
    access = _add_access(work, xy[supplies], supply[supplies])
    return Reach(minutes, reached, access)


def _minutes(cells: LevelFrame, xy: Floats, kind: KindSettings, config: LocalityConfig) -> Floats:
    speed = config.travel.foot_kmh if kind.mode == "foot" else config.travel.car_kmh
    cost_min, _ = nearest_straight_line(cells.xy, xy, detour=config.travel.detour, speed_kmh=speed)
    return cost_min


def _covered(cells: LevelFrame, minutes: Floats, kind: KindSettings) -> Floats:
    inside = covered(minutes, threshold_min=kind.threshold_min).astype(np.float64)
    return np.where(cells.persons["total"] > 0, inside, np.nan)


def resident_states(values: Floats, persons: Floats) -> npt.NDArray[np.uint8]:
    """States on the finest level: no residents is not applicable, unknown is no data."""
    states = np.where(np.isnan(values) | np.isnan(persons), int(Missing.NO_DATA), int(Missing.OK))
    return np.where(persons == 0, int(Missing.NOT_APPLICABLE), states).astype(np.uint8)


def _add_kind(work: Work, kind: KindSettings, minutes: Floats, reached: Floats) -> None:
    levels, book = work.levels, work.book
    persons = levels[0].persons["total"]
    nearest, share = text.nearest_spec(kind, work.config), text.covered_spec(kind, work.config)
    book.add(nearest, levels[0].level, minutes)
    book.add(share, levels[0].level, reached, states=resident_states(reached, persons))
    for position, frame in enumerate(levels[1:], start=1):
        for spec, values in ((nearest, minutes), (share, reached)):
            book.add(spec, frame.level, resident_mean(levels, position, values, persons))


def resident_mean(
    levels: Sequence[LevelFrame], upper: int, values: Floats, persons: Floats
) -> Floats:
    """Mean over the residents of each area of `levels[upper]`; NaN where nobody is known."""
    weights = np.where(np.isnan(values), 0, np.nan_to_num(persons))
    parents = ancestors(levels, upper)
    n_parents = len(levels[upper])
    mean = roll_up(values, parents, n_parents=n_parents, how="mean", weights=weights).values
    residents = roll_up(weights, parents, n_parents=n_parents).values
    return np.where(residents > 0, mean, np.nan)


def _add_access(work: Work, site_xy: Floats, supply: Floats) -> Floats:
    """2SFCA at the three catchments; returns the default one on the finest level."""
    config, levels, cells = work.config, work.levels, work.levels[0]
    demand = cells.persons[config.access.group]
    default = np.full(len(cells), np.nan)
    for catchment_m in config.access.catchments_m:
        per_person = floating_catchment_points(
            cells.xy,
            np.nan_to_num(demand),
            site_xy,
            supply,
            # A site is reached when the way, straight line × detour, is within the catchment.
            catchment_m=catchment_m / config.travel.detour,
        )
        values = np.where(np.isnan(demand), np.nan, per_person * PER_PERSONS)
        codes = [f"access.{catchment_m:g}"]
        if catchment_m == config.access.default_catchment_m:
            default = values
            codes.insert(0, "access")
        for code in codes:
            ends = work.breaks(code, values[demand > 0])
            spec = text.access_spec(code, catchment_m, config, ends)
            work.book.add(spec, cells.level, values, states=resident_states(values, demand))
            for position, frame in enumerate(levels[1:], start=1):
                mean = resident_mean(levels, position, values, demand)
                work.book.add(spec, frame.level, mean)
    return default
