"""The list of scenarios: what each row says, filters and order, what can be done, the workbook."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import event

from dashboard import siting_scenarios as told
from dashboard.app import create_app
from dashboard.components import siting_scenarios as widgets
from dashboard.pages import PageContext, Services
from dashboard.pages import siting_scenarios as page
from dashboard.report.scenarios_workbook import COLUMNS, scenarios_workbook
from dashboard.siting_question import differing, same_measure
from dashboard.siting_scenarios import Choice, Listed, read_scenarios, shown
from dashboard.text import load
from etl.store.reader import Reader
from geo.errors import CodeError
from tests.support.dashboard_pages import page_context, words_of
from tests.support.scenarios import NOW, Planned, plan, question

pytest_plugins = ("tests.support.dashboard_fixtures",)

ZH, EN = load("zh-CN"), load("en")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """Scenarios of every state in a store of their own."""
    return plan(tmp_path_factory.mktemp("scenarios"))


@pytest.fixture(scope="module")
def reader(planned: Planned) -> Reader:
    """Reader of that store."""
    return Reader(planned.url)


@pytest.fixture
def fresh(tmp_path: Path) -> tuple[Planned, Services]:
    """Scenarios that a test may change."""
    planned = plan(tmp_path)
    return planned, Services(Reader(planned.url), lambda: NOW, None, planned.desk)


@pytest.fixture
def rows(planned: Planned, reader: Reader) -> dict[str, Listed]:
    """Rows by what they are."""
    listed = {one.scenario_id: one for one in read_scenarios(planned.desk, reader, ZH)}
    return {key: listed[code] for key, code in planned.ids.items()}


def context_of(
    planned: Planned | None, reader: Reader, lang: str = "zh-CN", **keys: str
) -> PageContext:
    context = page_context(reader, page.PATH, lang=lang, **keys)
    return replace(context, planner=planned.desk if planned else None)


def test_each_row_says_its_question_in_words(rows: dict[str, Listed]) -> None:
    said = {key: one.asked for key, one in rows.items()}
    assert said["four"] == "新建心理咨询室 4\u00a0处，步行 15\u00a0分钟，覆盖的居民最多"
    assert said["running"].endswith("先顾覆盖率最低的乡镇（街道）")
    assert said["infeasible"].endswith("覆盖率不低于 90%")
    assert "用最少的点位" in said["queued"]


def test_each_row_says_how_far_it_is_and_what_it_gives(
    planned: Planned, rows: dict[str, Listed]
) -> None:
    states = {key: told.state_words(one, ZH) for key, one in rows.items()}
    assert states["running"] == "正在计算 40%"
    assert states["queued"] == "排队，第 1 位"
    assert (states["failed"], states["infeasible"]) == ("未算成", "无法满足")
    why = planned.desk.scenario(planned.ids["infeasible"]).message("zh-CN")
    assert "达不到" in why
    assert told.result_words(rows["infeasible"], ZH) == why
    assert told.result_words(rows["queued"], ZH) == ""
    four = rows["four"]
    gained = four.covered_after - four.share_before * four.persons
    assert four.gained == pytest.approx(gained)
    meta = planned.desk.result(planned.ids["four"]).meta
    shares = [f"{100 * meta[name]:.1f}%" for name in ("share_before", "share_after")]
    assert told.result_words(four, ZH).startswith(f"覆盖 {shares[0]} → {shares[1]}")
    assert told.certainty_words(four, ZH) == "已证明最优"
    assert told.certainty_words(replace(four, proven=False, gap=0.00201), ZH).endswith("0.3%")
    assert told.certainty_words(rows["running"], ZH) == ""


def test_the_list_is_read_at_once(planned: Planned, reader: Reader) -> None:
    """However many there are, the store is asked once for all of them."""
    asked: list[str] = []
    engine = planned.desk._scenarios.engine
    listen = lambda *told: asked.append(told[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    rows = read_scenarios(planned.desk, reader, ZH)
    event.remove(engine, "before_cursor_execute", listen)
    assert len(rows) == 9
    assert len([query for query in asked if "siting_scenario" in query]) == 1


def test_the_title_counts(rows: dict[str, Listed]) -> None:
    said = told.title(list(rows.values()), ZH).replace("\u00a0", " ")
    assert said == "选址方案 9 个，已有结果 5 个，正在计算或排队 2 个"
    assert told.title([], EN) == "No siting scenario yet"


def test_only_scenarios_of_older_data_can_be_replayed(rows: dict[str, Listed]) -> None:
    assert {key for key, one in rows.items() if one.newer} == {"earlier"}
    assert rows["four"].replays == rows["earlier"].scenario_id


@pytest.mark.parametrize(
    ("keys", "kept"),
    [
        ({"state": "failed"}, ["failed"]),
        ({"state": "nonsense"}, None),
        ({"find": "半小时 步行"}, ["far"]),
        ({"find": "最少的点位"}, ["queued"]),
        ({"find": "nothing like it"}, []),
    ],
)
def test_filters_keep_what_fits(
    rows: dict[str, Listed], keys: dict[str, str], kept: list[str] | None
) -> None:
    found = shown(list(rows.values()), Choice.read(keys))
    wanted = list(rows) if kept is None else kept
    assert {one.scenario_id for one in found} == {rows[key].scenario_id for key in wanted}


def test_orders_put_what_is_unknown_last(rows: dict[str, Listed]) -> None:
    def first(sort: str) -> list[Listed]:
        return shown(list(rows.values()), Choice.read({"sort": sort}))

    assert first("newest")[0] is rows["queued"]
    shares = [one.share_after for one in first("share")]
    assert shares[:5] == sorted(shares[:5], reverse=True)
    assert all(share != share for share in shares[5:])  # noqa: PLR0124 (NaN)
    assert first("week")[-1] is rows["earlier"]
    gained = [one.gained for one in first("gained")][:5]
    assert gained == sorted(gained, reverse=True)


def test_an_address_keeps_only_what_is_chosen() -> None:
    assert Choice().address(ZH) == "/siting/scenarios?lang=zh-CN"
    other = Choice(sort="share").address(EN, state="done")
    assert other == "/siting/scenarios?state=done&sort=share&lang=en"


def test_two_ticked_ones_can_be_compared_and_no_other_number() -> None:
    assert "勾选两个" in words_of(widgets.compare_bar([], ZH))
    assert "再选 1 个" in words_of(widgets.compare_bar(["x"], ZH))
    assert "已选 3 个" in words_of(widgets.compare_bar(["x", "y", "z"], ZH))
    assert widgets.compare_bar(["x", "y"], ZH).href == "/siting/compare?a=x&b=y&lang=zh-CN"


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_page_lists_all(planned: Planned, reader: Reader, lang: str) -> None:
    said = words_of(page.layout(context_of(planned, reader, lang)))
    for name in ("四处心理咨询室", "六处，含学校", "算到一半", "排队的方案"):
        assert name in said
    assert ("与原方案比较" if lang == "zh-CN" else "Compare with the original") in said
    assert said.count("按第46周数据重算" if lang == "zh-CN" else "Replay on data of") == 1


def test_without_a_planner_the_page_says_what_is_wanting(reader: Reader) -> None:
    assert "xintu serve" in words_of(page.layout(context_of(None, reader)))


def test_what_a_row_asks_for_is_done(fresh: tuple[Planned, Services]) -> None:
    planned, services = fresh
    desk, ids = planned.desk, planned.ids
    assert page.submit(desk, "rename", ids["six"], services, name=" 六处 ") == ""
    assert desk.scenario(ids["six"]).name == "六处"
    assert page.submit(desk, "replay", ids["earlier"], services, name="") == ""
    newest = desk.scenario(desk.scenarios()["scenario_id"].iloc[0])
    assert (newest.replay_of, newest.state) == (ids["earlier"], "queued")
    assert newest.week == services.reader.current().week
    assert page.submit(desk, "cancel", ids["queued"], services, name="") == ""
    assert desk.scenario(ids["queued"]).state == "cancelled"
    assert page.submit(desk, "discard", ids["six"], services, name="") == ""
    with pytest.raises(CodeError):
        desk.scenario(ids["six"])


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        (("rename", "six", "长" * 61), "text"),
        (("rename", "six", "患者王小明13800138000"), "personal"),
        (("discard", "running", ""), "step"),
        (("discard", None, ""), "unknown"),
        (("replay", None, ""), "unknown"),
    ],
)
def test_what_is_refused_is_said_and_nothing_changes(
    planned: Planned, reader: Reader, asked: tuple[str, str | None, str], key: str
) -> None:
    action, which, name = asked
    before = planned.desk.scenarios()
    code = planned.ids[which] if which else "nobody"
    services = Services(reader, lambda: NOW, None, planned.desk)
    assert page.submit(planned.desk, action, code, services, name=name) == key
    assert ZH.has(f"scenarios.error.{key}")
    assert planned.desk.scenarios().equals(before)


def test_the_workbook_has_a_row_each_and_numbers_are_numbers(
    planned: Planned, reader: Reader
) -> None:
    rows = read_scenarios(planned.desk, reader, ZH)
    content = scenarios_workbook(rows, ZH, timezone="Asia/Shanghai")
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    table = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert len(table) == 1 + len(rows)
    by_id = {row[-1]: dict(zip(COLUMNS, row, strict=True)) for row in table[1:]}
    four, queued = by_id[planned.ids["four"]], by_id[planned.ids["queued"]]
    meta = planned.desk.result(planned.ids["four"]).meta
    assert four["share_after"] == pytest.approx(meta["covered_after"] / meta["persons"])
    assert (four["proven"], four["n_new"]) == ("是", 4)
    assert (queued["share_after"], queued["proven"]) == (None, None)


def test_the_workbook_is_served(planned: Planned, reader: Reader) -> None:
    client = create_app(reader, now=lambda: NOW, planner=planned.desk).server.test_client()
    answer = client.get("/siting/scenarios.xlsx?lang=en")
    assert answer.status_code == 200
    assert "siting%20scenarios.xlsx" in answer.headers["Content-Disposition"]
    assert openpyxl.load_workbook(io.BytesIO(answer.data)).sheetnames == ["Scenarios"]


# ---------------------------------------------------------------- questions that differ


@pytest.mark.parametrize(
    ("changes", "facets"),
    [
        ({}, []),
        ({"p_new": 9}, ["number"]),
        ({"threshold_min": 30.0}, ["reach"]),
        ({"mode": "car"}, ["reach"]),
        ({"group": "children"}, ["group"]),
        ({"sources": ["venue"]}, ["sources"]),
        ({"locked": ["venue:1"]}, ["locked"]),
        ({"objective": "p_median"}, ["objective"]),
        ({"closable": ["S1"], "max_closures": 1}, ["closable"]),
        ({"worst_first": True, "min_town_share": 0.5}, ["town_share", "worst_first"]),
        ({"seed": 7, "time_limit_s": 5.0}, []),
    ],
)
def test_two_questions_differ_in_what_they_ask(changes: dict[str, Any], facets: list[str]) -> None:
    assert differing(question(), question(**changes)) == facets
    assert differing(question(**changes), question()) == facets
    same = not {"kind", "reach", "group"} & set(facets)
    assert same_measure(question(), question(**changes)) is same


def test_what_a_question_leaves_out_is_what_is_usual() -> None:
    short = {"parts": [{"kind": "counselling_room", "mode": "foot", "threshold_min": 15.0,
                        "p_new": 4, "sources": ["school", "venue"]}]}  # fmt: skip
    assert differing(short, question()) == []
    assert differing({"parts": [*short["parts"], {**short["parts"][0], "kind": "school"}]},
                     short)[:2] == ["kind", "number"]  # fmt: skip
