"""What the page says: titles of every layer, the panel of a place, the summary of the county."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from dash.development.base_component import Component

from dashboard import headings, places
from dashboard.choices import LayerBook, read_choices
from dashboard.components import chart, place, summary
from dashboard.expected import read_expected
from dashboard.figures.series import add_expected, weekly_bars
from dashboard.text import load, words
from dashboard.tokens import Theme
from etl.store.reader import Reader, Snapshot
from geo.model import Missing
from tests.support.dashboard_pages import words_of
from tests.support.published_store import FACTS

pytest_plugins = ("tests.support.dashboard_fixtures",)

LANGUAGES = ("zh-CN", "en")
# A place is never blamed and a person never named.
FORBIDDEN = ("高危", "落后", "最差", "问题地区", "worst", "high-risk", "bad")


def panel_words(
    reader: Reader, snapshot: Snapshot, code: str, *, lang: str = "zh-CN", measure: str = ""
) -> str:
    choices = read_choices(snapshot, {"area": code, "measure": measure})
    profile = places.read_profile(
        reader, snapshot, places.find_place(reader, snapshot, code), choices.week
    )
    charted = place.charted_measure(profile, snapshot, choices)
    drawn = place.place_panel(
        profile, snapshot, choices, load(lang), chart=None, charted=charted or ""
    )
    return words_of(drawn)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_layer_has_a_title_that_says_something(
    published_reader: Reader, snapshot: Snapshot, lang: str
) -> None:
    for code in LayerBook(snapshot).layers:
        choices = replace(read_choices(snapshot, {}), layer=code)
        heading = headings.read_heading(published_reader, snapshot, choices, load(lang))
        assert heading.title
        assert heading.subtitle
        assert "nan" not in heading.title.lower()
        assert " – " not in heading.title
        assert not any(word in heading.title for word in FORBIDDEN)


def test_named_classes_are_told_without_a_unit(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    catalog = load("zh-CN")
    book = LayerBook(snapshot)
    for code in ("gap", "tier"):
        choices = replace(read_choices(snapshot, {}), layer=code)
        shown = headings.read_heading(published_reader, snapshot, choices, catalog).subtitle
        unit = catalog.pick(book.layers[code]["unit"])
        assert unit not in shown.split(" · ")
    access = replace(read_choices(snapshot, {}), layer="access")
    shown = headings.read_heading(published_reader, snapshot, access, catalog).subtitle
    assert catalog.pick(book.layers["access"]["unit"]) in shown.split(" · ")


def test_the_title_of_coverage_counts_who_is_left_out(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    choices = replace(read_choices(snapshot, {}), layer="covered.counselling_room")
    heading = headings.read_heading(published_reader, snapshot, choices, load("zh-CN"))
    coverage = published_reader.table(snapshot.snapshot_id, "coverage")
    row = coverage[(coverage["level"] == "county") & (coverage["kind"] == "counselling_room")]
    assert (row["persons"] - row["persons_covered"]).iloc[0] > 10_000
    assert heading.title.startswith("清和县有 2.")
    assert "不在心理咨询室的 15 分钟范围内" in heading.title


def test_the_title_of_warnings_follows_the_week(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    choices = replace(read_choices(snapshot, {}), layer="tier")
    catalog = load("zh-CN")
    now = headings.read_heading(published_reader, snapshot, choices, catalog).title
    assert now == "第46周有 4 处内部工作提示，最高为红色"
    before = replace(choices, week="2026-W40")
    quiet = headings.read_heading(published_reader, snapshot, before, catalog).title
    assert quiet == "第40周没有内部工作提示"


def test_a_rate_is_said_with_its_interval_and_weeks_or_not_at_all(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    cells = published_reader.profile(snapshot.snapshot_id, "county", "990101000000", FACTS.week)
    low, high = (cells[f"{end}.hotline_calls"].value for end in ("rate_low", "rate_high"))
    said = panel_words(published_reader, snapshot, "990101000000", measure="hotline_calls")
    assert f"（95%可信区间 {words.figure(low)}–{words.figure(high)}），按最近 4 周平滑" in said
    assert "可信区间" not in panel_words(published_reader, snapshot, FACTS.no_data_village)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "code",
    [
        "990101000000",
        FACTS.uncovered_town,
        FACTS.suppressed_village,
        f"{FACTS.no_data_village}-001",
    ],
)
def test_a_panel_of_every_level_is_drawn_in_words(
    published_reader: Reader, snapshot: Snapshot, code: str, lang: str
) -> None:
    said = panel_words(published_reader, snapshot, code, lang=lang)
    assert "nan" not in said.lower().replace("finance", "")
    assert not any(word in said for word in FORBIDDEN)


def test_withheld_and_missing_counts_are_said_and_never_shown(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    cell = published_reader.profile(
        snapshot.snapshot_id, "village", FACTS.suppressed_village, FACTS.week
    )["count.crisis_events"]
    assert cell.state == Missing.SUPPRESSED
    said = panel_words(published_reader, snapshot, FACTS.suppressed_village)
    assert "危机干预事件 已隐去（保护小数）" in said
    said = panel_words(published_reader, snapshot, FACTS.no_data_village)
    assert "热线来电 无数据" in said


def test_a_warning_gives_its_reason_its_weeks_and_a_service(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    said = panel_words(published_reader, snapshot, FACTS.newest_warned)
    assert "内部工作提示" in said
    assert "云上村本周矛盾纠纷事件86起，往常约13起，已连续2周偏高。" in said
    assert "已连续 2 周，自第45周起" in said
    assert "建议服务：24 小时内提供危机干预，并报联席会议（危机干预队）" in said


def test_the_summary_tells_findings_figures_and_two_lists(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    choices = read_choices(snapshot, {})
    said = words_of(summary.summary(published_reader, snapshot, choices, load("zh-CN")))
    assert "柳溪镇有 3 个村（社区）15 分钟内没有心理咨询室，涉及 1.21 万人" in said
    assert "本周有 4 处内部工作提示：红色 1 处、橙色 1 处、黄色 1 处、蓝色 1 处" in said
    assert "需要加强服务的地区" in said
    assert "云上村" in said


def test_an_empty_cell_says_that_nobody_lives_there(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    layer = published_reader.layer(snapshot.snapshot_id, "grid", "population")
    areas = published_reader.areas(snapshot.snapshot_id, "grid")
    code = areas["area_code"][int((layer.values == 0).argmax())]
    assert "这里没有常住人口" in panel_words(published_reader, snapshot, code)


def test_the_way_to_a_cell_leads_through_town_and_village(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    cell = places.find_place(published_reader, snapshot, "990101101001-003")
    names = [step.name for step in places.path_to(published_reader, snapshot, cell)]
    assert names == ["云岭乡", "云上村", "云上村3号网格"]


def test_a_chart_marks_missing_withheld_and_warned_weeks(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    drawn = chart.weekly_chart(
        published_reader,
        snapshot,
        level="village",
        area_code=FACTS.newest_warned,
        measure=places.measure_entry(snapshot, "dispute_events"),
        week=FACTS.week,
        catalog=load("zh-CN"),
        theme="light",
    )
    figure = drawn.children[0].figure
    missing, withheld, counted = figure.data[:3]
    weeks = set(snapshot.meta["weeks"])
    assert set(missing.x) | set(withheld.x) | set(counted.x) == weeks
    assert len(missing.x) + len(withheld.x) + len(counted.x) == len(weeks)
    assert missing.marker.pattern.shape != withheld.marker.pattern.shape
    assert len(set(counted.marker.color)) == 2
    assert set(withheld.y) <= {9.0}


def drawn_chart(
    reader: Reader,
    snapshot: Snapshot,
    code: str,
    *,
    lang: str = "zh-CN",
    level: str = "village",
    measure: str = "dispute_events",
    theme: Theme = "light",
) -> Component:
    return chart.weekly_chart(
        reader, snapshot, level=level, area_code=code,
        measure=places.measure_entry(snapshot, measure), week=FACTS.week, catalog=load(lang),
        theme=theme,
    )  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_expected_follows_the_reported_weeks_and_looks_different(
    published_reader: Reader, snapshot: Snapshot, theme: Theme
) -> None:
    figure = (
        drawn_chart(published_reader, snapshot, FACTS.newest_warned, theme=theme).children[0].figure
    )
    wide, narrow, line = figure.data[3:]
    reported = snapshot.meta["weeks"]
    assert list(line.x) == [f"2026-W{n}" for n in range(47, 54)] + ["2027-W01"]
    assert set(line.x).isdisjoint(reported)
    assert list(figure.layout.xaxis.categoryarray) == [*reported, *line.x]
    assert line.line.dash == "dash"
    assert line.type == "scatter" != figure.data[0].type
    assert max(wide.y) == 49 > max(narrow.y) == 32 > max(line.y)
    assert figure.layout.yaxis.range[1] >= max(narrow.y)
    assert figure.layout.shapes[0].x0 == len(reported) - 0.5
    assert "预计 16.4 起<br>八成把握 8–32<br>九成五把握 4–49" in line.customdata[0]


def test_a_wide_outer_fan_does_not_flatten_the_bars() -> None:
    weeks = ["2026-W45", "2026-W46"]
    series = pd.DataFrame({"week": weeks, "value": [40.0, 50.0], "state": [0, 0]})
    told = {week: week for week in weeks}
    figure = weekly_bars(series, series.iloc[:0], hover=told, tick_texts=told, k=10, theme="light",
                         chosen_week=weeks[-1])  # fmt: skip
    ahead = pd.DataFrame({"week": ["2026-W47"], "expected": [45.0], "low80": [30.0],
                          "high80": [60.0], "low95": [0.0], "high95": [900.0]})  # fmt: skip
    add_expected(figure, ahead, hover=[""], theme="light")
    assert 60 < figure.layout.yaxis.range[1] < 100


def test_what_is_expected_is_said_with_how_right_it_has_been(
    published_reader: Reader, snapshot: Snapshot
) -> None:
    drawn = drawn_chart(published_reader, snapshot, FACTS.newest_warned)
    said = words_of(drawn)
    sentence = (
        "预计未来 8 周每周约 8–32 起（八成把握）。以往同样的预计平均误差 3.4 起，"
        "实际有 82% 落在区间内。"
    )
    assert sentence in said
    assert "按趋势与季节回归推算，只用已公布的数。" in said
    assert "预计" in words_of(drawn.children[1])
    # Who hears the chart is told as much as who sees it.
    assert sentence in drawn.to_plotly_json()["props"]["aria-label"]
    english = words_of(drawn_chart(published_reader, snapshot, FACTS.newest_warned, lang="en"))
    assert "next 8 weeks: about 8–32" in english


@pytest.mark.parametrize("lang", LANGUAGES)
def test_where_nothing_is_expected_the_reason_is_said(
    published_reader: Reader, snapshot: Snapshot, lang: str
) -> None:
    catalog = load(lang)
    for code, reason in (
        (FACTS.suppressed_village, "withheld"), (FACTS.no_data_village, "silent"),
        ("990101100003", "short"), ("990101100004", "small"),
    ):  # fmt: skip
        drawn = drawn_chart(published_reader, snapshot, code, lang=lang)
        assert catalog.t(f"map.chart.expected_{reason}") in words_of(drawn)
        assert len(drawn.children[0].figure.data) == 3
        assert catalog.t("map.chart.legend_expected") not in words_of(drawn.children[1])
    cell = drawn_chart(published_reader, snapshot, "990101101001-003", lang=lang, level="grid")
    assert catalog.t("map.chart.expected_level") in words_of(cell)


def test_a_register_and_an_old_snapshot_have_nothing_to_say_of_the_future(
    published_reader: Reader, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock = next(m["code"] for m in snapshot.meta["measures"] if m["stock"])
    entry = places.measure_entry(snapshot, stock)
    asked = {"level": "village", "area_code": FACTS.newest_warned}
    assert read_expected(published_reader, snapshot, measure=entry, **asked) is None
    monkeypatch.setattr(places, "table_or_none", lambda *_: None)
    entry = places.measure_entry(snapshot, "dispute_events")
    assert read_expected(published_reader, snapshot, measure=entry, **asked) is None
