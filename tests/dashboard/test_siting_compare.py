"""Two scenarios side by side: finding, what keeps them apart, table, workbook, page."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import openpyxl
import pandas as pd
import pytest
from dash import html

from dashboard.app import create_app
from dashboard.components import siting_compare as widgets
from dashboard.pages import siting_compare as page
from dashboard.report.compare_workbook import compare_workbook, names_of
from dashboard.siting_compare import (
    Comparison,
    Side,
    basis,
    data_apart,
    finding,
    question_apart,
    read_comparison,
    stopped_apart,
)
from dashboard.siting_differences import SECTIONS, Line, Table
from dashboard.text import Catalog, load
from etl.siting.answer import Answer
from etl.siting.differences import compare
from etl.store.reader import Reader
from geo.errors import NotPublishedError
from tests.support import published_store
from tests.support.dashboard_pages import page_context, words_of
from tests.support.scenarios import EARLIER_ID, NOW, Planned, plan

pytest_plugins = ("tests.support.dashboard_fixtures",)

ZH, EN = load("zh-CN"), load("en")
PUBLISHED_BY = "0.1.0+test"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """Scenarios of every state in a store of their own."""
    return plan(tmp_path_factory.mktemp("scenarios"))


@pytest.fixture(scope="module")
def reader(planned: Planned) -> Reader:
    """Reader of that store."""
    return Reader(planned.url)


def two(planned: Planned, reader: Reader, a: str, b: str) -> Comparison:
    ids = planned.ids
    return read_comparison(planned.desk, reader, ids.get(a, a), ids.get(b, b))


def plain(sentence: str) -> str:
    return sentence.replace("\u00a0", " ").replace("\u202f", "\u2009")


def found(both: Comparison, catalog: Catalog = ZH) -> str:
    return plain(finding(both, catalog))


def lines_of(both: Comparison, reader: Reader, catalog: Catalog = ZH) -> list[Line]:
    return Table(both, names_of(both, reader, catalog), catalog).lines()


def changed(both: Comparison, side: str, **tables_or_meta: Any) -> Comparison:
    """The comparison with another answer on one side."""
    own = both.a if side == "a" else both.b
    assert own.answer is not None
    tables = {k: v for k, v in tables_or_meta.items() if isinstance(v, pd.DataFrame)}
    meta = {k: v for k, v in tables_or_meta.items() if k not in tables}
    answer = Answer({**own.answer.meta, **meta}, {**own.answer.tables, **tables}, own.answer.cells)
    a = replace(both.a, answer=answer) if side == "a" else both.a
    b = replace(both.b, answer=answer) if side == "b" else both.b
    assert a.answer is not None
    assert b.answer is not None
    return Comparison(a, b, compare(a.answer, b.answer))


def share_of(side: Side, town: str = "") -> str:
    """Share covered as it is written, from the answer's own table of towns."""
    assert side.answer is not None
    towns = side.answer.tables["towns"]
    own = towns[towns["name"] == town] if town else towns
    return f"{100 * own['covered_after'].sum() / own['persons'].sum():.1f}%"


def new_sites(side: Side) -> set[str]:
    assert side.answer is not None
    return set(side.answer.tables["sites"].query("state == 'new'")["site_id"])


# ---------------------------------------------------------------- the finding


def test_the_finding_says_who_covers_more_with_how_many_sites(
    planned: Planned, reader: Reader
) -> None:
    both = two(planned, reader, "four", "six")
    a, b = both.a.number("covered_after"), both.b.number("covered_after")
    said = found(both)
    assert b > a
    assert said.startswith(f"方案乙多建 2 处，多覆盖 {b - a:,.0f}".replace(",", "\u2009") + " 人")
    shares = [share_of(side) for side in (both.b, both.a)]
    assert said.endswith(f"（{shares[0]}，另一方案 {shares[1]}），各乡镇（街道）都不低于方案甲")


