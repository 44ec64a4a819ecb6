"""Every choice of sites tried, straight from the problem's frames: slow, and sure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
from scipy.optimize import linprog

from geo.siting import SitingProblem

NEAR = 1e-9


class Case:
    """One problem in plain dictionaries; dense costs, demand as a frame or a Series."""

    def __init__(self, problem: SitingProblem) -> None:
        self.problem = problem
        self.sites = list(problem.costs.columns)
        demand = problem.demand
        frame = demand.to_frame("") if demand.ndim == 1 else demand
        weigh = problem.group_weight or {}
        self.groups = [g for g in frame.columns if weigh.get(g, 1.0) > 0]
        self.rows: dict[tuple[str, str], tuple[float, float]] = {}
        for point in frame.index:
            if problem.serves is None:
                amount = sum(float(frame.loc[point, g]) for g in self.groups)
                worth = sum(float(frame.loc[point, g]) * weigh.get(g, 1.0) for g in self.groups)
                self.rows[point, ""] = (amount, worth)
            else:
                for g in self.groups:
                    amount = float(frame.loc[point, g])
                    self.rows[point, g] = (amount, amount * weigh.get(g, 1.0))
        self.needy = [row for row, (amount, _) in self.rows.items() if amount > 0]

    def kind(self, site: str) -> str:
        return self.problem.kind_of_site[site] if self.problem.kind_of_site is not None else ""

    def cost(self, row: tuple[str, str], site: str) -> float:
        """Cost of a way that may be taken, inf of one that may not."""
        one = self.problem
        kind, cost = self.kind(site), float(one.costs.loc[row[0], site])
        if one.serves is not None and kind in one.serves and row[1] not in one.serves[kind]:
            return math.inf
        radius = one.radius[kind] if isinstance(one.radius, dict) else one.radius
        return cost if radius is None or cost <= radius else math.inf

    def price(self, site: str) -> float:
        if self.problem.cost is None:
            return 1.0 if self.problem.objective == "set_cover" else 0.0
        return float(self.problem.cost[site])

    def capacity(self, site: str) -> float:
        given = self.problem.capacity
        return math.inf if given is None else float(given[site])

    def towns(self) -> list[str]:
        given = self.problem.town_of_demand
        return [] if given is None else sorted({given[row[0]] for row in self.rows})

    def may(self, chosen: tuple[str, ...]) -> bool:
        """Whether a choice keeps every rule that is about sites."""
        one, opened = self.problem, set(chosen)
        if not set(one.required) <= opened or opened & set(one.forbidden):
            return False
        exact = one.objective in ("p_median", "p_center")
        limits = one.p if isinstance(one.p, dict) else {None: one.p}
        for kind, p in limits.items():
            n = len([s for s in chosen if kind is None or self.kind(s) == kind])
            if p is not None and (n > p or (exact and n < p)):
                return False
        if one.budget is not None and sum(self.price(s) for s in chosen) > one.budget + NEAR:
            return False
        if one.max_closures is not None and len(set(one.closable) - opened) > one.max_closures:
            return False
        if one.min_separation_m is not None:
            today = set(one.required) | set(one.closable)
            for a, b in combinations(chosen, 2):
                gap = math.dist(one.xy.loc[a], one.xy.loc[b])
                if gap < one.min_separation_m and not {a, b} <= today:
                    return False
        has = {one.town_of_site[s] for s in chosen} if one.town_of_site is not None else set()
        return not one.one_per_town or set(self.towns()) <= has

    def services(self, chosen: tuple[str, ...]) -> Iterator[dict[tuple[str, str], float]]:
        """Every way, or the best one, in which the open sites can serve: share served by row."""
        for row in self.needy:
            assert self.rows[row][0] > 0
        yield {row: float(any(self.cost(row, s) < math.inf for s in chosen)) for row in self.needy}

    def worst(self, served: dict[tuple[str, str], float]) -> float:
        """Lowest share of any town with demand."""
        return min(self.shares(served).values(), default=1.0)

    def shares(self, served: dict[tuple[str, str], float]) -> dict[str, float]:
        found = {}
        for town in self.towns():
            rows = [r for r in self.needy if self.problem.town_of_demand[r[0]] == town]
            total = sum(self.rows[r][0] for r in rows)
            if total > 0:
                found[town] = sum(self.rows[r][0] * served[r] for r in rows) / total
        return found

    def floors_kept(self, served: dict[tuple[str, str], float], lowest: float = 0.0) -> bool:
        floor = self.problem.min_town_share
        for town, share in self.shares(served).items():
            asked = floor[town] if isinstance(floor, dict) else (floor or 0.0)
            if share < max(asked, lowest) - NEAR:
                return False
        return True

    def value(self, chosen: tuple[str, ...]) -> float | None:
        """Value of a choice without capacities; None where it may not be."""
        one = self.problem
        near = {row: sorted(self.cost(row, s) for s in chosen) for row in self.needy}
        reach = {row: sum(c < math.inf for c in costs) for row, costs in near.items()}
        everybody = one.objective in ("set_cover", "p_median", "p_center") or one.cover_all
        if (everybody and 0 in reach.values()) or not self.floors_kept(
            {row: float(n > 0) for row, n in reach.items()}
        ):
            return None
        weight = {row: self.rows[row][1] for row in self.needy}
        b = one.backup_weight
        values = {
            "max_coverage": lambda: sum(weight[r] for r in self.needy if reach[r]),
            "set_cover": lambda: sum(self.price(s) for s in chosen),
            "p_median": lambda: sum(weight[r] * near[r][0] for r in self.needy),
            "p_center": lambda: max(near[r][0] for r in self.needy),
            "backup_coverage": lambda: sum(
                weight[r] * ((1 - b) * (reach[r] > 0) + b * (reach[r] > 1)) for r in self.needy
            ),
        }
        return float(values[str(one.objective)]())

    def capacitated(self, chosen: tuple[str, ...], lowest: float = 0.0) -> float | None:
        """Value of a choice with capacities."""
        return self._shared(chosen, lowest) if self.problem.split else self._whole(chosen, lowest)

    def worst_capacitated(self, chosen: tuple[str, ...]) -> float:
        return (
            self._shared(chosen, 0.0, worst=True)
            if self.problem.split
            else max((self.worst(served) for served, _ in self._whole_ways(chosen)), default=-1.0)
        )

    def _shared(
        self, chosen: tuple[str, ...], lowest: float, *, worst: bool = False
    ) -> float | None:
        """The linear programme of who is served where, row by row."""
        ways = [(r, s) for r in self.needy for s in chosen if self.cost(r, s) < math.inf]
        one, n = self.problem, len(ways)
        must = one.objective != "max_coverage"
        if must and {r for r, _ in ways} != set(self.needy):
            return None
        goal = np.zeros(n + 1)
        for k, (r, s) in enumerate(ways):
            goal[k] = self.rows[r][1] * (self.cost(r, s) if one.objective == "p_median" else -1.0)
        if worst:
            goal[:] = 0.0
            goal[n] = -1.0
        upper, limit, equal, right = [], [], [], []
        for row in self.needy:
            line = [float(r == row) for r, _ in ways] + [0.0]
            (equal if must else upper).append(line)
            (right if must else limit).append(1.0)
        for site in chosen:
            if self.capacity(site) < math.inf:
                upper.append([self.rows[r][0] * (s == site) for r, s in ways] + [0.0])
                limit.append(self.capacity(site))
        for town in self.towns():
            rows = [r for r in self.needy if one.town_of_demand[r[0]] == town]
            total = sum(self.rows[r][0] for r in rows)
            if total > 0:
                floor = one.min_town_share
                asked = floor[town] if isinstance(floor, dict) else (floor or 0.0)
                line = [-self.rows[r][0] / total * (r in rows) for r, _ in ways]
                upper.append([*line, 0.0])
                limit.append(-max(asked, lowest) + NEAR)
                upper.append([*line, 1.0])
                limit.append(0.0)
        found = linprog(
            goal, A_ub=upper or None, b_ub=limit or None, A_eq=equal or None, b_eq=right or None,
            bounds=[(0, 1)] * n + [(0, 1 if worst else 0)],
        )  # fmt: skip
        if found.status != 0:
            return None
        if worst:
            return float(found.x[n])
        if one.objective == "set_cover":
            return sum(self.price(s) for s in chosen)
        return float(found.fun if one.objective == "p_median" else -found.fun)

    def _whole_ways(
        self, chosen: tuple[str, ...]
    ) -> Iterator[tuple[dict[tuple[str, str], float], dict[tuple[str, str], str | None]]]:
        one = self.problem
        free = [] if one.objective != "max_coverage" else [None]
        options = [[s for s in chosen if self.cost(r, s) < math.inf] + free for r in self.needy]
        for picks in product(*options):
            load = dict.fromkeys(chosen, 0.0)
            for row, site in zip(self.needy, picks, strict=True):
                if site is not None:
                    load[site] += self.rows[row][0]
            if all(load[s] <= self.capacity(s) + NEAR for s in chosen):
                to = dict(zip(self.needy, picks, strict=True))
                yield {row: float(site is not None) for row, site in to.items()}, to

    def _whole(self, chosen: tuple[str, ...], lowest: float) -> float | None:
        one, values = self.problem, []
        for served, to in self._whole_ways(chosen):
            if not self.floors_kept(served, lowest):
                continue
            if one.objective == "set_cover":
                return sum(self.price(s) for s in chosen)
            if one.objective == "p_median":
                values.append(sum(self.rows[r][1] * self.cost(r, s) for r, s in to.items()))
            else:
                values.append(-sum(self.rows[r][1] * served[r] for r in self.needy))
        if not values:
            return None
        return min(values) if one.objective == "p_median" else -min(values)


def choices(case: Case) -> Iterator[tuple[str, ...]]:
    """Every choice that keeps the rules about sites, that of none among them."""
    for n in range(len(case.sites) + 1):
        for chosen in combinations(case.sites, n):
            if case.may(chosen):
                yield chosen


def best_value(problem: SitingProblem) -> float | None:
    """Optimum of a problem by trying every choice; None where none is allowed."""
    case = Case(problem)
    high = problem.objective in ("max_coverage", "backup_coverage")
    lowest = 0.0
    allowed = list(choices(case))
    if problem.worst_first:
        shares = []
        for chosen in allowed:
            if problem.capacity is not None:
                if case.capacitated(chosen) is not None:
                    shares.append(case.worst_capacitated(chosen))
            elif case.value(chosen) is not None:
                shares.append(case.worst(next(case.services(chosen))))
        if not shares:
            return None
        lowest = max(shares)
    values = []
    for chosen in allowed:
        if problem.capacity is not None:
            value = case.capacitated(chosen, lowest)
        else:
            value = case.value(chosen)
            if value is not None and problem.worst_first:
                kept = case.floors_kept(next(case.services(chosen)), lowest)
                value = value if kept else None
        if value is not None:
            values.append(value)
    if not values:
        return None
    return max(values) if high else min(values)
