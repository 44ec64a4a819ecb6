"""Floating catchments against the slow loops and against pysal's access, row by row."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from access.fca import fca_ratio, three_stage_fca, two_stage_fca, weighted_catchment
from access.weights import gravity, step_fn

from geo.access import (
    THREE_STEP_STEPS_MIN,
    Decay,
    exponential,
    floating_catchment,
    floating_catchment_points,
    gaussian,
    gaussian_steps,
    power,
    three_step_catchment,
)
from geo.travel import straight_line_costs
from tests.reference import loops

E = math.exp(-0.5)
FOLDER = Path(__file__).parents[1] / "data" / "golden" / "locate_sf"
STEPS = {2000.0: 1.0, 4000.0: 0.68, 6000.0: 0.22}
WEIGHTS: list[tuple[Decay | None, Callable[[float], float]]] = [
    (None, lambda _: 1.0),
    (STEPS, step_fn(STEPS)),
    (gaussian_steps([2000, 4000, 6000]), step_fn(dict(gaussian_steps([2000, 4000, 6000])))),
    (
        gaussian(5000.0),
        lambda d: max(0.0, (math.exp(-0.5 * (d / 5000) ** 2) - E) / (1 - E)) * (d <= 5000),
    ),
    (power(1.5, least=300.0), gravity(300.0, -1.5, min_dist=300.0)),
    (exponential(1500.0), lambda d: math.exp(-d / 1500.0)),
]
Stores = tuple[pd.DataFrame, pd.Series, pd.Series]


@pytest.fixture(scope="module")
def stores() -> Stores:
    """205 tracts, 16 stores, all distances; staff of the stores made up: 1, 2, … 16."""
    matrix = pd.read_csv(FOLDER / "sf_cost_matrix_205x16.csv", dtype={"DestinationName": str})
    costs = matrix.melt("DestinationName", var_name="site_id", value_name="cost").rename(
        columns={"DestinationName": "area_code"}
    )
    weights = pd.read_csv(FOLDER / "sf_demand_weights.csv", dtype={"DestinationName": str})
    demand = weights.set_index("DestinationName")["demand"].astype(float)
    sites = list(matrix.columns[1:])
    return costs, demand, pd.Series(np.arange(1.0, 17.0), index=sites)


@pytest.mark.parametrize(("decay", "weight"), WEIGHTS)
@pytest.mark.parametrize("catchment", [1500.0, 5000.0, 6000.0])
def test_equals_the_loops(
    stores: Stores,
    decay: Decay | None,
    weight: Callable[[float], float],
    catchment: float,
) -> None:
    costs, demand, supply = stores
    pairs = {(row.area_code, row.site_id): row.cost for row in costs.itertuples(index=False)}
    slow = loops.floating_catchment(pairs, dict(demand), dict(supply), catchment, weight)
    fast = floating_catchment(costs, demand, supply, catchment=catchment, decay=decay)
    assert list(fast.index) == list(demand.index)
    np.testing.assert_allclose(fast, [slow[code] for code in fast.index], rtol=1e-12, atol=0)


@pytest.mark.parametrize(("decay", "weight"), WEIGHTS)
@pytest.mark.parametrize("catchment", [1500.0, 5000.0])
def test_equals_pysal_access(
    stores: Stores,
    decay: Decay | None,
    weight: Callable[[float], float],
    catchment: float,
) -> None:
    costs, demand, supply = stores
    theirs = two_stage_fca(
        demand.rename("demand").rename_axis("geoid").reset_index(),
        supply.rename("supply").to_frame(),
        costs.rename(columns={"area_code": "origin", "site_id": "dest"}),
        max_cost=catchment,
        weight_fn=None if decay is None else weight,
    )
    ours = floating_catchment(costs, demand, supply, catchment=catchment, decay=decay)
    # Theirs leaves areas out that reach no site; ours says 0.
    np.testing.assert_allclose(ours, theirs.reindex(ours.index, fill_value=0.0), atol=1e-9, rtol=0)
    assert (ours > 0).sum() > 50


# A weight that only scalars can be given is what the peer wants; ours takes arrays.
THREE = [entry for entry in WEIGHTS if entry[0] is not None]


@pytest.mark.parametrize(("decay", "weight"), THREE)
@pytest.mark.parametrize("catchment", [1500.0, 5000.0, 6000.0])
def test_three_steps_equal_the_loops(
    stores: Stores, decay: Decay, weight: Callable[[float], float], catchment: float
) -> None:
    costs, demand, supply = stores
    pairs = {(row.area_code, row.site_id): row.cost for row in costs.itertuples(index=False)}
    slow = loops.three_step_catchment(pairs, dict(demand), dict(supply), catchment, weight)
    fast = three_step_catchment(costs, demand, supply, catchment=catchment, decay=decay)
    np.testing.assert_allclose(fast, [slow[code] for code in fast.index], rtol=1e-12, atol=1e-18)


def their_three_steps(
    stores: Stores, costs: pd.DataFrame, weight: Callable[[float], float], catchment: float
) -> pd.Series:
    _, demand, supply = stores
    with warnings.catch_warnings():
        # It drops columns in place, which pandas 3 deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        found = three_stage_fca(
            demand.rename("demand").rename_axis("geoid").reset_index(),
            supply.rename("supply").to_frame(),
            costs.rename(columns={"area_code": "origin", "site_id": "dest"}),
            max_cost=catchment,
            weight_fn=weight,
        )
    return found.reindex(demand.index, fill_value=0.0)


@pytest.mark.parametrize(("decay", "weight"), THREE)
@pytest.mark.parametrize("catchment", [1500.0, 5000.0])
def test_three_steps_equal_pysal_access_on_the_pairs_within_the_catchment(
    stores: Stores, decay: Decay, weight: Callable[[float], float], catchment: float
) -> None:
    costs, demand, supply = stores
    near = costs[costs["cost"] <= catchment]
    ours = three_step_catchment(costs, demand, supply, catchment=catchment, decay=decay)
    theirs = their_three_steps(stores, near, weight, catchment)
    np.testing.assert_allclose(ours, theirs, atol=1e-9, rtol=0)
    assert (ours > 0).sum() > 50


def test_the_default_steps_are_those_of_the_paper_in_minutes(stores: Stores) -> None:
    costs, demand, supply = stores
    minutes = costs.assign(cost=costs["cost"] / 80.0)
    ours = three_step_catchment(minutes, demand, supply, catchment=60)
    theirs = their_three_steps(stores, minutes, step_fn(dict(THREE_STEP_STEPS_MIN)), 60)
    np.testing.assert_allclose(ours, theirs, atol=1e-9, rtol=0)


def test_pysal_access_lets_sites_out_of_reach_compete(stores: Stores) -> None:
    """Where the decay does not end within the catchment its selection weights sum over all pairs.

    In the paper an area chooses among the sites within its catchment.
    """
    costs, demand, supply = stores
    decay, weight = WEIGHTS[-1]
    assert decay is not None
    ours = three_step_catchment(costs, demand, supply, catchment=3000, decay=decay)
    theirs = their_three_steps(stores, costs, weight, 3000)
    assert (ours - theirs).abs().max() > 1e-5
    # The supply in reach is shared out whole by both: the difference is in who gets it.
    for found in (ours, theirs):
        assert float((demand * found).sum()) == pytest.approx(supply.sum(), rel=1e-9)


@pytest.mark.parametrize(("decay", "weight"), WEIGHTS)
def test_sums_in_reach_equal_weighted_catchment(
    stores: Stores, decay: Decay | None, weight: Callable[[float], float]
) -> None:
    """With one person at the one site asked, both steps show the peer's weighted sum."""
    costs, demand, supply = stores
    theirs = weighted_catchment(
        demand.rename("demand").rename_axis("geoid").reset_index(),
        costs,
        max_cost=4000.0,
        cost_source="area_code",
        cost_dest="site_id",
        loc_value="demand",
        weight_fn=weight,
    )
    for site in supply.index[:4]:
        one = floating_catchment(costs, demand, supply.where(supply.index == site, 0.0),
                                 catchment=4000.0, decay=decay)  # fmt: skip
        reached = costs[(costs["site_id"] == site) & (costs["cost"] <= 4000.0)]
        nearest = reached.loc[reached["cost"].idxmin()]
        expected = supply[site] / theirs[site] * weight(nearest["cost"])
        assert one[nearest["area_code"]] == pytest.approx(expected, abs=1e-12)


