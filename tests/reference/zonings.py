"""Worst tenths, points and shares that stay, in plain loops over residents."""

from __future__ import annotations

import math
from collections.abc import Sequence


def worst(values: Sequence[float], persons: Sequence[int], share: float) -> list[int]:
    """The same by queueing every single resident, worst-off first."""
    ranked = [i for i, v in enumerate(values) if not math.isnan(v) and persons[i] > 0]
    queue = sorted((values[i] for i in ranked for _ in range(persons[i])), reverse=True)
    wanted = math.ceil(share * len(queue) - 1e-9)
    marks = [-1] * len(values)
    for i in ranked:
        marks[i] = int(values[i] >= queue[max(wanted, 1) - 1])
    return marks


def staying(
    first: Sequence[int], second: Sequence[int], persons: Sequence[float]
) -> tuple[float, float]:
    """Share of the first worst that is in the second, and what chance would give."""
    here = there = everybody = by_chance = 0.0
    for a, b, people in zip(first, second, persons, strict=True):
        if a < 0 or b < 0:
            continue
        everybody += people
        if b == 1:
            by_chance += people
        if a == 1:
            here += people
            if b == 1:
                there += people
    return (there / here if here else math.nan, by_chance / everybody if everybody else math.nan)


def points(value: float, bounds: Sequence[float], given: Sequence[float]) -> float:
    """Points of one value."""
    if math.isnan(value):
        return math.nan
    reached = given[0]
    for bound, point in zip(bounds, given[1:], strict=True):
        if value >= bound:
            reached = point
    return reached


def score(parts: Sequence[float], most: Sequence[float]) -> float:
    """Points of the known parts, stretched to all parts; NaN under half of them."""
    known = [(p, m) for p, m in zip(parts, most, strict=True) if not math.isnan(p)]
    possible = sum(m for _, m in known)
    if possible < 0.5 * sum(most):
        return math.nan
    return sum(p for p, _ in known) / possible * sum(most)


def median(values: Sequence[float], persons: Sequence[int]) -> float:
    """Value of the resident in the middle of a queue, of two the worse."""
    queue = sorted(
        (v for v, n in zip(values, persons, strict=True) if not math.isnan(v) for _ in range(n)),
        reverse=True,
    )
    return queue[math.ceil(len(queue) / 2) - 1] if queue else math.nan
