"""Kulldorff's Poisson scan once more: every circle of every centre, in plain Python."""

from __future__ import annotations

import math
from itertools import pairwise


def circles(xy: list[tuple[float, float]]) -> list[frozenset[int]]:
    """Every set of areas that a circle around one of them can hold."""
    found = []
    for x, y in xy:
        squares = [round((px - x) ** 2 + (py - y) ** 2, 6) for px, py in xy]
        found += [
            frozenset(i for i, square in enumerate(squares) if square <= radius)
            for radius in sorted(set(squares))
        ]
    return found


def ratio(count: float, expected: float, total: float) -> float:
    """Logarithm of the likelihood ratio, 0 where there are not more than expected."""
    if count <= expected or expected <= 0:
        return 0.0
    rest = total - count
    outside = rest * math.log(rest / (total - expected)) if rest > 0 else 0.0
    return count * math.log(count / expected) + outside


def clusters(
    weekly: list[list[float]],
    population: list[float],
    xy: list[tuple[float, float]],
    share: float,
    max_weeks: int,
) -> list[tuple[float, frozenset[int], int]]:
    """Ratio, members and weeks of the most likely window, and of those disjoint from it."""
    total, persons = sum(map(sum, weekly)), sum(population)
    judged = []
    for weeks in range(1, max_weeks + 1):
        for members in circles(xy):
            inside = sum(population[i] for i in members) / persons
            if inside <= share + 1e-12:
                count = sum(week[i] for week in weekly[-weeks:] for i in members)
                expected = total * inside * weeks / len(weekly)
                judged.append((ratio(count, expected, total), members, weeks))
    chosen: list[tuple[float, frozenset[int], int]] = []
    while True:
        free = [w for w in judged if w[0] > 0 and not any(w[1] & c[1] for c in chosen)]
        if not free:
            assert all(a[0] >= b[0] for a, b in pairwise(chosen))
            return chosen
        chosen.append(max(free, key=lambda window: window[0]))
