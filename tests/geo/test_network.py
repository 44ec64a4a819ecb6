"""Lines as departments draw them: where they meet, where not, and what is refused."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import FaultsError, ShapeError, UnitError
from geo.model import ROAD_CLASSES, RoadClass
from geo.network import edge_minutes, minutes_graph, road_network

CRS = "EPSG:4547"


def lines(*shapes: list[tuple[float, float]], **columns: list[object]) -> gpd.GeoDataFrame:
    geometry = [shapely.LineString(xy) for xy in shapes]
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


CROSS = ([(0, 0), (200, 200)], [(0, 200), (200, 0)])


def test_lines_meet_at_shared_vertices() -> None:
    network = road_network(
        lines([(0, 0), (100, 0), (200, 0)], [(100, 0), (100, 90)]), join_crossings=False
    )
    assert sorted(network.edge_m.tolist()) == [90, 100, 100]
    assert len(network.node_xy) == 4
    assert network.n_pieces == 1
    assert network.line.tolist() == [0, 0, 1]


def test_bends_are_no_nodes() -> None:
    network = road_network(lines([(0, 0), (30, 40), (30, 140)]))
    assert network.edge_m.tolist() == [150]
    assert network.segment_from_m.tolist() == [0, 50]


def test_lines_that_merely_cross_are_joined_or_not_as_asked() -> None:
    joined = road_network(lines(*CROSS))
    assert joined.n_pieces == 1
    assert len(joined.edge_m) == 4
    np.testing.assert_allclose(joined.edge_m, np.hypot(100, 100))
    apart = road_network(lines(*CROSS), join_crossings=False)
    assert apart.n_pieces == 2
    assert apart.largest_share == pytest.approx(0.5)


@pytest.mark.parametrize(
    "columns", [{"passes": [True, False]}, {"road_class": ["motorway", "local"]}]
)
def test_bridges_and_motorways_pass_over(columns: dict[str, list[object]]) -> None:
    assert road_network(lines(*CROSS, **columns)).n_pieces == 2


def test_an_end_on_a_line_is_a_junction() -> None:
    end_on_line = lines([(0, 0), (200, 0)], [(70, 0.3), (70, 90)])
    network = road_network(end_on_line)
    assert network.n_pieces == 1
    assert sorted(network.edge_m.round().tolist()) == [70, 90, 130]
    assert road_network(end_on_line, tolerance_m=0.1).n_pieces == 2


def test_ends_within_the_tolerance_meet() -> None:
    near = lines([(0, 0), (100, 0)], [(100.4, 0), (200, 0)])
    assert road_network(near).n_pieces == 1
    assert road_network(near, tolerance_m=0.2).n_pieces == 2


def test_equal_vertices_on_either_side_of_a_rounding_border_are_one() -> None:
    border = 100.0005
    network = road_network(
        lines([(0, 0), (border - 1e-9, 0)], [(border + 1e-9, 0), (300, 0)]), join_crossings=False
    )
    assert network.n_pieces == 1


def test_three_lines_through_one_place_have_one_node_there() -> None:
    star = road_network(lines(*CROSS, [(0, 100), (200, 100)]))
    assert len(star.node_xy) == 7
    assert star.n_pieces == 1


def test_pieces_are_told_the_longest_first() -> None:
    network = road_network(lines([(0, 0), (10, 0)], [(500, 0), (600, 0)]))
    assert network.piece_m.tolist() == [100, 10]
    assert network.piece[network.ends[:, 0]].tolist() == [1, 0]
    assert network.largest_share == pytest.approx(100 / 110)


def test_parts_of_a_multiline_are_roads_of_their_own() -> None:
    both = shapely.MultiLineString([[(0, 0), (10, 0)], [(10, 0), (10, 20)]])
    network = road_network(gpd.GeoDataFrame(geometry=[both], crs=CRS))
    assert network.edge_m.tolist() == [10, 20]
    assert network.line.tolist() == [0, 0]


def test_a_closed_line_keeps_its_length() -> None:
    network = road_network(lines([(0, 0), (100, 0), (100, 100), (0, 0)], [(0, 0), (-50, 0)]))
    assert sorted(network.edge_m.round(3).tolist()) == [50.0, 341.421]
    assert minutes_graph(network, *edge_minutes(
        network, kmh={RoadClass.LOCAL: 60}, directed=False)).nnz == 2  # fmt: skip


def test_an_unknown_class_is_the_default_and_counted() -> None:
    network = road_network(lines(*CROSS, road_class=["primary", "goat trail"]))
    assert network.n_default_class == 1
    names = {ROAD_CLASSES[c] for c in network.edge_class}
    assert names == {RoadClass.PRIMARY, RoadClass.LOCAL}


def test_speeds_by_class_and_direction() -> None:
    roads = lines(
        [(0, 0), (1000, 0)], [(1000, 0), (2000, 0)], [(2000, 0), (3000, 0)], [(0, 0), (0, 1000)],
        road_class=["motorway", "primary", "path", "local"],
        one_way=[1, 0, 0, -1],
        speed_kmh=[None, 20.0, 9.0, None],
    )  # fmt: skip
    network = road_network(roads)
    there, back = edge_minutes(
        network,
        kmh={RoadClass.MOTORWAY: 60, RoadClass.PRIMARY: 60, RoadClass.LOCAL: 30},
        directed=True,
    )
    np.testing.assert_allclose(there, [1, 3, np.inf, np.inf])
    np.testing.assert_allclose(back, [np.inf, 3, np.inf, 2])
    walked = {RoadClass.PRIMARY: 6, RoadClass.PATH: 6, RoadClass.LOCAL: 6}
    there, back = edge_minutes(network, kmh=walked, directed=False)
    np.testing.assert_allclose(there, [np.inf, 10, 10, 10])
    np.testing.assert_array_equal(there, back)


def test_everything_wrong_is_told_at_once() -> None:
    roads = gpd.GeoDataFrame(
        {"speed_kmh": [0.0, 5.0, -3.0, None], "one_way": [0, 2, None, 1]},
        geometry=[
            shapely.LineString([(0, 0), (0, 0)]),
            shapely.Point(0, 0),
            None,
            shapely.LineString([(0, 0), (1, np.inf)]),
        ],
        crs="EPSG:4326",
    )
    with pytest.raises(FaultsError) as caught:
        road_network(roads)
    text = str(caught.value)
    for wrong in (
        "a projected CRS in metres",
        "1 missing or empty geometry(ies), first in row 2",
        "1 geometry(ies) that are no line, first in row 1",
        "1 line(s) with an infinite coordinate, first in row 3",
        "1 line(s) of zero length, first in row 0",
        "2 speed(s) of 0 or below, first in row 0",
        "1 direction(s) out of range, first in row 1",
    ):
        assert wrong in text
    with pytest.raises(FaultsError, match="no rows"):
        road_network(roads.head(0))
    with pytest.raises(UnitError, match="tolerance_m"):
        road_network(lines(*CROSS), tolerance_m=0)


def test_minutes_are_refused_without_speeds() -> None:
    network = road_network(lines(*CROSS))
    with pytest.raises(UnitError, match="no class has a speed"):
        edge_minutes(network, kmh={}, directed=False)
    with pytest.raises(UnitError, match="kmh of local"):
        edge_minutes(network, kmh={RoadClass.LOCAL: -1}, directed=False)
    with pytest.raises(ShapeError, match="one forward and one backward"):
        minutes_graph(network, np.ones(2), np.ones(2))
