"""San Francisco's stores: the optima of spopt's own test data, confirmed by exhaustive search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo.siting import Cause, SitingProblem, solve

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "locate_sf"
EXPECTED = pd.read_csv(FOLDER / "expected.csv")
CAPACITY = 90_000.0


@pytest.fixture(scope="module")
def costs() -> pd.DataFrame:
    path = FOLDER / "sf_cost_matrix_205x16.csv"
    return pd.read_csv(path, dtype={"DestinationName": str}, index_col="DestinationName")


@pytest.fixture(scope="module")
def demand() -> pd.Series[float]:
    path = FOLDER / "sf_demand_weights.csv"
    frame = pd.read_csv(path, dtype={"DestinationName": str}, index_col="DestinationName")
    return frame["demand"].astype(float)


def asked(row: Any) -> dict[str, Any]:
    """The question that a row of the table answers."""
    match row.problem:
        case "LSCP":
            return {"objective": "set_cover", "radius": row.radius}
        case "MCLP":
            return {"objective": "max_coverage", "radius": row.radius, "p": int(row.p)}
        case "PCENTER":
            return {"objective": "p_center", "p": int(row.p)}
        case "PMEDIAN_existing_Store_1_6":
            return {"objective": "p_median", "p": int(row.p), "required": ["Store_1", "Store_6"]}
        case "CLSCP_cap90000":
            return {"objective": "set_cover", "radius": row.radius, "capacity": CAPACITY}
    raise AssertionError(row.problem)


def worth(row: Any, sites: list[str], costs: pd.DataFrame, demand: pd.Series[float]) -> float:
    """Value of a choice, worked out from the frames alone."""
    nearest = costs[sites].min(axis=1)
    match row.problem:
        case "MCLP":
            return float(demand[nearest <= row.radius].sum())
        case "PCENTER":
            return float(nearest.max())
        case "PMEDIAN_existing_Store_1_6":
            return float((demand * nearest).sum())
        case _:
            assert (nearest <= row.radius).all()
            return float(len(sites))


@pytest.mark.parametrize(
    "row", list(EXPECTED.itertuples()), ids=lambda row: f"{row.problem}-{row.radius}-{row.p}"
)
def test_equals_the_peer(row: Any, costs: pd.DataFrame, demand: pd.Series[float]) -> None:
    found = solve(SitingProblem(costs=costs, demand=demand, **asked(row)), time_limit_s=120)
    assert found.objective == pytest.approx(row.brute_force, rel=1e-12)
    assert found.proven
    assert found.gap == 0.0
    assert found.bound == found.objective
    sites = list(found.sites)
    assert worth(row, sites, costs, demand) == pytest.approx(row.brute_force, rel=1e-12)
    if row.problem == "MCLP":
        assert len(sites) <= row.p
    elif not np.isnan(row.p):
        assert len(sites) == row.p
    if "existing" in row.problem:
        assert {"Store_1", "Store_6"} <= set(sites)


def test_capacity_is_kept_and_everybody_is_served(
    costs: pd.DataFrame, demand: pd.Series[float]
) -> None:
    problem = SitingProblem("set_cover", costs, demand, radius=8000, capacity=CAPACITY)
    flows = solve(problem, time_limit_s=120).flows
    assert flows is not None
    assert flows.groupby("site_id")["served"].sum().max() <= CAPACITY * (1 + 1e-9)
    served = flows.groupby("area_code")["served"].sum().reindex(demand.index)
    assert served.to_numpy() == pytest.approx(demand.to_numpy(), rel=1e-9)
    assert all(
        costs.loc[row.area_code, row.site_id] <= 8000 for row in flows.itertuples(index=False)
    )


@pytest.mark.parametrize("radius", [3000, 4000])
def test_set_cover_says_whom_nobody_reaches(
    radius: float, costs: pd.DataFrame, demand: pd.Series[float]
) -> None:
    found = solve(SitingProblem("set_cover", costs, demand, radius=radius))
    nearest = costs.min(axis=1)
    alone = nearest.index[nearest > radius]
    assert found.sites == ()
    assert found.infeasible is not None
    assert found.infeasible.cause == Cause.UNREACHED_DEMAND
    assert set(found.infeasible.demand) == set(alone)
    assert list(found.infeasible.demand) == sorted(alone, key=lambda code: -demand[code])
    assert found.infeasible.radius_needed == nearest.max()
    assert f"{len(alone)} point(s)" in found.infeasible_because
    enough = solve(SitingProblem("set_cover", costs, demand, radius=nearest.max()))
    assert enough.proven
