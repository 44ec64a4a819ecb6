"""The catalogue of rules, and how findings speak."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import etl
from etl.findings import Doubts, Ledger, UnusableFileError, listed, rules, shown

ETL = Path(etl.__file__).parent
CALLED = re.compile(r"(?:\.add|add_rows|\.note|\.reject|UnusableFileError)\(\s*\"(\w+)\"")


def test_every_rule_has_both_languages_and_the_same_words() -> None:
    for rule in rules().values():
        for label in (rule.title, rule.wanted, rule.action):
            assert label.zh
            assert label.en
            assert re.search("[\u4e00-\u9fff]", rule.title.zh)
        for label in (rule.wanted, rule.action):
            # A reason is written in either language; all else is said in both.
            zh, en = (set(re.findall(r"\{(\w+)\}", text)) for text in (label.zh, label.en))
            assert {w.removesuffix("_zh") for w in zh} == {w.removesuffix("_en") for w in en}


def test_every_rule_is_used_and_every_used_rule_is_known() -> None:
    files = [ETL / "ingest.py", *sorted((ETL / "sources").glob("*.py"))]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert [code for code in rules() if f'"{code}"' not in text] == []
    assert set(CALLED.findall(text)) <= set(rules())


def test_message_names_place_what_came_what_was_wanted_and_what_to_do() -> None:
    doubts = Doubts("weekly", "周报.xlsx", sheet="数据")
    doubts.add("negative_count", row=7, column="人次", came="-1")
    (finding,) = doubts.findings
    english = finding.message("en")
    assert english.startswith(
        "周报.xlsx, sheet “数据”, row 7, column “人次”: Negative figure; came -1; "
    )
    assert "wanted a number of 0 or more; correct it" in english
    chinese = finding.message("zh")
    for part in ("周报.xlsx", "工作表“数据”", "第 7 行", "列“人次”", "-1", "不小于 0 的数", "改正"):
        assert part in chinese


def test_what_is_shown_is_short_one_line_and_not_personal() -> None:
    assert shown("a\n b\t c") == "a b c"
    assert len(shown("x" * 500)) == 80
    assert shown("电话13800138000") == "电话" + "●" * 11
    assert listed([str(i) for i in range(15)], most=3) == "0、1、2 … (+12)"


def test_unusable_file_says_why_as_an_error_too() -> None:
    error = UnusableFileError("missing_file", came="a.csv")
    assert str(error) == "File missing: a.csv"
    doubts = Doubts("s", "b.csv")
    doubts.add_failure(error)
    assert doubts.findings[0].rule == "missing_file"


def test_rows_beyond_the_first_twenty_are_counted() -> None:
    doubts = Doubts("s", "b.csv")
    doubts.add_rows("negative_count", range(2, 50), column="n", came=["-1"] * 48)
    doubts.add_rows("negative_count", [60, 61], column="n", came=["-1", "-2"])
    doubts.add_rows("negative_count", [60], column="m", came=["-1"])
    assert [f.count for f in doubts.findings] == [1] * 20 + [28, 2, 1]
    assert [f.row for f in doubts.findings][-3:] == [22, 60, 60]


def test_quarantine_joins_the_rules_of_a_row() -> None:
    cells = pd.DataFrame({"周": ["x", "y"], "n": ["-1", "2"]}, index=[2, 3]).astype("category")
    ledger = Ledger(cells, Doubts("s", "b.csv"))
    first = ledger.rows == 2
    ledger.reject("malformed_week", first, column="周", convention="2026-W46")
    ledger.reject("negative_count", first, column="n")
    ledger.reject("malformed_week", first, column="周", convention="2026-W46")
    assert ledger.quarantine().to_dict("records") == [
        {"row": 2, "raw": '{"周": "x", "n": "-1"}', "rules": "malformed_week,negative_count"}
    ]


@pytest.mark.parametrize("code", sorted(rules()))
def test_severities_are_those_of_the_page(code: str) -> None:
    assert rules()[code].severity in {"info", "warning", "error"}
