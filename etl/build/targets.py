"""Step 6b: the scorecard. Built against required, what is missing by name, trend and outlook."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from etl.build.indicator_words import quantity_words, unit_words
from etl.build.levels import LevelFrame
from etl.build.missing import missing_places
from etl.build.quantities import Figures, Quantities, last_day
from etl.build.trend import Point, gather_trend
from etl.build.weeks import week_number
from etl.model import Text
from etl.policies import AmountQuantity, IndicatorSettings, PersonsQuantity, TargetStep
from etl.settings import LocalityConfig
from geo.model import LEVELS, Missing
from geo.rates import share_interval
from geo.targets import Attainment, Forecast, Outlook, Progress, attainment, forecast, judge

# The pace is that of the last year: older building says little of the next months.
PACE_WEEKS = 52
# A whole number of weeks stays one.
_DAY_SLACK = 1e-6
_TOLD = (Missing.OK, Missing.UNRELIABLE)


@dataclass(frozen=True)
class Scorecard:
    """One build's indicators.

    Attributes
    ----------
    config : the locality's settings, its indicators among them.
    name : of the policy pack; None without one.
    found : evaluates numerators and denominators.
    past : week → `targets` table of its newest snapshot.
    """

    config: LocalityConfig
    name: Text | None
    found: Quantities
    past: Mapping[str, pd.DataFrame]

    @property
    def week(self) -> str:
        """The week that is built."""
        return self.found.weeks[-1]


def target_tables(card: Scorecard) -> dict[str, pd.DataFrame]:
    """Tables `targets`, `target_areas`, `target_missing` and `target_trend`.

    Parameters
    ----------
    card : see `Scorecard`; without indicators all four tables are empty.
    """
    targets: list[dict[str, Any]] = []
    areas: list[pd.DataFrame] = []
    missing: list[pd.DataFrame] = []
    trends: list[dict[str, Any]] = []
    for indicator in card.config.indicators:
        row, points = _locality_row(card, indicator)
        targets.append(row)
        trends += [
            {"indicator": indicator.code, "week": point.week, "value": point.value,
             "basis": point.basis}
            for point in points
        ]  # fmt: skip
        areas += _area_rows(card, indicator)
        missing.append(missing_places(card.found, indicator))
    return {
        "targets": pd.DataFrame(targets, columns=_columns(targets, ("indicator",))),
        "target_areas": _joined(areas, AREA_COLUMNS),
        "target_missing": _joined(missing, MISSING_COLUMNS),
        "target_trend": pd.DataFrame(trends, columns=["indicator", "week", "value", "basis"]),
    }


AREA_COLUMNS = (
    "indicator", "level", "area_code", "name", "parent_code", "parent_name", "numerator",
    "denominator", "value", "state", "missing", "met", "figure_week",
)  # fmt: skip
MISSING_COLUMNS = (
    "indicator", "level", "area_code", "name", "town_code", "town_name", "site_id", "reason",
    "persons",
)  # fmt: skip


def _columns(rows: Sequence[Mapping[str, Any]], least: Sequence[str]) -> list[str]:
    return list(rows[0]) if rows else list(least)


def _joined(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    some = [frame for frame in frames if len(frame)]
    return pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=list(columns))


def definition_hash(indicator: IndicatorSettings) -> str:
    """What is counted, as a short hash: points of another definition are another trend."""
    told = "\n".join(
        part.model_dump_json() for part in (indicator.numerator, indicator.denominator)
    )
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def current_step(indicator: IndicatorSettings, today: date) -> TargetStep | None:
    """The step that counts now: the first that is not over, else the last."""
    ahead = [step for step in indicator.targets if step.due is None or step.due >= today]
    return next(iter(ahead or indicator.targets[-1:]), None)


def attain(
    indicator: IndicatorSettings, numerator: Figures, denominator: Figures, target: float
) -> Attainment:
    """Built against required, in the unit of the indicator."""
    amounts = isinstance(indicator.numerator, AmountQuantity)
    return attainment(
        numerator.values,
        denominator.values,
        target=target / (indicator.per or 1),
        at_least=indicator.direction == "at_least",
        part=indicator.per is None and not isinstance(indicator.denominator, PersonsQuantity),
        # Posts come in halves; beds, pupils and places do not.
        whole=not (amounts and _amount(indicator) == "staff"),
        numerator_states=numerator.states,
        denominator_states=denominator.states,
    )


def _amount(indicator: IndicatorSettings) -> str:
    quantity = indicator.numerator
    return quantity.amount if isinstance(quantity, AmountQuantity) else ""


def _locality_row(
    card: Scorecard, indicator: IndicatorSettings
) -> tuple[dict[str, Any], list[Point]]:
    """The indicator for the whole locality, and its trend."""
    top = len(card.found.levels) - 1
    numerator, denominator = card.found.pair(indicator, top)
    today = last_day(card.week)
    step = current_step(indicator, today)
    target = math.nan if step is None else step.target
    reached = attain(indicator, numerator, denominator, 0.0 if step is None else target)
    per = indicator.per or 1
    state = Missing(int(reached.states[0]))
    told = state in _TOLD
    value = float(reached.share[0]) * per if told else math.nan
    figure_week = str(numerator.weeks[0] or denominator.weeks[0])
    points = gather_trend(
        card.found, indicator, past=card.past, definition=definition_hash(indicator), now=value,
        week=figure_week or card.week,
    )  # fmt: skip
    ahead = _ahead(indicator, points, 0.0 if step is None else target)
    progress = Progress.NO_TARGET if told else judge(state, met=False, ahead=ahead, due_weeks=0)
    due = step.due if step else None
    if step is not None:
        begin = last_day(points[-1].week) if points else today
        weeks = math.nan if due is None else (due - begin).days / 7
        # A date that is over is over, whenever the newest figure was counted.
        weeks = -1.0 if due is not None and due < today else weeks
        met = bool(reached.met[0])
        progress = judge(state, met=met, ahead=ahead, due_weeks=weeks)
    low, high = _interval(indicator, numerator, denominator, state)
    row = {
        "indicator": indicator.code,
        "name_zh": indicator.name.zh,
        "name_en": indicator.name.en,
        "level": indicator.level.value,
        "per": per if indicator.per else math.nan,
        "direction": indicator.direction,
        "numerator": float(numerator.values[0]) if told else math.nan,
        "denominator": float(denominator.values[0]) if told else math.nan,
        "value": value,
        "low": low,
        "high": high,
        "state": int(state),
        "progress": progress.value,
        "target": target,
        "due": due.isoformat() if due else None,
        "steps": [
            {"target": s.target, "due": s.due.isoformat() if s.due else None}
            for s in indicator.targets
        ],
        # So many more of those who were asked: nobody can build that.
        "missing": float(reached.missing[0]) if step and not indicator.sample else math.nan,
        "distance": float(reached.distance[0]) * per if step else math.nan,
        "unreported": float(numerator.unreported[0]),
        "figure_week": figure_week,
        **_outlook(ahead, points, step),
        "definition": definition_hash(indicator),
        "pack_zh": card.name.zh if card.name else "",
        "pack_en": card.name.en if card.name else "",
        **_texts(card.config, indicator),
    }
    return row, points


def _ahead(indicator: IndicatorSettings, points: Sequence[Point], target: float) -> Forecast:
    """When the target is met at the pace of the last year."""
    newest = week_number(points[-1].week) if points else 0
    recent = [p for p in points if newest - week_number(p.week) <= PACE_WEEKS]
    return forecast(
        [float(week_number(point.week)) for point in recent],
        [point.value for point in recent],
        target=target,
        at_least=indicator.direction == "at_least",
    )


def _outlook(ahead: Forecast, points: Sequence[Point], step: TargetStep | None) -> dict[str, Any]:
    """Pace in four weeks, and the date at which the target is met, with its interval."""
    begin = last_day(points[-1].week) if points else None

    def day(weeks: float) -> str | None:
        if begin is None or not math.isfinite(weeks):
            return None
        return (begin + timedelta(days=math.ceil(weeks * 7 - _DAY_SLACK))).isoformat()

    reached = step is not None and ahead.outlook == Outlook.REACHED
    return {
        "outlook": ahead.outlook.value if step is not None else Outlook.NO_PACE.value,
        "pace": ahead.pace.per_week * 4,
        "pace_low": ahead.pace.low * 4,
        "pace_high": ahead.pace.high * 4,
        "pace_points": ahead.pace.points,
        "forecast": day(ahead.weeks) if reached else None,
        "forecast_early": day(ahead.earliest) if reached else None,
        "forecast_late": day(ahead.latest) if reached else None,
    }


def _interval(
    indicator: IndicatorSettings, numerator: Figures, denominator: Figures, state: Missing
) -> tuple[float, float]:
    """What the sample leaves open; nothing for what is no sample."""
    if not indicator.sample or state != Missing.OK or indicator.per is not None:
        return math.nan, math.nan
    found = share_interval(numerator.values[:1], denominator.values[:1])
    return float(found.low[0]), float(found.high[0])


def _texts(config: LocalityConfig, indicator: IndicatorSettings) -> dict[str, str]:
    parts = {
        "numerator_words": quantity_words(indicator.numerator, config),
        "denominator_words": quantity_words(indicator.denominator, config),
        "unit": unit_words(indicator.numerator, config),
        "source": indicator.source,
        "note": indicator.note,
    }
    return {
        f"{name}_{lang}": getattr(t, lang) for name, t in parts.items() for lang in ("zh", "en")
    }


def _area_rows(card: Scorecard, indicator: IndicatorSettings) -> list[pd.DataFrame]:
    """The indicator on every level below the locality that it is told on."""
    step = current_step(indicator, last_day(card.week))
    levels = card.found.levels
    names = {c: n for frame in levels for c, n in zip(frame.codes, frame.names, strict=True)}
    rows = []
    for at, frame in enumerate(levels[:-1]):
        if LEVELS.index(frame.level) < LEVELS.index(indicator.level):
            continue
        numerator, denominator = card.found.pair(indicator, at)
        reached = attain(indicator, numerator, denominator, step.target if step else 0.0)
        rows.append(_area_frame(indicator, frame, (numerator, denominator), reached, names))
        if step is None or indicator.sample:
            rows[-1] = rows[-1].assign(missing=np.nan)
        if step is None:
            rows[-1] = rows[-1].assign(met=None)
    return rows


def _area_frame(
    indicator: IndicatorSettings,
    frame: LevelFrame,
    parts: tuple[Figures, Figures],
    reached: Attainment,
    names: Mapping[str, str],
) -> pd.DataFrame:
    numerator, denominator = parts
    told = np.isin(reached.states, _TOLD)
    weeks = np.where(numerator.weeks != "", numerator.weeks, denominator.weeks)
    return pd.DataFrame(
        {
            "indicator": indicator.code,
            "level": frame.level.value,
            "area_code": frame.codes,
            "name": frame.names,
            "parent_code": frame.parent_codes,
            "parent_name": [names.get(code, "") for code in frame.parent_codes],
            "numerator": np.where(told, numerator.values, np.nan),
            "denominator": np.where(told, denominator.values, np.nan),
            "value": reached.share * (indicator.per or 1),
            "state": reached.states.astype(int),
            "missing": reached.missing,
            "met": reached.met,
            "figure_week": weeks,
        }
    )
