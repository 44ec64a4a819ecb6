"""The scorecard in words: page, filter, workbook, terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from dash.development.base_component import Component
from typer.testing import CliRunner

from dashboard import scorecard as told
from dashboard.address import Address
from dashboard.cli import app
from dashboard.components.bullet import bullet, sparkline
from dashboard.pages import scorecard as page
from dashboard.report.scorecard_workbook import scorecard_workbook
from dashboard.scorecard import Scorecard, read_scorecard
from dashboard.text import LANGUAGES, load
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError
from tests.support.dashboard_pages import page_context, words_of

pytest_plugins = ("tests.support.dashboard_fixtures",)
TODAY = date(2026, 11, 15)


@pytest.fixture(scope="module")
def card(published_reader: Reader, snapshot: Snapshot) -> Scorecard:
    found = read_scorecard(published_reader, snapshot)
    assert found is not None
    return found


def row(card: Scorecard, code: str) -> dict[str, Any]:
    (found,) = [row for row in card.rows() if row["indicator"] == code]
    return found


def found_all(component: Any, kind: str) -> Iterator[Component]:
    """Components of a type in a tree."""
    if isinstance(component, list | tuple):
        for child in component:
            yield from found_all(child, kind)
    elif isinstance(component, Component):
        if type(component).__name__ == kind:
            yield component
        yield from found_all(getattr(component, "children", None), kind)


def test_those_that_need_somebody_come_first(card: Scorecard) -> None:
    assert card.targets["progress"].tolist() == [
        "behind", "short", "on_track", "met", "no_target", "withheld", "no_data", "not_applicable",
    ]  # fmt: skip
    assert told.lead(card, load("zh-CN")) == "8 项指标，1 项达标，1 项落后"
    assert told.lead(card, load("en")) == "1 of 8 indicators met, 1 behind"


@pytest.mark.parametrize(
    ("code", "chinese", "english"),
    [
        ("rooms_village", "按当前进度，2027年3月达标（95%区间：2027年1月至2027年7月）",
         "Met in Mar 2027 at this pace (95 % interval: Jan 2027 to July 2027)"),
        ("schools_service", "期限已过：2025年12月31日", "The date has passed: 31 Dec 2025"),
        ("smi_managed", "已达到目标", "The target is reached"),
        ("core_facts", "资料还不够判断进度", "Too little history to judge the pace"),
        ("literacy", "还没有部门报来所需的资料", "No department has handed in what it needs"),
        ("schizophrenia_treated", "所据的数太小，不公布",
         "It rests on counts too small to publish"),
        ("psychiatric_clinics", "本地没有这一类，不作要求",
         "There is none here, so nothing is asked for"),
        ("eldercare_beds", "报告里只见现状，没有目标",
         "Reports give what was found, no target"),
    ],
)  # fmt: skip
def test_every_standing_is_said_in_both_languages(
    card: Scorecard, code: str, chinese: str, english: str
) -> None:
    said = [told.detail_words(row(card, code), load(lang), today=TODAY) for lang in LANGUAGES]
    assert said[0] == chinese
    assert said[1] == english


def test_a_pace_without_a_date_and_one_that_never_arrives(card: Scorecard) -> None:
    usual = row(card, "core_facts")
    catalog = load("zh-CN")

    def detail(**changes: object) -> str:
        return told.detail_words({**usual, **changes}, catalog, today=TODAY)

    reached = {"outlook": "reached", "forecast": "2028-05-01", "forecast_early": "2028-01-01"}
    assert detail(**reached, due=None) == (
        "按当前进度，2028年5月达标；方案未定期限（95%区间：2028年1月起，最晚不定）"
    )
    assert detail(progress="behind", **reached).startswith("按当前进度，2028年5月才能达标")
    assert detail(progress="behind", outlook="not_at_this_pace") == "按当前走势，到不了目标"
    assert detail(outlook="not_at_this_pace") == "按当前走势，到不了目标"


def test_values_targets_and_what_is_missing(card: Scorecard) -> None:
    catalog = load("zh-CN")
    rooms, beds = row(card, "rooms_village"), row(card, "eldercare_beds")
    assert told.value_words(rooms, 0.55) == "55.0%"
    assert told.target_words(rooms, catalog) == "目标 80%"
    assert told.missing_words(rooms, 5.0, catalog) == "还差 5 个"
    assert told.missing_words(rooms, 0.0, catalog) == "不差"
    assert told.missing_words({**rooms, "direction": "at_most"}, 3.0, catalog) == "超出 3 个"
    assert told.missing_words(rooms, float("nan"), catalog) == ""
    assert told.value_words(beds, 20.15) + told.per_words(beds, catalog) == "20.1（每 1\u2009000）"
    assert told.target_words(beds, catalog) == ""
    undated = row(card, "smi_managed")
    assert told.due_words(undated, catalog) == "未见期限"
    # A target that is no whole percentage keeps its digits, and 0.57 is no 56.99999.
    assert told.limit_words(rooms, 0.57) == "57%"


def opened(reader: Reader, code: str, *, lang: str = "zh-CN", **choices: str) -> list[Component]:
    """What a card opens to."""
    return page.card_body(reader, Address("/scorecard", lang, "light", choices), code)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_names_what_is_missing_and_links_to_it(
    published_reader: Reader, card: Scorecard, lang: str
) -> None:
    layout = page.layout(page_context(published_reader, "/scorecard", lang=lang))
    assert len(list(found_all(layout, "Details"))) == 8
    bodies = [opened(published_reader, r["indicator"], lang=lang) for r in card.rows()]
    links = [a.href for a in found_all(bodies, "A") if "&area=" in str(a.href)]
    assert len(links) > 10
    said = words_of([layout, *bodies])
    assert "<b>第二</b>小学" in said
    for never in ("nan", "None", "NaN"):
        assert never not in said


def test_no_data_is_hatched_and_never_a_zero(published_reader: Reader) -> None:
    layout = page.layout(page_context(published_reader, "/scorecard"))
    (literacy,) = [
        d for d in found_all(layout, "Details")
        if getattr(d, "data-indicator", None) == "literacy"
    ]  # fmt: skip
    said = words_of(literacy)
    assert "无数据" in said
    assert "0%" not in said.replace("80%", "")
    bars = [b for b in found_all(literacy, "Span") if "bullet" in getattr(b, "className", "")]
    assert "is-unknown" in bars[0].className
    assert not any(b.className == "bullet-value" for b in bars)


def test_a_town_shows_its_own_figures(published_reader: Reader) -> None:
    towns = published_reader.areas(published_reader.current().snapshot_id, "town")
    code = str(towns.iloc[0]["area_code"])
    layout = page.layout(page_context(published_reader, "/scorecard", town=code))
    by_code = {getattr(d, "data-indicator"): d for d in found_all(layout, "Details")}
    schools = by_code["schools_service"]
    assert "25.0%" in words_of(schools)
    assert "这里未达到目标" in words_of(schools)
    assert getattr(schools, "data-progress") == "short"
    # An indicator that towns do not have says so instead of lending them the county's.
    assert "只有全市的数" in words_of(by_code["core_facts"])
    assert "=1+1小学" in words_of(opened(published_reader, "schools_service", town=code))
    other = str(towns.iloc[1]["area_code"])
    assert "这里没有缺的" in words_of(opened(published_reader, "schools_service", town=other))
    unknown = page.layout(page_context(published_reader, "/scorecard", town="nowhere"))
    assert "期限已过" in words_of(unknown)


def test_an_indicator_that_nobody_published_is_not_found(published_reader: Reader) -> None:
    with pytest.raises(NotPublishedError, match="no indicator 'nonsense'"):
        opened(published_reader, "nonsense")


def test_a_page_of_many_indicators_stays_light(published_reader: Reader) -> None:
    def parts(component: Any) -> int:
        if isinstance(component, list | tuple):
            return sum(map(parts, component))
        if not isinstance(component, Component):
            return 0
        return 1 + parts(getattr(component, "children", None))

    # Each part costs the browser milliseconds; what a card opens to comes later.
    layout = page.layout(page_context(published_reader, "/scorecard"))
    assert parts(list(found_all(layout, "Details"))) < 8 * 25


def test_without_targets_the_page_says_what_to_do(
    published_reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def empty(_reader: Reader, _snapshot: str, name: str) -> pd.DataFrame:
        return pd.DataFrame(columns=["indicator"])

    monkeypatch.setattr(Reader, "table", empty)
    said = words_of(page.layout(page_context(published_reader, "/scorecard")))
    assert 'policy_pack = "wuzhong"' in said

    def none(_reader: Reader, _snapshot: str, name: str) -> pd.DataFrame:
        raise NotPublishedError(name)

    monkeypatch.setattr(Reader, "table", none)
    said = words_of(page.layout(page_context(published_reader, "/scorecard")))
    assert "再运行一次 xintu run" in said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_workbook_holds_all_four_tables_and_runs_nothing(
    card: Scorecard, snapshot: Snapshot, lang: str
) -> None:
    content = scorecard_workbook(card, snapshot, load(lang))
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert len(book.sheetnames) == 4
    targets, areas, missing, trend = book.worksheets
    assert targets.max_row == 1 + len(card.targets)
    assert areas.max_row == 1 + len(card.areas)
    assert missing.max_row == 1 + len(card.missing)
    assert trend.max_row == 1 + len(card.trend)
    names = [cell for line in missing.iter_rows(min_row=2) for cell in line]
    (formula,) = [cell for cell in names if cell.value == "=1+1小学"]
    assert formula.data_type == "s"
    assert formula.quotePrefix
    # What is not known is empty, not zero.
    by_name = {line[0].value: line for line in targets.iter_rows(min_row=2)}
    literacy = next(line for name, line in by_name.items() if name in {
        "心理健康素养水平", "Mental-health literacy"})  # fmt: skip
    assert [cell.value for cell in literacy[3:6]] == [None, None, None]


def test_the_bar_stays_in_its_box() -> None:
    bar = bullet(1.4, (0.5, 0.8), target=0.8, ratio=False, progress="met", label="")
    widths = [part.style.get("width") for part in bar.children]
    assert widths[0] == "100.00%"
    ratio = bullet(57, (), target=28.5, ratio=True, progress="met", label="")
    assert [part.style for part in ratio.children] == [{"width": "80.00%"}, {"left": "40.00%"}]


def test_the_line_goes_from_left_to_right_and_up_with_the_value() -> None:
    line = sparkline([0, 0.5, 1], [0.2, 0.2, 0.4], target=float("nan"), label="x")
    points = line.children[0].style["clipPath"]
    assert points.startswith("polygon(0.00% calc(")
    end = line.children[-1].style
    assert end["left"] == "100.00%"
    assert float(end["top"].rstrip("%")) < 20
    flat = sparkline([0, 1], [0.0, 0.0], target=float("nan"), label="x")
    assert "nan" not in str(flat)


def test_the_terminal_prints_it_for_people_and_machines(tmp_path: Path, published_url: str) -> None:
    (tmp_path / "xintu.toml").write_text(
        '[locality]\ncode = "1"\ncrs = "EPSG:4547"\nname = { zh = "县", en = "C" }\n'
        '[[sources]]\nid = "a"\nrole = "areas"\nlevel = "town"\npath = "a.geojson"\n'
        'columns = { code = "c" }\n',
        "utf-8",
    )
    runner = CliRunner()
    words = ["targets", str(tmp_path), "--store", published_url]
    people = runner.invoke(app, words)
    assert people.exit_code == 0, people.output
    assert "1 项落后" in people.output
    machine = runner.invoke(app, [*words, "--json"])
    records = [json.loads(line) for line in machine.output.splitlines()]
    assert len(records) == 8
    literacy = next(r for r in records if r["indicator"] == "literacy")
    assert literacy["value"] is None
    schools = next(r for r in records if r["indicator"] == "schools_service")
    assert "=1+1小学" in schools["missing_names"]
    assert runner.invoke(app, [*words, "--lang", "fr"]).exit_code != 0
