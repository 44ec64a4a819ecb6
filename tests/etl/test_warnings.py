"""How a build warns: against years, with neighbours, from published figures alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from etl.build.counts import arrange_counts
from etl.build.delay import AGES, Delay, tell_delay
from etl.build.figures import lead_weeks, tell_figures
from etl.build.history import read_history
from etl.build.levels import LevelFrame, build_levels
from etl.build.warnings import Warned, watch
from etl.build.weeks import week_range
from etl.build.work import Work
from etl.settings import LocalityConfig
from etl.store.packed import WeekCounts, pack
from geo.model import GapClass, Level, Missing, Tier
from tests.etl.test_build import config as plain_config

WEEK = "2026-W46"
CRS = "EPSG:4547"
N_TOWNS, N_OWN = 6, 12
YEARS_OF_WEEKS = 26 + 23 + 5 * 52 + 3
VILLAGES = [f"T{t}V{v:02d}" for t in range(N_TOWNS) for v in range(N_OWN)]
PERSONS = np.random.default_rng(5).lognormal(7.6, 0.5, len(VILLAGES)).round()
LARGEST = int(np.argmax(PERSONS))


def config(**changes: Any) -> LocalityConfig:
    return plain_config(**{"publish": {"weeks": 26}} | changes)


@pytest.fixture(scope="module")
def levels() -> tuple[LevelFrame, ...]:
    """Towns in a column, each a row of villages of a kilometre."""
    rows: list[tuple[str, str, str, str | None, Any]] = [
        ("county", "C", "某县", None, box(114, 30, 114.12, 30.06))
    ]
    for t in range(N_TOWNS):
        south = 30 + 0.01 * t
        rows.append(("town", f"T{t}", f"镇{t}", "C", box(114, south, 114.12, south + 0.01)))
        for v in range(N_OWN):
            west = 114 + 0.01 * v
            shape = box(west, south, west + 0.01, south + 0.01)
            rows.append(("village", f"T{t}V{v:02d}", f"村{t}{v}", f"T{t}", shape))
    frame = pd.DataFrame(rows, columns=["level", "area_code", "name", "parent_code", "geometry"])
    areas = gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326")
    population = pd.DataFrame(
        {"level": "village", "area_code": VILLAGES, "group_code": "total", "persons": PERSONS}
    )
    return build_levels(areas, population, crs=CRS)


def drawn(mean: float, n_weeks: int = YEARS_OF_WEEKS, *, seed: int = 3) -> np.ndarray:
    """Counts of the villages, each with its own rate beside its residents, and a season."""
    rng = np.random.default_rng(seed)
    rate = PERSONS / PERSONS.mean() * rng.lognormal(0, 0.3, len(VILLAGES)) * mean
    season = 1 + 0.2 * np.sin(np.arange(n_weeks) * 2 * np.pi / 52)
    return rng.poisson(rate * season[:, None]).astype(float)


def reported(table: np.ndarray, measure: str = "hotline_calls") -> list[WeekCounts]:
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


def warned(
    levels: tuple[LevelFrame, ...],
    counts: list[WeekCounts],
    settings: LocalityConfig | None = None,
    *,
    gaps: dict[Level, np.ndarray] | None = None,
) -> tuple[Work, Warned]:
    """What a build of `WEEK` says, as the pipeline makes it."""
    settings = settings or config()
    work, weeks = Work(levels, settings), week_range(WEEK, 26 + lead_weeks(settings))

    def load(since: str, until: str, measures: Sequence[str]) -> list[WeekCounts]:
        return [row for row in counts if since <= row.week <= until and row.measure in measures]

    everything = [measure.code for measure in settings.measures]
    book = arrange_counts(load(weeks[0], WEEK, everything), levels, weeks, settings)
    figures = tell_figures(work, book, weeks)
    return work, watch(work, figures, read_history(work, figures, load), gaps or {})


def newest(found: Warned, level: str = "village") -> pd.DataFrame:
    rows = found.rows
    return rows[(rows["week"] == WEEK) & (rows["level"] == level)].set_index("area_code")


# ---------------------------------------------------------------- quiet weeks stay quiet


@pytest.mark.parametrize(
    ("n_weeks", "method", "most"), [(YEARS_OF_WEEKS, "n_farrington", 0.002), (60, "n_ears", 0.006)]
)
def test_villages_that_are_mostly_withheld_stay_quiet(
    levels: tuple[LevelFrame, ...], n_weeks: int, method: str, most: float
) -> None:
    """Their baselines are guesses, and what is published of them are their high weeks."""
    table = drawn(6.0, n_weeks)
    work, found = warned(levels, reported(table))
    states = np.stack(
        [r.states for r in work.book if (r.layer, r.level) == ("count.hotline_calls", "village")]
    )
    heavy = (states == Missing.SUPPRESSED).mean(axis=0) > 0.5
    assert heavy.sum() > 40
    assert (states[:, heavy] == Missing.OK).mean() > 0.05, "some weeks can warn"
    rows = found.rows[(found.rows["level"] == "village") & (found.rows["tier"] >= Tier.YELLOW)]
    n = rows["area_code"].isin(np.array(VILLAGES)[heavy]).sum()
    assert n / (26 * heavy.sum()) <= most
    told = found.detection[found.detection["level"] == "village"]
    assert (told[method] == told["n_areas"]).all()


def test_chance_raises_no_more_than_is_stated(levels: tuple[LevelFrame, ...]) -> None:
    raised = stated = 0.0
    for seed in range(3):
        _, found = warned(levels, reported(drawn(25.0, seed=seed)))
        told = found.detection[found.detection["level"] == "village"]
        own = found.rows[(found.rows["level"] == "village") & (found.rows["base_tier"] > 0)]
        raised += len(own)
        stated += told["expected_false"].sum()
    assert 0 < raised <= 1.2 * stated
    assert stated / (3 * 26 * len(VILLAGES)) < 0.0105, "one in a hundred a week is blue"


def test_three_colours_are_published_and_counted_as_such(levels: tuple[LevelFrame, ...]) -> None:
    table = drawn(25.0)
    table[-1, LARGEST] += 150
    table[-10, [5, 25, 45]] += 18  # enough for a tier between the lowest and the highest
    counts = reported(table)
    _, four = warned(levels, counts)
    work, three = warned(levels, counts, config(warnings={"colours": "three"}))
    assert set(four.rows["tier"]) > {Tier.BLUE, Tier.RED}
    assert set(three.rows["tier"]) <= {Tier.YELLOW, Tier.RED}
    assert newest(three).loc[VILLAGES[LARGEST], "tier"] == Tier.RED
    shown = np.concatenate([r.values for r in work.book if r.layer == "tier.hotline_calls"])
    assert set(shown[~np.isnan(shown)]) <= {Tier.NONE, Tier.YELLOW, Tier.RED}
    by_chance = [found.detection["expected_false"].sum() for found in (three, four)]
    assert 0 < by_chance[0] < by_chance[1] / 5


# ---------------------------------------------------------------- what is seen


def test_an_outbreak_is_seen_against_years_and_held_a_while(levels: tuple[LevelFrame, ...]) -> None:
    table = drawn(20.0)
    table[-4:-2, LARGEST] += 60
    _, found = warned(levels, reported(table))
    own = found.rows[found.rows["area_code"] == VILLAGES[LARGEST]].set_index("week")
    first, second, third, last = week_range(WEEK, 4)
    assert own.loc[first, ["tier", "weeks_running", "method"]].tolist() == [4, 1, "farrington"]
    assert own.loc[second, ["tier", "since_week"]].tolist() == [4, first]
    for week in (third, last):
        assert own.loc[week, "held"]
        assert own.loc[week, "base_tier"] < own.loc[week, "tier"] == Tier.RED
    assert own.loc[last, "weeks_running"] == 4
    assert own.loc[last, "score"] < 2


def test_a_rise_all_around_is_seen_and_a_usual_week_beside_it_is_not(
    levels: tuple[LevelFrame, ...],
) -> None:
    table = drawn(20.0)
    middle = [i for i, code in enumerate(VILLAGES) if code in {"T2V04", "T2V05", "T3V04", "T3V05"}]
    usual = VILLAGES.index("T2V06")
    mean = table[:-1].mean(axis=0)
    table[-1, middle] = np.round(mean[middle] + 2.2 * np.sqrt(mean[middle]))
    table[-1, usual] = np.round(mean[usual])
    _, found = warned(levels, reported(table))
    rows = newest(found)
    seen = rows.loc[[VILLAGES[i] for i in middle if VILLAGES[i] in rows.index]]
    assert len(seen) >= 3
    assert seen["look"].str.startswith("neighbours").any()
    assert (seen["reach"] > 1).any()
    assert VILLAGES[usual] not in rows.index, "beside an outbreak is not in it"


def test_alerts_from_above_and_gaps_raise_a_tier_that_figures_give(
    levels: tuple[LevelFrame, ...],
) -> None:
    table = drawn(25.0)
    mean = table[:-1].mean(axis=0)
    for area in (10, 40):
        table[-1, area] = np.round(mean[area] + 3.0 * np.sqrt(mean[area]))
    alerts = np.zeros((60, len(VILLAGES)))
    alerts[-1, [10, 11]] = 12
    counts = reported(table) + reported(alerts, "alerts_orange")
    _, plain = warned(levels, reported(table))
    _, found = warned(levels, counts)
    gap = np.zeros(len(VILLAGES))
    gap[40] = GapClass.SEVERE
    _, with_gap = warned(levels, reported(table), gaps={Level.VILLAGE: gap})
    before = newest(plain)
    assert before.loc[[VILLAGES[10], VILLAGES[40]], "tier"].tolist() == [1, 1]
    lifted = newest(found)
    assert lifted.loc[VILLAGES[10], ["tier", "raised_by"]].tolist() == [2, "upstream"]
    assert VILLAGES[11] not in lifted.index, "an alert alone is no warning"
    assert newest(with_gap).loc[VILLAGES[40], ["tier", "raised_by"]].tolist() == [2, "gap"]
    alerts[-1, 10] = 3
    _, small = warned(levels, reported(table) + reported(alerts, "alerts_orange"))
    assert newest(small).loc[VILLAGES[10], "tier"] == 1, "a withheld number of alerts tells nothing"


def test_one_warning_is_followed_and_says_why_it_stands(levels: tuple[LevelFrame, ...]) -> None:
    table = drawn(20.0)
    around = [VILLAGES.index(code) for code in ("T2V04", "T2V05")]
    for week, extra in ((-3, 45), (-2, 60), (-1, 80)):
        table[week, around] += extra
    _, found = warned(levels, reported(table))
    rows = newest(found)
    ids = set(rows.loc[[VILLAGES[i] for i in around], "episode_id"])
    assert len(ids) == 1, "neighbours are one warning"
    (episode,) = found.episodes[found.episodes["episode_id"].isin(ids)].to_dict("records")
    assert episode["episode_id"].startswith("hotline_calls.T2V0")
    assert episode["area_code"] in {"T2V04", "T2V05"}
    assert {"T2V04", "T2V05"} <= set(episode["areas"].split("|"))
    assert episode["weeks"] >= 3
    own = rows.loc[episode["area_code"]]
    assert episode["reason_zh"].startswith(own["reason_zh"])
    assert (
        f"热线来电本周{own['count']:.0f}次，往年同期约{own['expected']:.0f}次" in own["reason_zh"]
    )
    assert f"{own['count']:.0f} this week" in own["reason_en"]
    assert (found.rows["episode_id"] != "").all()
    oldest = found.rows[found.rows["week"] == week_range(WEEK, 26)[0]]
    assert not oldest["reason_en"].str.contains("weeks before:").any(), "those are not published"


def test_a_place_whose_count_is_withheld_now_is_not_said_to_have_no_data(
    levels: tuple[LevelFrame, ...],
) -> None:
    table = drawn(20.0)
    # High for the village, and not for its town.
    mean = table[:, 30].mean()
    table[-2, 30] = np.ceil(mean + 5 * np.sqrt(mean))
    table[-1, [30, 31]] = [4.0, 5.0]
    _, found = warned(levels, reported(table))
    resting = found.episodes[found.episodes["area_code"] == VILLAGES[30]]
    (row,) = resting.to_dict("records")
    assert row["tier"] == Tier.NO_DATA
    assert "本周数不公布" in row["reason_zh"]
    assert "withheld" in row["reason_en"]


# ---------------------------------------------------------------- published figures alone


def test_nothing_but_published_figures_goes_in(levels: tuple[LevelFrame, ...]) -> None:
    """Other true counts under the same published ones give the same, to the last digit."""
    table = drawn(12.0)
    table[:, :2] = [4.0, 5.0]
    other = table.copy()
    swapped = np.arange(len(table)) % 3 == 0
    other[swapped, :2] = table[swapped, 1::-1]
    assert (other != table).any()
    (mine, ours), (theirs, yours) = (warned(levels, reported(t)) for t in (table, other))
    pd.testing.assert_frame_equal(ours.rows, yours.rows)
    pd.testing.assert_frame_equal(ours.detection, yours.detection)
    pd.testing.assert_frame_equal(ours.episodes, yours.episodes)
    for one, two in zip(mine.book, theirs.book, strict=True):
        assert (one.layer, one.level, one.week) == (two.layer, two.level, two.week)
        # Rates are of sums over weeks, which the other counts have changed.
        if one.layer.startswith(("tier", "count")):
            np.testing.assert_array_equal(one.values, two.values)
    withheld = [r.states for r in mine.book if r.layer == "tier.hotline_calls"
                and r.level == "village"]  # fmt: skip
    assert all((states[:2] == Missing.SUPPRESSED).all() for states in withheld)


def test_a_withheld_week_neither_warns_nor_ends_a_warning(levels: tuple[LevelFrame, ...]) -> None:
    table = drawn(20.0)
    table[-3:, 30] = [70.0, 4.0, 70.0]
    table[-2, 31] = 5.0
    _, found = warned(levels, reported(table))
    own = found.rows[found.rows["area_code"] == VILLAGES[30]].set_index("week")
    first, withheld, last = week_range(WEEK, 3)
    assert withheld not in own.index
    assert own.loc[last, ["tier", "since_week", "weeks_running"]].tolist() == [4, first, 3]


# ---------------------------------------------------------------- many tests at once


def test_false_discoveries_are_held_down_on_levels_of_many_areas(
    levels: tuple[LevelFrame, ...],
) -> None:
    table = drawn(25.0)
    table[-1, 7] += 60
    free, held = (
        warned(levels, reported(table), config(warnings={"fdr": 0.05, "fdr_from_areas": least}))[1]
        for least in (500, 50)
    )
    assert newest(held).loc[VILLAGES[7], "tier"] == Tier.RED
    blue = [(found.rows["base_tier"] > 0).sum() for found in (free, held)]
    assert blue[1] < blue[0] / 2
    told = held.detection
    assert (told["fdr"].fillna(0) <= 0.05).all()
    assert told[told["level"] == "town"]["expected_false"].sum() > 0, "few areas: stated, not held"
    village = told[told["level"] == "village"]
    assert (village["expected_false"] <= village["n_warned"] + 0.01).all()


def test_the_table_says_how_each_week_was_tested(levels: tuple[LevelFrame, ...]) -> None:
    table = drawn(25.0)
    table[-2, 5] = np.nan
    work, found = warned(levels, reported(table))
    told = found.detection
    assert set(told["level"]) == {"village", "town", "county"}
    assert (told["n_ears"] + told["n_farrington"] == told["n_areas"]).all()
    village = told[told["level"] == "village"].set_index("week")
    assert village.index.tolist() == week_range(WEEK, 26)
    withheld = {
        r.week: int((r.states != Missing.OK).sum())
        for r in work.book
        if (r.layer, r.level) == ("count.hotline_calls", "village")
    }
    for week, row in village.iterrows():
        assert row["n_areas"] == len(VILLAGES) - withheld[week]
        here = found.rows[(found.rows["week"] == week) & (found.rows["level"] == "village")]
        assert row["n_warned"] == len(here)


def test_without_a_measure_there_are_empty_tables_with_their_columns(
    levels: tuple[LevelFrame, ...],
) -> None:
    _, found = warned(levels, [])
    assert found.rows.empty
    assert {"tier", "reach", "parent_name"} <= set(found.rows.columns)
    assert found.detection.empty
    assert "expected_false" in found.detection.columns
    assert found.episodes.empty
    assert {"episode_id", "phase", "reason_zh"} <= set(found.episodes.columns)


# ---------------------------------------------------------------- weeks that are not complete


def test_weeks_that_have_grown_before_are_provisional() -> None:
    whole = np.random.default_rng(2).poisson(40, (60, 1)).astype(float)
    grown = np.round(whole * np.array([0.7, 0.9, *[1.0] * (AGES - 2)]))
    found = tell_delay(grown, "auto")
    assert found.provisional == 2
    assert found.share == pytest.approx((0.7, 0.9), abs=0.02)
    shares = found.shares(5)
    assert shares is not None
    assert shares == pytest.approx([1, 1, 1, 0.9, 0.7], abs=0.02)
    assert tell_delay(grown, 0) == replace(found, provisional=0), "still held against what is in"
    assert tell_delay(np.empty((0, AGES)), "auto") == Delay()
    assert tell_delay(np.empty((0, AGES)), 1) == Delay(provisional=1)
    assert tell_delay(grown[:2], "auto") == Delay(), "two weeks of one area are chance"
    assert tell_delay(np.repeat(whole, AGES, axis=1), "auto") == Delay()


def test_a_locality_may_call_its_newest_weeks_provisional(levels: tuple[LevelFrame, ...]) -> None:
    table = drawn(20.0)
    table[-2:, 30] += 50
    _, found = warned(levels, reported(table), config(warnings={"provisional_weeks": 1}))
    own = found.rows[found.rows["area_code"] == VILLAGES[30]].set_index("week")["provisional"]
    assert own[week_range(WEEK, 2)].tolist() == [False, True]
    told = found.detection.groupby("week")["provisional"].any()
    assert told.sum() == 1
    assert told[WEEK]