def test_swapped_sides_tell_the_same(planned: Planned, reader: Reader) -> None:
    ahead, back = (two(planned, reader, *pair) for pair in (("four", "six"), ("six", "four")))
    swapped = found(ahead).replace("方案甲", "?").replace("方案乙", "方案甲").replace("?", "方案乙")
    assert swapped == found(back)


def test_a_town_that_pays_for_it_is_named(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "four", "six")
    assert both.a.answer is not None
    towns = both.a.answer.tables["towns"].copy()
    towns.loc[towns["name"] == "南河镇", "share_after"] = 0.6
    assert found(changed(both, "a", towns=towns)).endswith(
        f"，但南河镇较低（{share_of(both.b, '南河镇')}，另一方案 60.0%）"
    )
    towns.loc[towns["name"] == "城关街道", "share_after"] = 0.9
    said = f"，但城关街道等 2 个乡镇（街道）较低（城关街道 {share_of(both.b, '城关街道')}"
    assert said in found(changed(both, "a", towns=towns))


def test_as_many_covered_is_no_finding_of_more(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "four", "six")
    same = changed(both, "b", covered_after=both.a.number("covered_after") + 0.3)
    assert found(same) == f"两个方案覆盖的居民一样多，都是 {share_of(both.a)}"


def test_fewer_sites_that_cover_more_are_said_so(planned: Planned, reader: Reader) -> None:
    both = changed(two(planned, reader, "four", "six"), "b", n_new=3)
    assert found(both).startswith("方案乙少建 1 处，却多覆盖")


def test_medians_are_told_by_the_way(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "four", "six")
    for side in "ab":
        both = changed(both, side, objective="p_median")
    means = [side.number("mean_min_after") for side in (both.a, both.b)]
    shown = [round(mean, 1) for mean in means]
    assert found(both).startswith(f"方案乙平均路程短 {shown[0] - shown[1]:.1f} 分钟")


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [(27.04, 26.96, ""), (27.06, 26.94, "0.2"), (27.049, 27.051, "0.1"), (26.951, 27.049, "")],
)
def test_a_difference_is_that_of_the_figures_beside_it(
    planned: Planned, reader: Reader, a: float, b: float, said: str
) -> None:
    both = two(planned, reader, "four", "six")
    for side, mean in (("a", a), ("b", b)):
        both = changed(both, side, objective="p_median", mean_min_after=mean)
    assert ("平均路程短" in found(both)) == bool(said)
    assert f"短 {said} 分钟" in found(both) or not said
    (row,) = [line for line in lines_of(both, reader) if line.label == "平均路程（分钟）"]
    assert (f"短 {said} 分钟" in row.more) if said else (row.more == "相同")


def test_another_measure_is_never_subtracted(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "four", "far")
    assert found(both) == "两个方案的覆盖口径不同，人数不能直接相比"
    told = {line.label: line for line in lines_of(both, reader)}
    for name in ("覆盖居民", "覆盖率", "平均路程（分钟）", "柳溪镇", "全体居民"):
        assert (told[name].more, told[name].leads) == ("口径不同", "")
    assert told["新建点位（处）"].more == "相同"
    (apart,) = question_apart(both, reader, ZH)
    assert (apart.label, apart.a, apart.b) == ("多远算覆盖", "步行 15 分钟", "步行 30 分钟")


def test_a_replay_tells_old_and_new(planned: Planned, reader: Reader) -> None:
    for pair in (("earlier", "four"), ("four", "earlier")):
        both = two(planned, reader, *pair)
        old, new = sorted((both.a, both.b), key=lambda side: side.meta["week"])
        kept = len(new_sites(old) & new_sites(new))
        assert 0 < kept < 4
        assert found(both) == (
            f"换成第46周的数据，同样的问题选出 4 处，其中 {kept} 处与原方案相同，"
            f"覆盖率从 {share_of(old)} 变为 {share_of(new)}"
        )
        assert "同一个问题，先后用两周的数据计算" in basis(both, reader, ZH)
    (week,) = data_apart(two(planned, reader, "earlier", "four"), ZH)
    assert week.label == "数据周"
    assert (week.a[:9], week.b[:9]) == ("2026年第45周", "2026年第46周")


