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
from etl.siting.calls import POINT, Call
from etl.siting.moves import Moved, Moves, share_room
from etl.siting.points import with_points
from etl.siting.question import Question
from etl.siting.tasks import Grounds, reply_to
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
    np.testing.assert_array_equal(moved.states[0], anew.cells["state"])
    np.testing.assert_allclose(moved.towns["newly"], anew.tables["towns"]["newly"])
    np.testing.assert_allclose(moved.groups["newly"], anew.tables["groups"]["newly"])


def test_the_sites_of_the_answer_give_the_answer() -> None:
    answer = small_answer()
    sites = answer.tables["sites"]
    moved = Moves(Answer.from_bytes(answer.to_bytes())).try_sites(list(sites["site_id"]))
    _same(moved, answer)
    np.testing.assert_array_equal(moved.states[0], answer.cells["state"])
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


@pytest.mark.parametrize("room", [300.0, 2000.0, 1e6])
@pytest.mark.parametrize("picked", [[0, 7, 12], [3], [], [14, 2, 5, 9, 11], [0, 1, 2, 3, 4, 5]])
def test_short_room_is_shared_out_as_well_as_an_answer_anew_does(
    picked: list[int], room: float
) -> None:
    part = {**small_question().model_dump(mode="json")["parts"][0], "capacity_new": room}
    answer = _ask(parts=[part])
    sites = [_candidates(answer)[at] for at in picked]
    moved = Moves(answer).try_sites(sites)
    assert moved.exact
    assert moved.covered_after == pytest.approx(_anew(answer, sites, []).meta["covered_after"])
    assert (moved.gains["gain_persons"] <= room + 1e-6).all()
    assert moved.gains["gain_persons"].sum() == pytest.approx(moved.newly)
    assert moved.towns["newly"].sum() == pytest.approx(moved.newly)


def test_it_is_said_where_an_answer_shares_room_by_need() -> None:
    part = {**small_question().model_dump(mode="json")["parts"][0], "capacity_new": 2000.0}
    assert not Moves(_ask(parts=[part], weigh_by="need")).try_sites([]).exact


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.floats(0.5, 40.0))
def test_no_other_sharing_of_room_serves_more(seed: int, n_sites: int, room: float) -> None:
    """Against the least cut, over all sets of sites."""
    rng = np.random.default_rng(seed)
    persons = np.where(rng.random(9) < 0.2, 0.0, rng.uniform(0, 20, 9))
    reach = [np.flatnonzero(rng.random(9) < 0.4) for _ in range(n_sites)]
    share, served = share_room(persons, reach, room)
    cuts = []
    for kept in range(2**n_sites):
        full = [reach[i] for i in range(n_sites) if not kept >> i & 1]
        reached = np.unique(np.concatenate([*full, np.zeros(0, dtype=np.int64)]))
        cuts.append(room * (n_sites - len(full)) + persons[reached].sum())
    assert persons @ share == pytest.approx(min(cuts), abs=1e-6)
    assert served.sum() == pytest.approx(persons @ share, abs=1e-6)
    assert (served <= room + 1e-6).all()
    within = np.zeros(9, dtype=bool)
    for one in reach:
        within[one] = True
    assert (share[~within] == 0).all()


def test_a_point_counts_for_the_kind_it_was_put_for() -> None:
    answer, ground = _ask(parts=TWO_PARTS), small_ground()
    lon, lat = (float(ground.cells[name].mean()) for name in ("lon", "lat"))
    told = {"snapshot_id": ground.snapshot_id, "question": answer.meta["question"],
            "lon": lon, "lat": lat, "kind": "service_org"}  # fmt: skip
    reply = reply_to(Call(7, POINT, "s1", told), Grounds(lambda _: ground))
    (row,) = reply.tables["candidates"].to_dict("records")
    assert (row["candidate_id"], row["kind"]) == ("extra:p7", "service_org")
    moved = Moves(with_points(answer, [reply])).try_sites(["extra:p7"])
    assert moved.newly > 0
    point = {"id": "p7", "name": "一处", "lon": lon, "lat": lat, "kind": "service_org"}
    second = {**TWO_PARTS[1], "sources": [*TWO_PARTS[1]["sources"], "extra"]}
    peer = _ask(parts=[TWO_PARTS[0], second], extra=[point])
    anew = _anew(peer, ["extra:p7"], [])
    _same(moved, anew)
    np.testing.assert_array_equal(moved.states[1], anew.array("state", 1))


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
