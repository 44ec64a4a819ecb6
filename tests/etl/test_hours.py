"""Opening hours as departments write them, read for certain or not at all."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from etl.build.supply import count_supply, hours_factor, weekly_hours
from etl.sections import Access
from etl.sources.hours import hours_a_week
from geo.model import Kind


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("周一至周五 8:30-17:30", 45.0),
        ("周一至周五 8:30-11:30 14:00-17:00", 30.0),
        ("周二、周四 14:00-17:00", 6.0),
        ("周一、三、五 9:00-11:00", 6.0),
        ("周六至周一 9:00-10:00", 3.0),
        ("周末 9:00-12:00，需预约", 6.0),
        ("法定工作日 9:00-17:00", 40.0),
        ("星期一至星期五上午9时至下午5时", 40.0),
        ("周一至周五(节假日除外)8:00-12:00,14:00-18:00;周六 9:00-12:00", 43.0),
        ("每週一到週五上午8點到下午5點半", 47.5),
        ("每週三下午2點到5點", 3.0),
        ("每週二晚上6點10分到9點10分", 3.0),
        ("每周三上午9点到12点", 3.0),
        ("24小时", 168.0),
        ("全年无休24小时", 168.0),
        ("每天20:00-8:00", 84.0),
        # What is said twice is open once.
        ("周一至周五 9:00-17:00，周三 15:00-19:00", 42.0),
    ],
)
def test_reads(text: str, hours: float) -> None:
    assert hours_a_week(text) == pytest.approx(hours)


@pytest.mark.parametrize("text", ["", "  ", "预约开放", "电话预约"])
def test_nothing_said_is_unknown_and_no_doubt(text: str) -> None:
    found = hours_a_week(text)
    assert found is not None
    assert math.isnan(found)


@pytest.mark.parametrize(
    "text",
    [
        "每周三下午", "法定工作日", "9:00-17:00", "周一至周五", "随时", "每月第一个周三 9:00-12:00",
        "单周周三 9:00-12:00", "周一至周五 25:00-26:00", "周一 9:00-9:00", "周三 17:00-9:00 左右",
        "周三下午5点到2点", "工作时间", "周一三五9:00-11:00", "周八 9:00-10:00", "13800000000",
    ],
)  # fmt: skip
def test_never_guesses(text: str) -> None:
    assert hours_a_week(text) is None


def test_hours_weigh_supply_up_to_a_full_week() -> None:
    hours = weekly_hours(pd.Series(["周二、周四 14:00-17:00", "24小时", None, "随时"], dtype="str"))
    np.testing.assert_allclose(hours, [6.0, 168.0, np.nan, np.nan])
    np.testing.assert_allclose(hours_factor(hours, 40.0), [0.15, 1.0, 1.0, 1.0])


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "site_id": list("abcdef"),
            "kind": ["counselling_room"] * 4 + ["service_org", "school"],
            "status": ["open", "open", "open", "planned", "open", "open"],
            "lon": [114.0, 114.0, 114.0, 114.0, np.nan, 114.0],
            "lat": 30.0,
            "staff": [2.0, np.nan, 0.0, 5.0, 3.0, 9.0],
            "rooms": [1.0, 4.0, 1.0, 1.0, 2.0, 1.0],
            "places": np.nan,
            "hours": ["周二、周四 14:00-17:00", None, "预约开放", None, None, None],
        }
    )


def test_sites_that_offer_nothing_are_counted_not_hidden() -> None:
    found = count_supply(frame(), Access())
    assert found.sites["site_id"].tolist() == ["a"]
    assert found.offered.tolist() == [2.0]
    rooms, orgs = found.counts.to_dict("records")
    assert rooms == {
        "kind": "counselling_room", "sites_open": 3, "counted": 1, "unreported": 1, "without": 1,
        "unplaced": 0, "hours_known": 1, "supply": 2.0,
    }  # fmt: skip
    assert (orgs["kind"], orgs["counted"], orgs["unplaced"], orgs["supply"]) == (
        "service_org", 0, 1, 0.0)  # fmt: skip


def test_supply_by_kind_and_hours() -> None:
    settings = Access(hours=True, supply_by_kind={Kind.COUNSELLING_ROOM: "rooms"})
    found = count_supply(frame(), settings)
    assert found.sites["site_id"].tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(found.offered, [0.15, 4.0, 1.0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"supply_by_kind": {"school": "rooms"}}, "not among kinds: school"),
        ({"steps": [[0.5, 0.4], [1.0, 0.6]]}, "must not rise"),
        ({"steps": [[1.0, 1.0], [0.5, 0.4]]}, "must rise"),
        ({"steps": [[1.5, 1.0]]}, "at most 1"),
        ({"steps": [[1.0, -1.0]]}, "0 or more"),
        ({"full_week_hours": 0}, "greater than 0"),
        ({"method": "4sfca"}, "2sfca"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Access.model_validate(wrong)
