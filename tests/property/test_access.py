"""Identities of access and coverage that hold by definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from geo.access import (
    effective_supply,
    floating_catchment,
    floating_catchment_points,
    gaussian,
    power,
    rational_agents,
    three_step_catchment,
)
from geo.coverage import coverage_by_threshold, coverage_share, covered, nearest_cost
from geo.travel import nearest_straight_line, straight_line_costs

seeds = st.integers(0, 2**32 - 1)
DECAYS = st.sampled_from(
    [None, {300.0: 1.0, 900.0: 0.4}, {2000.0: 0.5}, lambda d: 1.0 / (1.0 + d / 500.0)]
)


def case(
    seed: int, n: int = 60, m: int = 9
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, n)), int(rng.integers(1, m))
    demand = rng.integers(0, 50, n) * (rng.random(n) < 0.8)
    return (
        rng.uniform(0, 5000, (n, 2)),
        demand.astype(float),
        rng.uniform(-1000, 6000, (m, 2)),
        rng.integers(0, 5, m).astype(float),
    )


@given(seeds, DECAYS, st.sampled_from([400.0, 1500.0, 9000.0]))
def test_demand_times_access_is_the_supply_in_reach(
    seed: int, decay: object, catchment_m: float
) -> None:
    xy, demand, sites, supply = case(seed)
    access = floating_catchment_points(
        xy, demand, sites, supply, catchment_m=catchment_m, decay=decay
    )
    distance = np.hypot(*(xy[:, None] - sites[None]).transpose(2, 0, 1))
    reach = catchment_m if not isinstance(decay, dict) else min(catchment_m, max(decay))
    reached = ((distance <= reach) & (demand > 0)[:, None]).any(axis=0)
    np.testing.assert_allclose((demand * access).sum(), supply[reached].sum(), rtol=1e-9)
    assert (access[(distance > reach).all(axis=1)] == 0).all()


@given(seeds, DECAYS)
def test_row_order_does_not_matter(seed: int, decay: object) -> None:
    xy, demand, sites, supply = case(seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(xy)), rng.permutation(len(sites))
    straight = floating_catchment_points(xy, demand, sites, supply, catchment_m=1500, decay=decay)
    turned = floating_catchment_points(
        xy[rows], demand[rows], sites[columns], supply[columns], catchment_m=1500, decay=decay
    )
    np.testing.assert_allclose(straight[rows], turned, rtol=1e-9)
    costs = pd.DataFrame(
        {
            "area_code": [f"a{i}" for i in rng.integers(0, 5, 12)],
            "site_id": [f"s{i}" for i in rng.integers(0, 4, 12)],
            "cost": rng.uniform(0, 20, 12),
        }
    ).drop_duplicates(["area_code", "site_id"])
    people = pd.Series(rng.uniform(1, 9, 5), index=[f"a{i}" for i in range(5)])
    staff = pd.Series(rng.uniform(1, 9, 4), index=[f"s{i}" for i in range(4)])
    once = floating_catchment(costs, people, staff, catchment=15)
    again = floating_catchment(
        costs.sample(frac=1, random_state=3), people[::-1], staff[::-1], catchment=15
    )
    pd.testing.assert_series_equal(once, again.reindex(once.index), rtol=1e-12)


@given(seeds)
def test_coverage_never_falls_as_the_threshold_grows(seed: int) -> None:
    xy, demand, sites, _ = case(seed)
    cost_min, _ = nearest_straight_line(xy, sites, detour=1.3, speed_kmh=4.8)
    towns = np.arange(len(xy)) % 3
    before = np.zeros(3)
    thresholds_min = (1.0, 5.0, 15.0, 30.0, 200.0)
    together = coverage_by_threshold(
        cost_min, demand, towns, thresholds_min=thresholds_min, n_parents=3
    )
    for k, threshold_min in enumerate(thresholds_min):
        within = covered(cost_min, threshold_min=threshold_min)
        found = coverage_share(within, demand, towns, n_parents=3)
        assert (found.persons_covered >= before).all()
        assert not (found.share > 1).any()
        np.testing.assert_array_equal(together.persons_covered[:, k], found.persons_covered)
        np.testing.assert_array_equal(together.share[:, k], found.share)
        before = found.persons_covered


@given(seeds, st.sampled_from([3.0, 15.0, 60.0]))
def test_pairs_and_nearest_agree(seed: int, max_cost_min: float) -> None:
    xy, _, sites, _ = case(seed)
    areas, ids = [f"a{i:02}" for i in range(len(xy))], [f"s{i}" for i in range(len(sites))]
    pairs = straight_line_costs(
        xy,
        sites,
        area_codes=areas,
        site_ids=ids,
        detour=1.3,
        speed_kmh=4.8,
        max_cost_min=max_cost_min,
    )
    distance = np.hypot(*(xy[:, None] - sites[None]).transpose(2, 0, 1))
    assert len(pairs) == (distance * 1.3 * 60 / 4800 <= max_cost_min).sum()
    lowest = nearest_cost(pairs, areas=pd.Index(areas), max_cost_min=max_cost_min)
    cost_min, site = nearest_straight_line(xy, sites, detour=1.3, speed_kmh=4.8)
    near = cost_min <= max_cost_min
    np.testing.assert_allclose(lowest[near], cost_min[near])
    assert lowest[~near].isna().all()
    np.testing.assert_allclose(distance[np.arange(len(xy)), site], distance.min(axis=1))


@given(seeds)
def test_more_supply_never_lowers_access_and_more_demand_never_raises_it(seed: int) -> None:
    xy, demand, sites, supply = case(seed)
    base = floating_catchment_points(xy, demand, sites, supply, catchment_m=2000)
    more = supply.copy()
    more[0] += 3
    assert (
        floating_catchment_points(xy, demand, sites, more, catchment_m=2000) >= base - 1e-12
    ).all()
    crowd = np.maximum(demand, 1.0)
    first = floating_catchment_points(xy, crowd, sites, supply, catchment_m=2000)
    crowd = crowd.copy()
    crowd[0] += 40
    assert (
        floating_catchment_points(xy, crowd, sites, supply, catchment_m=2000) <= first + 1e-12
    ).all()


METHODS = st.sampled_from([floating_catchment, three_step_catchment])
TABLE_DECAYS = st.sampled_from(
    [{10.0: 1.0, 25.0: 0.4}, {60.0: 0.5}, gaussian(40.0), power(1.2, least=3.0)]
)


def table(seed: int) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """A few areas and sites, some pairs out of reach, some areas empty, sites without staff."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 14)), int(rng.integers(1, 7))
    area, site = np.nonzero(rng.random((n, m)) < 0.7)
    areas, sites = np.array([f"a{i:02}" for i in range(n)]), np.array([f"s{j}" for j in range(m)])
    costs = pd.DataFrame(
        {
            "area_code": pd.array(areas[area], dtype="str"),
            "site_id": pd.array(sites[site], dtype="str"),
            "cost": rng.uniform(0, 70, len(area)).round(1),
        }
    )
    demand = rng.integers(0, 300, n) * (rng.random(n) < 0.8)
    return (
        costs,
        pd.Series(demand.astype(float), index=areas),
        pd.Series(rng.integers(0, 6, m).astype(float), index=sites),
    )


