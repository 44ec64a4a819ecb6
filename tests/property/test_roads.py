"""What holds for every network: more roads help, barriers do not, order is nothing."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.arrays import FloatArray
from geo.model import CAR_KMH, RoadClass
from geo.network import minutes_graph, road_network
from geo.routes import Routes, prepare_routes
from geo.travel import k_nearest_sites, road_pairs

CRS = "EPSG:4547"
place = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda p: (p[0] * 37.0, p[1] * 41.0))
line = st.lists(place, min_size=2, max_size=4, unique=True).map(shapely.LineString)
several = st.lists(line, min_size=1, max_size=9)
points = st.lists(place, min_size=1, max_size=6).map(np.array)
FOOT = {c: 4.8 for c in RoadClass if c != RoadClass.MOTORWAY}


def routes(
    lines: list[shapely.LineString],
    *,
    one_way: list[int] | None = None,
    barriers: list[shapely.Geometry] | None = None,
) -> Routes:
    frame = gpd.GeoDataFrame({"one_way": one_way or [0] * len(lines)}, geometry=lines, crs=CRS)
    return prepare_routes(
        road_network(frame),
        kmh=CAR_KMH if one_way else FOOT,
        directed=one_way is not None,
        snap_m=300,
        # With fewer ways than all within the limit, a new road that leads nowhere may lengthen one.
        free_m=300,
        barriers=None if barriers is None else gpd.GeoSeries(barriers, crs=CRS),
    )


def matrix(ways: Routes, origins: FloatArray, sites: FloatArray) -> FloatArray:
    origin, site, cost = road_pairs(ways, origins, sites, max_cost_min=1e6)
    found = np.full((len(origins), len(sites)), np.inf)
    found[origin, site] = cost
    return found


@settings(deadline=None, max_examples=40)
@given(several, several, points, points)
def test_more_roads_never_lengthen_a_way(
    lines: list[shapely.LineString],
    more: list[shapely.LineString],
    origins: FloatArray,
    sites: FloatArray,
) -> None:
    before, after = (
        matrix(routes(lines), origins, sites),
        matrix(routes(lines + more), origins, sites),
    )
    assert (after <= before + 1e-6).all()


@settings(deadline=None, max_examples=40)
@given(several, line, points, points)
def test_a_barrier_never_shortens_a_way(
    lines: list[shapely.LineString],
    river: shapely.LineString,
    origins: FloatArray,
    sites: FloatArray,
) -> None:
    open_land = matrix(routes(lines), origins, sites)
    assert (matrix(routes(lines, barriers=[river]), origins, sites) >= open_land - 1e-9).all()


@settings(deadline=None, max_examples=40)
@given(several, points)
def test_without_one_way_streets_there_is_as_back(
    lines: list[shapely.LineString], where: FloatArray
) -> None:
    found = matrix(routes(lines), where, where)
    np.testing.assert_allclose(found, found.T, rtol=0, atol=1e-9)
    assert (np.diag(found) == 0).all()


@settings(deadline=None, max_examples=40)
@given(several, st.data())
def test_along_roads_over_a_third_node_is_no_shorter(
    lines: list[shapely.LineString], data: st.DataObject
) -> None:
    direction = st.lists(st.sampled_from([-1, 0, 1]), min_size=len(lines), max_size=len(lines))
    ways = routes(lines, one_way=data.draw(direction))
    graph = minutes_graph(ways.network, ways.forward_min, ways.backward_min)
    n = graph.shape[0]
    cost, site = k_nearest_sites(graph, np.arange(n), k=n)
    found = np.full((n, n), np.inf)
    for node in range(n):
        reached = site[node] >= 0
        found[node, site[node][reached]] = cost[node][reached]
    assert (np.diag(found) == 0).all()
    for middle in range(n):
        assert (found <= found[:, [middle]] + found[[middle], :] + 1e-9).all()


@settings(deadline=None, max_examples=40)
@given(several, points, points, st.randoms(use_true_random=False))
def test_the_order_of_lines_and_points_is_nothing(
    lines: list[shapely.LineString], origins: FloatArray, sites: FloatArray, chance: object
) -> None:
    before = matrix(routes(lines), origins, sites)
    shuffled = list(lines)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    turned = [shape.reverse() if i % 2 else shape for i, shape in enumerate(shuffled)]
    after = matrix(routes(turned), origins[::-1], sites[::-1])[::-1, ::-1]
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-6)
