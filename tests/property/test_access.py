"""Identities of access and coverage that hold by definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from geo.access import floating_catchment, floating_catchment_points
from geo.coverage import coverage_share, covered, nearest_cost
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
    for threshold_min in (1.0, 5.0, 15.0, 30.0, 200.0):
        within = covered(cost_min, threshold_min=threshold_min)
        found = coverage_share(within, demand, towns, n_parents=3)
        assert (found.persons_covered >= before).all()
        assert not (found.share > 1).any()
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
