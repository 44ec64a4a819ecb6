"""Several nearest sites of a point, against all pairs worked out one by one."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import ShapeError, UnitError
from geo.model import RoadClass
from geo.nearest import k_nearest_straight_line
from geo.network import road_network
from geo.routes import Routes, prepare_routes
from geo.travel import nearest_by_road, road_pairs
from geo.travel.roads import k_nearest_by_road

WALK = {"detour": 1.3, "speed_kmh": 4.8}


def streets(*, step: float = 1000.0, n: int = 6, one_way: bool = False) -> Routes:
    """A square mesh of streets; with one-way ones, every east-west street leads east."""
    ends = [(i * step, j * step) for i in range(n) for j in range(n)]
    lines, ways = [], []
    for x, y in ends:
        if x + step < n * step:
            lines.append(shapely.LineString([(x, y), (x + step, y)]))
            ways.append(int(one_way))
        if y + step < n * step:
            lines.append(shapely.LineString([(x, y), (x, y + step)]))
            ways.append(0)
    frame = gpd.GeoDataFrame({"one_way": ways}, geometry=lines, crs="EPSG:4547")
    kmh = {RoadClass.LOCAL: 24.0}
    return prepare_routes(road_network(frame), kmh=kmh, directed=one_way, snap_m=800)


def test_straight_lines_agree_with_every_pair_worked_out() -> None:
    rng = np.random.default_rng(5)
    origins, sites = rng.uniform(0, 9000, (40, 2)), rng.uniform(0, 9000, (11, 2))
    sites[4] = np.nan
    origins[7] = np.nan
    cost_min, site = k_nearest_straight_line(origins, sites, k=3, **WALK)
    for i, at in enumerate(origins):
        costs = {
            j: float(np.hypot(*(at - other))) * 1.3 * 60 / 4800
            for j, other in enumerate(sites)
            if not np.isnan(at).any() and not np.isnan(other).any()
        }
        wanted = sorted(costs, key=lambda j: costs[j])[:3] or [-1, -1, -1]
        assert site[i].tolist() == wanted
        np.testing.assert_allclose(cost_min[i], [costs.get(j, np.nan) for j in wanted])


@pytest.mark.parametrize("one_way", [False, True])
def test_roads_agree_with_the_pairs(one_way: bool) -> None:
    rng = np.random.default_rng(6)
    routes = streets(one_way=one_way)
    origins, sites = rng.uniform(0, 5000, (25, 2)), rng.uniform(0, 5000, (9, 2))
    origins[0], sites[2] = (90000, 0), np.nan
    cost_min, site = k_nearest_by_road(routes, origins, sites, k=3)
    origin, to, cost = road_pairs(routes, origins, sites, max_cost_min=1e6)
    for i in range(len(origins)):
        own = sorted(zip(cost[origin == i], to[origin == i], strict=True))[:3]
        wanted = [c for c, _ in own] + [np.nan] * (3 - len(own))
        np.testing.assert_allclose(cost_min[i], wanted, rtol=1e-9)
        assert set(site[i]) - {-1} == {j for _, j in own}
    assert np.isnan(cost_min[0]).all(), "no way leads there"
    first, _ = nearest_by_road(routes, origins, sites)
    np.testing.assert_array_equal(cost_min[:, 0], first)


def test_fewer_sites_than_asked_leave_room() -> None:
    cost_min, site = k_nearest_by_road(streets(), [(0.0, 0.0)], [(0.0, 1000.0)], k=3)
    assert site.tolist() == [[0, -1, -1]]
    assert np.isnan(cost_min[0, 1:]).all()
    cost_min, site = k_nearest_straight_line([(0.0, 0.0)], np.empty((0, 2)), k=2, **WALK)
    assert (cost_min.shape, site.tolist()) == ((1, 2), [[-1, -1]])


def test_what_is_no_point_or_no_number_of_sites_is_refused() -> None:
    with pytest.raises(UnitError, match="k: 0; wanted 1 or more"):
        k_nearest_by_road(streets(), [(0.0, 0.0)], [(0.0, 0.0)], k=0)
    with pytest.raises(UnitError, match="k: 0"):
        k_nearest_straight_line([(0.0, 0.0)], [(0.0, 0.0)], k=0, **WALK)
    with pytest.raises(ShapeError, match="origins_xy"):
        k_nearest_straight_line([1.0, 2.0, 3.0], [(0.0, 0.0)], k=1, **WALK)
