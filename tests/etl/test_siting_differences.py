"""Two answers side by side: what is in both, what differs, and by how much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from etl.siting.answer import Answer
from etl.siting.answering import answer_question
from etl.siting.differences import FIGURES, compare
from etl.siting.question import Question
from geo.errors import InputError
from tests.support.siting import small_answer, small_ground, small_question


def _ask(**changes: Any) -> Answer:
    asked = small_question().model_dump(mode="json")
    return answer_question(small_ground(), Question.model_validate({**asked, **changes}))


def _new(answer: Answer) -> set[str]:
    return set(answer.tables["sites"].query("state == 'new'")["site_id"])


@pytest.fixture(scope="module")
def other() -> Answer:
    """Without the best site of the answer, and one room that may be closed."""
    return _ask(forbidden=["venue:host-07"], closable=["coun-01"])


def test_sites_are_in_both_or_in_one(other: Answer) -> None:
    answer = small_answer()
    sites = compare(answer, other)["sites"].set_index("site_id")
    assert set(sites.index[sites["where"] == "both"]) == _new(answer) & _new(other)
    closed = other.tables["sites"].query("state == 'closed'")["site_id"].tolist()
    assert closed == ["coun-01"]
    assert set(sites.index[sites["where"] == "a"]) == (_new(answer) - _new(other)) | set(closed)
    assert set(sites.index[sites["where"] == "b"]) == _new(other) - _new(answer)
    assert (sites.loc["coun-01", "state_a"], sites.loc["coun-01", "state_b"]) == ("kept", "closed")
    # A room that both keep is no difference.
    assert "coun-02" not in sites.index
    gains = other.tables["sites"].set_index("site_id")["gain_persons"]
    for code in _new(other):
        assert sites.loc[code, "gain_b"] == gains[code]


def test_towns_groups_and_figures_differ_by_b_less_a(other: Answer) -> None:
    answer = small_answer()
    found = compare(answer, other)
    a, b = (one.tables["towns"].set_index("town_code") for one in (answer, other))
    towns = found["towns"]
    assert towns["town_code"].tolist() == answer.tables["towns"]["town_code"].tolist()
    for row in towns.to_dict("records"):
        code = row["town_code"]
        assert row["covered_a"] == a.loc[code, "covered_after"]
        assert row["covered_b"] == b.loc[code, "covered_after"]
        assert row["difference"] == row["covered_b"] - row["covered_a"]
        assert row["share_difference"] == row["share_b"] - row["share_a"]
    assert found["groups"]["group"].tolist() == ["total", "minors", "elderly"]
    figures = found["figures"].set_index("figure")
    assert list(figures.index) == [*FIGURES, "worst_town_share", "cost"]
    change = other.meta["covered_after"] - answer.meta["covered_after"]
    assert figures.loc["covered_after", "difference"] == change
    assert towns["difference"].sum() == change


def test_costs_gap_classes_and_indicators_are_sums_over_each_answer(other: Answer) -> None:
    answer = small_answer()
    found = compare(answer, other)
    cost = found["figures"].set_index("figure").loc["cost"]
    assert (cost["a"], cost["b"]) == (80_000.0 * len(_new(answer)), 80_000.0 * len(_new(other)))
    gaps = found["gaps"]
    assert gaps["gap_class"].is_monotonic_increasing
    for side, one in (("a", answer), ("b", other)):
        rows = one.tables["gaps"].to_dict("records")
        for level, told in zip(gaps["gap_class"], gaps[f"persons_{side}"], strict=True):
            assert told == sum(row["persons"] for row in rows if row["gap_after"] == level)
        assert gaps[f"persons_{side}"].sum() == sum(
            row["persons"] for row in rows if not np.isnan(row["gap_after"])
        )
        (row,) = one.tables["targets"].to_dict("records")
        (told,) = found["targets"].to_dict("records")
        assert (told["code"], told["unit"], told["required"]) == ("rooms_village", "share", 0.8)
        assert told[f"value_{side}"] == row["value_after"]
        assert told[f"met_{side}"] == row["met_after"]


def test_a_cost_that_one_site_does_not_have_is_no_sum() -> None:
    answer = small_answer()
    sites = answer.tables["sites"].copy()
    sites.loc[sites["state"] == "new", "cost"] = [np.nan, 1.0, 1.0, 1.0]
    found = compare(answer, replace(answer, tables={**answer.tables, "sites": sites}))
    assert np.isnan(found["figures"].set_index("figure").loc["cost", "b"])


def test_an_indicator_that_one_answer_does_not_change_is_missing_there() -> None:
    answer = small_answer()
    without = replace(
        answer, tables={**answer.tables, "targets": answer.tables["targets"].iloc[:0]}
    )
    for found, side in ((compare(answer, without), "b"), (compare(without, answer), "a")):
        (row,) = found["targets"].to_dict("records")
        assert np.isnan(row[f"value_{side}"])
        assert not isinstance(row[f"met_{side}"], bool)
        assert np.isnan(row["difference"])


def test_an_answer_does_not_differ_from_itself() -> None:
    found = compare(small_answer(), small_answer())
    assert (found["sites"]["where"] == "both").all()
    assert (found["towns"]["difference"] == 0).all()
    assert (found["groups"]["share_difference"] == 0).all()
    assert found["figures"]["difference"].fillna(0).eq(0).all()


def test_turned_round_every_difference_changes_its_sign(other: Answer) -> None:
    one, back = compare(small_answer(), other), compare(other, small_answer())
    for name in ("towns", "groups", "figures"):
        np.testing.assert_array_equal(one[name]["difference"], -back[name]["difference"])
    turned = back["sites"].set_index("site_id")["where"].map({"a": "b", "b": "a", "both": "both"})
    assert one["sites"].set_index("site_id")["where"].to_dict() == turned.to_dict()


def test_an_answer_without_sites_can_be_compared() -> None:
    nothing = _ask(objective="set_cover", parts=[
        {**small_question().model_dump(mode="json")["parts"][0], "p_new": None}
    ])  # fmt: skip
    found = compare(small_answer(), nothing)
    assert set(found["sites"]["where"]) == {"a"}
    figures = found["figures"].set_index("figure")
    assert np.isnan(figures.loc["knee", "b"])
    assert np.isnan(figures.loc["knee", "difference"])


def test_a_town_that_only_one_week_knows_has_no_difference() -> None:
    answer = small_answer()
    towns = answer.tables["towns"]
    later = replace(answer, tables={**answer.tables, "towns": towns.iloc[1:]})
    found = compare(answer, later)["towns"]
    assert found["name"].tolist() == towns["name"].tolist()
    assert np.isnan(found["difference"].iloc[0])
    assert (found["difference"].iloc[1:] == 0).all()


def test_answers_of_two_localities_are_refused() -> None:
    answer = small_answer()
    towns = answer.tables["towns"].assign(town_code=["1", "2", "3"])
    stranger = replace(answer, tables={**answer.tables, "towns": towns})
    with pytest.raises(InputError, match="the two answers have no town in common"):
        compare(answer, stranger)
