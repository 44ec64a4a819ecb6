"""How fast access by table is beside pysal access: the same pairs, equal answers checked first."""

from __future__ import annotations

import numpy as np
import pandas as pd
from access.fca import three_stage_fca
from access.raam import raam
from access.weights import step_fn
from scipy.spatial import cKDTree

from geo.access import (
    THREE_STEP_STEPS_MIN,
    rational_agents,
    rational_agents_by_cycles,
    three_step_catchment,
)
from tests.bench.bench_geo import Run, measure, row

N_NEAR = 20
TAU_MIN = 60.0
Case = tuple[pd.DataFrame, pd.Series, pd.Series]


def case(*, n: int, m: int) -> Case:
    """Each area with its 20 nearest sites; minutes at 30 km/h over 1.3 times the straight line."""
    rng = np.random.default_rng(6)
    xy = np.concatenate([rng.normal(25e3, 5e3, (n // 2, 2)), rng.uniform(0, 50e3, (n - n // 2, 2))])
    metres, site = cKDTree(rng.uniform(0, 50e3, (m, 2))).query(xy, N_NEAR)
    areas, sites = np.array([f"{i:012}" for i in range(n)]), np.array([f"s{j}" for j in range(m)])
    costs = pd.DataFrame(
        {
            "area_code": pd.array(np.repeat(areas, N_NEAR), dtype="str"),
            "site_id": pd.array(sites[site.ravel()], dtype="str"),
            "cost": metres.ravel() * 1.3 / 500.0,
        }
    )
    demand = pd.Series(rng.integers(1, 900, n), index=areas)
    return costs, demand, pd.Series(rng.integers(1, 9, m).astype(float), index=sites)


def their_frames(one: Case) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The case as pysal access wants it."""
    costs, demand, supply = one
    return (
        demand.rename("demand").rename_axis("geoid").to_frame(),
        supply.rename("supply").rename_axis("geoid").to_frame(),
        costs.rename(columns={"area_code": "origin", "site_id": "dest"}),
    )


def three_step_row(one: Case) -> dict[str, object]:
    """3SFCA with the paper's steps."""
    costs, demand, supply = one
    people, staff, pairs = their_frames(one)

    def theirs() -> object:
        return three_stage_fca(
            people.reset_index(), staff, pairs, max_cost=60.0,
            weight_fn=step_fn(dict(THREE_STEP_STEPS_MIN)),
        ).reindex(demand.index, fill_value=0.0)  # fmt: skip

    def ours() -> object:
        return three_step_catchment(costs, demand, supply, catchment=60.0)

    fast, slow = measure(ours, repeat=3), measure(theirs, repeat=1)
    np.testing.assert_allclose(fast.result, slow.result, rtol=0, atol=1e-9)
    return row(f"3SFCA {len(demand):,} x {N_NEAR} pairs", "pysal access", slow, fast)


def cycles_row(one: Case) -> tuple[dict[str, object], Run]:
    """RAAM by the published 150 cycles; persons in each pair agree, checked through the costs."""
    costs, demand, supply = one
    people, staff, pairs = their_frames(one)

    def theirs() -> object:
        return raam(people, staff, pairs, tau=TAU_MIN).reindex(demand.index)

    def ours() -> object:
        return rational_agents_by_cycles(costs, demand, supply, tau=TAU_MIN)

    ours()
    fast, slow = measure(ours, repeat=3), measure(theirs, repeat=1)
    # Theirs adds the congestion before the last cycle to the persons after it.
    before = rational_agents_by_cycles(costs, demand, supply, tau=TAU_MIN, max_cycles=149)
    congestion = before.load / supply / (demand.sum() / supply.sum())
    cost = congestion.reindex(costs["site_id"]).to_numpy() + costs["cost"] / TAU_MIN
    paid = (cost * fast.result.assigned).groupby(costs["area_code"]).sum() / demand
    np.testing.assert_allclose(paid, slow.result, rtol=0, atol=1e-9)
    work = f"RAAM by 150 cycles {len(demand):,} x {N_NEAR} pairs"
    return row(work, "pysal access", slow, fast), slow


def equilibrium_row(one: Case, slow: Run) -> dict[str, object]:
    """RAAM's equilibrium to a gap of 1e-4, beside the peer's 150 cycles, which end further off."""
    costs, demand, supply = one

    def ours() -> object:
        return rational_agents(costs, demand, supply, tau=TAU_MIN)

    ours()
    fast = measure(ours, repeat=3)
    assert fast.result.gap <= 1e-4
    ended = rational_agents_by_cycles(costs, demand, supply, tau=TAU_MIN)
    line = row(f"RAAM equilibrium {len(demand):,} x {N_NEAR} pairs", "150 cycles", slow, fast)
    return line | {"note": f"gap {fast.result.gap:.1g} against {ended.gap:.1g}"}


def rows(quick: bool) -> list[dict[str, object]]:
    """All rows of the table. The peer's RAAM holds areas x sites, so its case is smaller."""
    wide = case(n=4_000, m=100) if quick else case(n=100_000, m=2_000)
    narrow = case(n=2_000, m=60) if quick else case(n=20_000, m=400)
    cycles, slow = cycles_row(narrow)
    return [three_step_row(wide), cycles, equilibrium_row(narrow, slow)]
