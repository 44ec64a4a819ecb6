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


def three_step_catchment(
    costs: Costs,
    demand: Mapping[str, float],
    supply: Mapping[str, float],
    catchment: float,
    weight: Callable[[float], float],
) -> dict[str, float]:
    """Wan, Zou & Sternberg 2012: selection weights first, then both steps with them."""
    near = {pair: weight(cost) for pair, cost in costs.items() if cost <= catchment}
    chosen = {}
    for (area, site), pull in near.items():
        total = sum(near.get((area, other), 0.0) for other in supply)
        chosen[area, site] = pull / total if total > 0 else 0.0
    ratio = {}
    for site, offered in supply.items():
        load = sum(
            demand[area] * chosen[area, site] * near[area, site]
            for area in demand
            if (area, site) in near
        )
        ratio[site] = offered / load if load > 0 else 0.0
    return {
        area: sum(
            chosen[area, site] * ratio[site] * near[area, site]
            for site in supply
            if (area, site) in near
        )
        for area in demand
    }


def rational_agents(
    costs: Costs, demand: Mapping[str, float], room: Mapping[str, float], tau: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Saxon & Snow 2020: people go over from their dearest site to the cheapest until none gains.

    Returns the cost of each area and the load of each site.
    """
    reach = {a: [s for s in room if room[s] > 0 and (a, s) in costs] for a in demand}
    goes = {(a, s): 0.0 for a in demand for s in reach[a]}
    for area, sites in reach.items():
        if sites:
            goes[area, min(sites, key=lambda s: costs[area, s])] = demand[area]
    load = {s: sum(goes.get((a, s), 0.0) for a in demand) for s in room}

    def cost(area: str, site: str) -> float:
        return costs[area, site] / tau + load[site] / room[site]

    for _ in range(100_000):
        gain = 0.0
        for area, sites in reach.items():
            used = [s for s in sites if goes[area, s] > 0]
            if not used:
                continue
            dear = max(used, key=lambda s: cost(area, s))
            cheap = min(sites, key=lambda s: cost(area, s))
            over = cost(area, dear) - cost(area, cheap)
            moved = min(goes[area, dear], over / (1 / room[dear] + 1 / room[cheap]))
            goes[area, dear] -= moved
            goes[area, cheap] += moved
            load[dear] -= moved
            load[cheap] += moved
            gain = max(gain, over)
        if gain < 1e-12:
            break
    costs_paid = {a: min((cost(a, s) for s in reach[a]), default=math.nan) for a in demand}
    return costs_paid, load


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
