"""Rational agents against plain loops and against pysal's access, row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from access.raam import raam

from geo.access import rational_agents, rational_agents_by_cycles
from tests.reference import loops

Case = tuple[pd.DataFrame, pd.Series, pd.Series]


def case(seed: int, *, n: int, m: int, reach_m: float = 9000.0) -> Case:
    """People and sites in a square of 10 km; costs in minutes on foot, all different."""
    rng = np.random.default_rng(seed)
    xy, sites = rng.uniform(0, 10_000, (n, 2)), rng.uniform(0, 10_000, (m, 2))
    distance = np.hypot(*(xy[:, None] - sites[None]).transpose(2, 0, 1))
    distance = np.where(distance <= np.maximum(reach_m, distance.min(1, keepdims=True)), distance,
                        np.nan)  # fmt: skip
    area, site = np.nonzero(~np.isnan(distance))
    areas, ids = np.array([f"a{i:03}" for i in range(n)]), np.array([f"s{j:02}" for j in range(m)])
    costs = pd.DataFrame(
        {"area_code": areas[area], "site_id": ids[site], "cost": distance[area, site] / 80}
    )
    demand = pd.Series(rng.integers(1, 400, n), index=areas)
    supply = pd.Series(rng.integers(1, 9, m).astype(float), index=ids)
    return costs, demand, supply


# With many areas a site the search begins with a sample of them.
@pytest.mark.parametrize(("n", "m"), [(25, 5), (120, 3)])
@pytest.mark.parametrize("tau", [20.0, 60.0, 400.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_equals_the_loops(seed: int, tau: float, n: int, m: int) -> None:
    costs, demand, supply = case(seed, n=n, m=m)
    pairs = {(row.area_code, row.site_id): row.cost for row in costs.itertuples(index=False)}
    room = supply * demand.sum() / supply.sum()
    slow, load = loops.rational_agents(pairs, dict(demand), dict(room), tau)
    fast = rational_agents(costs, demand, supply, tau=tau, tolerance=1e-13, max_cycles=100_000)
    np.testing.assert_allclose(fast.cost, [slow[code] for code in fast.cost.index], rtol=1e-9)
    np.testing.assert_allclose(fast.load, [load[site] for site in fast.load.index], rtol=1e-9)


def theirs(one: Case, tau: float, max_cycles: int) -> pd.Series:
    costs, demand, supply = one
    found = raam(
        demand.rename("demand").to_frame(),
        supply.rename("supply").to_frame(),
        costs.rename(columns={"area_code": "origin", "site_id": "dest"}),
        tau=tau,
        max_cycles=max_cycles,
    )
    return found.reindex(demand.index)


@pytest.mark.parametrize("max_cycles", [1, 5, 30, 150])
@pytest.mark.parametrize("tau", [20.0, 60.0])
def test_cycles_equal_pysal_access(tau: float, max_cycles: int) -> None:
    """The same persons in each pair; the cost with the congestion that theirs takes."""
    costs, demand, supply = case(3, n=120, m=14, reach_m=4000.0)
    ours = rational_agents_by_cycles(costs, demand, supply, tau=tau, max_cycles=max_cycles)
    before = rational_agents_by_cycles(costs, demand, supply, tau=tau, max_cycles=max_cycles - 1)
    congestion = before.load / supply / (demand.sum() / supply.sum())
    cost = congestion.reindex(costs["site_id"]).to_numpy() + costs["cost"] / tau
    stale = (cost * ours.assigned).groupby(costs["area_code"]).sum() / demand
    found = theirs((costs, demand, supply), tau, max_cycles)
    np.testing.assert_allclose(stale, found, atol=1e-9, rtol=0)
    np.testing.assert_array_equal(ours.assigned.groupby(costs["area_code"]).sum(), demand)


def test_pysal_access_tells_the_congestion_before_the_last_move() -> None:
    one = case(3, n=120, m=14, reach_m=4000.0)
    costs, demand, supply = one
    ours = rational_agents_by_cycles(costs, demand, supply, max_cycles=5)
    congestion = ours.load / supply / (demand.sum() / supply.sum())
    cost = congestion.reindex(costs["site_id"]).to_numpy() + costs["cost"] / 60
    true = (cost * ours.assigned).groupby(costs["area_code"]).sum() / demand
    np.testing.assert_allclose(ours.cost, true, atol=1e-12, rtol=0)
    assert (ours.cost - theirs(one, 60.0, 5)).abs().max() > 1e-3


def test_cycles_say_how_far_they_are_from_the_equilibrium() -> None:
    """Areas below 200 persons stand still once the step is a two-hundredth of them."""
    costs, demand, supply = case(4, n=120, m=14)
    ended = rational_agents_by_cycles(costs, demand, supply)
    settled = rational_agents(costs, demand, supply, tolerance=1e-9)
    assert settled.gap <= 1e-9
    assert ended.gap > 0.04
    assert (ended.cost - settled.cost).abs().max() > 0.5
    crowded = rational_agents_by_cycles(costs, demand * 1000, supply)
    assert crowded.gap < 0.02
    assert (crowded.cost - settled.cost).abs().max() < 0.1
