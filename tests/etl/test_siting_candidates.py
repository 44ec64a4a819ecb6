"""Candidates of every source, what each lacks, and questions that nothing can answer."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from etl.sections import Siting
from etl.siting.candidates import (
    COLUMNS,
    LACKS,
    check_asked,
    existing_sites,
    list_candidates,
    may_be_chosen,
)
from etl.siting.faults import QuestionError
from etl.siting.ground import Ground
from etl.siting.question import Question, read_question
from etl.siting.zones import Zones
from etl.sources.floors import lowest_floor
from tests.support.siting_ground import CODES, CRS, SOUTH, STEP, WEST, hand_made, site

GOOD = {"area_m2": 60.0, "hours": "周一至周五 9:00-17:00", "floor": "1层", "owner": "甲村委会"}
OUT = {"lon": np.nan, "lat": np.nan}


def ask(*sources: str, **given: Any) -> Question:
    part = {"mode": "foot", "threshold_min": 15, "p_new": 1, "sources": list(sources or ["venue"])}
    part |= {name: given.pop(name) for name in ("kind", "group", "p_new", "towns", "cost_new")
             if name in given}  # fmt: skip
    return read_question({"parts": [part], **given})


def lacks(ground: Ground, question: Question) -> dict[str, str]:
    found = list_candidates(ground, question)
    return dict(zip(found["candidate_id"], found["lacks"], strict=True))


def faults(ground: Ground, question: Question) -> dict[str, list[str]]:
    with pytest.raises(QuestionError) as caught:
        check_asked(ground, question, list_candidates(ground, question))
    found: dict[str, list[str]] = {}
    for fault in caught.value.faults:
        found.setdefault(fault.where, []).append(fault.code)
        assert fault.words.zh.endswith("。")
    return found


def zones(rank: list[float] | None, excluded: list[int]) -> Zones:
    """Zones whose outlines are those of cells, by cell."""
    shapes = hand_made().shapes
    assert shapes is not None
    outlines = shapes.to_crs(CRS)
    suitable = None
    if rank is not None:
        inside = np.isfinite(rank)
        suitable = gpd.GeoDataFrame(
            {"rank": np.array(rank)[inside]}, geometry=outlines[inside].values
        )
    return Zones(suitable, outlines.iloc[excluded])


def test_venues_in_service_with_all_that_is_known_of_them() -> None:
    ground = hand_made(
        site("v1", "host_venue", 1, "甲村党群服务中心", **GOOD),
        site("v0", "host_venue", 3),
        site("shut", "host_venue", 0, status="closed"),
        site("later", "host_venue", 0, status="planned"),
        site("room", "counselling_room", 0),
    )
    found = list_candidates(ground, ask())
    assert tuple(found.columns) == COLUMNS
    assert found["candidate_id"].tolist() == ["venue:v0", "venue:v1"]
    row = found.iloc[1]
    assert row["source"] == "venue"
    assert row["kind"] == "counselling_room"
    assert (row["town_name"], row["village_name"]) == ("1镇", "村1001")
    assert (row["area_m2"], row["floor"], row["owner"]) == (60.0, "1层", "甲村委会")
    assert row["lacks"] == ""
    assert found["usable"].all()
    x, y = ground.cells.loc[1, ["x", "y"]]
    assert (row["x"], row["y"]) == pytest.approx((x, y), abs=0.01)


def test_what_a_place_lacks_is_said_in_one_order() -> None:
    ground = hand_made(
        site("none", "host_venue", 0),
        site("small", "host_venue", 0, "甲村党群服务中心", **{**GOOD, "area_m2": 19.9}),
        site("upstairs", "host_venue", 1, **{**GOOD, "floor": "3楼"}),
        site("cellar", "host_venue", 1, **{**GOOD, "floor": "负一层"}),
        site("odd", "host_venue", 1, **{**GOOD, "floor": "后院"}),
        site("rough", "host_venue", 3, **GOOD, quality="village"),
        site("address", "host_venue", 3, **GOOD, quality="address"),
        site("nowhere", "host_venue", 3, **GOOD, **OUT),
    )
    assert lacks(ground, ask()) == {
        "venue:none": "area_unknown|hours_unknown|floor_unknown",
        "venue:small": "area_small",
        "venue:upstairs": "upper_floor",
        "venue:cellar": "",
        "venue:odd": "floor_unknown",
        "venue:rough": "place_inexact",
        "venue:address": "",
        "venue:nowhere": "no_place",
    }


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("甲村党群服务中心", 20),
        ("某镇文化站", 50),
        ("某镇甲村文化室", 20),
        ("某街道办事处", 50),
        ("某街道某社区活动中心", 20),
        ("某社区卫生服务中心", 50),
        ("老年活动中心", 20),
    ],
)
def test_a_town_asks_for_more_room_than_a_village(name: str, required: float) -> None:
    ground = hand_made(site("v", "host_venue", 0, name, **{**GOOD, "area_m2": required}))
    (row,) = list_candidates(ground, ask()).to_dict("records")
    assert row["required_m2"] == required
    assert row["lacks"] == ""
    less = hand_made(site("v", "host_venue", 0, name, **{**GOOD, "area_m2": required - 0.5}))
    assert lacks(less, ask()) == {"venue:v": "area_small"}


def test_the_standard_is_the_localitys_own_and_of_rooms_alone() -> None:
    strict = Siting(village_area_m2=80)
    ground = hand_made(site("v", "host_venue", 0, **GOOD), standard=strict)
    assert lacks(ground, ask()) == {"venue:v": "area_small"}
    other = ask(kind="minors_centre")
    assert lacks(ground, other) == {"venue:v": ""}
    assert np.isnan(list_candidates(ground, other).loc[0, "required_m2"])


def test_schools_and_primary_care_are_candidates_too() -> None:
    ground = hand_made(
        site("s1", "school", 0, "甲小学", rooms=1.0),
        site("s2", "school", 1, "乙小学", rooms=0.0),
        site("s3", "school", 1, "丙小学"),
        site("c1", "primary_care", 3, "某镇卫生院"),
        site("v1", "host_venue", 3),
    )
    found = list_candidates(ground, ask("primary_care", "school", "venue"))
    assert found["candidate_id"].tolist() == [
        "venue:v1", "school:s1", "school:s2", "school:s3", "care:c1",
    ]  # fmt: skip
    pupils = ask("school", kind="school")
    assert list_candidates(ground, pupils)["candidate_id"].tolist() == ["school:s2", "school:s3"]
    assert existing_sites(ground, pupils.parts[0])["site_id"].tolist() == ["s1"]


def test_existing_sites_are_open_and_have_a_place() -> None:
    ground = hand_made(
        site("r1", "counselling_room", 0),
        site("r2", "counselling_room", 0, status="planned"),
        site("r3", "counselling_room", 0, **OUT),
        site("v", "host_venue", 0),
    )
    assert existing_sites(ground, ask().parts[0])["site_id"].tolist() == ["r1"]


def test_peopled_cells_where_there_are_no_zones() -> None:
    found = list_candidates(hand_made(), ask("suitable"))
    assert found["candidate_id"].tolist() == [f"cell:{CODES[i]}" for i in (0, 1, 3, 4)]
    assert set(found["lacks"]) == {"place_inexact|area_unknown|hours_unknown|floor_unknown"}
    excluded = hand_made(zones=zones(None, [1, 2]))
    left = list_candidates(excluded, ask("suitable"))["candidate_id"]
    assert left.tolist() == [f"cell:{CODES[i]}" for i in (0, 3, 4)]


def test_suitable_cells_whether_peopled_or_not_without_exclusions() -> None:
    ground = hand_made(zones=zones([1, np.nan, 2, np.nan, 1, np.nan], [4]))
    found = list_candidates(ground, ask("suitable"))
    assert found["candidate_id"].tolist() == [f"cell:{CODES[i]}" for i in (0, 2)]


def test_a_place_in_an_excluded_zone_is_flagged_whatever_its_source() -> None:
    point = {"id": "b", "name": "老仓库", "lon": WEST + 4.1 * STEP, "lat": SOUTH + 0.5 * STEP}
    ground = hand_made(
        site("v1", "host_venue", 1, **GOOD), site("v3", "host_venue", 3, **GOOD),
        site("s1", "school", 1), site("c1", "primary_care", 1), site("v", "host_venue", 1, **OUT),
        zones=zones([1.0] * 6, [1, 4]),
    )  # fmt: skip
    sources = ("venue", "school", "primary_care", "suitable", "extra")
    found = list_candidates(ground, ask(*sources, extra=[point])).set_index("candidate_id")
    barred = {"venue:v1", "school:s1", "care:c1", "extra:b"}
    assert set(found.index[found["excluded"]]) == barred
    flagged = found["lacks"].str.split("|").map(lambda codes: "excluded" in codes)
    assert set(found.index[flagged]) == barred
    assert found.loc["venue:v1", "lacks"] == "excluded"
    assert f"cell:{CODES[1]}" not in found.index


def test_what_a_zone_excludes_may_be_chosen_where_it_is_locked() -> None:
    ground = hand_made(*(site(f"v{i}", "host_venue", i) for i in (0, 1, 3)), zones=zones(None, [1]))
    for question, wanted in (
        (ask(), ["venue:v0", "venue:v3"]),
        (ask(locked=["venue:v1"]), ["venue:v0", "venue:v1", "venue:v3"]),
        (ask(forbidden=["venue:v0"]), ["venue:v3"]),
    ):
        found = list_candidates(ground, question)
        assert found.loc[may_be_chosen(found, question), "candidate_id"].tolist() == wanted
    assert faults(ground, ask(p_new=3)) == {"parts.0.p_new": ["more_than_candidates"]}
    nowhere = hand_made(site("v1", "host_venue", 1), zones=zones(None, [1]))
    assert faults(nowhere, ask()) == {"parts.0.sources": ["all_excluded"]}
    locked = ask(locked=["venue:v1"])
    check_asked(nowhere, locked, list_candidates(nowhere, locked))


def test_points_of_the_map_belong_to_the_cell_around_them() -> None:
    ground = hand_made()
    points = [
        {"id": "b", "name": "老仓库", "lon": WEST + 4.1 * STEP, "lat": SOUTH + 0.9 * STEP},
        {"id": "edge", "name": "路口", "lon": WEST + STEP, "lat": SOUTH + 0.5 * STEP},
        {"id": "out", "name": "县外", "lon": WEST - 1, "lat": SOUTH},
    ]
    found = list_candidates(ground, ask("extra", extra=points)).set_index("candidate_id")
    assert found.loc["extra:b", "village_code"] == CODES[4][:12]
    assert found.loc["extra:edge", "village_code"] == CODES[0][:12], "the first of two neighbours"
    assert found.loc["extra:out", ["town_code", "town_name", "village_code"]].isna().all()
    assert found["usable"].all()
    assert set(found["lacks"]) == {"area_unknown|hours_unknown|floor_unknown"}


def test_points_are_placed_without_outlines_too() -> None:
    ground = hand_made(shapes=None)
    lon = np.array([WEST + 3.4 * STEP, np.nan])
    assert ground.positions_at(lon, np.array([SOUTH, SOUTH])).tolist() == [3, -1]


def test_only_candidates_of_the_towns_that_are_asked_for() -> None:
    ground = hand_made(site("v1", "host_venue", 0), site("v2", "host_venue", 4))
    found = list_candidates(ground, ask(towns=["990101002000"]))
    assert found["candidate_id"].tolist() == ["venue:v2"]


def test_no_candidates_are_an_empty_table_of_the_same_columns() -> None:
    found = list_candidates(hand_made(), ask())
    assert found.empty
    assert tuple(found.columns) == COLUMNS
    filled = list_candidates(hand_made(site("v", "host_venue", 0)), ask())
    assert found.dtypes.to_dict() == filled.dtypes.to_dict()


def test_snapshots_without_floor_and_owner_can_be_asked() -> None:
    ground = hand_made(site("v", "host_venue", 0, area_m2=30.0, hours="预约开放"))
    older = hand_made(sites=ground.sites.drop(columns=["floor", "owner"]))
    assert lacks(older, ask()) == {"venue:v": "floor_unknown"}


def test_a_question_that_can_be_answered_passes() -> None:
    ground = hand_made(site("v", "host_venue", 0), site("r", "counselling_room", 3))
    question = ask(locked=["venue:v"], closable=["r"])
    check_asked(ground, question, list_candidates(ground, question))


def test_no_venues_and_none_with_a_place_are_told_apart() -> None:
    assert faults(hand_made(), ask()) == {"parts.0.sources": ["no_venues"]}
    nowhere = hand_made(site("v", "host_venue", 0, **OUT))
    assert faults(nowhere, ask()) == {"parts.0.sources": ["none_placed"]}
    free = ask(p_new=0, closable=["r"])
    ground = hand_made(site("r", "counselling_room", 0))
    check_asked(ground, free, list_candidates(ground, free))


def test_more_new_sites_than_candidates_is_found_before_solving() -> None:
    sites = [site(f"v{i}", "host_venue", i % 2) for i in range(3)]
    ground = hand_made(*sites, site("nowhere", "host_venue", 0, **OUT))
    question = ask(p_new=3)
    check_asked(ground, question, list_candidates(ground, question))
    assert faults(ground, ask(p_new=4)) == {"parts.0.p_new": ["more_than_candidates"]}
    less = ask(p_new=3, forbidden=["venue:v1"])
    assert faults(ground, less) == {"parts.0.p_new": ["more_than_candidates"]}
    with pytest.raises(QuestionError, match="at most 3 new sites"):
        check_asked(ground, ask(p_new=4), list_candidates(ground, ask(p_new=4)))


def test_locks_on_what_is_not_there_are_said() -> None:
    ground = hand_made(
        site("v", "host_venue", 0),
        site("nowhere", "host_venue", 0, **OUT),
        site("r", "counselling_room", 0),
        site("c", "primary_care", 0),
    )
    question = ask(
        locked=["venue:nowhere", "venue:gone"], closable=["c"], forbidden=["venue:v"], p_new=1
    )
    found = faults(ground, question)
    assert found["locked"] == ["locked_stranger", "locked_unplaced"]
    assert found["closable"] == ["closable_stranger"]
    assert found["parts.0.p_new"] == ["more_than_candidates"]


def test_locked_sites_beyond_the_number_or_the_budget() -> None:
    ground = hand_made(*(site(f"v{i}", "host_venue", i) for i in range(3)))
    locked = ["venue:v0", "venue:v1"]
    assert faults(ground, ask(locked=locked)) == {"parts.0.p_new": ["locked_over_number"]}
    dear = ask(locked=locked, p_new=3, cost_new=6, budget=10)
    assert faults(ground, dear) == {"budget": ["locked_over_budget"]}


def test_strange_groups_and_towns_and_nobody_to_serve() -> None:
    ground = hand_made(site("v", "host_venue", 0))
    assert faults(ground, ask(group="giants", towns=["1"]))["parts.0.group"] == ["unknown_group"]
    assert faults(ground, ask(towns=["1"]))["parts.0.towns"] == ["unknown_town"]
    empty = hand_made(site("v", "host_venue", 0), persons=ground.persons * 0)
    assert faults(empty, ask()) == {"parts.0.group": ["nobody"]}


def test_need_weighs_only_where_it_is_published() -> None:
    ground = hand_made(site("v", "host_venue", 0))
    question = ask(weigh_by="need")
    check_asked(ground, question, list_candidates(ground, question))
    unknown = hand_made(site("v", "host_venue", 0), need=ground.need * np.nan)
    assert faults(unknown, question) == {"weigh_by": ["need_unknown"]}


def test_every_code_of_what_is_lacking_is_named() -> None:
    ground = hand_made(site("v", "host_venue", 0))
    assert set("|".join(lacks(ground, ask()).values()).split("|")) <= set(LACKS)


@pytest.mark.parametrize(
    ("text", "floor"),
    [
        ("1层", 1), ("二楼", 2), ("1-3F", 1), ("2至3层", 2), ("首层", 1), ("第三层", 3),
        ("平房", 1), ("负一层", -1), ("B1", -1), ("地下一层", -1), ("十二层", 12),
        ("二十一楼", 21), ("1楼（东侧）", 1), ("２Ｆ", 2), ("2、3层", 2), ("", None),
        ("顶层", None), ("0", None), ("一楼大厅旁", None), ("101室", None),
    ],
)  # fmt: skip
def test_floors_as_people_write_them(text: str, floor: int | None) -> None:
    assert lowest_floor(text) == floor


def test_texts_are_texts_and_numbers_numbers() -> None:
    found = list_candidates(hand_made(site("v", "host_venue", 0)), ask("venue", "suitable"))
    assert isinstance(found["owner"].dtype, pd.StringDtype)
    assert found["area_m2"].dtype == np.float64
