"""Ways over roads: access legs, rivers, one-way streets, pieces, refusals."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import csr_array

from geo.errors import CodeError, FaultsError, ShapeError, UnitError
from geo.model import CAR_KMH, RoadClass
from geo.network import road_network
from geo.routes import Routes, access_legs, prepare_routes
from geo.travel import k_nearest_sites, nearest_by_road, road_costs, road_pairs

CRS = "EPSG:4547"
# 6 km/h and no detour: a minute is 100 m, on the road and off it.
FOOT = {"kmh": {c: 6.0 for c in RoadClass if c != RoadClass.MOTORWAY}, "directed": False}
PLAIN = {"foot_kmh": 6.0, "detour": 1.0, "snap_m": 500.0, "free_m": 500.0}


def roads(*shapes: list[tuple[float, float]], **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=[shapely.LineString(xy) for xy in shapes], crs=CRS)


def on_foot(lines: gpd.GeoDataFrame, **options: object) -> Routes:
    return prepare_routes(road_network(lines), **{**FOOT, **PLAIN, **options})  # type: ignore[arg-type]


def by_car(lines: gpd.GeoDataFrame, **options: object) -> Routes:
    car = {"kmh": CAR_KMH | {RoadClass.LOCAL: 60.0}, "directed": True}
    return prepare_routes(road_network(lines), **{**car, **PLAIN, **options})  # type: ignore[arg-type]


def cost(routes: Routes, origin: tuple[float, float], site: tuple[float, float]) -> float:
    return float(nearest_by_road(routes, [origin], [site])[0][0])


def shapes(*given: shapely.Geometry) -> gpd.GeoSeries:
    return gpd.GeoSeries(list(given), crs=CRS)


LONG = roads([(0, 0), (4000, 0)])


def test_a_way_is_a_walk_a_road_and_a_walk() -> None:
    # 300 m to the road, 3 000 m along it, 200 m from it: one edge, no node on the way.
    assert cost(on_foot(LONG), (500, 300), (3500, 200)) == pytest.approx(35.0)
    # By car the walks stay walks: 3 + 3 + 2.
    assert cost(by_car(LONG), (500, 300), (3500, 200)) == pytest.approx(8.0)


def test_the_walk_off_the_road_takes_the_detour_the_road_does_not() -> None:
    assert cost(on_foot(LONG, detour=1.5), (500, 300), (3500, 200)) == pytest.approx(37.5)


def test_the_snapping_limit_counts_as_within() -> None:
    routes = on_foot(LONG)
    assert cost(routes, (500, 500), (3500, 0)) == pytest.approx(35.0)
    assert np.isnan(cost(routes, (500, 500.001), (3500, 0)))
    assert access_legs(routes, [(500, 500), (500, 500.001), (np.nan, 0)]).reached.tolist() == [
        True, False, False,
    ]  # fmt: skip


def test_a_short_straight_walk_beats_the_roads() -> None:
    bow = roads([(0, 0), (0, 3000), (300, 3000), (300, 0)])
    assert cost(on_foot(bow), (0, 0), (300, 0)) == pytest.approx(3.0)
    assert cost(on_foot(bow, snap_m=200.0), (0, 0), (300, 0)) == pytest.approx(63.0)
    assert cost(by_car(bow, snap_m=200.0), (0, 0), (300, 0)) == pytest.approx(6.3)


def test_nobody_walks_across_country_where_a_road_is_nearer() -> None:
    bow = roads([(0, 0), (0, 3000), (300, 3000), (300, 0)])
    # 300 m apart, each on the road: free to walk straight up to 300 m, else round the bow.
    assert cost(on_foot(bow, free_m=300.0), (0, 0), (300, 0)) == pytest.approx(3.0)
    assert cost(on_foot(bow, free_m=299.0), (0, 0), (300, 0)) == pytest.approx(63.0)
    # 100 m off the nearest arm, 400 m off the other, and the arms are 300 m apart.
    assert cost(on_foot(bow, free_m=400.0), (-100, 0), (300, 0)) == pytest.approx(4.0)
    assert cost(on_foot(bow, free_m=299.0), (-100, 0), (300, 0)) == pytest.approx(64.0)


def test_a_lone_piece_of_road_does_not_keep_people_from_the_network() -> None:
    lines = roads([(0, 0), (9000, 0)], [(450, 400), (550, 400)])
    # 50 m from the lone piece, 350 m from the road that leads anywhere.
    routes = on_foot(lines, free_m=50.0)
    assert cost(routes, (500, 350), (3500, 0)) == pytest.approx(3.5 + 30)
    assert cost(on_foot(lines), (500, 350), (500, 400)) == pytest.approx(0.5)


def test_where_roads_are_far_people_walk_straight_to_what_is_nearer() -> None:
    # Both 450 m off the road and 400 m from each other; the way by the road would be 1 300 m.
    routes = on_foot(LONG, free_m=100.0)
    assert cost(routes, (500, 450), (900, 450)) == pytest.approx(4.0)
    # 500 m from each other is farther than the road from both.
    assert cost(routes, (500, 450), (1000, 450)) == pytest.approx(4.5 + 5 + 4.5)


RIVER = shapely.box(-100, 40, 4100, 60)


def test_a_river_without_a_bridge_is_not_crossed() -> None:
    routes = on_foot(LONG, barriers=shapes(RIVER))
    assert cost(routes, (500, 20), (3500, 0)) == pytest.approx(30.2)
    assert np.isnan(cost(routes, (500, 100), (3500, 0)))
    assert np.isnan(cost(routes, (500, 100), (500, 0))), "not even straight across"
    assert not access_legs(routes, [(500, 100)]).reached.any()


def test_a_village_across_the_river_takes_its_own_bank_and_the_bridge() -> None:
    own_bank = ([(0, 200), (4000, 200)], [(4000, 200), (4000, 0)])
    routes = on_foot(roads([(0, 0), (4000, 0)], *own_bank), barriers=shapes(RIVER))
    # 70 m to the road across the river, but 130 m to the one on its own bank, and the bridge.
    found = cost(routes, (500, 70), (500, 0))
    assert found == pytest.approx((130 + 3500 + 200 + 3500) / 100)
    assert cost(
        on_foot(roads([(0, 0), (4000, 0)], *own_bank)), (500, 70), (500, 0)
    ) == pytest.approx(0.7)


def test_a_river_drawn_as_a_line_is_a_barrier_too() -> None:
    line = shapely.LineString([(-100, 50), (4100, 50)])
    routes = on_foot(LONG, barriers=shapes(line))
    assert np.isnan(cost(routes, (500, 100), (3500, 0)))


def test_a_ring_of_water_keeps_its_island() -> None:
    moat = shapely.Point(500, 100).buffer(60) - shapely.Point(500, 100).buffer(30)
    routes = on_foot(LONG, barriers=shapes(moat))
    assert np.isnan(cost(routes, (500, 100), (3500, 0)))
    assert cost(routes, (500, 100), (500, 80)) < 1, "a walk on the island"


def test_a_point_drawn_in_the_water_gets_ashore_but_not_across_another_river() -> None:
    second = shapely.box(-100, 10, 4100, 20)
    assert cost(on_foot(LONG, barriers=shapes(RIVER)), (500, 50), (3500, 0)) == pytest.approx(30.5)
    assert np.isnan(cost(on_foot(LONG, barriers=shapes(RIVER, second)), (500, 50), (3500, 0)))


def test_one_way_streets_count_from_the_demand_to_the_site() -> None:
    # A square, driven one way round: 3 km there, 1 km back.
    loop = roads(
        [(0, 0), (1000, 0)], [(1000, 0), (1000, 1000)], [(1000, 1000), (0, 1000)],
        [(0, 1000), (0, 0)], one_way=[1, 1, 1, 1],
    )  # fmt: skip
    routes = by_car(loop, snap_m=50.0)
    assert cost(routes, (0, 0), (0, 1000)) == pytest.approx(3.0)
    assert cost(routes, (0, 1000), (0, 0)) == pytest.approx(1.0)
    # On one edge, against its direction: the whole way round.
    assert cost(routes, (600, 0), (400, 0)) == pytest.approx(3.8)
    assert cost(routes, (400, 0), (600, 0)) == pytest.approx(0.2)
    assert cost(on_foot(loop, snap_m=50.0), (0, 0), (0, 1000)) == pytest.approx(10.0)


def test_a_dead_end_one_way_cannot_be_left() -> None:
    into = roads([(0, 0), (1000, 0)], [(1000, 0), (2000, 0)], one_way=[0, 1])
    routes = by_car(into, snap_m=50.0)
    assert cost(routes, (0, 0), (2000, 0)) == pytest.approx(2.0)
    assert np.isnan(cost(routes, (2000, 0), (0, 0)))


def test_modes_use_their_own_roads() -> None:
    both = roads([(0, 0), (3000, 0)], [(0, 100), (3000, 100)], road_class=["motorway", "path"])
    assert cost(on_foot(both, snap_m=90.0), (0, 100), (3000, 100)) == pytest.approx(30)
    assert np.isnan(cost(on_foot(both, snap_m=90.0), (0, 0), (3000, 0)))
    assert np.isnan(cost(by_car(both, snap_m=90.0), (0, 100), (3000, 100)))
    assert cost(by_car(both, snap_m=90.0), (0, 0), (3000, 0)) == pytest.approx(2.0)


def test_pieces_apart_do_not_reach_each_other() -> None:
    apart = roads([(0, 0), (3000, 0)], [(0, 2000), (900, 2000)])
    assert np.isnan(cost(on_foot(apart), (0, 0), (0, 2000)))
    assert cost(on_foot(apart), (0, 2000), (900, 2000)) == pytest.approx(9)
    # A short piece can be left out: then it is no road at all.
    assert np.isnan(cost(on_foot(apart, min_piece_m=1000.0), (0, 2000), (900, 2000)))


def test_sites_at_one_place_and_none_at_all() -> None:
    routes = on_foot(LONG)
    minutes, site = nearest_by_road(routes, [(0, 0)], [(np.nan, 0), (900, 0), (900, 0)])
    assert minutes.tolist() == pytest.approx([9.0])
    assert site.tolist() == [1]
    minutes, site = nearest_by_road(routes, [(0, 0), (np.nan, 1)], [])
    assert np.isnan(minutes).all()
    assert site.tolist() == [-1, -1]
    assert road_pairs(routes, [(0, 0)], [], max_cost_min=9)[0].size == 0


def test_pairs_are_ordered_and_within_the_limit() -> None:
    found = road_costs(
        on_foot(LONG),
        [(1000, 0), (2000, 0)],
        [(2000, 0), (0, 0), (2000.5, 0)],
        area_codes=["a", "b"],
        site_ids=["s", "t", "u"],
        max_cost_min=10,
    )
    assert found[["area_code", "site_id"]].to_numpy().tolist() == [
        ["a", "s"], ["a", "t"], ["b", "s"], ["b", "u"],
    ]  # fmt: skip
    np.testing.assert_allclose(found["cost_min"], [10, 10, 0, 0.005], atol=1e-9)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"snap_m": 0}, "snap_m"),
        ({"free_m": -1}, "free_m"),
        ({"detour": 0.5}, "detour"),
        ({"foot_kmh": -1}, "foot_kmh"),
        ({"min_piece_m": -1}, "min_piece_m"),
        ({"kmh": {}}, "no class has a speed"),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(UnitError, match=says):
        on_foot(LONG, **wrong)


def test_barriers_and_points_are_refused() -> None:
    with pytest.raises(FaultsError, match="a projected CRS in metres"):
        on_foot(LONG, barriers=gpd.GeoSeries([RIVER], crs="EPSG:4326"))
    with pytest.raises(FaultsError, match="another kind"):
        on_foot(LONG, barriers=shapes(shapely.Point(0, 0)))
    with pytest.raises(ShapeError, match=r"\(n, 2\)"):
        nearest_by_road(on_foot(LONG), [1.0, 2.0, 3.0], [(0, 0)])
    with pytest.raises(CodeError, match="twice"):
        road_costs(
            on_foot(LONG), [(0, 0), (1, 1)], [], area_codes=["a", "a"], site_ids=[], max_cost_min=1
        )
    with pytest.raises(UnitError, match="max_cost_min"):
        road_pairs(on_foot(LONG), [(0, 0)], [], max_cost_min=0)


def test_more_sites_wanted_than_there_are() -> None:
    graph = csr_array(np.array([[0, 1.0], [1.0, 0]]))
    found, site = k_nearest_sites(graph, [1], k=4)
    np.testing.assert_array_equal(found[0], [1, np.nan, np.nan, np.nan])
    assert site.tolist() == [[0, -1, -1, -1], [0, -1, -1, -1]]
    found, site = k_nearest_sites(graph, [], k=2)
    assert np.isnan(found).all()


def test_k_nearest_sites_refuses() -> None:
    graph = csr_array(np.array([[0, 1.0], [1.0, 0]]))
    with pytest.raises(UnitError, match="negative"):
        k_nearest_sites(-graph, [0], k=1)
    with pytest.raises(UnitError, match="k: 0"):
        k_nearest_sites(graph, [0], k=0)
    with pytest.raises(UnitError, match="limit"):
        k_nearest_sites(graph, [0], k=1, limit=0)
    with pytest.raises(CodeError, match=r"outside 0\.\.1"):
        k_nearest_sites(graph, [2], k=1)
    with pytest.raises(ShapeError, match="as many rows"):
        k_nearest_sites(csr_array(np.ones((2, 3))), [0], k=1)
