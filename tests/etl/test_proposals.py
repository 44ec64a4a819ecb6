"""What is proposed for a doubted cell: one thing, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import proposals

CODES = ("990101001001", "990101001002", "990101002001", "990102001001")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("5人", "5"),
        ("１２ 人次", "12"),
        ("共1,204件", "1204"),
        ("3.0起", "3"),
        ("3.5人", None),
        ("约12人", None),
        ("12以上", None),
        ("5-6人", None),
        ("-3人", None),
        ("数据核实中", None),
        ("", None),
    ],
)
def test_a_number_loses_its_unit_and_nothing_else(text: str, wanted: str | None) -> None:
    assert proposals.number(text) == wanted


def test_an_attribute_may_be_a_fraction() -> None:
    assert proposals.number("37.5㎡", whole=False) == "37.5"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("99010101001", "990101001001"),  # a zero lost
        ("90102001001", "990102001001"),
        ("9901020010011", "990102001001"),
        ("990120001001", "990102001001"),  # two digits exchanged
        ("990102010001", "990102001001"),
        ("2001", "990101002001"),
        ("1001", None),
        ("", None),
        (" 990101001001 ", "990101001001"),
        ("990101001003", None),
    ],
)
def test_a_code_is_proposed_where_only_one_is_near(text: str, wanted: str | None) -> None:
    assert proposals.code(CODES)(text) == wanted


@given(st.integers(0, 11), st.sampled_from(CODES))
def test_a_lost_digit_never_leads_to_another_area(at: int, code: str) -> None:
    found = proposals.code(CODES)(code[:at] + code[at + 1 :])
    assert found in {code, None}


@pytest.mark.parametrize(
    ("style", "text", "wanted"),
    [
        ("iso", "2026年第46周", "2026-W46"),
        ("iso", "2026W46", "2026-W46"),
        ("iso", "2026-11-11", "2026-W46"),
        ("iso", "2026-W60", None),
        ("monday", "2026.11.11", "2026-11-09"),
        ("monday", "2026-W46", "2026-11-09"),
        ("sunday", "2026-11-11", "2026-11-08"),
        ("sunday", "2026-11-08", "2026-11-08"),
        ("date", "2026年11月9日—15日", "2026-11-09"),
        ("date", "20261109", "2026-11-09"),
        ("date", "2026-02-30", None),
        ("date", "11月9日", None),
    ],
)
def test_a_week_is_written_as_the_file_writes_it(
    style: proposals.WeekStyle, text: str, wanted: str | None
) -> None:
    assert proposals.week(style)(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("心里咨询室", "心理咨询室"),
        (" 医 院", "医院"),
        ("小卖部", None),
        ("甲校", None),  # as near to one as to the other
    ],
)
def test_a_name_is_proposed_where_one_is_nearest(text: str, wanted: str | None) -> None:
    assert proposals.name(["心理咨询室", "医院", "甲校舍", "甲校区"])(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("113°30′36″", "113.51"), ("东经113.51", "113.51"), ("E113°30'", "113.5"), ("无", None)],
)
def test_degrees_become_decimal(text: str, wanted: str | None) -> None:
    assert proposals.degrees(text) == wanted


@given(st.text(max_size=30))
def test_any_text_is_answered(text: str) -> None:
    for propose in (
        proposals.number,
        proposals.day,
        proposals.degrees,
        proposals.code(CODES),
        proposals.name(["心理咨询室"]),
        proposals.week("iso"),
        *proposals.BY_RULE.values(),
    ):
        found = propose(text)
        assert found is None or found
