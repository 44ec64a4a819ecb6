"""The planner's page: what its form asks, what it says of an answer, and states without one."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from dash import html

from dashboard import siting_form, siting_view
from dashboard import siting_words as said_of
from dashboard.app import create_app
from dashboard.components import siting_effects, siting_job, siting_result
from dashboard.components import siting_form as siting_form_parts
from dashboard.figures.coverage import coverage_curve
from dashboard.pages import PageContext, siting
from dashboard.planner import Scenario
from dashboard.siting_form import Marks
from dashboard.siting_pool import MOST_SHOWN, Pool
from dashboard.text import Catalog, load
from etl.siting.answer import Answer
from etl.siting.desk import SitingDesk
from etl.siting.moves import Moves
from etl.siting.question import read_question
from geo.errors import AbsentError
from geo.siting.solve import By
from tests.support import planner as planners
from tests.support.dashboard_pages import NOW, page_context, words_of
from tests.support.siting import small_answer

ZH, EN = load("zh-CN"), load("en")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> SitingDesk:
    """A desk on a store of its own."""
    return planners.planner(tmp_path_factory.mktemp("planner"))


@pytest.fixture(scope="module")
def answer() -> Answer:
    """An answer worked out by the real code."""
    return small_answer()


@pytest.fixture(scope="module")
def done(desk: SitingDesk, answer: Answer) -> str:
    """A scenario that has it."""
    return planners.put_answer(desk, answer, name="五处心理咨询室")


def context(desk: SitingDesk, lang: str = "zh-CN", **choices: str) -> PageContext:
    """The page's context, with a planner."""
    return replace(page_context(desk._reader, "/siting", lang=lang, **choices), planner=desk)


def shown(desk: SitingDesk, scenario: str, lang: str = "zh-CN") -> siting_view.Shown:
    """A screen of the page."""
    return siting_view.read(desk._reader, desk, scenario, load(lang), theme="light")


def said(screen: siting_view.Shown) -> str:
    """All its words."""
    return words_of([screen.heading, screen.panel, screen.legend]).replace("\u00a0", " ")


# ---------------------------------------------------------------- the form


def test_the_form_as_it_comes_asks_a_question_that_can_be_asked(desk: SitingDesk) -> None:
    form = siting_form.usual_form(desk.offer())
    asked = read_question(siting_form.question_of(form, Marks()))
    (part,) = asked.parts
    assert (part.kind, part.p_new, part.group) == ("counselling_room", 5, "total")
    assert set(part.sources) == {"venue", "school", "primary_care", "suitable"}


def test_a_question_comes_back_from_its_form(desk: SitingDesk) -> None:
    question = read_question(
        {
            "parts": [
                {"kind": "counselling_room", "mode": "car", "threshold_min": 20.0, "p_new": 4,
                 "sources": ["venue", "extra"], "cost_new": 8.0, "towns": ["990101100000"]},
                {"kind": "guidance_centre", "mode": "foot", "threshold_min": 30.0, "p_new": 1,
                 "sources": ["school"], "cost_new": 30.0, "towns": ["990101100000"]},
            ],
            "objective": "backup_coverage", "budget": 40.0, "locked": ["venue:1"],
            "forbidden": ["venue:2"], "closable": ["s1"], "max_closures": 1,
            "extra": [{"id": "p1", "name": "添加点 1", "lon": 101.2, "lat": 25.1}],
            "min_separation_m": 500.0, "one_per_town": True, "min_town_share": 0.4,
            "weigh_by": "need",
        }
    )  # fmt: skip
    told = question.model_dump(mode="json")
    form = siting_form.form_of(told, desk.offer())
    again = read_question(siting_form.question_of(form, Marks.read(told)))
    assert again == question


def test_fewest_sites_are_asked_without_a_number(desk: SitingDesk) -> None:
    form = {**siting_form.usual_form(desk.offer()), "objective": "set_cover"}
    assert "p_new" not in siting_form.question_of(form, Marks())["parts"][0]


def test_half_a_site_is_left_for_the_planner_to_refuse(desk: SitingDesk) -> None:
    form = {**siting_form.usual_form(desk.offer()), "number-0": 2.5}
    with pytest.raises(Exception, match="whole number"):
        read_question(siting_form.question_of(form, Marks()))