def test_other_data_are_said_with_the_finding(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "earlier", "six")
    assert found(both).endswith("；两个方案所用数据不同")
    assert {line.label for line in lines_of(both, reader)} >= {"居民", "原覆盖率"}
    assert "居民" not in {
        line.label for line in lines_of(two(planned, reader, "four", "six"), reader)
    }


def test_ways_and_versions_that_differ_are_said(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "four", "six")
    assert data_apart(both, ZH) == []
    other = changed(both, "b", travel={"method": "road"}, code_version="9.9")
    assert [(one.label, one.a, one.b) for one in data_apart(other, ZH)] == [
        ("路程算法", "直线距离折算", "沿道路"), ("软件版本", PUBLISHED_BY, "9.9"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("", "", "选两个方案并排比较"),
        ("four", "", "选两个方案并排比较"),
        ("four", "four", "甲乙选了同一个方案"),
        ("four", "running", "方案还没有算完，算好后在这里比较"),
        ("queued", "running", "方案还没有算完，算好后在这里比较"),
        ("four", "failed", "有方案没有结果，不能比较"),
        ("nobody", "four", "有方案没有结果，不能比较"),
        ("infeasible", "four", "有方案没有结果，不能比较"),
    ],
)
def test_what_cannot_be_compared_is_said(
    planned: Planned, reader: Reader, a: str, b: str, said: str
) -> None:
    both = two(planned, reader, a, b)
    assert found(both) == said
    assert both.tables == {} or both.same_scenario


@pytest.mark.parametrize("pair", [("infeasible", "four"), ("four", "infeasible")])
def test_how_things_are_today_is_no_plan_to_compare_with(
    planned: Planned, reader: Reader, pair: tuple[str, str]
) -> None:
    # The answer of a question that nothing meets holds the figures of today.
    meta = planned.desk.scenario(planned.ids["infeasible"]).meta
    assert meta is not None
    assert meta["share_after"] == meta["share_before"]
    assert two(planned, reader, *pair).tables == {}


def test_one_that_was_stopped_is_compared_and_said(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "four", "stopped")
    assert found(both).startswith("方案乙多建 1 处")
    (apart,) = stopped_apart(both, ZH)
    assert (apart.label, apart.a, apart.b) == ("计算", "已算完", "中途停下")
    assert "停下时找到的最好结果" in words_of(html.Div(widgets.notes(both, reader, ZH)))
    assert stopped_apart(two(planned, reader, "four", "six"), ZH) == []
    book = openpyxl.load_workbook(io.BytesIO(compare_workbook(both, reader, ZH)))
    assert ("计算", "已算完", "中途停下") in list(book.worksheets[0].iter_rows(values_only=True))


# ---------------------------------------------------------------- the table


def test_every_section_is_there_once_in_order(planned: Planned, reader: Reader) -> None:
    lines = lines_of(two(planned, reader, "four", "six"), reader)
    assert list(dict.fromkeys(line.section for line in lines)) == list(SECTIONS)
    starts = [i for i, line in enumerate(lines) if i == 0 or lines[i - 1].section != line.section]
    assert len(starts) == len(SECTIONS)


