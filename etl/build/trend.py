"""How an indicator came to where it is: earlier snapshots, opening dates, published weeks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from etl.build.quantities import Quantities, last_day
from etl.build.weeks import week_range
from etl.policies import (
    AmountQuantity,
    AreasQuantity,
    IndicatorSettings,
    LatestQuantity,
    SitesQuantity,
)
from geo.model import Missing

# So far back opening dates are followed: a year and the week itself.
DATED_WEEKS = 53
PUBLISHED, OPENED, REPORTED, NOW = "published", "opened", "reported", "now"


@dataclass(frozen=True)
class Point:
    """An indicator in one week.

    Attributes
    ----------
    week : ISO week of the figure.
    value : share, or ratio in units of the indicator.
    basis : `now`, `published` in a snapshot of that time, `opened` by opening dates, or
        `reported` in published weekly figures.
    """

    week: str
    value: float
    basis: str


def gather_trend(
    found: Quantities,
    indicator: IndicatorSettings,
    *,
    past: Mapping[str, pd.DataFrame],
    definition: str,
    now: float,
    week: str,
) -> list[Point]:
    """Points of the whole locality, oldest first, one a week; the newest is `now`.

    What a snapshot of the time has published comes before what is worked out afterwards.

    Parameters
    ----------
    past : week → `targets` table of its newest snapshot.
    definition : hash of what is counted; points of another definition are left out.
    now, week : the present value, NaN where there is none, and the week of its figure.
    """
    points: dict[str, Point] = {}
    for point in _worked_out(found, indicator):
        points[point.week] = point
    for snapshot_week, table in past.items():
        if "definition" not in table:
            continue
        own = table[(table["indicator"] == indicator.code) & (table["definition"] == definition)]
        for row in own.to_dict("records"):
            if row["value"] is not None and math.isfinite(row["value"]):
                # A quarterly figure stands in many snapshots and is one point.
                at = str(row["figure_week"] or snapshot_week)
                points[at] = Point(at, float(row["value"]), PUBLISHED)
    if math.isfinite(now):
        points[week] = Point(week, now, NOW)
    return [points[at] for at in sorted(points) if at <= week]


def _worked_out(found: Quantities, indicator: IndicatorSettings) -> list[Point]:
    """What opening dates or published weekly figures tell of earlier weeks."""
    sides = (indicator.numerator, indicator.denominator)
    sited = [s for s in sides if isinstance(s, AreasQuantity | SitesQuantity | AmountQuantity)]
    if len(sited) == len(sides):
        return _by_dates(found, indicator) if all(found.dated(side) for side in sited) else []
    if any(isinstance(side, LatestQuantity) for side in sides) and not sited:
        return _by_weeks(found, indicator)
    return []


def _by_dates(found: Quantities, indicator: IndicatorSettings) -> list[Point]:
    top = len(found.levels) - 1
    points = []
    for week in week_range(found.weeks[-1], DATED_WEEKS)[:-1]:
        day = last_day(week)
        built, required = (
            float(found.of_sites(side, top, day=day).values[0])  # type: ignore[arg-type]
            for side in (indicator.numerator, indicator.denominator)
        )
        if required > 0 and math.isfinite(built):
            points.append(Point(week, built / required * (indicator.per or 1), OPENED))
    return points


def _by_weeks(found: Quantities, indicator: IndicatorSettings) -> list[Point]:
    top = len(found.levels) - 1
    points = []
    for week in found.weeks[:-1]:
        numerator, denominator = found.pair(indicator, top, week=week)
        fresh = week in (numerator.weeks[0], denominator.weeks[0])
        good = numerator.states[0] == denominator.states[0] == Missing.OK
        if fresh and good and denominator.values[0] > 0:
            value = float(numerator.values[0] / denominator.values[0]) * (indicator.per or 1)
            points.append(Point(week, value, REPORTED))
    return points
