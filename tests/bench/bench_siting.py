"""How fast sites are chosen, beside spopt with CBC: equal optima, checked in the same run.

Points and candidates lie anywhere in a square of side 1, persons are 1 to 99 a point; every row
names its seed. What is timed starts from the table of costs and ends with a solution: reading and
checking the input, and the model of the peer, are part of it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pulp
from scipy.spatial import cKDTree
from spopt.locate import MCLP, PMedian

from geo.siting import SitingProblem, SitingSolution
from geo.siting.solve import solve
from tests.bench.bench_geo import Run, measure, row

NOTES = """Uniform points, candidates and persons (1 to 99) in a square of side 1; in rows that
name clusters, normally spread points of different number and width, candidates among them, and
a radius with which 50 sites cover about three quarters. The seed is in the row, or 1. The table
of costs is there before; its check, merging, search, proof and assignment are timed, in one
thread. The first call of a process loads HiGHS, which is not timed.
"""


def town(
    *, n: int, m: int, seed: int, clusters: int = 0
) -> tuple[np.ndarray, np.ndarray, pd.Series]:
    """Points, sites and persons."""
    rng = np.random.default_rng(seed)
    codes = pd.Index([f"{i:012}" for i in range(n)], dtype="str")
    if clusters:
        middle = rng.uniform(0, 1, (clusters, 2))
        width = rng.lognormal(np.log(0.25 / np.sqrt(clusters)), 0.5, clusters)
        own = rng.choice(clusters, n, p=rng.dirichlet(np.ones(clusters)))
        xy = middle[own] + rng.normal(size=(n, 2)) * width[own, None]
        sites = xy[rng.choice(n, m, replace=False)]
    else:
        xy, sites = rng.uniform(0, 1, (n, 2)), rng.uniform(0, 1, (m, 2))
    return xy, sites, pd.Series(rng.integers(1, 100, n).astype(float), index=codes)


def names(m: int) -> np.ndarray:
    return np.array([f"s{j:05}" for j in range(m)])


def coverage(
    *, n: int, m: int, p: int, radius: float, seed: int, clusters: int = 0
) -> SitingProblem:
    """Only pairs within the radius, as travel tables have them."""
    xy, sites, demand = town(n=n, m=m, seed=seed, clusters=clusters)
    near = cKDTree(xy).sparse_distance_matrix(cKDTree(sites), radius, output_type="ndarray")
    costs = pd.DataFrame(
        {
            "area_code": pd.array(demand.index.to_numpy()[near["i"]], dtype="str"),
            "site_id": pd.array(names(m)[near["j"]], dtype="str"),
            "cost": near["v"],
        }
    )
    return SitingProblem(
        "max_coverage", costs, demand, p=p, radius=radius, candidates=list(names(m))
    )


def median(*, n: int, m: int, p: int, seed: int) -> SitingProblem:
    """Every pair."""
    xy, sites, demand = town(n=n, m=m, seed=seed)
    away = np.hypot(*(xy[:, None] - sites[None]).transpose(2, 0, 1))
    return SitingProblem("p_median", pd.DataFrame(away, demand.index, names(m)), demand, p=p)


def ours(problem: SitingProblem, *, limit_s: float, method: str = "auto") -> SitingSolution:
    rng = np.random.default_rng(1)
    return solve(problem, method=method, time_limit_s=limit_s, rng=rng)  # type: ignore[arg-type]


def beside(problem: SitingProblem, work: str, *, target: float) -> dict[str, object]:
    """One row against spopt, whose optimum must be ours."""
    solver = pulp.PULP_CBC_CMD(msg=False, threads=1)
    persons, p = problem.demand, problem.p
    assert isinstance(persons, pd.Series)
    assert isinstance(p, int)
    if problem.objective == "p_median":
        table = problem.costs.to_numpy()
    else:
        wide = problem.costs.pivot_table(index="area_code", columns="site_id", values="cost")
        wide = wide.reindex(index=persons.index, columns=names(len(problem.candidates or ())))
        table = wide.fillna(9.0).to_numpy()

    def theirs() -> float:
        if problem.objective == "p_median":
            model = PMedian.from_cost_matrix(table, persons.to_numpy(), p)
            return float(pulp.value(model.solve(solver).problem.objective))
        model = MCLP.from_cost_matrix(table, persons.to_numpy(), problem.radius, p)
        return float(pulp.value(model.solve(solver).problem.objective))

    def mine() -> SitingSolution:
        return ours(problem, limit_s=300.0)

    fast, slow = measure(mine, repeat=3), measure(theirs, repeat=1)
    assert fast.result.proven
    np.testing.assert_allclose(fast.result.objective, slow.result, rtol=1e-6)
    line = row(work, "spopt, CBC", slow, fast)
    met = "met" if slow.seconds >= target * fast.seconds else "MISSED"
    return line | {"note": f"target {target:g}× {met}; both proven"}


def alone(problem: SitingProblem, work: str, *, target_s: float, gap: float) -> dict[str, object]:
    """One row without a peer: the gap within a time, or the proof where none is left."""

    def mine() -> SitingSolution:
        # The check of the input comes on top of the limit.
        return ours(problem, limit_s=0.9 * target_s, method="heuristic" if gap else "auto")

    fast: Run = measure(mine, repeat=1)
    found = fast.result
    wanted = f"gap {gap:.1%}" if gap else "proof"
    met = "met" if found.gap <= gap and fast.seconds <= target_s else "MISSED"
    told = "proven" if found.proven else f"gap {found.gap:.3%}"
    return {
        "work": work,
        "ours": f"{fast.seconds:.3g} s, {fast.peak_mb:,.0f} MB",
        "peer": "–",
        "ratio": "",
        "note": f"{told}; target {wanted} in {target_s:g} s {met}",
    }


def rows(quick: bool) -> list[dict[str, object]]:
    """All rows of the table."""
    # Compiled loops and HiGHS are loaded before anything is timed.
    ours(coverage(n=6_000, m=200, p=8, radius=0.1, seed=9), limit_s=20.0)
    ours(median(n=600, m=100, p=8, seed=9), limit_s=20.0)
    small, large = ((2_000, 100, 10), (20_000, 400, 20)) if quick else (
        (10_000, 500, 20), (100_000, 2_000, 50),
    )  # fmt: skip
    few, many = ((300, 40, 5), (2_000, 100, 10)) if quick else ((1_000, 100, 10), (10_000, 500, 20))
    found = []
    for seed in (1, 2):
        n, m, p = small
        problem = coverage(n=n, m=m, p=p, radius=0.08, seed=seed)
        work = f"most coverage {n:,} × {m}, p = {p}, radius 0.08, seed {seed}"
        found.append(beside(problem, work, target=100.0))
    n, m, p = large
    for seed, radius in ((1, 0.05), (2, 0.05), (1, 0.04)):
        problem = coverage(n=n, m=m, p=p, radius=radius, seed=seed)
        work = f"most coverage {n:,} × {m:,}, p = {p}, radius {radius}, seed {seed}"
        found += [
            alone(problem, work, target_s=5.0, gap=0.002),
            alone(problem, work, target_s=60.0, gap=0.0),
        ]
    for clusters, radius in ((100, 0.044), (20, 0.041)):
        problem = coverage(n=n, m=m, p=p, radius=radius, seed=1, clusters=clusters)
        work = f"most coverage {n:,} × {m:,} in {clusters} clusters, p = {p}, radius {radius}"
        found.append(alone(problem, work, target_s=5.0, gap=0.002))
    n, m, p = few
    for seed in (1, 2):
        problem = median(n=n, m=m, p=p, seed=seed)
        found.append(beside(problem, f"p-median {n:,} × {m}, p = {p}, seed {seed}", target=40.0))
    n, m, p = many
    for seed in (1, 2):
        problem = median(n=n, m=m, p=p, seed=seed)
        work = f"p-median {n:,} × {m}, p = {p}, seed {seed}"
        found.append(alone(problem, work, target_s=10.0, gap=0.005))
    return found
