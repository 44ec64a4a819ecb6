"""Numbers, weeks and times as people read them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from dashboard.text import load, words

ZH, EN = load("zh-CN"), load("en")


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [
        (0, "0 人", "0 people"),
        (4210, "4\u2009210 人", "4\u2009210 people"),
        (9999, "9\u2009999 人", "9\u2009999 people"),
        (12345, "1.23 万人", "12\u2009345 people"),
        (1_875_586, "187.6 万人", "1.88 million people"),
        (math.nan, "– 人", "– people"),
    ],
)
def test_persons(value: float, chinese: str, english: str) -> None:
    assert words.persons(ZH, value) == chinese
    assert words.persons(EN, value) == english


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0%"), (1, "100%"), (0.9999, "99.9%"), (0.0001, "0.1%"), (0.784, "78.4%")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("week", "chinese", "english"),
    [
        ("2026-W46", "2026年第46周（11月9日—15日）", "Week 46, 2026 (9–15 Nov)"),
        ("2026-W05", "2026年第5周（1月26日—2月1日）", "Week 5, 2026 (26 Jan – 1 Feb)"),
        ("2026-W53", "2026年第53周（12月28日—1月3日）", "Week 53, 2026 (28 Dec – 3 Jan)"),
    ],
)
def test_weeks_say_their_days(week: str, chinese: str, english: str) -> None:
    assert words.week_label(ZH, week) == chinese
    assert words.week_label(EN, week) == english


def test_times_are_told_on_the_locality_clock() -> None:
    at = datetime(2026, 11, 15, 17, 5, tzinfo=UTC)
    assert words.moment(ZH, at, "Asia/Shanghai") == "2026年11月16日 01:05"
    assert words.moment(ZH, at.replace(tzinfo=None), "Asia/Shanghai") == "2026年11月16日 01:05"


def test_days() -> None:
    assert words.day(EN, date(2026, 9, 1)) == "1 Sept 2026"


@pytest.mark.parametrize(
    ("value", "said"), [(8.126, "8.13"), (42.55, "42.5"), (1234.5, "1\u2009234"), (3, "3")]
)
def test_figures_have_the_digits_they_deserve(value: float, said: str) -> None:
    assert words.figure(value) == said


@pytest.mark.parametrize(("value", "said"), [(0, "0"), (0.2, "1"), (9.32, "9"), (math.nan, "–")])
def test_minutes_are_whole(value: float, said: str) -> None:
    assert words.minutes(value) == said


def test_names_lose_their_capital_inside_an_english_sentence() -> None:
    assert words.inside(EN, "Counselling room") == "counselling room"
    assert words.inside(EN, "NGO office") == "NGO office"
    assert words.inside(ZH, "心理咨询室") == "心理咨询室"