def test_a_kind_is_no_source_of_sites_of_its_own(desk: SitingDesk) -> None:
    assert "primary_care" not in siting_form.usual_sources("primary_care")
    assert "venue" in siting_form.usual_sources("primary_care")


def test_sites_kept_by_hand_are_locked_and_their_points_asked_for() -> None:
    before = {"parts": [{"kind": "counselling_room", "sources": ["venue"]}],
              "forbidden": ["venue:3", "venue:4"]}  # fmt: skip
    point = {"id": "7", "name": "添加点 1", "lon": 1.0, "lat": 2.0}
    kept = siting_form.kept_question(before, ["venue:3", "extra:7"], [point])
    assert kept["locked"] == ["extra:7", "venue:3"]
    assert kept["forbidden"] == ["venue:4"]
    assert kept["extra"] == [{**point, "kind": None}]
    assert kept["parts"][0]["sources"] == ["venue", "extra"]
    assert before["parts"][0]["sources"] == ["venue"]  # type: ignore[index]


# ---------------------------------------------------------------- the finding


def plain(sentence: str) -> str:
    return sentence.replace("\u00a0", " ").replace("\u202f", "\u2009")


def with_meta(answer: Answer, **changes: Any) -> Answer:
    """The same answer with some of its figures otherwise."""
    return Answer({**answer.meta, **changes}, answer.tables, answer.cells)


def test_the_headline_says_what_is_won_and_how_sure_that_is(answer: Answer) -> None:
    told = with_meta(answer, n_new=5, covered_before=8200.0, covered_after=16000.0,
                     share_before=0.335, share_after=0.653, proven=True)  # fmt: skip
    within = f"{answer.meta['question']['parts'][0]['threshold_min']:g}"
    plain = said_of.headline(told, ZH).replace("\u00a0", " ").replace("\u202f", " ")
    assert plain == (
        f"5 个新建点位，{within} 分钟步行覆盖由 33.5% 升至 65.3%，新增覆盖 7 800 人；已证明最优"
    )
    assert said_of.headline(told, EN).endswith("proven optimal")


@pytest.mark.parametrize(
    ("meta", "sentence"),
    [
        ({"proven": True, "gap": 0.0}, "已证明最优"),
        ({"proven": False, "gap": 0.0021}, "与最优差距不超过 0.3%"),
        ({"proven": False, "gap": None}, "与最优的差距未知"),
        ({"proven": False, "gap": 0.05, "cancelled": True}, "提前停止，与最优差距不超过 5.0%"),
    ],
)
def test_optimal_is_said_only_where_it_is_proven(meta: dict[str, Any], sentence: str) -> None:
    assert said_of.certainty(meta, ZH) == sentence


@pytest.mark.parametrize(("more", "told"), [
    (120.4, "多覆盖 120 人"), (-7.0, "少覆盖 7 人"), (0.2, "覆盖人数不变"),
])  # fmt: skip
def test_sites_moved_by_hand_are_not_called_the_best(
    answer: Answer, more: float, told: str
) -> None:
    sure = with_meta(answer, proven=True, gap=0.0, covered_after=5000.0)
    tried = replace(Moves(answer).try_sites([]), covered_after=5000.0 + more, share_after=0.4)
    head, sub = siting_result.moved_heading(sure, tried, ZH)
    said = words_of(head)
    assert said.startswith("手工换址")
    assert "最优" not in said
    assert "40.0%" in said
    assert plain(said).endswith(f"与原方案相比{told}")
    assert said_of.headline(sure, ZH) in words_of(sub)


@pytest.mark.parametrize(("exact", "lang"), [(True, ZH), (False, ZH), (False, EN)])
def test_short_room_that_may_be_shared_otherwise_is_said(
    answer: Answer, exact: bool, lang: Catalog
) -> None:
    tried = replace(Moves(answer).try_sites([]), exact=exact)
    words = words_of(siting_result.moved(answer, tried, ["甲"], lang))
    assert (lang.t("siting.move.most") in words) != exact


