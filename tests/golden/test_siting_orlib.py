"""The OR-Library's published optima are reached and proven, and other solvers' on more networks."""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pulp
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, shortest_path

from geo.siting import SitingProblem, solve
from geo.siting.heuristic import search
from geo.siting.prepare import prepare
from geo.siting.stopwatch import Stopwatch

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "orlib"
EXPECTED = pd.read_csv(FOLDER / "expected.csv").set_index("name")
# Many nodes and few sites: HiGHS takes from 2 to 14 s for a proof here, which tests should not.
LONG = {
    "auto": [],
    "exact": ["pmed6", "pmed11", "pmed12", "pmed16", "pmed17", "pmed18"],
    "p_center": ["pmed6", "pmed11", "pmed12", "pmed16", "pmed17", "pmed18"],
}
# Room of a site, the number of sites and the optimum of the networks with room.
ROOM, SITES = 120.0, 5
WITH_ROOM = {"cpmp01": 713, "cpmp04": 651, "cpmp05": 664}


def between(edges: pd.DataFrame, n: int) -> pd.DataFrame:
    """Shortest paths between all nodes; of an edge that comes twice the last length counts."""
    ends = np.sort(edges[["from", "to"]].to_numpy(), axis=1) - 1
    last = pd.DataFrame({"a": ends[:, 0], "b": ends[:, 1], "length": edges["length"]})
    last = last.drop_duplicates(["a", "b"], keep="last")
    graph = coo_array((last["length"].astype(float), (last["a"], last["b"])), shape=(n, n))
    assert connected_components(graph, directed=False)[0] == 1
    codes = [f"{i:03}" for i in range(1, n + 1)]
    return pd.DataFrame(shortest_path(graph.tocsr(), directed=False), codes, codes)


@cache
def published(name: str) -> pd.DataFrame:
    edges = pd.read_csv(FOLDER / f"{name}.csv")
    assert len(edges) == EXPECTED.loc[name, "edges"]
    return between(edges, int(EXPECTED.loc[name, "nodes"]))


def problem(name: str, objective: str) -> SitingProblem:
    costs, p = published(name), int(EXPECTED.loc[name, "p"])
    return SitingProblem(objective, costs, pd.Series(1.0, costs.index), p=p)


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, method) for method in ("auto", "exact") for name in EXPECTED.index.drop(LONG[method])],
)
def test_published_median_is_reached_and_proven(name: str, method: str) -> None:
    found = solve(problem(name, "p_median"), method=method, time_limit_s=600.0)  # type: ignore[arg-type]
    assert found.objective == EXPECTED.loc[name, "median"]
    assert found.proven
    assert found.bound == found.objective
    assert len(found.sites) == EXPECTED.loc[name, "p"]
    assert published(name)[list(found.sites)].min(axis=1).sum() == found.objective


@pytest.mark.parametrize("name", EXPECTED.index.drop(LONG["p_center"]))
def test_published_centre_is_reached_and_proven(name: str) -> None:
    found = solve(problem(name, "p_center"), time_limit_s=600.0)
    assert found.objective == EXPECTED.loc[name, "centre"]
    assert found.proven
    assert len(found.sites) == EXPECTED.loc[name, "p"]
    assert published(name)[list(found.sites)].min(axis=1).max() == found.objective


@pytest.mark.parametrize("name", EXPECTED.index)
def test_search_alone_reaches_the_median_and_its_bound_holds(name: str) -> None:
    instance, optimum = prepare(problem(name, "p_median")), EXPECTED.loc[name, "median"]
    found = search(instance, watch=Stopwatch(600.0), rng=np.random.default_rng(1))
    assert found.objective == optimum
    assert 0.99 * optimum <= found.bound <= optimum * (1 + 1e-9)


