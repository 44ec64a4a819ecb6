"""Compiling ahead: every loop once, on the smallest of inputs."""

from __future__ import annotations

from contextlib import suppress

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array

from geo.access import floating_catchment_points, rational_agents, rational_agents_by_cycles
from geo.detect.ears import ears
from geo.detect.farrington import farrington, farrington_flexible
from geo.detect.scan import space_time_scan, spatial_scan
from geo.detect.watch import watch_areas
from geo.disclosure import release_sums, suppress_hierarchy
from geo.errors import ConvergenceError
from geo.forecast.forecast import forecast_counts
from geo.forecast.holt_winters import Smoothing, smooth_series
from geo.glm.loglinear import fit_log_linear
from geo.model import RoadClass
from geo.network import road_network
from geo.routes import prepare_routes
from geo.siting.heuristic import search
from geo.siting.prepare import prepare
from geo.siting.problem import SitingProblem
from geo.siting.stopwatch import Stopwatch
from geo.travel import k_nearest_sites, nearest_by_road, road_costs


def warm_build() -> None:
    """Compile the loops that a build runs, or load them where they were compiled before.

    Whoever is about to compute calls this where waiting can be shown: the first time on a machine
    it takes half a minute, later a second or two, and nothing when called again.

    Notes
    -----
    numba keeps what it compiled beside the code, or in NUMBA_CACHE_DIR.

    Examples
    --------
    >>> warm_build()
    """
    _warm_ears()
    _warm_disclosure()
    _warm_catchments()
    _warm_roads()
    _warm_forecasts()


def warm_kernels(*, rng: np.random.Generator) -> None:
    """Compile every loop: those of `warm_build`, and those that few ask for.

    Parameters
    ----------
    rng : for the loops that simulate; what they find is thrown away.

    Examples
    --------
    >>> warm_kernels(rng=np.random.default_rng(1))
    """
    warm_build()
    _warm_detectors(rng)
    _warm_agents()
    _warm_siting(rng)


def _warm_ears() -> None:
    weeks = np.ones((12, 1))
    for floor in (0.5, weeks):
        for exclude in (False, True):
            # Asking for a number compiles what alarms alone do not need.
            _ = ears(weeks, method="C3", min_sigma=floor, exclude_alarms=exclude).score
    watch_areas(np.arange(320.0)[:, None] % 9, at=[319])


def _warm_detectors(rng: np.random.Generator) -> None:
    many = np.arange(320.0) % 9
    farrington_flexible(many, at=[319])
    farrington(many, at=[319])
    xy = np.column_stack([np.arange(20) * 100.0, np.zeros(20)])
    cases = np.where(np.arange(20) < 3, 30.0, 5.0)
    persons = np.full(20, 100.0)
    spatial_scan(cases, persons, xy, rng=rng, replicates=9)
    space_time_scan(np.tile(cases, (10, 1)), persons, xy, rng=rng, replicates=9)


def _warm_disclosure() -> None:
    weeks = np.array([[3.0, 12.0, 40.0], [9.0, 15.0, 30.0], [8.0, 11.0, 0.0], [40.0, 40.0, 40.0]])
    states = np.array([[2, 2, 0], [2, 2, 0], [2, 2, 0], [0, 0, 0]])
    town = weeks.sum(axis=1, keepdims=True)
    suppress_hierarchy([weeks, town], [[0, 0, 0]], k=10)
    release_sums([weeks, town], [states, town * 0], [[0, 0, 0]], [(0, 1), (2, 3), (0, 3)], k=10)


def _warm_catchments() -> None:
    one, spot = np.ones(1), np.zeros((1, 2))
    floating_catchment_points(spot, one, spot, one, catchment_m=1.0)


def _warm_agents() -> None:
    pairs = pd.DataFrame({"area_code": ["a", "a"], "site_id": ["s", "t"], "cost": [1.0, 2.0]})
    persons, staff = pd.Series({"a": 1.0}), pd.Series({"s": 1.0, "t": 1.0})
    with suppress(ConvergenceError):  # so exact that the last loop is needed
        rational_agents(pairs, persons, staff, tolerance=1e-300, max_cycles=1)
    rational_agents_by_cycles(pairs, persons, staff)


def _warm_siting(rng: np.random.Generator) -> None:
    costs = pd.DataFrame(rng.random((200, 30))).set_axis([f"s{j}" for j in range(30)], axis=1)
    costs.index = costs.index.astype(str)
    persons = pd.Series(1.0, index=costs.index)
    for objective, radius in (("max_coverage", 0.15), ("p_median", None)):
        asked = prepare(SitingProblem(objective, costs, persons, p=6, radius=radius))
        rounds = iter(range(3))
        search(
            asked, watch=Stopwatch(60), rng=rng, on_progress=lambda *_, r=rounds: next(r) < 2
        )  # fmt: skip


def _warm_roads() -> None:
    lines = [shapely.LineString([(0, 0), (900, 0)]), shapely.LineString([(900, 0), (900, 900)])]
    roads = road_network(gpd.GeoDataFrame(geometry=lines, crs="EPSG:4547"))
    river = gpd.GeoSeries([shapely.LineString([(-9, 50), (400, 50)])], crs="EPSG:4547")
    routes = prepare_routes(roads, kmh={RoadClass.LOCAL: 5.0}, directed=True, barriers=river)
    ends = [(0.0, 90.0), (900.0, 900.0)]
    nearest_by_road(routes, ends, ends)
    road_costs(routes, ends, ends, area_codes=["a", "b"], site_ids=["s", "t"], max_cost_min=60)
    k_nearest_sites(csr_array(np.array([[0.0, 1.0], [1.0, 0.0]])), [0], k=1)


def _warm_forecasts() -> None:
    weeks = np.arange(170.0) % 7
    forecast_counts(weeks, horizon=1)
    fit_log_linear(weeks[:3], np.ones((3, 1)))
    smooth_series(weeks[:3], Smoothing(0.1, 0.1, 0.1, 0.9), level=1.0)
