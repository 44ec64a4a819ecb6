"""How fast the nearest sites over roads are found: both sides in one run, equal answers."""

from __future__ import annotations

import os
import sys

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from geo.travel import k_nearest_sites
from tests.bench.bench_geo import measure, row

K = 5


def lattice(side: int, seed: int = 3) -> csr_array:
    """A road graph [m]: streets of a grid, a fifth of them missing, of uneven lengths."""
    rng = np.random.default_rng(seed)
    number = np.arange(side * side).reshape(side, side)
    start = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    stop = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    kept = rng.random(len(start)) < 0.8
    start, stop = start[kept], stop[kept]
    metres = rng.uniform(50, 150, len(start))
    places = (np.concatenate([start, stop]), np.concatenate([stop, start]))
    return coo_array((np.tile(metres, 2), places), shape=(side**2, side**2)).tocsr()


def nearest_row(*, side: int, n_sites: int) -> dict[str, object]:
    """Five nearest sites of every node; the peer is given a limit within which they are."""
    graph = lattice(side)
    n = side * side
    sites = np.random.default_rng(4).choice(n, n_sites, replace=False)
    everywhere, _ = k_nearest_sites(graph, sites, k=K)
    # What one cannot know beforehand: within it every node that has five sites has them.
    limit = float(np.nanmax(everywhere[:, K - 1]))

    def ours() -> object:
        return k_nearest_sites(graph, sites, k=K, limit=limit)[0]

    def theirs() -> object:
        best = np.full((n, K), np.inf)
        for site in sites:
            metres = dijkstra(graph, indices=site, limit=limit)
            near = np.flatnonzero(metres <= limit)
            kept = np.concatenate([best[near], metres[near, None]], axis=1)
            kept.partition(K - 1, axis=1)
            best[near] = kept[:, :K]
        best.sort(axis=1)
        return best

    fast, slow = measure(ours, repeat=3), measure(theirs, repeat=1)
    np.testing.assert_array_equal(np.nan_to_num(fast.result, nan=np.inf), slow.result)
    work = f"{K} nearest of {n_sites:,} sites, road graph of {n:,} nodes"
    return row(work, "scipy dijkstra per site, limit known", slow, fast)


def rows(quick: bool) -> list[dict[str, object]]:
    """All rows of the table: a small case when `quick`."""
    side, n_sites = (120, 40) if quick else (1_000, 1_000)
    return [nearest_row(side=side, n_sites=n_sites)]


def test_travel() -> None:
    """Measure, check that both sides agree, print."""
    lines = rows(os.environ.get("XINTU_BENCH") == "quick")
    sys.stdout.write(f"\n{pd.DataFrame(lines).to_string(index=False)}\n")


if __name__ == "__main__":
    test_travel()
