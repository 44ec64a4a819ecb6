"""Sites moved by hand: equal to everything worked out anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.siting.answer import Answer
from etl.siting.answering import answer_question
from etl.siting.moves import Moved, Moves
from etl.siting.question import Question
from geo.errors import CodeError
from tests.support.siting import small_answer, small_ground, small_question

TWO_PARTS = [
    {"kind": "counselling_room", "mode": "foot", "threshold_min": 15.0, "p_new": 2,
     "sources": ["venue"]},
    {"kind": "service_org", "mode": "car", "threshold_min": 4.0, "p_new": 1,
     "sources": ["school", "primary_care"], "group": "minors"},
]  # fmt: skip


def _ask(**changes: Any) -> Answer:
    asked = small_question().model_dump(mode="json")
    return answer_question(small_ground(), Question.model_validate({**asked, **changes}))


def _candidates(answer: Answer) -> list[str]:
    return list(answer.tables["candidates"]["candidate_id"])


def _anew(answer: Answer, sites: list[str], closed: list[str]) -> Answer:
    """All worked out anew where just these may be built and must be."""
    asked = answer.meta["question"]
    kinds = answer.tables["candidates"].set_index("candidate_id")["kind"]
    parts = [
        {**part, "p_new": sum(kinds[code] == part["kind"] for code in sites)}
        for part in asked["parts"]
    ]
    ground = small_ground()
    kept = ground.sites[~ground.sites["site_id"].isin(closed)]
    fixed = {**asked, "parts": parts, "locked": sites, "closable": [], "max_closures": None}
    return answer_question(small_ground(sites=kept), Question.model_validate(fixed))


def _same(moved: Moved, anew: Answer) -> None:
    assert moved.covered_after == pytest.approx(anew.meta["covered_after"], abs=1e-9)
    assert moved.share_after == pytest.approx(anew.meta["share_after"])
    towns = anew.tables["towns"]
    np.testing.assert_allclose(moved.towns["covered_after"], towns["covered_after"])
    np.testing.assert_allclose(moved.towns["share_after"], towns["share_after"])
    groups = anew.tables["groups"]
    np.testing.assert_allclose(moved.groups["covered_after"], groups["covered_after"])
    new = anew.tables["sites"].query("state == 'new'")
    assert moved.gains["site_id"].tolist() == new["site_id"].tolist()
    np.testing.assert_allclose(moved.gains["gain_persons"], new["gain_persons"])


@pytest.mark.parametrize("picked", [[0, 7, 12], [3], [], [14, 2, 5, 9, 11]])
def test_other_sites_give_what_an_answer_anew_gives(picked: list[int]) -> None:
    answer = small_answer()
    sites = [_candidates(answer)[at] for at in picked]
    moved = Moves(answer).try_sites(sites)
    anew = _anew(answer, sites, [])
    _same(moved, anew)
    np.testing.assert_array_equal(moved.state, anew.cells["state"])
    np.testing.assert_allclose(moved.towns["newly"], anew.tables["towns"]["newly"])
    np.testing.assert_allclose(moved.groups["newly"], anew.tables["groups"]["newly"])


def test_the_sites_of_the_answer_give_the_answer() -> None:
    answer = small_answer()
    sites = answer.tables["sites"]
    moved = Moves(Answer.from_bytes(answer.to_bytes())).try_sites(list(sites["site_id"]))
    _same(moved, answer)
    np.testing.assert_array_equal(moved.state, answer.cells["state"])
    assert moved.exact


def test_sites_that_may_be_closed_are_open_where_they_are_named() -> None:
    answer = _ask(closable=["coun-01", "coun-02"])
    new = _candidates(answer)[4:6]
    moves = Moves(answer)
    _same(moves.try_sites([*new, "coun-01", "coun-02"]), _anew(answer, new, []))
    _same(moves.try_sites([*new, "coun-02"]), _anew(answer, new, ["coun-01"]))
    both = moves.try_sites(new)
    assert both.lost > 0
    change = both.newly - both.lost
    assert both.covered_after - both.covered_before == pytest.approx(change)


def test_two_kinds_at_once() -> None:
    answer = _ask(parts=TWO_PARTS)
    ids = _candidates(answer)
    sites = [ids[2], ids[6], ids[-1]]
    moved, anew = Moves(answer).try_sites(sites), _anew(answer, sites, [])
    _same(moved, anew)
    assert len(moved.states) == 2
    for part, state in enumerate(moved.states):
        np.testing.assert_array_equal(state, anew.array("state", part))


def test_where_room_is_short_it_is_said_that_some_more_may_be_served() -> None:
    part = {**small_question().model_dump(mode="json")["parts"][0], "capacity_new": 2000.0}
    answer = _ask(parts=[part])
    moves = Moves(answer)
    new = answer.tables["sites"].query("state == 'new'")["site_id"].tolist()
    moved = moves.try_sites(new)
    assert not moved.exact
    assert moved.covered_after <= answer.meta["covered_after"] + 1e-6
    assert (moved.gains["gain_persons"] <= 2000.0).all()
    one = moves.try_sites(new[:1])
    assert one.newly == pytest.approx(2000.0)


def test_a_stranger_is_refused() -> None:
    with pytest.raises(CodeError, match="site\\(s\\) venue:nowhere: neither candidates of this"):
        Moves(small_answer()).try_sites(["venue:nowhere"])


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 14)), st.integers(0, 14))
def test_one_more_site_never_covers_fewer(picked: set[int], more: int) -> None:
    answer = small_answer()
    ids, moves = _candidates(answer), Moves(small_answer())
    few = moves.try_sites([ids[at] for at in sorted(picked)])
    many = moves.try_sites([ids[at] for at in sorted(picked | {more})])
    assert many.covered_after >= few.covered_after
    assert few.covered_before + few.newly == pytest.approx(few.covered_after)
    assert few.gains["gain_persons"].sum() == pytest.approx(few.newly)
    assert few.gains["gain_persons"].is_monotonic_decreasing
    assert few.lost == 0
    assert few.towns["newly"].sum() == pytest.approx(few.newly)
    again = moves.try_sites([ids[at] for at in sorted(picked, reverse=True)])
    pd.testing.assert_frame_equal(again.towns, few.towns)
