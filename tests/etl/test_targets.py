"""The scorecard of a county small enough to check by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from etl.build.layers import LayerBook, LayerSpec, LayerText
from etl.build.levels import LevelFrame, build_levels
from etl.build.quantities import Quantities
from etl.build.targets import Scorecard, definition_hash, target_tables
from etl.build.trend import gather_trend
from etl.build.weeks import week_range
from etl.model import Text
from etl.policies import IndicatorSettings
from etl.settings import LocalityConfig, registry
from geo.model import Level, Missing

WEEK = "2026-W46"
WEEKS = week_range(WEEK, 26)
NO = int(Missing.NO_DATA)
GONE = int(Missing.SUPPRESSED)


@pytest.fixture(scope="module")
def levels() -> tuple[LevelFrame, ...]:
    """A county of two towns of two villages each."""
    rows: list[tuple[str, str, str, str | None, Any]] = [
        ("county", "C", "某县", None, box(114.0, 30.0, 114.04, 30.01)),
        *(("town", f"T{t}", f"镇{t}", "C", _strip(2 * t, 2)) for t in range(2)),
        *(
            ("village", f"T{v // 2}V{v % 2}", f"村{v}", f"T{v // 2}", _strip(v, 1))
            for v in range(4)
        ),
    ]
    columns = ["level", "area_code", "name", "parent_code", "geometry"]
    areas = gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), crs="EPSG:4326")
    people = pd.DataFrame(
        {"level": "village", "area_code": ["T0V0", "T0V1", "T1V0", "T1V1"],
         "group_code": "total", "persons": [900.0, 400.0, 2000.0, 100.0]}
    )  # fmt: skip
    return build_levels(areas, people, crs="EPSG:4547")


def _strip(first: int, n: int) -> Any:
    return box(114.0 + 0.01 * first, 30.0, 114.0 + 0.01 * (first + n), 30.01)


def sites(*rows: Mapping[str, object]) -> pd.DataFrame:
    usual = {
        "kind": "counselling_room", "category": None, "name": "室", "status": "open",
        "lon": 114.0, "lat": 30.0, "quality": "exact", "town_code": "T0", "village_code": "T0V0",
        **dict.fromkeys(("staff", "rooms", "area_m2", "beds", "places", "pupils"), np.nan),
        "opened_on": None, "closed_on": None,
    }  # fmt: skip
    made = [{**usual, "site_id": f"s{i}", **row} for i, row in enumerate(rows)]
    return pd.DataFrame(made, columns=["site_id", *usual])


def at(village: str, **facts: object) -> dict[str, object]:
    return {"village_code": village, "town_code": village[:2], **facts}


ROOMS = {
    "code": "rooms_village", "name": {"zh": "室", "en": "Rooms"}, "level": "village",
    "numerator": {"areas": "village", "kinds": ["counselling_room"]},
    "denominator": {"areas": "village"}, "targets": [{"target": 0.75, "due": "2027-06-30"}],
}  # fmt: skip
TREATED = {
    "code": "treated", "name": {"zh": "治疗", "en": "Treated"}, "level": "town",
    "numerator": {"latest": "smi_treated"}, "denominator": {"latest": "smi_registered"},
    "targets": [{"target": 0.8}],
}  # fmt: skip


def book(*layers: tuple[str, str, str, list[float], list[int]], levels: Any = ()) -> LayerBook:
    """Published layers: code, level, week, values, states."""
    empty = Text(zh="", en="")
    made = LayerBook()
    for frame in levels:
        persons = frame.persons["total"]
        spec = LayerSpec("population", "population", "sequential", LayerText(empty, empty, empty))
        made.add(spec, frame.level, persons)
    for code, level, week, values, states in layers:
        spec = LayerSpec(code, "need", "sequential", LayerText(empty, empty, empty), weekly=True)
        given = np.array(states, dtype=np.uint8)
        made.add(spec, Level(level), np.array(values), states=given, week=week)
    return made


def tables(
    levels: tuple[LevelFrame, ...],
    own: pd.DataFrame,
    *indicators: Mapping[str, Any],
    layers: LayerBook | None = None,
    past: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, pd.DataFrame]:
    raw: dict[str, Any] = {
        "locality": {"code": "9", "name": {"zh": "县", "en": "C"}, "crs": "EPSG:4547"},
        "sources": [{"id": "a", "role": "areas", "level": "village", "path": "a.geojson",
                     "columns": {"code": "code"}}],
        "indicators": list(indicators),
    }  # fmt: skip
    for name in ("groups", "measures", "kinds"):
        raw[name] = registry(name)[name]
    config = LocalityConfig.model_validate(raw)
    found = Quantities(levels, own, layers or book(levels=levels), WEEKS)
    return target_tables(Scorecard(config, None, found, past or {}))


def only(table: pd.DataFrame) -> dict[str, Any]:
    (row,) = table.to_dict("records")
    return {str(key): value for key, value in row.items()}


def test_rooms_are_counted_named_and_ranked(levels: Any) -> None:
    own = sites(at("T0V0"), at("T0V0"), at("T1V1", status="planned"), at("T0V1", status="closed"))
    out = tables(levels, own, ROOMS)
    row = only(out["targets"])
    assert (row["numerator"], row["denominator"], row["value"]) == (1, 4, 0.25)
    assert (row["missing"], row["distance"], row["due"]) == (2, 0.5, "2027-06-30")
    towns = out["target_areas"].query("level == 'town'").set_index("area_code")
    assert towns["value"].to_dict() == {"T0": 0.5, "T1": 0.0}
    villages = out["target_areas"].query("level == 'village'").set_index("area_code")
    assert villages["met"].to_dict() == {"T0V0": True, "T0V1": False, "T1V0": False, "T1V1": False}
    missing = out["target_missing"]
    # Where most people live without one comes first; what is planned or closed is said.
    assert missing[["area_code", "reason", "persons", "town_name"]].values.tolist() == [
        ["T1V0", "none", 2000.0, "镇1"],
        ["T0V1", "closed", 400.0, "镇0"],
        ["T1V1", "planned", 100.0, "镇1"],
    ]


def test_a_kind_nobody_handed_in_is_no_data_and_lists_nothing(levels: Any) -> None:
    out = tables(levels, sites(at("T0V0", kind="school")), ROOMS)
    row = only(out["targets"])
    assert (row["state"], row["progress"]) == (NO, "no_data")
    assert math.isnan(row["value"])
    assert out["target_missing"].empty
    assert (out["target_areas"]["state"] == NO).all()


def test_a_site_known_to_its_town_only_gives_no_village_a_room(levels: Any) -> None:
    row = only(tables(levels, sites(at("T0V0", quality="town")), ROOMS)["targets"])
    assert row["numerator"] == 0


SCHOOLS = {
    "code": "schools", "name": {"zh": "校", "en": "Schools"}, "level": "town",
    "numerator": {"sites": ["school"], "categories": ["primary"], "has": ["rooms", "staff"]},
    "denominator": {"sites": ["school"], "categories": ["primary"]}, "targets": [{"target": 1}],
}  # fmt: skip


def test_schools_that_do_not_say_count_as_without_and_are_named_so(levels: Any) -> None:
    own = sites(
        at("T0V0", kind="school", category="primary", name="甲", rooms=1.0),
        at("T0V1", kind="school", category="primary", name="乙", rooms=0.0, staff=0.0),
        at("T1V0", kind="school", category="primary", name="丙"),
        at("T1V0", kind="school", category="university", name="丁", staff=0.0),
    )
    out = tables(levels, own, SCHOOLS)
    row = only(out["targets"])
    assert (row["numerator"], row["denominator"], row["unreported"]) == (1, 3, 1)
    named = out["target_missing"].set_index("name")["reason"].to_dict()
    assert named == {"乙": "none", "丙": "unreported"}
    towns = out["target_areas"].set_index("area_code")["state"].to_dict()
    # In the second town nobody said anything.
    assert towns == {"T0": Missing.OK, "T1": NO}


def test_without_categories_or_figures_there_is_no_data(levels: Any) -> None:
    no_category = sites(at("T0V0", kind="school", rooms=1.0))
    assert only(tables(levels, no_category, SCHOOLS)["targets"])["state"] == NO
    silent = sites(at("T0V0", kind="school", category="primary"))
    assert only(tables(levels, silent, SCHOOLS)["targets"])["state"] == NO


def test_none_of_a_known_category_is_not_applicable(levels: Any) -> None:
    own = sites(at("T0V0", kind="school", category="university", staff=1.0))
    row = only(tables(levels, own, SCHOOLS)["targets"])
    assert (row["state"], row["progress"]) == (Missing.NOT_APPLICABLE, "not_applicable")


def test_posts_are_missing_by_halves_and_the_school_is_named(levels: Any) -> None:
    ratio = {
        "code": "university", "name": {"zh": "高校", "en": "Universities"}, "level": "town",
        "numerator": {"amount": "staff", "kinds": ["school"], "categories": ["university"]},
        "denominator": {"amount": "pupils", "kinds": ["school"], "categories": ["university"]},
        "per": 4000, "targets": [{"target": 1}],
    }  # fmt: skip
    own = sites(
        at("T0V0", kind="school", category="university", name="甲", staff=2.0, pupils=4000.0),
        at("T1V0", kind="school", category="university", name="乙", staff=0.5, pupils=8000.0),
    )
    out = tables(levels, own, ratio)
    row = only(out["targets"])
    assert row["value"] == pytest.approx(2.5 / 3)
    assert row["missing"] == pytest.approx(0.5)
    assert out["target_missing"]["name"].tolist() == ["乙"]
    assert out["target_missing"]["reason"].tolist() == ["few"]
    assert row["progress"] == "short"


def weekly(week: str, treated: list[float], registered: list[float], hidden: int = 0) -> list[Any]:
    """Both measures by town, and their sums for the county."""
    states = [0, hidden]
    return [
        ("count.smi_treated", "town", week, treated, states),
        ("count.smi_registered", "town", week, registered, [0, 0]),
        ("count.smi_treated", "county", week, [sum(treated)], [hidden]),
        ("count.smi_registered", "county", week, [sum(registered)], [0]),
    ]


def test_the_newest_week_that_has_both_figures_counts(levels: Any) -> None:
    late = ("count.smi_registered", "county", WEEKS[-1], [999.0], [0])
    layers = book(*weekly(WEEKS[-3], [30, 40], [50, 50]), late)
    row = only(tables(levels, sites(), TREATED, layers=layers)["targets"])
    assert (row["numerator"], row["denominator"]) == (70, 100)
    assert row["figure_week"] == WEEKS[-3]
    assert row["missing"] == 10


def test_old_figures_are_no_data(levels: Any) -> None:
    layers = book(*weekly(WEEKS[-15], [30, 40], [50, 50]))
    assert only(tables(levels, sites(), TREATED, layers=layers)["targets"])["state"] == NO
    recent = book(*weekly(WEEKS[-14], [30, 40], [50, 50]))
    assert only(tables(levels, sites(), TREATED, layers=recent)["targets"])["state"] == Missing.OK


def test_a_withheld_figure_is_nowhere_to_be_seen(levels: Any) -> None:
    shown = [
        tables(levels, sites(), TREATED, layers=book(*weekly(WEEK, [30, secret], [50, 50], GONE)))
        for secret in (3.0, 9.0)
    ]
    for name in shown[0]:
        # Equal to the byte, whatever the withheld count is.
        assert shown[0][name].to_json() == shown[1][name].to_json()
    row = only(shown[0]["targets"])
    assert (row["state"], row["progress"]) == (GONE, "withheld")
    assert math.isnan(row["numerator"])
    assert math.isnan(row["denominator"])
    towns = shown[0]["target_areas"].set_index("area_code")
    assert towns["state"].to_dict() == {"T0": Missing.OK, "T1": GONE}
    assert math.isnan(towns.loc["T1", "missing"])


def test_a_survey_has_an_interval_and_nothing_else_has(levels: Any) -> None:
    survey = {**TREATED, "code": "survey", "level": "county", "sample": True}
    layers = book(*weekly(WEEK, [300, 300], [500, 500]))
    rows = tables(levels, sites(), TREATED, survey, layers=layers)["targets"].set_index("indicator")
    assert math.isnan(rows.loc["treated", "low"])
    assert rows.loc["survey", "low"] < 0.6 < rows.loc["survey", "high"]
    assert rows.loc["survey", "high"] - rows.loc["survey", "low"] == pytest.approx(
        0.0605, abs=0.001
    )


def test_published_weeks_give_the_trend_and_the_forecast(levels: Any) -> None:
    layers = book(
        *(
            layer
            for i, week in enumerate(WEEKS)
            for layer in weekly(week, [100.0 + i, 100.0 + i], [200.0, 200.0])
        )
    )
    dated = {**TREATED, "targets": [{"target": 0.65, "due": "2027-01-31"}]}
    out = tables(levels, sites(), dated, layers=layers)
    row = only(out["targets"])
    trend = out["target_trend"]
    assert trend["basis"].tolist() == ["reported"] * 25 + ["now"]
    assert trend["value"].tolist() == pytest.approx([(100 + i) / 200 for i in range(26)])
    # 0.625 now, half a point a week: five weeks after Sunday 15 November.
    assert (row["outlook"], row["forecast"]) == ("reached", "2026-12-20")
    assert (row["progress"], row["pace"]) == ("on_track", pytest.approx(0.02))
    missed = {**TREATED, "targets": [{"target": 0.65, "due": "2026-12-19"}]}
    assert only(tables(levels, sites(), missed, layers=layers)["targets"])["progress"] == "behind"


def test_opening_dates_tell_the_story_before_the_first_snapshot(levels: Any) -> None:
    own = sites(
        at("T0V0", opened_on="2024-01-01"),
        at("T0V1", opened_on="2026-05-04"),
        at("T1V0", opened_on="2025-01-01", closed_on="2026-09-07", status="closed"),
    )
    trend = tables(levels, own, ROOMS)["target_trend"].set_index("week")
    assert set(trend["basis"]) == {"opened", "now"}
    value = trend["value"]
    assert value["2026-W18"] == 0.5
    assert value["2026-W19"] == 0.75
    assert value["2026-W37"] == 0.5
    undated = sites(at("T0V0", opened_on="2024-01-01"), at("T0V1"))
    assert tables(levels, undated, ROOMS)["target_trend"]["basis"].tolist() == ["now"]


def snapshot(indicator: Mapping[str, Any], value: float, **changes: object) -> pd.DataFrame:
    settings = IndicatorSettings.model_validate(indicator)
    row = {"indicator": settings.code, "definition": definition_hash(settings), "value": value,
           "figure_week": "", **changes}  # fmt: skip
    return pd.DataFrame([row])


def test_earlier_snapshots_come_before_what_is_worked_out_afterwards(levels: Any) -> None:
    own = sites(at("T0V0", opened_on="2020-01-01"))
    past = {"2026-W40": snapshot(ROOMS, 0.0), "2026-W41": snapshot(ROOMS, 0.5, definition="other")}
    trend = tables(levels, own, ROOMS, past=past)["target_trend"].set_index("week")
    assert trend.loc["2026-W40"].to_list()[1:] == [0.0, "published"]
    assert trend.loc["2026-W41", "basis"] == "opened"


def test_a_quarterly_figure_is_one_point_however_often_it_was_published(levels: Any) -> None:
    settings = IndicatorSettings.model_validate(TREATED)
    past = {week: snapshot(TREATED, 0.6, figure_week="2026-W30") for week in WEEKS[10:15]} | {
        WEEKS[2]: snapshot(TREATED, math.nan)
    }
    found = Quantities(levels, sites(), book(levels=levels), WEEKS)
    points = gather_trend(
        found, settings, past=past, definition=definition_hash(settings), now=0.7, week="2026-W44"
    )
    assert [(point.week, point.value) for point in points] == [("2026-W30", 0.6), ("2026-W44", 0.7)]


def test_the_first_step_that_is_not_over_counts(levels: Any) -> None:
    steps = [{"target": 0.25, "due": "2026-11-14"}, {"target": 0.5, "due": "2026-11-15"},
             {"target": 1.0, "due": "2028-12-31"}]  # fmt: skip
    own = sites(at("T0V0", opened_on="2020-01-01"))
    row = only(tables(levels, own, {**ROOMS, "targets": steps})["targets"])
    assert row["target"] == 0.5
    over = only(tables(levels, own, {**ROOMS, "targets": steps[:1]})["targets"])
    assert (over["target"], over["progress"]) == (0.25, "met")
    late = [{"target": 0.5, "due": "2026-11-14"}]
    assert only(tables(levels, own, {**ROOMS, "targets": late})["targets"])["progress"] == "behind"


def test_without_a_target_the_figure_stands_alone(levels: Any) -> None:
    row = only(tables(levels, sites(at("T0V0")), {**ROOMS, "targets": []})["targets"])
    assert (row["value"], row["progress"]) == (0.25, "no_target")
    assert math.isnan(row["target"])
    assert math.isnan(row["missing"])


def test_without_indicators_the_tables_are_empty(levels: Any) -> None:
    assert all(table.empty for table in tables(levels, sites()).values())


def test_tables_can_be_stored_and_name_no_person(levels: Any) -> None:
    own = sites(at("T0V0", opened_on="2020-01-01"))
    out = tables(levels, own, ROOMS, SCHOOLS, TREATED)
    for table in out.values():
        json.dumps(table.astype(object).where(table.notna(), None).values.tolist())
    assert set(out["target_missing"]) == {
        "indicator", "level", "area_code", "name", "town_code", "town_name", "site_id", "reason",
        "persons",
    }  # fmt: skip