def test_figures_say_who_has_more_and_who_is_better(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "four", "six")
    told = {line.label: line for line in lines_of(both, reader) if line.section == "figures"}
    covered = [side.number("covered_after") for side in (both.a, both.b)]
    gained = round(covered[1]) - round(covered[0])
    assert told["覆盖居民"].more == f"乙多 {gained:,.0f} 人".replace(",", "\u2009")
    assert told["覆盖居民"].raw == (both.a.number("covered_after"), both.b.number("covered_after"))
    shares = [round(100 * side.number("share_after"), 1) for side in (both.a, both.b)]
    points = shares[1] - shares[0]
    assert told["覆盖率"].more == f"乙高 {points:.1f} 个百分点"
    assert told["平均路程（分钟）"].more.startswith("乙短 ")
    assert (told["新建点位（处）"].more, told["新建点位（处）"].leads) == ("乙多 2 处", "")
    assert (told["总费用"].a, told["总费用"].b, told["总费用"].more) == ("12", "18", "甲省 6")
    assert told["与最优的距离"].a == "已证明最优"
    worst = told["覆盖率最低的乡镇（街道）"]
    lowest = [
        min((share_of(side, town) for town in published_store.TOWNS), key=lambda s: float(s[:-1]))
        for side in (both.a, both.b)
    ]
    assert [worst.a, worst.b] == lowest
    gap = changed(changed(both, "a", proven=False, gap=0.0031), "b", proven=False, gap=None)
    unsure = {line.label: line for line in lines_of(gap, reader)}["与最优的距离"]
    assert (unsure.a, unsure.b) == ("与最优的差距不超过 0.4%", "与最优的差距未知")


def test_sites_stand_by_where_they_are(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "earlier", "six")
    lines = lines_of(both, reader)
    sites = [line for line in lines if line.section == "sites"]
    a, b = new_sites(both.a), new_sites(both.b)
    # A room that has opened since is kept by the later one alone.
    since = 1
    wanted = (len(a & b), len(a - b), len(b - a) + since)
    assert min(wanted) > 0
    only = [sum(line.leads == key for line in sites) for key in "ab"]
    assert ([line.more for line in sites].count("两个方案都有"), *only) == wanted
    assert both.a.answer is not None
    orders = both.a.answer.tables["sites"].query("state == 'new'").set_index("name")["order"]
    for line in sites:
        if line.leads == "a":
            assert (line.a, line.b) == (f"新建，第 {orders[line.label]:.0f}", "–")
    said = words_of(widgets.table(lines, ZH))
    assert "两个方案都有 {} 处，只在甲 {} 处，只在乙 {} 处".format(*wanted) in said


def test_gap_classes_and_indicators_are_those_of_the_answers(
    planned: Planned, reader: Reader
) -> None:
    both = two(planned, reader, "four", "six")
    lines = lines_of(both, reader)
    gaps = {line.label: line.raw for line in lines if line.section == "gaps"}
    names = ("基本匹配", "轻度缺口", "明显缺口", "严重缺口")
    for at, name in enumerate(names):
        sums = []
        for side in (both.a, both.b):
            assert side.answer is not None
            rows = side.answer.tables["gaps"].to_dict("records")
            sums.append(sum(row["persons"] for row in rows if row["gap_after"] == at))
        assert gaps[name] == pytest.approx(tuple(sums))
    (line,) = [line for line in lines if line.section == "targets"]
    for side, said in ((both.a, line.a), (both.b, line.b)):
        assert side.answer is not None
        (row,) = side.answer.tables["targets"].to_dict("records")
        met = "达标" if row["met_after"] else "未达标"
        assert said == f"{100 * row['value_after']:.1f}%，{met}"
    assert (line.hint, line.leads) == ("要求 80.0%", "b")


def test_towns_with_the_largest_difference_come_first(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "four", "six")
    towns = [line for line in lines_of(both, reader) if line.section == "towns"]
    sizes = [abs(line.raw[0] - line.raw[1]) for line in towns]  # type: ignore[operator]
    assert sizes == sorted(sizes, reverse=True)
    table = both.tables["towns"].set_index("name")
    assert f"{table.loc[towns[0].label, 'difference']:,.0f}".replace(",", "\u2009") in towns[0].more
    same = set(table.index[table["share_difference"].abs() < 0.0005])
    assert same
    assert {line.label for line in towns if line.more == "相同"} == same


