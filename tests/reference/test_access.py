"""Floating catchments against the slow loops and against pysal's access, row by row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from access.fca import two_stage_fca
from access.weights import step_fn

from geo.access import floating_catchment, floating_catchment_points
from geo.travel import straight_line_costs
from tests.reference import loops

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "locate_sf"
STEPS = {2000.0: 1.0, 4000.0: 0.68, 6000.0: 0.22}
WEIGHTS: list[tuple[dict[float, float] | None, Callable[[float], float]]] = [
    (None, lambda _: 1.0),
    (STEPS, step_fn(STEPS)),
]


@pytest.fixture(scope="module")
def stores() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
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
    stores: tuple[pd.DataFrame, pd.Series, pd.Series],
    decay: dict[float, float] | None,
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
    stores: tuple[pd.DataFrame, pd.Series, pd.Series],
    decay: dict[float, float] | None,
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


@pytest.mark.parametrize(
    "decay",
    [
        None,
        {500.0: 1.0, 1500.0: 0.5, 9000.0: 0.1},
        {500.0: 0.2, 1500.0: 1.0},
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
