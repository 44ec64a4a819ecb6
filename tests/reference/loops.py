"""The methods once more, as plain loops over rows: slow, short, and written from the papers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping

Costs = Mapping[tuple[str, str], float]


def floating_catchment(
    costs: Costs,
    demand: Mapping[str, float],
    supply: Mapping[str, float],
    catchment: float,
    weight: Callable[[float], float],
) -> dict[str, float]:
    """Luo & Wang 2003: supply to demand at each site, then summed over sites in reach."""
    ratio = {}
    for site, offered in supply.items():
        load = 0.0
        for area, persons in demand.items():
            cost = costs.get((area, site), math.inf)
            if cost <= catchment:
                load += persons * weight(cost)
        ratio[site] = offered / load if load > 0 else 0.0
    access = {}
    for area in demand:
        access[area] = 0.0
        for site in supply:
            cost = costs.get((area, site), math.inf)
            if cost <= catchment:
                access[area] += ratio[site] * weight(cost)
    return access


def ears(
    counts: list[float], method: str, baseline: int, min_sigma: float, z: float
) -> list[tuple[float, bool] | None]:
    """Upper bound and alarm of each week, None where the baseline is short."""
    lag = 0 if method == "C1" else 2
    found: list[tuple[float, bool] | None] = []

    def moments(t: int) -> tuple[float, float] | None:
        first = t - lag - baseline
        if first < 0:
            return None
        window = counts[first : first + baseline]
        return statistics.fmean(window), max(statistics.stdev(window), min_sigma)

    for t, count in enumerate(counts):
        here = moments(t)
        if here is None:
            found.append(None)
            continue
        mean, sigma = here
        if method != "C3":
            upper = mean + z * sigma
        else:
            before = [moments(t - 1), moments(t - 2)]
            if None in before:
                found.append(None)
                continue
            carried = 0.0
            for back, pair in zip((1, 2), before, strict=True):
                assert pair is not None
                carried += max(0.0, (counts[t - back] - pair[0]) / pair[1] - 1.0)
            upper = max(0.0, count + sigma * (z - carried))
        found.append((upper, count > upper))
    return found


def smoothed(
    counts: list[float], persons: list[float], groups: list[list[int]] | None = None
) -> list[float]:
    """Marshall 1991: each area drawn to the mean of its group; None is one group of all."""
    rates = [c / n for c, n in zip(counts, persons, strict=True)]
    result = []
    for i, rate in enumerate(rates):
        group = list(range(len(counts))) if groups is None else groups[i]
        total = sum(persons[j] for j in group)
        mean = sum(counts[j] for j in group) / total
        if mean == 0:
            result.append(0.0)
            continue
        variance = sum(persons[j] * (rates[j] - mean) ** 2 for j in group) / total
        prior = max(0.0, variance - mean / (total / len(group)))
        result.append(mean + (rate - mean) * prior / (prior + mean / persons[i]))
    return result


def weeks_running(tiers: list[int]) -> list[int]:
    """Consecutive weeks at or above blue."""
    result, run = [], 0
    for tier in tiers:
        run = run + 1 if tier >= 1 else 0
        result.append(run)
    return result
