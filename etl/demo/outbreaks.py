"""Planted outbreaks: where, when, of what, and how far above the usual level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from etl.demo.gaps import grow_cluster, neighbours
from etl.demo.mesh import Ints, Mesh
from etl.demo.plan import TOWNS
from etl.demo.seasons import in_term, iso_week
from etl.demo.terrain import Floats
from etl.demo.zones import Zones

# EARS C2: seven weeks of baseline, two weeks before the week judged.
BASELINE, LAG = 7, 2
# The lowest count that may be shown under the default disclosure rule is 10.
VISIBLE = 12


@dataclass(frozen=True)
class Recipe:
    """An outbreak to plant: `weeks_ago` is the start, 0 the newest week."""

    measure: str
    town: str
    villages: int
    weeks_ago: int
    weeks: int
    factor: float
    tier: str = ""
    score: float = 0.0
    story: str = ""


RECIPES = (
    Recipe("dispute_events", "004", 3, 97, 5, 5.0, story="开发区劳资纠纷集中发生"),
    Recipe("screen_positive", "105", 2, 78, 6, 5.0, story="中学心理筛查阳性集中"),
    Recipe("bullying_reports", "003", 2, 57, 4, 6.0, story="新学期校园欺凌求助集中"),
    Recipe("hotline_calls", "001", 3, 38, 4, 4.0, story="旧城改造搬迁期间来电集中"),
    Recipe("dv_reports", "101", 2, 21, 4, 12.0, story="家暴求助集中"),
    Recipe("hotline_calls", "003", 3, 2, 3, 4.0, "red", 9.5, "新居住区来电激增,当地恰无咨询室"),
    Recipe("dispute_events", "102", 2, 1, 2, 3.0, "orange", 5.6, "集镇征地补偿纠纷"),
    Recipe("screen_positive", "002", 2, 1, 2, 2.2, "yellow", 3.75, "社区老年人筛查阳性上升"),
    Recipe("hotline_calls", "004", 2, 0, 1, 1.8, "blue", 2.5, "园区企业员工来电上升"),
)  # fmt: skip


@dataclass(frozen=True)
class Outbreak:
    """What was planted.

    Parameters
    ----------
    measure : code of the measure.
    town : position in `plan.TOWNS`.
    villages : positions of the villages.
    first, last : positions of the first and last week.
    factor : intended ratio to the usual level.
    tier : tier that the newest week is meant to reach under default settings; '' when it is over.
    story : why, for people.
    expected : (n_villages, n_weeks_of_outbreak) counts without the outbreak.
    counts : the same with it.
    """

    measure: str
    town: int
    villages: tuple[int, ...]
    first: int
    last: int
    factor: float
    tier: str
    story: str
    expected: Ints
    counts: Ints


def _usual(counts: Ints, week: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the baseline of a week, by row."""
    base = counts[:, max(0, week - LAG - BASELINE) : max(1, week - LAG)]
    return base.mean(axis=1), np.maximum(base.std(axis=1, ddof=1 if base.shape[1] > 1 else 0), 1.0)


def _where(
    recipe: Recipe, own: set[int], base: Floats, around: dict[int, set[int]]
) -> tuple[int, ...]:
    """Neighbouring villages with enough usual counts for the tier that is meant."""
    if recipe.tier in {"yellow", "blue"}:
        # Under a floor of visible counts a mild tier needs a lively place.
        start = max(own, key=lambda v: (base[v], -v))
    else:
        lively = sorted(own, key=lambda v: (-base[v], v))
        start = lively[min(2, len(lively) - 1)]
    return grow_cluster(start, recipe.villages, own, around, base)


def plant(
    mesh: Mesh,
    zones: Zones,
    counts: dict[str, Ints],
    mondays: list[date],
    *,
    favoured: tuple[int, ...],
    avoided: frozenset[int],
    rng: np.random.Generator,
) -> tuple[dict[str, Ints], tuple[Outbreak, ...]]:
    """Extra counts by measure, shape (n_villages, n_weeks), and the list of what they are."""
    around = neighbours(mesh, zones)
    newest = len(mondays) - 1
    extra = {measure: np.zeros_like(values) for measure, values in counts.items()}
    taken: dict[str, set[int]] = {}
    planted = []
    term = in_term(mondays)
    for recipe in RECIPES:
        town = next(i for i, t in enumerate(TOWNS) if t.part == recipe.town)
        first = newest - recipe.weeks_ago
        if recipe.measure == "bullying_reports":
            while first > 0 and not term[first : first + recipe.weeks].all():
                first -= 1
        last = min(first + recipe.weeks - 1, newest)
        if first < LAG + BASELINE or town in avoided:
            continue
        base = counts[recipe.measure][:, max(0, last - 60) : last].mean(axis=1)
        own_villages = {int(v) for v in np.flatnonzero(zones.town_of_village == town)}
        own_villages -= taken.get(recipe.measure, set())
        if recipe.tier == "red" and favoured:
            villages = favoured
        else:
            villages = _where(recipe, own_villages, base, around)
        taken.setdefault(recipe.measure, set()).update(villages)
        rows = np.array(villages)
        own = counts[recipe.measure][rows]
        for week in range(first, last + 1):
            mean, deviation = _usual(own, week)
            if recipe.tier:
                growth = (week - first + 1) / (last - first + 1)
                score = recipe.score * (0.45 + 0.55 * growth) * rng.uniform(1.0, 1.06, len(rows))
                wanted = np.maximum(mean + score * deviation, VISIBLE)
            else:
                middle = (first + last) / 2
                shape = 1 - 0.45 * abs(week - middle) / max(1.0, (last - first + 1) / 2)
                wanted = rng.poisson(np.maximum(mean * recipe.factor * shape, 17))
            lift = np.ceil(wanted - own[:, week]).astype(np.int64)
            extra[recipe.measure][rows, week] += np.maximum(lift, 0)
        span = slice(first, last + 1)
        planted.append(
            Outbreak(
                recipe.measure, town, villages, first, last, recipe.factor,
                recipe.tier if last == newest else "", recipe.story,
                own[:, span].copy(), own[:, span] + extra[recipe.measure][rows, span],
            )
        )  # fmt: skip
    return extra, tuple(planted)


def weeks_of(outbreak: Outbreak, mondays: list[date]) -> list[str]:
    """ISO weeks of an outbreak."""
    return [iso_week(m) for m in mondays[outbreak.first : outbreak.last + 1]]
