"""What is expected is computed from what is published, and says where it is not and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from etl.build.counts import arrange_counts
from etl.build.figures import lead_weeks, tell_figures
from etl.build.forecast import forecast
from etl.build.history import LEVELS, read_history
from etl.build.levels import LevelFrame, build_levels
from etl.build.weeks import week_range, weeks_after
from etl.build.work import Work
from etl.settings import LocalityConfig, registry
from etl.store.packed import WeekCounts, pack
from geo.model import Level

WEEK = "2026-W46"
CRS = "EPSG:4547"
VILLAGES = ("T0V0", "T0V1", "T0V2", "T0V3", "T1V0", "T1V1")
TABLES = ("forecast", "forecast_areas", "forecast_accuracy")
HISTORY = 120


def config(**changes: Any) -> LocalityConfig:
    """The product's own registries around a locality of one source."""
    raw: dict[str, Any] = {
        "locality": {"code": "99", "name": {"zh": "某县", "en": "A county"}, "crs": CRS},
        "sources": [
            {
                "id": "a",
                "role": "areas",
                "level": "village",
                "path": "a.geojson",
                "columns": {"code": "code"},
            }
        ],
        "publish": {"weeks": 26},
        "forecast": {"history_weeks": HISTORY},
    }
    for name in ("groups", "measures", "kinds"):
        raw[name] = registry(name)[name]
    return LocalityConfig.model_validate(raw | changes)


@pytest.fixture(scope="module")
def levels() -> tuple[LevelFrame, ...]:
    """Six villages in two towns."""
    rows: list[tuple[str, str, str, str | None, Any]] = [
        ("county", "C", "某县", None, box(114, 30, 114.06, 30.01)),
        ("town", "T0", "镇0", "C", box(114, 30, 114.04, 30.01)),
        ("town", "T1", "镇1", "C", box(114.04, 30, 114.06, 30.01)),
    ]
    for i, code in enumerate(VILLAGES):
        shape = box(114 + 0.01 * i, 30, 114.01 + 0.01 * i, 30.01)
        rows.append(("village", code, code, code[:2], shape))
    frame = pd.DataFrame(rows, columns=["level", "area_code", "name", "parent_code", "geometry"])
    areas = gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326")
    population = pd.DataFrame(
        {"level": "village", "area_code": VILLAGES, "group_code": "total", "persons": 5000.0}
    )
    return build_levels(areas, population, crs=CRS)


def drawn(n_weeks: int = HISTORY) -> np.ndarray:
    """Counts of the villages: two of some 30, one of 6 and one of 7, two of some 30."""
    counts = np.random.default_rng(2).poisson(30, (n_weeks, 6)).astype(float)
    counts[:, 2:4] = [6, 7]
    return counts


def reported(table: np.ndarray, measure: str = "hotline_calls") -> list[WeekCounts]:
    """Stored counts, the last row for `WEEK`; NaN is not reported."""
    weeks = week_range(WEEK, len(table))
    frame = pd.DataFrame(
        {
            "level": "village",
            "area_code": np.tile(VILLAGES, len(weeks)),
            "week": np.repeat(weeks, len(VILLAGES)),
            "measure": measure,
            "count": table.ravel(),
        }
    )
    keys = ["level", "area_code", "week", "measure"]
    return list(pack(frame.dropna().astype(dict.fromkeys(keys, "category"))))


def loader(counts: list[WeekCounts]) -> Callable[[str, str, Sequence[str]], list[WeekCounts]]:
    """Counts of some weeks, as the store gives them; of all measures, as there is but one."""

    def load(since: str, until: str, _measures: Sequence[str]) -> list[WeekCounts]:
        return [row for row in counts if since <= row.week <= until]

    return load


def tables_of(
    levels: tuple[LevelFrame, ...], counts: list[WeekCounts], settings: LocalityConfig | None = None
) -> dict[str, pd.DataFrame]:
    """The three tables, as the pipeline makes them."""
    settings = settings or config()
    work = Work(levels, settings)
    weeks = week_range(WEEK, settings.publish.weeks + lead_weeks(settings))

    load = loader(counts)
    recent = load(weeks[0], WEEK, [])
    figures = tell_figures(work, arrange_counts(recent, levels, weeks, settings), weeks)
    return forecast(work, figures, read_history(work, figures, load))