@given(seeds, METHODS, TABLE_DECAYS)
def test_the_supply_in_reach_is_shared_out_whole(seed: int, method: object, decay: object) -> None:
    costs, demand, supply = table(seed)
    access = method(costs, demand, supply, catchment=45.0, decay=decay)
    near = costs[(costs["cost"] <= 45.0) & (costs["area_code"].map(demand) > 0)]
    weight = (
        decay(near["cost"].to_numpy())
        if callable(decay)
        else np.array([next((w for b, w in sorted(decay.items()) if c <= b), 0.0)
                       for c in near["cost"]])
    )  # fmt: skip
    reached = near.loc[weight > 0, "site_id"].unique()
    np.testing.assert_allclose((demand * access).sum(), supply[reached].sum(), rtol=1e-9)
    assert (access >= 0).all()


@given(seeds, METHODS, TABLE_DECAYS)
def test_more_staff_anywhere_lowers_nobodys_access(
    seed: int, method: object, decay: object
) -> None:
    costs, demand, supply = table(seed)
    before = method(costs, demand, supply, catchment=45.0, decay=decay)
    more = supply.copy()
    more.iloc[0] += 2
    assert (method(costs, demand, more, catchment=45.0, decay=decay) >= before * (1 - 1e-12)).all()


@given(seeds, METHODS)
def test_units_and_row_order_change_nothing(seed: int, method: object) -> None:
    costs, demand, supply = table(seed)
    steps = {10.0: 1.0, 25.0: 0.4, 60.0: 0.1}
    once = method(costs, demand, supply, catchment=45.0, decay=steps)
    in_seconds = method(
        costs.assign(cost=costs["cost"] * 60).sample(frac=1, random_state=seed),
        demand[::-1],
        supply[::-1],
        catchment=45.0 * 60,
        decay={bound * 60: weight for bound, weight in steps.items()},
    )
    np.testing.assert_allclose(once, in_seconds.reindex(once.index), rtol=1e-9)
    in_pairs = method(costs, demand / 2, supply, catchment=45.0, decay=steps)
    np.testing.assert_allclose(once * 2, in_pairs, rtol=1e-9)
    scaled = method(
        costs, demand, supply, catchment=45.0, decay={b: 7 * w for b, w in steps.items()}
    )
    np.testing.assert_allclose(once, scaled, rtol=1e-9)


