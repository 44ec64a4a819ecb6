"""What it costs to get from the areas of the finest level to sites, by the locality's own ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from etl.build.levels import Floats, Ints, LevelFrame
from etl.sections import Travel as TravelSettings
from geo.model import RoadClass
from geo.nearest import k_nearest_straight_line
from geo.network import RoadNetwork, road_network
from geo.routes import Legs, Routes, access_legs, prepare_routes
from geo.travel import (
    nearest_by_road,
    nearest_straight_line,
    reach_m,
    road_pairs,
    straight_line_costs,
)
from geo.travel.roads import k_nearest_by_road

Mode = Literal["foot", "car"]
MODES: tuple[Mode, ...] = ("foot", "car")
# Why times are straight lines; the words are the dashboard's.
Reason = Literal["off", "no_roads", "no_classes", "not_reached"]


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
    roads : by mode, the roads and the ways from the areas onto them; empty without a network.
    about : what a snapshot says of its roads.
    """

    cells: LevelFrame
    settings: TravelSettings
    basis: Literal["straight_line", "road"] = "straight_line"
    roads: dict[Mode, tuple[Routes, Legs]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def speed_kmh(self, mode: Mode) -> float:
        """Speed of a mode where there is no road network [km/h]."""
        return self.settings.foot_kmh if mode == "foot" else self.settings.car_kmh

    def meta(self) -> dict[str, Any]:
        """Entry for the snapshot's `meta`: the method, its settings, and what the roads are."""
        return {"method": self.basis, **self.settings.model_dump(), **self.about}

    def nearest(self, site_xy: Floats, mode: Mode) -> tuple[Floats, Ints]:
        """Minutes from each cell to the nearest site and its position; NaN and -1 for none."""
        if self.roads:
            routes, legs = self.roads[mode]
            return nearest_by_road(routes, legs, site_xy)
        return nearest_straight_line(
            self.cells.xy, site_xy, detour=self.settings.detour, speed_kmh=self.speed_kmh(mode)
        )

    def nearest_k(self, xy: Floats, site_xy: Floats, mode: Mode, *, k: int) -> tuple[Floats, Ints]:
        """Minutes from any points to the k nearest sites, and which; NaN and -1 for none."""
        if self.roads:
            return k_nearest_by_road(self.roads[mode][0], xy, site_xy, k=k)
        speed_kmh = self.speed_kmh(mode)
        detour = self.settings.detour
        return k_nearest_straight_line(xy, site_xy, k=k, detour=detour, speed_kmh=speed_kmh)

    def pairs(self, site_xy: Floats, mode: Mode, *, limit_min: float) -> Pairs:
        """All cells and sites within `limit_min`."""
        if self.roads:
            routes, legs = self.roads[mode]
            return Pairs(*road_pairs(routes, legs, site_xy, max_cost_min=limit_min))
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


def make_travel(
    cells: LevelFrame, context: gpd.GeoDataFrame, settings: TravelSettings, *, crs: str
) -> Travel:
    """Travel over the locality's roads where they are usable, else over straight lines.

    Roads are usable when they have classes, and when enough of the residents get onto them on
    foot and by car.

    Parameters
    ----------
    cells : finest level.
    context : see `etl.contracts.context_schema`; EPSG:4326.
    crs : metric CRS of distances.
    """
    if settings.network == "off":
        return _straight(cells, settings, "off")
    roads = context[context["theme"] == "road"]
    if roads.empty:
        return _straight(cells, settings, "no_roads")
    roads = roads[roads["road_class"].notna()]
    if roads.empty:
        return _straight(cells, settings, "no_classes")
    network = road_network(_metric(roads, crs))
    barriers = _barriers(context, settings, crs)
    ways: dict[Mode, tuple[Routes, Legs]] = {}
    reached: dict[str, float] = {}
    for mode in MODES:
        routes = prepare_routes(
            network,
            kmh=_speeds(settings, mode),
            directed=mode == "car",
            foot_kmh=settings.foot_kmh,
            detour=settings.detour,
            snap_m=settings.snap_m,
            free_m=settings.free_m,
            min_piece_m=settings.min_piece_m,
            barriers=barriers,
        )
        legs = access_legs(routes, cells.xy)
        ways[mode] = routes, legs
        reached[mode] = _share(legs, cells)
    about = {**_about(network), "reached_share": reached}
    if min(reached.values()) < settings.min_reached_share:
        return _straight(cells, settings, "not_reached", **about)
    return Travel(cells, settings, "road", ways, about)


@cache
def _to_metric(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def metric_xy(sites: pd.DataFrame, *, crs: str) -> Floats:
    """Sites' coordinates in the metric CRS [m], shape (n, 2); NaN where a site has none."""
    to_metric = _to_metric(crs)
    lon = sites["lon"].to_numpy(dtype=np.float64)
    lat = sites["lat"].to_numpy(dtype=np.float64)
    x, y = to_metric.transform(lon, lat)
    xy = np.column_stack([x, y]).astype(np.float64)
    return np.where(np.isfinite(xy), xy, np.nan)


def _straight(
    cells: LevelFrame, settings: TravelSettings, reason: Reason, **about: object
) -> Travel:
    return Travel(cells, settings, about={"reason": reason, **about})


def _metric(roads: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    """Roads in metres, without what is no line or has no length."""
    lines = roads.to_crs(crs)
    kind = shapely.get_type_id(np.asarray(lines.geometry.array))
    return lines[np.isin(kind, (1, 2, 5)) & (lines.length > 0).to_numpy()]


def _barriers(
    context: gpd.GeoDataFrame, settings: TravelSettings, crs: str
) -> gpd.GeoSeries | None:
    water = context[(context["theme"] == "water") & (context["rank"] <= settings.barrier_rank)]
    if water.empty:
        return None
    shapes = water.geometry.to_crs(crs)
    return shapes.make_valid().explode(index_parts=False, ignore_index=True)


def _speeds(settings: TravelSettings, mode: Mode) -> dict[RoadClass, float]:
    if mode == "car":
        by_class = settings.road_kmh.model_dump()
        return {RoadClass(name): speed for name, speed in by_class.items()}
    return dict.fromkeys((c for c in RoadClass if c != RoadClass.MOTORWAY), settings.foot_kmh)


def _share(legs: Legs, cells: LevelFrame) -> float:
    """Share of the residents who get onto a road; of the cells where no resident is known."""
    persons = np.nan_to_num(cells.persons.get("total", np.zeros(len(cells))))
    if persons.sum() == 0:
        persons = np.ones(len(cells))
    return float(persons[legs.reached].sum() / persons.sum())


def _about(network: RoadNetwork) -> dict[str, Any]:
    return {
        "n_nodes": len(network.node_xy),
        "n_edges": len(network.edge_m),
        "road_km": round(float(network.edge_m.sum()) / 1000, 1),
        "n_pieces": network.n_pieces,
        "largest_share": round(network.largest_share, 4),
    }


def _names(n: int) -> Sequence[str]:
    return [str(i) for i in range(n)]