def test_what_one_side_does_not_know_is_no_difference(planned: Planned, reader: Reader) -> None:
    both = changed(two(planned, reader, "four", "six"), "b", mean_min_after=None)
    line = {line.label: line for line in lines_of(both, reader)}["平均路程（分钟）"]
    assert (line.b, line.more, line.leads, line.raw[1]) == ("–", "–", "", None)


# ---------------------------------------------------------------- the page


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_page_shows_both(planned: Planned, reader: Reader, lang: str) -> None:
    ids = planned.ids
    context = page_context(reader, page.PATH, lang=lang, a=ids["four"], b=ids["six"])
    said = words_of(page.layout(replace(context, planner=planned.desk)))
    assert "四处心理咨询室" in said
    assert "六处，含学校" in said
    assert ("两张地图一起移动和缩放" if lang == "zh-CN" else "move and zoom together") in said
    assert ("新建数量" if lang == "zh-CN" else "New sites") in said


@pytest.mark.parametrize(
    ("b", "said"),
    [
        ("running", "正在计算 40%"),
        ("infeasible", "无法满足"),
        ("failed", "内存不够。"),
        ("nobody", "编号 nobody 的方案可能已被删除"),
        ("", "从上面选一个方案"),
    ],
)
def test_a_scenario_without_an_answer_shows_how_it_stands(
    planned: Planned, reader: Reader, b: str, said: str
) -> None:
    context = page_context(reader, page.PATH, a=planned.ids["four"], b=planned.ids.get(b, b))
    drawn = words_of(page.layout(replace(context, planner=planned.desk)))
    assert said in drawn
    assert "各缺口等级的居民" not in drawn


def test_without_a_planner_the_page_says_what_is_wanting(reader: Reader) -> None:
    assert "xintu serve" in words_of(page.layout(page_context(reader, page.PATH)))


def test_maps_ask_for_their_own_scenario_and_snapshot(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "earlier", "six")
    drawn = widgets.maps(both, [], ZH, theme="dark")
    views = {
        store.id: store.data
        for store in drawn._traverse()
        if str(getattr(store, "id", "")).endswith("-view")
    }
    assert views["compare-a-view"]["snapshot"] == EARLIER_ID
    assert f"siting/{planned.ids['six']}/" in views["compare-b-view"]["cells"]["classes"]
    assert {view["theme"] for view in views.values()} == {"dark"}


# ---------------------------------------------------------------- the workbook


def test_the_workbook_says_all_of_it_in_numbers(planned: Planned, reader: Reader) -> None:
    both = two(planned, reader, "earlier", "six")
    book = openpyxl.load_workbook(io.BytesIO(compare_workbook(both, reader, ZH)))
    cover, table = ([[cell.value for cell in row] for row in sheet] for sheet in book.worksheets)
    told = {row[0]: row[1:] for row in cover}
    assert told["编号"] == [planned.ids["earlier"], planned.ids["six"]]
    assert told["新建数量"] == ["4 处", "6 处"]
    assert "数据周" in told
    covered = next(row for row in table if row[1] == "覆盖居民")
    assert covered[6:] == [both.a.number("covered_after"), both.b.number("covered_after")]
    assert len(table) == 1 + len(lines_of(both, reader))


def test_the_workbook_is_served_or_refused(planned: Planned, reader: Reader) -> None:
    client = create_app(reader, now=lambda: NOW, planner=planned.desk).server.test_client()
    ids = planned.ids
    good = client.get(f"/siting/compare.xlsx?a={ids['four']}&b={ids['six']}&lang=en")
    assert good.status_code == 200
    assert openpyxl.load_workbook(io.BytesIO(good.data)).sheetnames == ["About", "Differences"]
    for query in ("", f"?a={ids['four']}", f"?a={ids['four']}&b={ids['running']}", "?a=x&b=y"):
        assert client.get(f"/siting/compare.xlsx{query}").status_code == 404
    with pytest.raises(NotPublishedError, match="no two answers to compare"):
        compare_workbook(two(planned, reader, "four", ""), reader, ZH)
