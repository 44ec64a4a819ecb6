"""Questions of sites: one text for one question, and every fault at once in both languages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from etl.model import Text
from etl.policies import registry_toml
from etl.sections import KindSettings
from etl.siting.faults import QuestionError, question_fault
from etl.siting.question import SOURCES, Part, Point, Question, read_question, usual_part
from geo.model import Kind
from geo.siting.problem import Objective

ROOM = {"mode": "foot", "threshold_min": 15, "p_new": 3}
POINT = {"id": "p1", "name": "老仓库", "lon": 113.9, "lat": 31.4}


def faults(**given: Any) -> dict[str, list[str]]:
    """Codes of the faults of a question by where they are; the room of each test is good."""
    with pytest.raises(QuestionError) as caught:
        read_question({"parts": [ROOM], **given})
    found: dict[str, list[str]] = {}
    for fault in caught.value.faults:
        found.setdefault(fault.where, []).append(fault.code)
        assert fault.words.zh
        assert fault.words.en
        assert "{" not in fault.words.zh
    return found


def test_defaults_are_those_of_the_field() -> None:
    question = read_question({"parts": [ROOM]})
    (part,) = question.parts
    assert (part.kind, part.group, part.sources) == (Kind.COUNSELLING_ROOM, "total", ("venue",))
    assert question.objective == Objective.MAX_COVERAGE
    assert (question.weigh_by, question.time_limit_s, question.seed) == ("residents", 60.0, 1)


def test_text_goes_there_and_back() -> None:
    question = read_question(
        {
            "parts": [
                {**ROOM, "sources": ["extra", "venue"], "towns": ["b", "a"]},
                {**ROOM, "kind": "school", "group": "minors", "sources": ["school"]},
            ],
            "locked": ["venue:2", "venue:1"],
            "extra": [{**POINT, "id": "p2"}, POINT],
            "min_separation_m": 800,
        }
    )
    assert read_question(question.to_json()) == question
    assert read_question(json.loads(question.to_json())) == question
    assert question.parts[0].sources == ("venue", "extra")
    assert question.locked == ("venue:1", "venue:2")
    assert [point.id for point in question.extra] == ["p1", "p2"]


@given(st.permutations(["a", "b", "c"]), st.permutations(SOURCES), st.booleans())
def test_order_and_type_of_numbers_make_no_other_question(
    locked: list[str], sources: list[str], whole: bool
) -> None:
    threshold: float = 15 if whole else 15.0
    part = {**ROOM, "threshold_min": threshold, "sources": sources}
    asked = read_question({"locked": [*locked, locked[0]], "parts": [part]})
    usual = read_question(
        {"parts": [{**ROOM, "sources": list(SOURCES)}], "locked": ["a", "b", "c"]}
    )
    assert asked.to_json() == usual.to_json()
    assert asked.sha256 == usual.sha256


def test_another_question_has_another_hash() -> None:
    asked = read_question({"parts": [ROOM]})
    other = read_question({"parts": [{**ROOM, "p_new": 4}]})
    assert len(asked.sha256) == 64
    assert asked.sha256 != other.sha256


def test_every_wrong_value_is_told_at_once() -> None:
    part = {"kind": "zoo", "mode": "fly", "threshold_min": "15", "p_new": 1.5, "radius": 3}
    found = faults(parts=[part], budget=-1, one_per_town="yes", seed=True, min_town_share=2, x=1)
    assert found == {
        "parts.0.kind": ["choice"],
        "parts.0.mode": ["choice"],
        "parts.0.threshold_min": ["number"],
        "parts.0.p_new": ["whole_number"],
        "parts.0.radius": ["unknown_key"],
        "budget": ["at_least"],
        "one_per_town": ["yes_no"],
        "seed": ["whole_number"],
        "min_town_share": ["at_most"],
        "x": ["unknown_key"],
    }


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 0, -1, 241])
def test_a_threshold_is_a_time_that_somebody_walks(number: float) -> None:
    assert list(faults(parts=[{**ROOM, "threshold_min": number}])) == ["parts.0.threshold_min"]


def test_a_question_needs_a_part_and_a_part_its_way() -> None:
    assert faults(parts=[]) == {"parts": ["too_few"]}
    assert faults(parts=[{}]) == {"parts.0.mode": ["missing"], "parts.0.threshold_min": ["missing"]}
    assert faults(parts=[{**ROOM, "sources": []}]) == {"parts.0.sources": ["too_few"]}


def test_text_that_is_no_json_is_a_fault() -> None:
    with pytest.raises(QuestionError, match="1 fault"):
        read_question("{")


def test_every_contradiction_is_told_at_once() -> None:
    found = faults(
        parts=[
            {**ROOM, "kind": "hotline", "p_new": None},
            {**ROOM, "kind": "host_venue"},
            {**ROOM, "kind": "host_venue", "sources": ["school"]},
        ],
        objective="p_center",
        budget=5,
        locked=["a", "b"],
        forbidden=["a", "c"],
        closable=["b", "c"],
        extra=[POINT, POINT],
        worst_first=True,
        min_town_share=0.5,
    )
    assert found == {
        "parts.0.kind": ["kind_without_place"],
        "parts.0.p_new": ["number_needed"],
        "parts.1.sources": ["source_of_own_kind", "source_shared"],
        "parts.2.kind": ["kind_twice"],
        "extra": ["point_twice", "points_unused"],
        "locked": ["locked_forbidden", "locked_closable"],
        "forbidden": ["forbidden_closable"],
        "budget": ["budget_without_cost"],
        "min_town_share": ["coverage_only"],
        "worst_first": ["worst_first_coverage"],
    }


def test_something_limits_the_new_sites() -> None:
    endless = {**ROOM, "p_new": None}
    assert faults(parts=[endless]) == {"parts.0.p_new": ["nothing_limits"]}
    read_question({"parts": [endless], "objective": "set_cover"})
    read_question({"parts": [{**endless, "cost_new": 8.0}], "budget": 40})


def test_closures_are_limited_where_sites_may_be_closed() -> None:
    assert faults(max_closures=2) == {"max_closures": ["closures_of_none"]}
    read_question({"parts": [ROOM], "closable": ["rooms-1"], "max_closures": 2})


def test_a_place_is_shared_only_by_parts_of_other_towns() -> None:
    school = {**ROOM, "kind": "minors_centre"}
    assert faults(parts=[ROOM, school]) == {"parts.1.sources": ["source_shared"]}
    towns = [{**ROOM, "towns": ["a"]}, {**school, "towns": ["b", "c"]}]
    assert len(read_question({"parts": towns}).parts) == 2
    towns[1]["towns"] = ["a", "b"]
    assert faults(parts=towns) == {"parts.1.sources": ["source_shared"]}


def test_points_that_say_their_kind_serve_parts_of_any_kind() -> None:
    room = {**ROOM, "sources": ["venue", "extra"]}
    centre = {**ROOM, "kind": "guidance_centre", "sources": ["school", "extra"]}
    told = [{**POINT, "kind": "counselling_room"},
            {**POINT, "id": "p2", "kind": "guidance_centre"}]  # fmt: skip
    asked = read_question({"parts": [room, centre], "extra": told})
    assert [[p.id for p in asked.points_of(part)] for part in asked.parts] == [["p1"], ["p2"]]
    # One that does not would be a candidate of both.
    unsaid = faults(parts=[room, centre], extra=[POINT, told[1]])
    assert unsaid == {"parts.1.sources": ["source_shared"]}
    assert faults(parts=[room], extra=[told[1]]) == {"extra": ["points_unused"]}


def test_a_question_made_in_code_is_checked_alike() -> None:
    part = Part(mode="foot", threshold_min=15, p_new=1, sources=("extra",))
    point = Point.model_validate(POINT)
    assert Question(parts=(part,), extra=(point,)).sha256
    with pytest.raises(ValidationError, match="points were added"):
        Question(parts=(Part(mode="foot", threshold_min=15, p_new=1),), extra=(point,))


def test_messages_say_where_and_what_in_both_languages() -> None:
    with pytest.raises(QuestionError) as caught:
        read_question({"parts": [ROOM], "locked": ["venue:1"], "forbidden": ["venue:1"]})
    (fault,) = caught.value.faults
    assert fault.words.zh == "既要求必建、又要求不建：venue:1。"
    assert str(caught.value) == (
        "question: 1 fault(s)\n  - locked: 'venue:1'; wanted locked or forbidden, not both: venue:1"
    )


def test_codes_are_said_in_words() -> None:
    fault = question_fault("coverage_only", "min_town_share", "p_median")
    assert fault.words.zh == "“各乡镇最低覆盖比例”只适用于按覆盖选址，不适用于“最短总路程”。"
    assert "p_median" in fault.words.en


def test_every_sentence_takes_what_it_is_given() -> None:
    filled = dict.fromkeys(("key", "limit", "choices", "said", "kind", "known", "most"), "…")
    for code, words in registry_toml("siting.toml")["faults"].items():
        fault = question_fault(code, "x", "came", **filled)
        assert set(words) == {"zh", "en"}
        assert not set(fault.words.zh) & set(",;:()?!"), f"{code}: half-width in Chinese"


def test_a_part_as_the_locality_reaches_its_kinds() -> None:
    kind = KindSettings(
        code=Kind.COUNSELLING_ROOM, name=Text(zh="室", en="room"), mode="car", threshold_min=20
    )
    part = usual_part(kind, p_new=4)
    assert (part.kind, part.mode, part.threshold_min, part.p_new) == (kind.code, "car", 20, 4)
