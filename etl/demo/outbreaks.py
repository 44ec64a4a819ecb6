"""Planted outbreaks: where, when, of what, and how far above the usual level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from etl.demo.gaps import grow_cluster, neighbours
from etl.demo.mesh import Ints, Mesh
from etl.demo.people import largest_remainder
from etl.demo.plan import TOWNS
from etl.demo.seasons import in_term, iso_week
from etl.demo.terrain import Floats
from etl.demo.zones import Zones

# EARS C2: seven weeks of baseline, two weeks before the week judged.
BASELINE, LAG = 7, 2
# A count can be published beside those of a dozen cells of it, all small, from about here on.
VISIBLE = 30
# Chance stays under this score in the newest weeks and in those of their baseline.
CHANCE, QUIET_WEEKS = 2.4, 12
WATCHED = (
    "hotline_calls", "screen_positive", "crisis_events", "dispute_events", "dv_reports",
    "bullying_reports",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """An outbreak to plant.

    Parameters
    ----------
    measure, town : what rises, and in which town.
    villages : how many neighbouring villages; 0 for a rise all over the town.
    weeks_ago : its first week; 0 is the newest.
    weeks : how long it lasts.
    factor : ratio to the usual level.
    tier, score : of one that is running: tier to reach in the newest week under default settings,
        and the standard deviations above the baseline that it takes.
    story : why, for people.
    """

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
    Recipe("dispute_events", "004", 3, 97, 5, 3.5, story="开发区劳资纠纷集中发生"),
    Recipe("screen_positive", "105", 2, 78, 6, 5.0, story="中学心理筛查阳性集中"),
    Recipe("bullying_reports", "003", 2, 57, 4, 6.0, story="新学期校园欺凌求助集中"),
    Recipe("hotline_calls", "001", 3, 38, 4, 4.0, story="旧城改造搬迁期间来电集中"),
    Recipe("dv_reports", "101", 2, 21, 4, 12.0, story="家暴求助集中"),
    Recipe("hotline_calls", "003", 3, 2, 3, 3.5, "red", 7.8, "新居住区来电激增,当地恰无咨询室"),
    Recipe("hotline_calls", "004", 1, 1, 2, 2.4, "orange", 4.2, "园区企业员工来电上升"),
    Recipe("dispute_events", "101", 0, 1, 2, 1.9, "yellow", 7.5, "征地补偿纠纷,遍及全镇"),
    Recipe("dispute_events", "105", 0, 0, 1, 1.9, "blue", 6.5, "秋收后土地流转纠纷,遍及全镇"),
)  # fmt: skip


@dataclass(frozen=True)
class Outbreak:
    """What was planted.

    Parameters
    ----------
    measure : code of the measure.
    town : position in `plan.TOWNS`.
    level : "village", or "town" for a rise all over the town.
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
    level: str
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
    """Neighbouring villages of a town."""
    if not recipe.villages:
        return tuple(sorted(own))
    lively = sorted(own, key=lambda v: (-base[v], v))
    # What is running starts where counts are high enough to be shown at a mild tier.
    start = lively[0 if recipe.tier else min(2, len(lively) - 1)]
    return grow_cluster(start, recipe.villages, own, around, base)


def _calm(counts: Ints) -> Ints:
    """Counts whose last half-year stays near its mean, so that a rise stands out as it is meant."""
    calm = counts.copy()
    mean = counts[:, -60:].mean(axis=1, keepdims=True)
    spread = 1.25 * np.sqrt(np.maximum(mean, 1.0))
    calm[:, -26:] = np.clip(counts[:, -26:], np.floor(mean - spread), np.ceil(mean + spread))
    return np.maximum(calm, 0)


def _lift(
    recipe: Recipe, counts: Ints, week: int, *, first: int, last: int, rng: np.random.Generator
) -> Ints:
    """Extra counts of one week, by row."""
    if not recipe.tier:
        mean, _ = _usual(counts, week)
        middle = (first + last) / 2
        shape = 1 - 0.35 * abs(week - middle) / max(1.0, (last - first + 1) / 2)
        drawn = rng.poisson(np.maximum(mean * recipe.factor * shape, VISIBLE))
        return np.asarray(np.maximum(drawn - counts[:, week], 0), dtype=np.int64)
    rows = counts if recipe.villages else counts.sum(axis=0, keepdims=True)
    mean, deviation = _usual(rows, week)
    # It grows towards the newest week, for which the tier is meant.
    growth = (week - first + 1) / (last - first + 1)
    wanted = mean + recipe.score * (0.5 + 0.5 * growth) * deviation
    if recipe.tier == "red":
        wanted = np.maximum(wanted, VISIBLE)
    extra = np.maximum(np.ceil(wanted) - rows[:, week], 0).astype(np.int64)
    if recipe.villages:
        return extra
    # Spread as the usual counts are, so that no village stands out.
    return largest_remainder(counts.mean(axis=1) + 0.1, int(extra[0]))


def quieten(counts: dict[str, Ints], zones: Zones, rng: np.random.Generator) -> None:
    """Keep chance below the yellow tier of late, so that today's screen shows what is planted.

    Counts are changed in place: first of villages, then of all villages of a town.
    """
    towns = zones.town_of_village
    for measure in WATCHED:
        own = counts[measure]
        for week in range(max(LAG + BASELINE, own.shape[1] - QUIET_WEEKS), own.shape[1]):
            mean, deviation = _usual(own, week)
            most = np.floor(mean + CHANCE * deviation).astype(np.int64)
            own[:, week] = np.minimum(own[:, week], most)
            by_town = np.stack([own[towns == i].sum(axis=0) for i in range(len(TOWNS))])
            mean, deviation = _usual(by_town, week)
            kept = np.minimum(1.0, (mean + CHANCE * deviation) / np.maximum(by_town[:, week], 1))
            own[:, week] = rng.binomial(own[:, week], kept[towns])


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
    running: set[int] = set()
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
        own = {int(v) for v in np.flatnonzero(zones.town_of_village == town)}
        if recipe.tier == "red" and favoured:
            villages = favoured
        else:
            base = counts[recipe.measure][:, max(0, last - 60) : last].mean(axis=1)
            villages = _where(recipe, own - running if recipe.tier else own, base, around)
        rows = np.array(villages)
        if recipe.tier:
            running.update(villages)
            counts[recipe.measure][rows] = _calm(counts[recipe.measure][rows])
        usual = counts[recipe.measure][rows]
        for week in range(first, last + 1):
            extra[recipe.measure][rows, week] += _lift(
                recipe, usual, week, first=first, last=last, rng=rng
            )
        span = slice(first, last + 1)
        planted.append(
            Outbreak(
                measure=recipe.measure,
                town=town,
                level="village" if recipe.villages else "town",
                villages=villages,
                first=first,
                last=last,
                factor=recipe.factor,
                tier=recipe.tier,
                story=recipe.story,
                expected=usual[:, span].copy(),
                counts=usual[:, span] + extra[recipe.measure][rows, span],
            )
        )
    return extra, tuple(planted)


def weeks_of(outbreak: Outbreak, mondays: list[date]) -> list[str]:
    """ISO weeks of an outbreak."""
    return [iso_week(m) for m in mondays[outbreak.first : outbreak.last + 1]]
