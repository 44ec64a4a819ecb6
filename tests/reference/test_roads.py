"""Costs over roads against plain Dijkstra on an explicit graph, and against scipy's."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from geo.model import CAR_KMH, RoadClass
from geo.network import RoadNetwork, edge_minutes, minutes_graph, road_network
from geo.routes import Routes, prepare_routes
from geo.travel import k_nearest_sites, nearest_by_road, road_pairs
from tests.reference import roads as slow

WALK = dict.fromkeys((c for c in RoadClass if c != RoadClass.MOTORWAY), 4.8)
CLASSES = [RoadClass.MOTORWAY, RoadClass.PRIMARY, RoadClass.LOCAL, RoadClass.PATH]


def random_roads(rng: np.random.Generator, n_lines: int = 25) -> RoadNetwork:
    shapes = []
    for _ in range(n_lines):
        start = rng.uniform(0, 3000, 2)
        steps = rng.normal(0, 350, (int(rng.integers(1, 5)), 2))
        shapes.append(shapely.LineString(np.vstack([start, start + np.cumsum(steps, axis=0)])))
    lines = gpd.GeoDataFrame(
        {
            "road_class": rng.choice(CLASSES, n_lines, p=[0.1, 0.2, 0.5, 0.2]),
            "one_way": rng.choice([-1, 0, 0, 1], n_lines),
            "speed_kmh": rng.choice([np.nan, np.nan, 20.0], n_lines),
        },
        geometry=shapes,
        crs="EPSG:4547",
    )
    return road_network(lines, join_crossings=bool(rng.random() < 0.8))


def modes(network: RoadNetwork, **options: object) -> list[Routes]:
    return [
        prepare_routes(network, kmh=WALK, directed=False, snap_m=400, **options),  # type: ignore[arg-type]
        prepare_routes(network, kmh=CAR_KMH, directed=True, snap_m=400, **options),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("free_m", [400.0, 120.0])
@pytest.mark.parametrize("seed", range(12))
def test_costs_equal_plain_dijkstra_on_an_explicit_graph(seed: int, free_m: float) -> None:
    rng = np.random.default_rng(seed)
    network = random_roads(rng)
    origins, sites = rng.uniform(-200, 3200, (25, 2)), rng.uniform(-200, 3200, (8, 2))
    lakes = [shapely.Point(*rng.uniform(500, 2500, 2)).buffer(250, quad_segs=2) for _ in range(3)]
    water = [*lakes, shapely.LineString(rng.uniform(0, 3000, (4, 2)))]
    # A point in the water has ways of its own; see the tests on rivers.
    dry = ~shapely.intersects(shapely.union_all(lakes), shapely.points(origins))
    origins, sites = origins[dry], sites[~shapely.intersects(water[0], shapely.points(sites))]
    sites = sites[~shapely.intersects(shapely.union_all(lakes), shapely.points(sites))]
    for routes in modes(network, free_m=free_m, barriers=gpd.GeoSeries(water, crs="EPSG:4547")):
        expected = np.array(
            slow.road_costs(
                network,
                (routes.forward_min.tolist(), routes.backward_min.tolist()),
                origins.tolist(),
                sites.tolist(),
                min_per_m=routes.min_per_m,
                snap_m=routes.snap_m,
                free_m=routes.free_m,
                barriers=water,
            )
        )
        origin, site, cost = road_pairs(routes, origins, sites, max_cost_min=40)
        found = np.full(expected.shape, np.inf)
        found[origin, site] = cost
        np.testing.assert_allclose(
            found, np.where(expected <= 40, expected, np.inf), rtol=0, atol=1e-9
        )
        assert np.isfinite(found).any()
        nearest, which = nearest_by_road(routes, origins, sites)
        lowest = expected.min(axis=1)
        np.testing.assert_allclose(
            nearest, np.where(np.isfinite(lowest), lowest, np.nan), rtol=0, atol=1e-9
        )
        known = np.flatnonzero(which >= 0)
        np.testing.assert_allclose(expected[known, which[known]], nearest[known], atol=1e-9)
        assert (which[np.isinf(lowest)] == -1).all()


def test_the_graph_by_time_holds_the_quickest_of_parallel_edges() -> None:
    network = random_roads(np.random.default_rng(5))
    forward, backward = edge_minutes(network, kmh=CAR_KMH, directed=True)
    graph = minutes_graph(network, forward, backward).toarray()
    for (u, v), there, back in zip(network.ends, forward, backward, strict=True):
        for start, stop, minutes in ((u, v, there), (v, u, back)):
            if start != stop and np.isfinite(minutes):
                assert 0 < graph[start, stop] <= minutes


def lattice(rng: np.random.Generator, side: int, *, directed: bool) -> csr_array:
    number = np.arange(side * side).reshape(side, side)
    start = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    stop = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    kept = rng.random(len(start)) < 0.75
    start, stop = start[kept], stop[kept]
    there = rng.uniform(10, 200, len(start))
    back = rng.uniform(10, 200, len(start)) if directed else there
    places = (np.concatenate([start, stop]), np.concatenate([stop, start]))
    values = np.concatenate([there, back])
    return coo_array((values, places), shape=(side**2, side**2)).tocsr()


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("k", "n_sites", "limit"), [(5, 30, np.inf), (3, 2, 900.0), (1, 12, 400)])
def test_k_nearest_sites_equal_dijkstra_from_each_to_the_bit(
    k: int, n_sites: int, limit: float, *, directed: bool
) -> None:
    rng = np.random.default_rng(k + 10 * n_sites)
    graph = lattice(rng, 40, directed=directed)
    nodes = rng.choice(1600, n_sites)  # some share a node
    cost, site = k_nearest_sites(graph, nodes, k=k, limit=limit)
    each = np.atleast_2d(dijkstra(graph.T.tocsr(), indices=nodes))
    expected = slow.k_nearest(each.tolist(), k, limit)
    for v, row in enumerate(expected):
        wanted = [c for c in row if np.isfinite(c)]
        assert cost[v, : len(wanted)].tolist() == wanted
        assert np.isnan(cost[v, len(wanted) :]).all()
        assert (site[v, len(wanted) :] == -1).all()
        chosen = site[v, : len(wanted)]
        assert len(set(chosen.tolist())) == len(wanted)
        assert each[chosen, v].tolist() == wanted
