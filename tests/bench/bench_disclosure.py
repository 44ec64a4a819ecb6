"""What withholding costs: time, and counts lost beyond the small ones, beside a plain greedy."""

from __future__ import annotations

import os
import sys
import time

import numpy as np
import pandas as pd

from geo.disclosure import outsider_range, release_sums, suppress_hierarchy
from geo.model import Missing
from tests.reference.greedy import Line, greedy, greedy_until_safe

K = 10
NOTES = (
    "Lost: counts above 0 withheld beyond those from 1 to k − 1, over all levels; with sums also "
    "four-week sums of k or more. Told: small counts that an outsider tells apart within their "
    "week. The greedy (tests/reference/greedy.py) looks at one table at a time; the safe one goes "
    "on until nothing can be told. Zeros: true zeros withheld by ours, by neither greedy."
)
Stack = tuple[list[np.ndarray], list[np.ndarray]]


def city(n_cells: int, n_weeks: int, *, mean: float, seed: int = 0) -> Stack:
    """Counts of cells, villages of about 13, towns of about 15 and the county; and parents."""
    rng = np.random.default_rng(seed)
    n_villages = max(n_cells // 13, 1)
    n_towns = max(n_villages // 15, 1)
    parents = [
        np.sort(rng.integers(0, n_villages, n_cells)),
        np.sort(rng.integers(0, n_towns, n_villages)),
        np.zeros(n_towns, dtype=int),
    ]
    rate = rng.lognormal(np.log(mean), 1.0, n_cells)
    counts = [rng.poisson(rate, (n_weeks, n_cells)).astype(float)]
    for index, n in zip(parents, (n_villages, n_towns, 1), strict=True):
        above = np.zeros((n, n_weeks))
        np.add.at(above, index, counts[-1].T)
        counts.append(above.T.copy())
    return counts, parents


def lines_of(counts: list[np.ndarray], parents: list[np.ndarray], *, sums: bool) -> list[Line]:
    """Parents and their children in every week; with `sums` also weeks and their sum."""
    n_weeks = len(counts[0])
    width = sum(level.shape[1] for level in counts)
    starts = np.cumsum([0, *(level.shape[1] for level in counts)])
    lines: list[Line] = []
    for week in range(n_weeks + sums):
        for i, index in enumerate(parents):
            for p in range(counts[i + 1].shape[1]):
                members = np.flatnonzero(index == p)
                if len(members):
                    parts = (week * width + starts[i] + members).tolist()
                    lines.append((parts, week * width + int(starts[i + 1]) + p))
    if sums:
        lines += [
            ([week * width + cell for week in range(n_weeks)], n_weeks * width + cell)
            for cell in range(width)
        ]
    return lines


def told(counts: list[np.ndarray], states: list[np.ndarray], parents: list[np.ndarray]) -> int:
    """Small counts whose exact range lies on one side of k."""
    spans = outsider_range(counts, states, parents)
    return sum(
        int((((c > 0) & (c < K)) & ((span.high < K) | (span.low >= K))).sum())
        for c, span in zip(counts, spans, strict=True)
    )


def loss_row(name: str, n_cells: int, *, mean: float, n_weeks: int = 4) -> dict[str, object]:
    """One week's tree after the other, then four weeks with their sums, both ways."""
    counts, parents = city(n_cells, n_weeks, mean=mean)
    start = time.perf_counter()
    published = suppress_hierarchy(counts, parents, k=K)
    states = [one.states for one in published]
    released = release_sums(counts, states, parents, [(0, n_weeks - 1)], k=K)
    seconds = time.perf_counter() - start
    flat = np.concatenate(counts, axis=1)
    small = (flat > 0) & (flat < K)
    ours = np.concatenate(states, axis=1) == Missing.SUPPRESSED
    tree = greedy(flat.ravel(), lines_of(counts, parents, sums=False), k=K).reshape(flat.shape)
    edges = np.cumsum([level.shape[1] for level in counts])[:-1]
    tree_states = [
        np.where(part, Missing.SUPPRESSED, Missing.OK).astype(np.uint8)
        for part in np.split(tree, edges, axis=1)
    ]
    total = flat.sum(axis=0)
    both = np.concatenate([flat, total[None]])
    linked = greedy(both.ravel(), lines_of(counts, parents, sums=True), k=K).reshape(both.shape)
    fit = total >= K
    return {
        "case": name,
        "counts above 0": int((flat > 0).sum()),
        "small": int(small.sum()),
        "lost, trees": int((ours & ~small & (flat > 0)).sum()),
        "greedy's": int((tree & ~small & (flat > 0)).sum()),
        "safe greedy's": _lost_when_safe(counts, parents),
        "zeros": int((ours & (flat == 0)).sum()),
        "told": told(counts, states, parents),
        "greedy's told": told(counts, tree_states, parents),
        "lost with sums": int((ours & ~small & (flat > 0)).sum())
        + int((fit & ~np.concatenate([r[0] for r in released])).sum()),
        "greedy's with sums": int((linked[:-1] & ~small & (flat > 0)).sum())
        + int((linked[-1] & fit).sum()),
        "seconds": round(seconds, 2),
    }


def _lost_when_safe(counts: list[np.ndarray], parents: list[np.ndarray]) -> int:
    """Counts above 0 that a greedy gives up until nothing can be told; it gives up no zeros."""
    lost = 0
    for week in range(len(counts[0])):
        row = [level[week] for level in counts]
        for level, mask in zip(row, greedy_until_safe(row, parents, k=K), strict=True):
            lost += int((mask & (level >= K)).sum())
    return lost


def rows(quick: bool) -> list[dict[str, object]]:
    """All rows of the table: small cases when `quick`."""
    n = 600 if quick else 2_400
    return [
        loss_row("rare", n, mean=0.05),
        loss_row("usual", n, mean=0.3),
        loss_row("common", n, mean=2.0),
    ]


def test_disclosure() -> None:
    """Measure, check that nothing is told, print."""
    lines = rows(os.environ.get("XINTU_BENCH") == "quick")
    sys.stdout.write(f"\n{pd.DataFrame(lines).to_string(index=False)}\n")
    assert all(line["told"] == 0 for line in lines)


if __name__ == "__main__":
    test_disclosure()