@pytest.mark.parametrize(("changed", "unfolded"), [
    ({}, False), ({"separation": 500}, True), ({"one_per_town": ["on"]}, True),
    ({"weigh_by": "need"}, True), ({"closures": 2}, True), ({"capacity-0": 300}, True),
    ({"number-0": 9}, False),
])  # fmt: skip
def test_what_is_set_is_not_folded_away(
    desk: SitingDesk, changed: dict[str, Any], unfolded: bool
) -> None:
    offer = desk.offer()
    parts = siting_form_parts.form({**siting_form.usual_form(offer), **changed}, offer, ZH)
    (more,) = [
        part for part in parts
        if isinstance(part, html.Details) and "更多条件" in words_of(part.children[0])
    ]  # fmt: skip
    assert more.open == unfolded


def test_cover_that_is_lost_is_not_called_a_gain(answer: Answer) -> None:
    told = with_meta(answer, covered_before=900.0, covered_after=700.0)
    assert "降至" in said_of.headline(told, ZH)
    assert "减少" in said_of.headline(told, ZH)


def test_what_a_venue_lacks_is_said_in_words() -> None:
    assert said_of.lacks_of("area_small|hours_unknown", ZH) == ["面积不足", "开放时间不详"]
    assert said_of.lacks_of(np.nan, ZH) == []


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_every_code_of_an_answer_has_words(lang: str) -> None:
    catalog = load(lang)
    from etl.siting.answering import STEPS
    from etl.siting.candidates import LACKS, PREFIXES

    keys = [f"siting.lacks.{code}" for code in LACKS]
    keys += [f"siting.source.{source}" for source in PREFIXES]
    keys += [f"siting.step.{step}" for step in STEPS]
    causes = ("unknown", "full", "not_chosen", "forbidden", "no_road", "no_candidate")
    keys += [f"siting.left.{why}" for why in causes]
    assert [key for key in keys if not catalog.has(key)] == []


# ---------------------------------------------------------------- the answer


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_an_answer_is_shown_whole(desk: SitingDesk, done: str, answer: Answer, lang: str) -> None:
    words = said(shown(desk, done, lang))
    for site in answer.tables["sites"].query("state == 'new'")["name"]:
        assert site in words
    for town in answer.tables["towns"]["name"]:
        assert town in words
    assert "nan" not in words.lower()
    assert "None" not in words


@pytest.mark.parametrize("method", [*get_args(By), ""])
def test_an_answer_says_how_it_was_found(answer: Answer, method: str) -> None:
    lines = words_of(siting_result.basis(with_meta(answer, method=method), None, ZH))
    assert ("精确求解" in lines) == ("exact" in method)
    assert ("启发式" in lines) == ("heuristic" in method)


def test_sites_stand_in_the_order_of_what_they_add(answer: Answer) -> None:
    drawn = words_of(siting_result.sites(answer, ZH))
    new = answer.tables["sites"].query("state == 'new'").sort_values("order")
    places = [drawn.index(name) for name in new["name"]]
    assert places == sorted(places)


def test_the_curve_names_today_the_plan_and_the_knee(answer: Answer) -> None:
    table = answer.tables["curve"]
    drawn = coverage_curve(
        table, hover=[""] * len(table), labels={0: "现状", 2: "拐点"}, axis="", chosen=2,
        theme="light",
    )  # fmt: skip
    assert {note.text for note in drawn.layout.annotations} == {"现状", "拐点"}
    markers = drawn.data[-1]
    assert list(markers.x) == sorted(table["n_new"])
    assert list(markers.y) == pytest.approx(list(100 * table.sort_values("n_new")["share"]))
    bends = [symbol == "diamond" for symbol in markers.marker.symbol]
    assert bends == list(table.sort_values("n_new")["knee"].astype(bool))


def test_numbers_of_single_withheld_cells_are_never_shown() -> None:
    table = pd.DataFrame(
        {
            "part": 0, "area_code": ["a", "b"], "name": ["甲格", "乙格"],
            "village_name": "云上村", "town_name": "云岭乡", "persons": [np.nan, 120.0],
            "withheld": [True, False], "nearest_min": [41.0, np.nan],
            "why": ["no_candidate", "no_candidate"],
        }
    )  # fmt: skip
    drawn = words_of(siting_effects.left_out(table, ZH))
    assert "甲格 不公布 41 分钟" in " ".join(drawn.split())
    assert "120 不可到达" in " ".join(drawn.split())
    assert "2 个网格（120 人）附近没有候选场地" in drawn