def halved(costs: pd.DataFrame, supply: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """The first site as two at the same place, each with half of the staff."""
    first = supply.index[0]
    twin = costs[costs["site_id"] == first].assign(site_id="twin")
    halves = supply.copy()
    halves[first] /= 2
    halves["twin"] = halves[first]
    return pd.concat([costs, twin], ignore_index=True), halves


@given(seeds, TABLE_DECAYS)
def test_a_site_in_two_halves_is_the_same_in_two_steps(seed: int, decay: object) -> None:
    costs, demand, supply = table(seed)
    whole = floating_catchment(costs, demand, supply, catchment=45.0, decay=decay)
    two, halves = halved(costs, supply)
    parts = floating_catchment(two, demand, halves, catchment=45.0, decay=decay)
    np.testing.assert_allclose(whole, parts, rtol=1e-9)


@given(seeds, st.sampled_from([10.0, 60.0, 500.0]))
def test_rational_agents_are_in_equilibrium(seed: int, tau: float) -> None:
    costs, demand, supply = table(seed)
    supply.iloc[0] = max(supply.iloc[0], 1.0)
    found = rational_agents(
        costs, demand, supply, tau=tau, rho=100.0, tolerance=1e-11, max_cycles=100_000
    )
    staffed = costs["site_id"].map(supply) > 0
    # Everybody who reaches a site with staff goes to one, and nobody to a site without.
    gone = found.assigned.groupby(costs["area_code"]).sum().reindex(demand.index, fill_value=0.0)
    reaching = demand.index.isin(costs.loc[staffed, "area_code"])
    np.testing.assert_allclose(gone, demand.where(reaching, 0.0), rtol=1e-9)
    assert (found.assigned[~staffed] == 0).all()
    came = found.assigned.groupby(costs["site_id"]).sum().reindex(supply.index, fill_value=0.0)
    np.testing.assert_allclose(came, found.load, rtol=1e-9, atol=1e-9)
    # Each site an area uses costs the least there is, way and congestion together.
    congestion = found.load / (100.0 * supply)
    cost = costs["site_id"].map(congestion) + costs["cost"] / tau
    lowest = cost[staffed].groupby(costs["area_code"]).min().reindex(demand.index)
    np.testing.assert_allclose(found.cost, lowest, rtol=1e-9)
    assert found.cost[~reaching].isna().all()
    paid = (cost.where(staffed, 0.0) * found.assigned).groupby(costs["area_code"]).sum()
    np.testing.assert_allclose(
        paid.reindex(demand.index, fill_value=0.0),
        (demand * lowest).fillna(0.0),
        rtol=1e-6,
        atol=1e-6,
    )


@given(seeds)
def test_rational_agents_gain_by_staff_and_do_not_see_halves_or_units(seed: int) -> None:
    costs, demand, supply = table(seed)
    supply.iloc[0] = max(supply.iloc[0], 1.0)

    def cost(pairs: pd.DataFrame, people: pd.Series, staff: pd.Series, **options: float) -> object:
        return rational_agents(
            pairs, people, staff, tolerance=1e-12, max_cycles=100_000, **options
        ).cost

    base = cost(costs, demand, supply, tau=30.0, rho=100.0)
    more = supply.copy()
    more.iloc[0] += 2
    # At a set congestion scale; the default scale itself moves with the supply.
    np.testing.assert_array_less(
        cost(costs, demand, more, tau=30.0, rho=100.0).dropna(), base.dropna() * (1 + 1e-6) + 1e-9
    )
    two, halves = halved(costs, supply)
    np.testing.assert_allclose(cost(two, demand, halves, tau=30.0, rho=100.0), base, rtol=1e-5)
    seconds = costs.assign(cost=costs["cost"] * 60).sample(frac=1, random_state=seed)
    np.testing.assert_allclose(
        cost(seconds, demand[::-1], supply[::-1], tau=1800.0, rho=100.0).reindex(base.index),
        base,
        rtol=1e-5,
    )
    supply_per_head = effective_supply(base, rho=100.0)
    assert (supply_per_head[base.isna()] == 0).all()
    # Nobody is served better than at no way at all.
    assert (supply_per_head.dropna() * 100.0 * base.fillna(1.0) <= 1 + 1e-12).all()