def area(tables: dict[str, pd.DataFrame], code: str) -> dict[str, Any]:
    rows = tables["forecast_areas"]
    (row,) = rows[rows["area_code"] == code].to_dict("records")
    return dict(row)


def test_what_is_expected_is_near_what_was_drawn(levels: tuple[LevelFrame, ...]) -> None:
    tables = tables_of(levels, reported(drawn()))
    rows = tables["forecast"]
    for code, mean in (("T0V0", 30), ("T1V0", 30), ("T0", 73), ("T1", 60), ("C", 133)):
        own = rows[rows["area_code"] == code]
        assert own["week"].tolist() == weeks_after(WEEK, 8)
        assert (abs(own["expected"] - mean) < 0.2 * mean).all()
        assert (own["low95"] <= own["low80"]).all()
        assert (own["low80"] <= own["expected"]).all()
        assert (own["expected"] <= own["high80"]).all()
        assert (own["high80"] <= own["high95"]).all()
        said = area(tables, code)
        assert said["reason"] == ""
        assert said["method"] == own["method"].iloc[0]
        assert 0.6 <= said["inside80"] <= said["inside95"] <= 1
        assert 0 < said["mae"] < 2 * np.sqrt(mean)
    ends = rows[["low80", "high80", "low95", "high95"]].to_numpy()
    assert (ends == np.round(ends)).all()
    assert rows["week"].max() == "2027-W01"


def test_the_weeks_to_come_run_over_the_end_of_a_year() -> None:
    assert weeks_after("2026-W51", 4) == ["2026-W52", "2026-W53", "2027-W01", "2027-W02"]


def test_accuracy_stands_beside_every_rejected_method(levels: tuple[LevelFrame, ...]) -> None:
    rows = tables_of(levels, reported(drawn()))["forecast_accuracy"]
    for _, group in rows.groupby(["level", "measure"]):
        assert group["chosen"].sum() == 1
        assert {"mean", "naive", "holt", "regression"} <= set(group["method"])
        assert len(set(group["n"])) == 1
    assert set(rows["level"]) == {"village", "town", "county"}
    assert rows["mase"].between(0.3, 3).all()


def test_small_counts_are_not_forecast_and_it_is_said_why(levels: tuple[LevelFrame, ...]) -> None:
    tables = tables_of(levels, reported(drawn()))
    assert area(tables, "T0V2")["reason"] == "withheld"
    assert "T0V2" not in set(tables["forecast"]["area_code"])
    quiet = drawn()
    quiet[:, 2:4] = 0.0
    assert area(tables_of(levels, reported(quiet)), "T0V2")["reason"] == "small"


def test_nothing_but_published_counts_goes_in(levels: tuple[LevelFrame, ...]) -> None:
    """Other true counts under the same published ones give the same tables, to the last digit."""
    table = drawn()
    other = table.copy()
    swapped = np.arange(HISTORY) % 3 == 0
    other[swapped, 2:4] = table[swapped, 3:1:-1]
    assert (other != table).any()
    mine, theirs = (tables_of(levels, reported(t)) for t in (table, other))
    for name in TABLES:
        pd.testing.assert_frame_equal(mine[name], theirs[name])
    assert area(mine, "T0V1")["reason"] == ""
    assert area(mine, "T0V3")["reason"] == "withheld"


def test_too_short_a_history_says_so(levels: tuple[LevelFrame, ...]) -> None:
    table = drawn()
    table[:-40] = np.nan
    tables = tables_of(levels, reported(table))
    assert tables["forecast"].empty
    assert set(tables["forecast_areas"]["reason"]) == {"short", "withheld"}
    assert tables["forecast_accuracy"].empty
    table = drawn()
    table[-9:, 4] = np.nan
    assert area(tables_of(levels, reported(table)), "T1V0")["reason"] == "silent"