@pytest.mark.filterwarnings("ignore:some tracts may be unaccounted for")
def test_one_step_ratio_of_the_peer_is_the_sum_within_reach_of_each_area(stores: Stores) -> None:
    """`fca_ratio` divides what an area reaches by who reaches it: no second sum over sites.

    With each store's customers at the store alone, two steps come to the same.
    """
    _, demand, supply = stores
    people = pd.Series(demand.to_numpy()[:16], index=supply.index)
    own = pd.DataFrame({"area_code": supply.index, "site_id": supply.index, "cost": 0.0})
    theirs = fca_ratio(
        people.rename("demand").rename_axis("geoid").reset_index(),
        supply.rename("supply").rename_axis("geoid").reset_index(),
        own.rename(columns={"area_code": "origin", "site_id": "dest"}),
        own.rename(columns={"area_code": "origin", "site_id": "dest"}),
        max_cost=1000.0,
    )
    ours = floating_catchment(own, people, supply, catchment=1000.0)
    np.testing.assert_allclose(ours, theirs.reindex(ours.index), atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    "decay",
    [
        None,
        {500.0: 1.0, 1500.0: 0.5, 9000.0: 0.1},
        lambda d: np.exp(-d / 1000.0),
    ],
)
def test_points_equal_the_table(decay: object) -> None:
    rng = np.random.default_rng(7)
    xy, sites = rng.uniform(0, 9000, (700, 2)), rng.uniform(-500, 9500, (40, 2))
    # Exact distances on the border of the catchment and of a step.
    xy[:2] = sites[0] + [[1200.0, 1600.0], [300.0, 400.0]]
    demand, supply = rng.integers(0, 90, 700).astype(float), rng.integers(0, 9, 40).astype(float)
    areas, ids = [f"a{i}" for i in range(700)], [f"s{i}" for i in range(40)]
    costs = straight_line_costs(
        xy, sites, area_codes=areas, site_ids=ids, detour=1, speed_kmh=60, max_cost_min=9
    )
    costs["cost"] = np.hypot(
        *(
            xy[costs["area_code"].str[1:].astype(int)] - sites[costs["site_id"].str[1:].astype(int)]
        ).T
    )
    table = floating_catchment(
        costs,
        pd.Series(demand, index=areas),
        pd.Series(supply, index=ids),
        catchment=2000.0,
        decay=decay,
    )
    points = floating_catchment_points(xy, demand, sites, supply, catchment_m=2000.0, decay=decay)
    np.testing.assert_allclose(points, table, rtol=1e-12, atol=1e-18)
