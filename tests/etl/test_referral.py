"""The referral chain of a county small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from etl.build.referral import add_referral
from etl.build.work import Work
from etl.sections import Referral
from geo.model import Missing
from tests.etl.test_build import config, layer, levels, travel

__all__ = ["levels"]


def sites(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    """Sites as (kind, name, status, longitude, staff), all on one latitude."""
    frame = pd.DataFrame(rows, columns=["kind", "name", "status", "lon", "staff"])
    return frame.assign(lat=30.005)


ROOM = ("counselling_room", "某村心理咨询室", "open", 114.005, 1.0)
STATION = ("counselling_room", "某镇社会心理服务站", "open", 114.035, 3.0)
HOSPITAL = ("hospital", "县人民医院", "open", 114.045, 4.0)


def test_each_cell_breaks_where_the_chain_first_cannot_be_taken(levels: object) -> None:
    work = Work(levels, config())
    tables = add_referral(work, sites(ROOM, STATION, HOSPITAL), travel(work))
    steps = tables["referral_steps"].set_index("code")
    assert steps["sites"].to_dict() == {
        "room": 2, "station": 1, "hospital": 1, "psychiatric": 0}  # fmt: skip
    broken = layer(work.book, "referral.broken", "grid")
    # Cells are 960 m wide, 923 m are 15 min: rooms stand in the first and the fourth. Whoever
    # has a room is stopped at the psychiatric hospital, of which there is none.
    assert broken.values[[0, 3]].tolist() == [1, 1]
    assert broken.values[[5, 6]].tolist() == [4, 4]
    assert broken.states[2] == Missing.NOT_APPLICABLE
    assert broken.states[7] == Missing.NO_DATA
    spec = work.book.specs["referral.broken"]
    assert [label.zh for label in spec.labels] == [
        "每一步都走得到", "断在精神专科", "断在医院心理门诊", "断在乡镇站", "断在咨询室",
    ]  # fmt: skip
    minutes = layer(work.book, "referral.room", "grid").values
    assert (minutes[[0, 3]] < 1).all()
    assert "referral.psychiatric" not in work.book.specs, "no way to what is not there"


def test_the_table_adds_up_over_the_levels(levels: object) -> None:
    work = Work(levels, config())
    table = add_referral(work, sites(ROOM, STATION, HOSPITAL), travel(work))["referral"]
    county = table[table["level"] == "county"].set_index("step")
    villages = table[table["level"] == "village"].groupby("step")[
        ["persons", "persons_unable", "persons_broken"]].sum()  # fmt: skip
    for column in villages:
        np.testing.assert_allclose(villages[column], county.loc[villages.index, column])
    assert county["persons"].tolist() == [5900.0] * 4
    # Nobody's chain is whole: each breaks somewhere once.
    assert county["persons_broken"].sum() == 5900.0
    assert county.loc["psychiatric", "persons_unable"] == 5900.0
    assert (county["persons_unable"] >= county["persons_broken"]).all()


def test_what_nobody_has_handed_in_is_unknown_and_not_broken(levels: object) -> None:
    work = Work(levels, config())
    tables = add_referral(work, sites(ROOM, STATION), travel(work))
    steps = tables["referral_steps"].set_index("code")
    assert steps["sites"].isna().tolist() == [False, False, True, True]
    broken = layer(work.book, "referral.broken", "grid")
    assert np.isnan(broken.values[0])
    assert broken.states[0] == Missing.NO_DATA
    assert broken.values[5] == 4, "without a room it breaks there, whatever comes later"
    empty = Work(levels, config())
    add_referral(empty, sites(), travel(empty))
    assert not empty.book.specs


def test_who_counts_for_a_step(levels: object) -> None:
    rows = (
        ROOM,
        ("counselling_room", "某镇社会心理服务站", "planned", 114.035, 3.0),
        ("primary_care", "某镇卫生院", "open", 114.035, np.nan),
        ("hospital", "县中医医院", "open", 114.045, 0.0),
        ("hospital", "县人民医院", "open", 114.045, np.nan),
        ("hospital", "市精神卫生中心", "open", 114.045, 9.0),
        ("hospital", "没有坐标的医院", "open", np.nan, 9.0),
    )
    work = Work(levels, config())
    steps = add_referral(work, sites(*rows), travel(work))["referral_steps"].set_index("code")
    assert steps["sites"].to_dict() == {
        "room": 1, "station": 1, "hospital": 1, "psychiatric": 1}  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([], "at least 1"),
        ([{"names": "("}], "not a regular expression"),
        ([{}, {}], "a code of its own"),
        ([{"code": "broken"}], "not 'broken'"),
        ([{"threshold_min": 0}], "greater than 0"),
        ([{"kinds": []}], "at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    steps: list[dict[str, object]], message: str
) -> None:
    usual = {
        "code": "a",
        "name": {"zh": "甲", "en": "A"},
        "kinds": ["hospital"],
        "threshold_min": 9,
    }
    with pytest.raises(ValidationError, match=message):
        Referral.model_validate({"steps": [usual | step for step in steps]})