def test_a_gap_of_a_year_keeps_the_weeks_in_their_places(levels: tuple[LevelFrame, ...]) -> None:
    settings = config(forecast={"history_weeks": 156})
    table = drawn(156)
    table[40:90] = np.nan
    rows = tables_of(levels, reported(table), settings)["forecast_areas"]
    assert set(rows["reason"]) == {"", "withheld"}
    work, weeks = Work(levels, settings), week_range(WEEK, 26 + lead_weeks(settings))
    counts = reported(table)
    recent = loader(counts)(weeks[0], WEEK, [])
    figures = tell_figures(work, arrange_counts(recent, levels, weeks, settings), weeks)
    asked: list[tuple[str, str]] = []

    def load(since: str, until: str, measures: Sequence[str]) -> list[WeekCounts]:
        asked.append((since, until))
        return loader(counts)(since, until, measures)

    history = read_history(work, figures, load)
    assert asked[0][1] == history.weeks[-1] == week_range(WEEK, len(weeks) + 1)[0]
    long = [*history.weeks, *weeks]
    assert long == week_range(WEEK, len(long))
    known = history.before(figures, "hotline_calls", Level.VILLAGE)
    np.testing.assert_array_equal(known.published[-156:, 0], table[:, 0])
    assert known.hidden[-156:-116, 2:4].all()
    assert np.isnan(known.published[: -len(table)]).all()
    short = drawn(156)
    short[:100] = np.nan
    counts = reported(short)
    assert len(read_history(work, figures, load).weeks) == 26, "from the piece that has figures on"


def test_a_measure_that_neither_warns_nor_is_forecast_has_no_history(
    levels: tuple[LevelFrame, ...],
) -> None:
    settings = config()
    work, weeks = Work(levels, settings), week_range(WEEK, 26 + lead_weeks(settings))
    stock = next(measure.code for measure in settings.measures if measure.stock)
    codes = (stock, "referrals", "dv_reports")
    counts = [row for code in codes for row in reported(drawn(400), code)]
    recent = loader(counts)(weeks[0], WEEK, [])
    figures = tell_figures(work, arrange_counts(recent, levels, weeks, settings), weeks)
    asked: dict[str, list[str]] = {}

    def load(since: str, until: str, measures: Sequence[str]) -> list[WeekCounts]:
        asked[since] = list(measures)
        found = loader(counts)(since, until, measures)
        return [row for row in found if row.measure in measures]

    history = read_history(work, figures, load)
    assert {key for key, _ in history.series} == {"dv_reports", "referrals"}
    assert all(level in LEVELS for _, level in history.series)
    assert asked[max(asked)] == ["dv_reports", "referrals"]
    assert asked[min(asked)] == ["dv_reports"], "the years that only a warning looks at"
    assert np.isnan(history.series["referrals", Level.COUNTY].guesses[0]).all()
    assert len(history.weeks) + len(weeks) == len(weeks) + 5 * 52 + 3


def test_a_register_is_not_forecast(levels: tuple[LevelFrame, ...]) -> None:
    settings = config()
    (stock, *_) = [m.code for m in settings.measures if m.stock]
    tables = tables_of(levels, reported(drawn() + 100, stock), settings)
    assert all(tables[name].empty for name in TABLES)
    assert list(tables["forecast"].columns)[:4] == ["level", "area_code", "measure", "week"]


def test_an_outbreak_of_the_newest_weeks_does_not_drive_the_forecast(
    levels: tuple[LevelFrame, ...],
) -> None:
    table = drawn()
    quiet = tables_of(levels, reported(table))["forecast"]
    table[-4:, 0] += 90
    loud = tables_of(levels, reported(table))["forecast"]
    rise = loud[loud["area_code"] == "T0V0"]["expected"].mean()
    rise -= quiet[quiet["area_code"] == "T0V0"]["expected"].mean()
    assert rise < 15


def test_figures_are_rounded_to_what_they_can_bear(levels: tuple[LevelFrame, ...]) -> None:
    rows = tables_of(levels, reported(drawn() * 5))["forecast"]
    large = rows[rows["expected"] >= 100]["expected"]
    assert len(large) > 0
    assert (large == large.round()).all()
    small = rows[rows["expected"] < 100]["expected"]
    assert (small == small.round(1)).all()
