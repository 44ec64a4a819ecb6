"""The published optima of the OR-Library's p-median networks are reached and proven."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import shortest_path

from geo.siting import SitingProblem, solve
from geo.siting.heuristic import search
from geo.siting.prepare import prepare
from geo.siting.stopwatch import Stopwatch

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "orlib"
EXPECTED = pd.read_csv(FOLDER / "expected.csv").set_index("name")


def problem(name: str) -> SitingProblem:
    """Shortest paths between all nodes; the last length of an edge counts."""
    edges, n = pd.read_csv(FOLDER / f"{name}.csv"), int(EXPECTED.loc[name, "nodes"])
    assert len(edges) == EXPECTED.loc[name, "edges"]
    ends = np.sort(edges[["from", "to"]].to_numpy(), axis=1) - 1
    last = pd.DataFrame({"a": ends[:, 0], "b": ends[:, 1], "length": edges["length"]})
    last = last.drop_duplicates(["a", "b"], keep="last")
    graph = coo_array((last["length"].astype(float), (last["a"], last["b"])), shape=(n, n))
    codes = [f"{i:03}" for i in range(1, n + 1)]
    costs = pd.DataFrame(shortest_path(graph.tocsr(), directed=False), codes, codes)
    return SitingProblem("p_median", costs, pd.Series(1.0, codes), p=int(EXPECTED.loc[name, "p"]))


@pytest.mark.parametrize("name", EXPECTED.index)
@pytest.mark.parametrize("method", ["auto", "exact"])
def test_published_optimum_is_reached_and_proven(name: str, method: str) -> None:
    found = solve(problem(name), method=method, time_limit_s=60.0)  # type: ignore[arg-type]
    assert found.objective == EXPECTED.loc[name, "optimum"]
    assert found.proven
    assert found.bound == found.objective


@pytest.mark.parametrize("name", EXPECTED.index)
def test_search_alone_reaches_the_optimum_and_its_bound_holds(name: str) -> None:
    instance, optimum = prepare(problem(name)), EXPECTED.loc[name, "optimum"]
    found = search(instance, watch=Stopwatch(60.0), rng=np.random.default_rng(1))
    assert found.objective == optimum
    assert 0.99 * optimum <= found.bound <= optimum * (1 + 1e-9)
