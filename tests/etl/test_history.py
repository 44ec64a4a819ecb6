"""Counts that are hard to believe: what is said of them, and what is not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from etl.findings import Doubts, Finding
from etl.history import doubt_history, doubt_population
from etl.model import Text
from etl.sections import Intake, MeasureSettings
from etl.series import NEWEST_WEEKS, each_series
from etl.sources.settings import ObservationsSource
from etl.sources.values import week_name

LAST = date(2026, 11, 9)
EVENTS = MeasureSettings(code="consult_visits", name=Text(zh="咨询", en="visits"))
STOCK = MeasureSettings(code="smi_registered", name=Text(zh="在册", en="registered"), stock=True)
MEASURES = (EVENTS, STOCK)


def source(*, absent: str = "no_data") -> ObservationsSource:
    return ObservationsSource.model_validate(
        {
            "id": "weekly",
            "role": "observations",
            "path": "weekly.csv",
            "level": "village",
            "measure": "consult_visits",
            "absent": absent,
            "columns": {"week": "周", "area": "代码", "count": "人次"},
        }
    )


def weeks(n: int) -> list[str]:
    return [week_name((LAST - timedelta(weeks=i)).toordinal()) for i in range(n)][::-1]


def frame(counts: np.ndarray, *, measure: str = "consult_visits") -> pd.DataFrame:
    """Canonical rows of areas by weeks, the last column the newest week; NaN has no row."""
    n_areas, n_weeks = counts.shape
    area, week = np.nonzero(~np.isnan(counts))
    codes = [f"99010100{1000 + i}" for i in range(n_areas)]
    table = pd.DataFrame(
        {
            "level": "village",
            "area_code": pd.Categorical.from_codes(area, categories=codes),
            "week": pd.Categorical.from_codes(week, categories=weeks(n_weeks)),
            "measure": measure,
            "count": counts[area, week],
            "source_row": np.arange(2, 2 + len(area)),
        }
    )
    return table.astype({"level": "category", "measure": "category"})


def told(
    table: pd.DataFrame,
    *,
    absent: str = "no_data",
    before: pd.DataFrame | None = None,
    intake: Intake | None = None,
) -> list[Finding]:
    doubts = Doubts("weekly", "weekly.csv")
    doubt_history(table, source(absent=absent), intake or Intake(), MEASURES, doubts, before=before)
    return doubts.findings


def rules(findings: Sequence[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


def steady(n_areas: int = 6, n_weeks: int = 60, mean: float = 8.0, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean, (n_areas, n_weeks)).astype(float)


@pytest.mark.parametrize("mean", [0.05, 0.5, 3.0, 8.0, 40.0, 300.0])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_said_of_chance(mean: float, seed: int) -> None:
    assert told(frame(steady(200, 60, mean, seed))) == []


def test_trend_and_season_are_no_jump() -> None:
    week = np.arange(160)
    mean = 20 * (1 + 0.003 * week) * (1 + 0.8 * np.sin(week * 2 * np.pi / 52.18))
    counts = np.random.default_rng(3).poisson(mean, (100, 160)).astype(float)
    for last in range(100, 160, 5):
        assert told(frame(counts[:, :last])) == []


def test_school_holidays_are_neither_fall_nor_silence() -> None:
    counts = steady(50, 156, 30.0)
    holiday = np.isin(np.arange(156) % 52, range(38, 47))
    counts[:, holiday] = 0
    for last in range(100, 156, 3):
        assert told(frame(counts[:, :last])) == []


def test_a_jump_is_told_with_row_and_what_is_usual_and_kept() -> None:
    counts = steady()
    counts[2, -1] = 88
    table = frame(counts)
    (finding,) = told(table)
    assert (finding.rule, finding.severity, finding.column) == ("sudden_jump", "warning", "人次")
    assert finding.row == table.loc[table["count"] == 88, "source_row"].item()
    assert finding.came == "88"
    assert "990101001002" in finding.wanted.zh
    assert "约 7.5" in finding.wanted.zh
    assert weeks(1)[0] in finding.action.zh


def test_a_lost_digit_is_a_fall() -> None:
    counts = steady(mean=120.0)
    counts[1, -2] = 12
    assert rules(told(frame(counts))) == ["sudden_drop"]


@pytest.mark.parametrize(("count", "wanted"), [(27, []), (29, ["sudden_jump"])])
def test_a_jump_must_be_large_in_itself(count: int, wanted: list[str]) -> None:
    counts = np.full((3, 40), 2.0)
    counts[:, ::2] = 3.0
    counts[0, -1] = count
    intake = Intake(jump_min=26)
    assert rules(told(frame(counts), intake=intake)) == wanted


def test_only_the_newest_weeks_are_doubted() -> None:
    counts = steady()
    counts[2, -NEWEST_WEEKS - 1] = 500
    assert told(frame(counts)) == []
    counts[2, -NEWEST_WEEKS] = 500
    assert rules(told(frame(counts))) == ["sudden_jump"]


def test_what_an_earlier_file_said_is_history_only() -> None:
    counts = steady()
    counts[0, -2] = 500
    counts[1, -1] = 500
    old, new = counts[:, :-1], np.full_like(counts, np.nan)
    new[:, -1] = counts[:, -1]
    before = frame(np.column_stack([old, np.full(len(old), np.nan)]))
    assert told(frame(new)) == []
    (finding,) = told(frame(new), before=before)
    assert (finding.rule, finding.row) == ("sudden_jump", 3)


def test_zeros_after_steady_figures_are_told_while_they_are_new() -> None:
    for run in range(14):
        counts = steady(mean=6.0)
        counts[:3, counts.shape[1] - run :] = 0
        wanted = ["zero_run"] * 3 if 8 <= run < 8 + NEWEST_WEEKS else []
        assert rules(told(frame(counts), absent="zero")) == wanted, run


def test_zeros_of_a_quiet_area_are_no_doubt() -> None:
    counts = steady(200, 60, 0.4)
    counts[:, -9:] = 0
    assert told(frame(counts)) == []


def test_a_copied_sheet_is_told() -> None:
    counts = steady(60)
    counts[:, -1] = counts[:, -2]
    (finding,) = told(frame(counts))
    assert (finding.rule, finding.came) == ("copied_week", "100%")
    counts[:20, -1] += 1
    assert told(frame(counts)) == []


def test_a_register_may_stay_as_it_is() -> None:
    counts = np.repeat(np.arange(60.0)[:, None] + 40, 60, axis=1)
    assert told(frame(counts, measure="smi_registered")) == []


def test_one_series_under_two_codes_is_told_once() -> None:
    counts = steady(30)
    counts[7] = counts[3]
    (finding,) = told(frame(counts))
    assert (finding.rule, finding.count) == ("same_series", 2)
    assert finding.came == "990101001003、990101001007"


def test_who_always_reports_and_did_not_is_listed_once() -> None:
    counts = steady(10)
    counts[[2, 5], -1] = np.nan
    counts[8, ::2] = np.nan  # reports now and then
    (finding,) = told(frame(counts))
    assert (finding.rule, finding.count) == ("not_reported", 2)
    assert finding.came == "990101001002、990101001005"
    assert "9 个区域" in finding.wanted.zh
    assert told(frame(counts), absent="zero") == []


def test_a_new_or_short_file_is_not_doubted() -> None:
    assert told(frame(steady(5, 3))) == []
    assert told(frame(np.full((4, 10), np.nan))) == []
    assert list(each_series(frame(np.zeros((0, 0))))) == []


def test_row_order_does_not_matter() -> None:
    counts = steady(40)
    counts[2, -1], counts[9, -2] = 90, 140
    table = frame(counts)
    shuffled = table.sample(frac=1, random_state=5)
    assert told(table) == told(shuffled)


def population(persons: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "level": "village",
            "area_code": list(persons),
            "group": "total",
            "persons": list(persons.values()),
        }
    )


def against(table: pd.DataFrame, persons: dict[str, float]) -> tuple[pd.DataFrame, list[Finding]]:
    doubts = Doubts("weekly", "weekly.csv")
    kept = doubt_population(
        table, population(persons), source(), doubts, intake=Intake(), measures=MEASURES
    )
    return kept, doubts.findings


def test_a_register_above_the_residents_is_left_out() -> None:
    table = frame(np.array([[50.0, 50.0], [50.0, 50.0]]), measure="smi_registered")
    kept, findings = against(table, {"990101001000": 20, "990101001001": 50})
    assert rules(findings) == ["stock_above_population"] * 2
    assert findings[0].severity == "error"
    assert "2.5" in findings[0].action.zh
    assert kept["count"].isna().tolist() == [True, True, False, False]
    assert table["count"].notna().all()


def test_more_events_than_residents_are_told_and_kept() -> None:
    table = frame(np.array([[90.0] * 8, [15.0] * 8, [90.0] * 8]))
    kept, findings = against(table, {"990101001000": 30, "990101001001": 10, "990101001002": 0})
    # Fifteen events are few, and where nobody lives anything may be.
    assert rules(findings) == ["count_above_population"] * NEWEST_WEEKS
    assert "3.0 倍" in findings[0].action.zh
    pd.testing.assert_frame_equal(kept, table)


def test_unknown_residents_are_not_compared() -> None:
    table = frame(np.array([[90.0] * 8]))
    assert against(table, {})[1] == []
    assert against(table, {"other": 1.0})[1] == []


def test_a_million_rows_in_a_second() -> None:
    counts = np.random.default_rng(2).poisson(4, (5_400, 260)).astype(float)
    table = frame(counts)
    assert len(table) > 1_400_000
    started = time.perf_counter()
    told(table)
    against(table, dict.fromkeys(table["area_code"].cat.categories, 1000.0))
    # Bounds of a slow shared machine; 0.4 s measured.
    assert time.perf_counter() - started < 5