@pytest.mark.parametrize("name", WITH_ROOM)
def test_published_median_with_room_is_reached_and_proven(name: str) -> None:
    points = pd.read_csv(FOLDER / "cpmp.csv").query("name == @name").reset_index(drop=True)
    points.index = pd.Index([f"{i:02}" for i in points.index])
    xy, demand = points[["x", "y"]].to_numpy(float), points["demand"].astype(float)
    away = np.floor(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)))
    # Every point weighs 1, whatever it demands: what is multiplied by the demand is divided by it.
    costs = pd.DataFrame(away / demand.to_numpy()[:, None], points.index, points.index)
    found = solve(
        SitingProblem("p_median", costs, demand, p=SITES, capacity=ROOM, split=False),
        time_limit_s=600.0,
    )
    assert found.objective == pytest.approx(WITH_ROOM[name], rel=1e-9)
    assert found.proven
    assert len(found.sites) == SITES
    assert demand.groupby(found.assignment).sum().max() <= ROOM
    at = points.index.get_indexer(found.assignment)
    assert away[np.arange(len(points)), at].sum() == WITH_ROOM[name]


def test_published_set_cover_with_costs_is_reached_and_proven() -> None:
    rows = [line.split() for line in (FOLDER / "scp41_rows.txt").read_text().splitlines()]
    table = pd.read_csv(FOLDER / "scp41_costs.csv")
    cost = pd.Series(np.repeat(table["cost"].to_numpy(float), table["columns"]))
    cost.index = pd.Index([str(column) for column in range(1, len(cost) + 1)])
    assert len(rows) == 200
    assert len(cost) == 1000
    pairs = pd.DataFrame(
        [(str(i), column, 1.0) for i, row in enumerate(rows) for column in row],
        columns=["area_code", "site_id", "cost"],
    )
    demand = pd.Series(1.0, [str(i) for i in range(len(rows))])
    found = solve(SitingProblem("set_cover", pairs, demand, radius=1.0, cost=cost))
    assert found.objective == 429
    assert found.proven
    assert cost[list(found.sites)].sum() == 429
    assert all(set(row) & set(found.sites) for row in rows)


def random_network(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Beasley's recipe (1985): a ring, then random edges until there are n² / 50, lengths 1–100."""
    m = n * n // 50
    start = np.append(np.arange(n), rng.integers(0, n, m - n))
    step = np.append(np.ones(n, int), rng.integers(1, n, m - n))
    ends = {"from": start + 1, "to": (start + step) % n + 1, "length": rng.integers(1, 101, m)}
    return between(pd.DataFrame(ends), n)


def textbook(costs: pd.DataFrame, p: int) -> float:
    """Median as ReVelle & Swain (1970) write it, by CBC."""
    model, nodes = pulp.LpProblem("median", pulp.LpMinimize), list(costs.index)
    is_open = {j: model.add_variable(f"y{j}", cat="Binary") for j in nodes}
    serves = {(i, j): model.add_variable(f"x{i}_{j}", 0) for i, j in product(nodes, nodes)}
    model += pulp.lpDot(costs.to_numpy().ravel().tolist(), list(serves.values()))
    model += pulp.lpSum(is_open.values()) == p
    for i in nodes:
        model += pulp.lpSum(serves[i, j] for j in nodes) == 1
    for (_, j), share in serves.items():
        model += share <= is_open[j]
    assert model.solve(pulp.PULP_CBC_CMD(msg=False, threads=1)) == pulp.LpStatusOptimal
    return float(pulp.value(model.objective))


@pytest.mark.filterwarnings("ignore:PULP_CBC_CMD is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("n", "p", "seed"), [(80, 4, 1), (80, 20, 2)])
def test_random_network_has_the_optimum_of_another_solver(n: int, p: int, seed: int) -> None:
    costs = random_network(n, np.random.default_rng(seed))
    asked = SitingProblem("p_median", costs, pd.Series(1.0, costs.index), p=p)
    optimum = textbook(costs, p)
    exact = solve(asked, method="exact", time_limit_s=600.0)
    assert exact.objective == pytest.approx(optimum, rel=1e-9)
    assert exact.proven
    assert costs[list(exact.sites)].min(axis=1).sum() == exact.objective
    quick = solve(asked, method="heuristic", time_limit_s=600.0)
    assert quick.bound <= optimum * (1 + 1e-9)
    assert quick.objective >= optimum * (1 - 1e-9)
