"""The published optima of the OR-Library's p-median networks are reached and proven."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, shortest_path

from geo.siting import SitingProblem, solve
from geo.siting.heuristic import search
from geo.siting.prepare import prepare
from geo.siting.stopwatch import Stopwatch

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "orlib"
EXPECTED = pd.read_csv(FOLDER / "expected.csv").set_index("name")
# Without the quick search before it the exact one takes some ten seconds on each of these.
SLOW_ALONE = ["pmed6", "pmed11", "pmed12"]


@cache
def costs(name: str) -> pd.DataFrame:
    """Shortest paths between all nodes; of an edge that comes twice the last length counts."""
    edges, n = pd.read_csv(FOLDER / f"{name}.csv"), int(EXPECTED.loc[name, "nodes"])
    assert len(edges) == EXPECTED.loc[name, "edges"]
    ends = np.sort(edges[["from", "to"]].to_numpy(), axis=1) - 1
    last = pd.DataFrame({"a": ends[:, 0], "b": ends[:, 1], "length": edges["length"]})
    last = last.drop_duplicates(["a", "b"], keep="last")
    graph = coo_array((last["length"].astype(float), (last["a"], last["b"])), shape=(n, n))
    assert connected_components(graph, directed=False)[0] == 1
    codes = [f"{i:03}" for i in range(1, n + 1)]
    return pd.DataFrame(shortest_path(graph.tocsr(), directed=False), codes, codes)


def problem(name: str, objective: str) -> SitingProblem:
    way = costs(name)
    return SitingProblem(
        objective,  # type: ignore[arg-type]
        way,
        pd.Series(1.0, way.index),
        p=int(EXPECTED.loc[name, "p"]),
    )


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, "auto") for name in EXPECTED.index]
    + [(name, "exact") for name in EXPECTED.index.drop(SLOW_ALONE)],
)
def test_published_median_is_reached_and_proven(name: str, method: str) -> None:
    found = solve(problem(name, "p_median"), method=method, time_limit_s=600.0)  # type: ignore[arg-type]
    assert found.objective == EXPECTED.loc[name, "median"]
    assert found.proven
    assert found.bound == found.objective
    assert len(found.sites) == EXPECTED.loc[name, "p"]
    assert costs(name)[list(found.sites)].min(axis=1).sum() == found.objective


@pytest.mark.parametrize("name", EXPECTED.index)
def test_published_centre_is_reached_and_proven(name: str) -> None:
    found = solve(problem(name, "p_center"), time_limit_s=600.0)
    assert found.objective == EXPECTED.loc[name, "centre"]
    assert found.proven
    assert len(found.sites) == EXPECTED.loc[name, "p"]
    assert costs(name)[list(found.sites)].min(axis=1).max() == found.objective


@pytest.mark.parametrize("name", EXPECTED.index)
def test_search_alone_reaches_the_median_and_its_bound_holds(name: str) -> None:
    instance, optimum = prepare(problem(name, "p_median")), EXPECTED.loc[name, "median"]
    found = search(instance, watch=Stopwatch(600.0), rng=np.random.default_rng(1))
    assert found.objective == optimum
    assert 0.99 * optimum <= found.bound <= optimum * (1 + 1e-9)