def checked(table: pd.DataFrame, *untried: tuple[str, str]) -> Answer:
    """An answer of three sites of which only the checks are known."""
    meta = {"n_new": 3, "untried": {"curve": [], "robustness": [list(one) for one in untried]}}
    return Answer(meta, {"robustness": table}, {})


def test_checks_for_which_no_time_was_left_are_named() -> None:
    table = pd.DataFrame({"check": ["demand"], "value": ["draw:1"], "regret": [0.0], "kept": [3],
                          "share_best": [0.5]})  # fmt: skip
    untried = [("threshold", "20"), ("demand", "draw:2"), ("zoning", "village")]
    assert said_of.robustness_sentences(checked(table, *untried), None, ZH) == [
        "各处人口随机增减一成（试 1 次，取最差）：3 处中有 3 处仍是最优选择，保持不变没有损失",
        "因时间所限没有检验：阈值改为 20 分钟、改按村（社区）统计居民",
    ]
    none = checked(table.iloc[:0], ("zoning", "village"))
    said = siting_result.robustness(none, None, ZH)
    assert said is not None
    assert "因时间所限没有检验：改按村（社区）统计居民" in words_of(said)


def test_numbers_for_which_no_time_was_left_are_not_called_impossible(answer: Answer) -> None:
    curve = answer.tables["curve"]
    n_new = int(curve["n_new"].max())
    few = curve[curve["n_new"].isin([0, n_new])]
    left_out = list(range(1, n_new))
    meta = {**answer.meta, "knee": None, "untried": {"curve": left_out, "robustness": []}}
    said = said_of.curve_sentences(Answer(meta, {"curve": few}, {}), ZH)
    assert f"因时间所限，没有计算 {'、'.join(map(str, left_out))} 处的情形。" in said
    assert "达不到这些条件" not in said
    meta["untried"] = {"curve": [], "robustness": []}
    assert "达不到这些条件" in said_of.curve_sentences(Answer(meta, {"curve": few}, {}), ZH)


def test_checks_that_differ_by_chance_stand_together_by_the_worst() -> None:
    table = pd.DataFrame(
        {
            "check": ["threshold", "demand", "demand", "demand", "zoning"],
            "value": ["10", "draw:1", "draw:2", "elderly+10", "village"],
            "regret": [0.0, 0.012, 0.001, 0.0, 0.0], "kept": [3, 1, 2, 3, 3], "share_best": 0.5,
        }
    )  # fmt: skip
    assert said_of.robustness_sentences(checked(table), None, ZH) == [
        "阈值改为 10 分钟：3 处中有 3 处仍是最优选择，保持不变没有损失",
        "各处人口随机增减一成（试 2 次，取最差）：3 处中有 1 处仍是最优选择，保持不变会少 1.2%",
        "elderly多一成：3 处中有 3 处仍是最优选择，保持不变没有损失",
        "改按村（社区）统计居民：3 处中有 3 处仍是最优选择，保持不变没有损失",
    ]


def test_a_check_without_a_result_is_not_told_as_one_without_a_loss() -> None:
    table = pd.DataFrame(
        {
            "check": ["threshold", "threshold", "demand", "demand"],
            "value": ["10", "20", "draw:1", "draw:2"],
            "regret": [np.nan, np.nan, np.nan, 0.0], "kept": [0, 0, 0, 3],
            "share_best": [np.nan, 0.6, np.nan, 0.5],
        }
    )  # fmt: skip
    assert said_of.robustness_sentences(checked(table), None, ZH) == [
        "阈值改为 10 分钟：没有得出结果，未能检验",
        "阈值改为 20 分钟：本方案在此前提下不满足全部条件",
        "各处人口随机增减一成（试 1 次，取最差）：3 处中有 3 处仍是最优选择，保持不变没有损失",
    ]


def test_candidates_without_a_place_are_not_drawn(answer: Answer) -> None:
    table = answer.tables["candidates"].copy()
    table.loc[0, "lon"] = np.nan
    drawn = Pool.of(table).to_store(ZH)
    assert len(drawn) == len(table) - 1
    assert all(math.isfinite(point["lon"]) for point in drawn)
    assert {point["id"] for point in drawn} == {point["row"]["id"] for point in drawn}


