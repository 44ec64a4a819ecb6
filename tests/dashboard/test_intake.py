"""The data page: every source and every finding, and a file that opens right in Excel."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from dashboard.components import intake
from dashboard.pages import data as data_page
from dashboard.text import load
from etl.spreadsheet import csv_bytes, neutral
from etl.store.reader import Reader, Snapshot
from tests.support.dashboard_pages import NOW, page_context, words_of

pytest_plugins = ("tests.support.dashboard_fixtures",)


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("zh-CN", ["2\u2009620 行进入本次结果，11 行没有", "每周服务统计", "整份拒收", "已过时"]),
        ("en", ["2\u2009620 rows are in these results, 11 are not", "Weekly services", "refused"]),
    ],
)
def test_the_page_says_what_came_and_how_old_it_is(
    published_reader: Reader, lang: str, expected: list[str]
) -> None:
    said = words_of(data_page.layout(page_context(published_reader, "/data", lang=lang)))
    assert [text for text in expected if text not in said] == []


@pytest.mark.parametrize(
    ("case", "look"),
    [
        (("2026-11-09", False, False), "age-ok"),
        (("2026-10-19", False, False), "age-amber"),
        (("2026-10-19", True, False), "age-red"),
        (("2025-12-22", False, False), "age-none"),
        ((None, False, False), "age-none"),
        ((None, False, True), "age-red"),
    ],
)
def test_age_turns_amber_then_red(
    snapshot: Snapshot,
    published_reader: Reader,
    case: tuple[str | None, bool, bool],
    look: str,
) -> None:
    sources = published_reader.table(snapshot.snapshot_id, "sources").head(1)
    newest, stale, failed = case
    sources = sources.assign(newest_date=newest, stale=stale, failed=failed)
    drawn = str(intake.source_table(sources, NOW, load("zh-CN"), snapshot))
    assert look in drawn


def test_empty_tables_say_so(snapshot: Snapshot, published_reader: Reader) -> None:
    findings = published_reader.table(snapshot.snapshot_id, "findings").iloc[:0]
    sources = published_reader.table(snapshot.snapshot_id, "sources").iloc[:0]
    catalog = load("zh-CN")
    assert "没有发现问题" in words_of(intake.finding_grid(findings, catalog))
    assert "没有登记任何来源" in words_of(intake.source_table(sources, NOW, catalog, snapshot))


def test_csv_opens_in_excel_and_runs_nothing(snapshot: Snapshot, published_reader: Reader) -> None:
    findings = published_reader.table(snapshot.snapshot_id, "findings")
    content = csv_bytes(intake.finding_frame(findings, load("zh-CN")))
    assert content.startswith(b"\xef\xbb\xbf")
    read = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig", dtype=str)
    assert list(read.columns[:3]) == ["程度", "文件", "位置"]
    assert "'=HYPERLINK(1)" in set(read["收到"])
    assert "'-1" in set(read["收到"])
    assert len(read) == len(findings)


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(start: str) -> None:
    assert neutral(start) == f"'{start}"


@pytest.mark.parametrize("value", [-1, 2.5, None, "矛盾纠纷", ""])
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert neutral(value) == value


def test_findings_are_in_the_language_of_the_page(
    snapshot: Snapshot, published_reader: Reader
) -> None:
    findings = published_reader.table(snapshot.snapshot_id, "findings")
    chinese = intake.finding_rows(findings, load("zh-CN"))
    english = intake.finding_rows(findings, load("en"))
    assert [row["level"] for row in chinese] == ["error"] * 4 + ["warning", "info"]
    assert len(english) == len(findings)
    assert chinese[0]["wanted"] == "只收汇总数"
    assert english[0]["wanted"] == "aggregates only"
    assert (chinese[1]["place"], english[1]["place"]) == ("第 17 行", "row 17")
