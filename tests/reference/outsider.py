"""An outsider with a solver: what can be concluded about withheld counts in one week."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp


def concluded(
    counts: list[np.ndarray], withheld: list[np.ndarray], parents: list[np.ndarray]
) -> list[list[tuple[float, float]]]:
    """Least and largest value of every count, by integer programming; counts add up.

    A withheld count is at least 1, or 0 where a zero of the same parent is withheld too.
    """
    sizes = [len(level) for level in counts]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    floors = []
    for i, (level, mask) in enumerate(zip(counts, withheld, strict=True)):
        floor = np.where(mask, 1.0, level)
        for j in np.flatnonzero(mask & (level == 0)) if i < len(parents) else []:
            floor[mask & (parents[i] == parents[i][j])] = 0.0
        floors.append(floor)
    low = np.concatenate(floors)
    high = np.concatenate([np.where(m, np.inf, c) for c, m in zip(counts, withheld, strict=True)])
    rows = []
    for i, index in enumerate(parents):
        for p in range(sizes[i + 1]):
            row = np.zeros(starts[-1])
            row[starts[i + 1] + p] = -1.0
            row[starts[i] + np.flatnonzero(index == p)] = 1.0
            if (index == p).any():
                rows.append(row)
    limits = [LinearConstraint(np.array(rows), 0, 0)] if rows else []
    result = []
    for i, size in enumerate(sizes):
        spans = []
        for j in range(size):
            ends = []
            for sign in (1.0, -1.0):
                goal = np.zeros(starts[-1])
                goal[starts[i] + j] = sign
                found = milp(
                    goal,
                    constraints=limits,
                    integrality=np.ones(starts[-1]),
                    bounds=Bounds(low, high),
                )
                # Status 3 is unbounded; 4 is how some cases of it are told.
                ends.append(sign * found.fun if found.status == 0 else np.inf)
            spans.append((round(ends[0], 6), round(ends[1], 6)))
        result.append(spans)
    return result