def many(answer: Answer) -> pd.DataFrame:
    """Candidates of an answer many times over: more than are shown."""
    one = answer.tables["candidates"]
    table = pd.concat([one] * (2 * MOST_SHOWN // len(one) + 1), ignore_index=True)
    order = np.random.default_rng(3).permutation(len(table))
    return table.assign(
        candidate_id=[f"cell:{at:05}" for at in range(len(table))], gain_now=order.astype(float)
    )


def test_of_many_candidates_the_best_of_every_part_of_the_map_are_shown(answer: Answer) -> None:
    table = many(answer)
    pool = Pool.of(table)
    shown = pool.shown["gain_now"].tolist()
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == table["gain_now"].max()
    # The candidates stand at few places: each has its best ones shown.
    places = table.groupby(["lon", "lat"])["gain_now"]
    own = pool.shown.groupby(["lon", "lat"])["gain_now"]
    assert own.ngroups == places.ngroups
    for place, gains in own:
        best = sorted(places.get_group(place), reverse=True)[: len(gains)]
        assert gains.tolist() == best
    assert len(pool.shown) == MOST_SHOWN
    assert (pool.n_found, pool.n_all) == (len(table), len(table))
    said = "".join(pool.said(ZH))
    assert f"只列 {MOST_SHOWN} 处，在全域各处取可增人数最多的" in said
    assert "Excel 中列出全部" in said
    before = Pool.of(table.assign(gain_now=np.nan))
    assert len(before.shown) == MOST_SHOWN
    assert "可增人数" not in "".join(before.said(ZH))


def test_what_is_set_by_hand_is_shown_however_little_it_adds(answer: Answer) -> None:
    table = many(answer)
    least = table.loc[table["gain_now"].idxmin(), "candidate_id"]
    assert least not in set(Pool.of(table).shown["candidate_id"])
    kept = Pool.of(table, always=[least])
    assert kept.shown["candidate_id"].iloc[-1] == least
    assert len(kept.shown) == MOST_SHOWN + 1


def test_every_candidate_can_be_found(answer: Answer) -> None:
    table = many(answer)
    least = table.loc[table["gain_now"].idxmin(), "candidate_id"]
    found = Pool.of(table, search=f" {least.upper()} ")
    assert found.shown["candidate_id"].tolist() == [least]
    assert "查到 1 处。" in found.said(ZH)
    row = table.iloc[0]
    both = Pool.of(table, search=f"{row['town_name']} {row['name']}")
    assert both.n_found == ((table["town_name"] == row["town_name"])
                            & (table["name"] == row["name"])).sum()  # fmt: skip
    assert Pool.of(table, search="(").n_found == 0


def test_points_count_for_the_kind_they_were_put_for() -> None:
    form = {**dict.fromkeys(["budget", "separation", "town_share"]), "objective": "max_coverage",
            "kind-0": "counselling_room", "kind-1": "service_org"}  # fmt: skip
    for part in (0, 1):
        form |= {f"mode-{part}": "foot", f"threshold-{part}": 15, f"number-{part}": 1,
                 f"sources-{part}": ["venue" if part == 0 else "school"]}  # fmt: skip
    points = [{"id": "a", "name": "甲", "lon": 1.0, "lat": 2.0, "kind": "service_org"},
              {"id": "b", "name": "乙", "lon": 1.0, "lat": 2.0},
              {"id": "c", "name": "丙", "lon": 1.0, "lat": 2.0, "kind": "not asked"}]  # fmt: skip
    asked = read_question(siting_form.question_of(form, Marks(extra=tuple(points))))
    first, second = asked.parts
    assert ("extra" in first.sources, "extra" in second.sources) == (True, True)
    assert [point.id for point in asked.points_of(first)] == ["b", "c"]
    assert [point.id for point in asked.points_of(second)] == ["a"]
    alone = read_question(siting_form.question_of(form, Marks(extra=(points[0],))))
    assert "extra" not in alone.parts[0].sources


def test_no_candidates_says_what_would_help(answer: Answer) -> None:
    (line,) = Pool.of(answer.tables["candidates"].iloc[:0]).said(ZH)
    assert "多选几类来源" in line


# ---------------------------------------------------------------- states


def test_without_a_planner_the_page_says_who_can_start_one(desk: SitingDesk) -> None:
    words = words_of(siting.layout(replace(context(desk), planner=None)))
    assert "只供查看" in words
    assert "xintu serve" in words


def test_the_page_opens_with_the_form_of_its_scenario(desk: SitingDesk, done: str) -> None:
    asked = desk.scenario(done).question["parts"][0]
    fields = {
        part.id["index"]: part.value
        for part in siting.layout(context(desk, scenario=done))._traverse()  # type: ignore[no-untyped-call]
        if isinstance(getattr(part, "id", None), dict)
    }
    assert fields["number-0"] == asked["p_new"]
    assert fields["threshold-0"] == asked["threshold_min"]
    assert fields["sources-0"] == asked["sources"]


def test_nothing_asked_says_where_to_begin(desk: SitingDesk) -> None:
    screen = shown(desk, "")
    assert "计算选址方案" in said(screen)
    assert screen.frame["answered"] is False


def test_a_scenario_that_is_not_there_says_so(desk: SitingDesk) -> None:
    assert "没有这个方案" in said(shown(desk, "nowhere1"))


def test_a_failed_job_says_why(tmp_path: Path) -> None:
    desk = planners.planner(tmp_path)
    failed = planners.put_state(desk, "failed")
    assert "计算出错。" in said(shown(desk, failed))
    assert "The calculation failed." in said(shown(desk, failed, "en"))


def test_a_running_job_tells_step_best_gap_and_can_be_stopped(tmp_path: Path) -> None:
    desk = planners.planner(tmp_path)
    running = planners.put_state(
        desk, "running", step="choose", progress=0.4, best=1200.0, bound=1260.0, gap=0.05
    )
    waiting = desk.ask(planners.QUESTION, name="下一个", now=NOW)
    drawn = siting_job.progress(desk.scenario(running), ZH)
    assert words_of(drawn) == "选择点位 40%  目前最好 1\u2009200，与最优差距不超过 5.0% 停止计算"
    assert "排队中，第 1 位" in words_of(siting_job.progress(desk.scenario(waiting), ZH))
    desk.cancel(running, NOW)
    assert "正在停止" in words_of(siting_job.progress(desk.scenario(running), ZH))


def scenario(**changes: Any) -> Scenario:
    """A scenario made by hand."""
    usual = Scenario(
        scenario_id="s1", name="", snapshot_id="old", week="2026-W45",
        question=dict(planners.QUESTION), state="infeasible",
        created_at_utc=datetime(2026, 11, 9, tzinfo=UTC), message_zh="有 3 个网格到不了。",
        message_en="3 cells cannot be reached.",
    )  # fmt: skip
    return replace(usual, **changes)


def test_what_cannot_be_met_is_explained_in_words() -> None:
    assert "有 3 个网格到不了。" in words_of(siting_job.ended(scenario(), ZH))
    assert "3 cells cannot be reached." in words_of(siting_job.ended(scenario(), EN))


def test_an_older_scenario_can_be_asked_again_on_the_newest_figures() -> None:
    assert "用最新一期重算" in words_of(siting_job.older(scenario(), "new", ZH))
    assert siting_job.older(scenario(), "old", ZH) is None
    assert siting_job.older(scenario(state="running"), "new", ZH) is None


def test_a_refusal_names_the_field_and_the_fault(desk: SitingDesk) -> None:
    form = {**siting_form.usual_form(desk.offer()), "threshold-0": 0}
    with pytest.raises(Exception, match="threshold") as caught:
        desk.ask(siting_form.question_of(form, Marks()), name="甲", now=NOW)
    drawn = words_of(siting_view.refused(caught.value, ZH))  # type: ignore[arg-type]
    assert "时间阈值：应大于" in drawn
    assert "计算进程没有应答" in words_of(siting_view.refused(AbsentError("x"), ZH))


def test_an_address_keeps_what_else_it_says() -> None:
    assert siting_view.search_for("?scenario=a&lang=en", "b") == "?scenario=b&lang=en"
    assert siting_view.search_for("?scenario=a&lang=en", "") == "?lang=en"


def test_without_a_planner_no_callback_of_the_page_is_there(desk: SitingDesk) -> None:
    names = str(create_app(desk._reader, now=lambda: NOW).callback_map)
    assert "siting-result-box" not in names
    assert "siting-result-box" in str(
        create_app(desk._reader, now=lambda: NOW, planner=desk).callback_map
    )
