"""The catalogue of rules, and how findings speak."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import etl
from etl import proposals
from etl.findings import Doubts, UnusableFileError, listed, rules, shown
from etl.ledger import MARKED_OF_ONE, QUARANTINE_COLUMNS, Ledger

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
    files = [file for file in sorted(ETL.rglob("*.py")) if "demo" not in file.parts]
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


def ledger_of(cells: dict[str, list[str]]) -> Ledger:
    n_rows = len(next(iter(cells.values())))
    frame = pd.DataFrame(cells, index=range(2, 2 + n_rows)).astype("category")
    return Ledger(frame, Doubts("s", "b.csv"))


def marks(frame: pd.DataFrame, row: int) -> list[list[str | None]]:
    (text,) = frame.loc[frame["row"] == row, "marks"]
    return list(json.loads(text))


def test_quarantine_joins_the_rules_of_a_row() -> None:
    ledger = ledger_of({"周": ["x", "y"], "n": ["-1", "2"]})
    first = ledger.rows == 2
    week = {"convention_zh": "周次，如 2026-W46", "convention_en": "a week, as 2026-W46"}
    ledger.reject("malformed_week", first, column="周", **week)
    ledger.reject("negative_count", first, column="n")
    ledger.reject("malformed_week", first, column="周", **week)
    quarantine = ledger.quarantine()
    assert tuple(quarantine.columns) == QUARANTINE_COLUMNS
    assert quarantine.drop(columns="marks").to_dict("records") == [
        {"row": 2, "raw": '{"周": "x", "n": "-1"}', "rules": "malformed_week,negative_count"}
    ]
    assert [mark[:2] for mark in marks(quarantine, 2)] == [
        ["周", "malformed_week"],
        ["n", "negative_count"],
    ]


def test_marks_say_what_is_wanted_what_to_do_and_what_to_write() -> None:
    ledger = ledger_of({"类别": ["心里咨询室", "?", "医院"], "人": ["3人", "2", "x"]})
    unknown = ledger.rows < 4
    ledger.reject(
        "unknown_kind", unknown, column="类别", known="心理咨询室", proposal=["心理咨询室", None]
    )
    ledger.note("bad_attribute", ledger.rows != 3, column="人", proposal=lambda t: t.strip("人x"))
    ((column, rule, wanted_zh, action_zh, wanted_en, action_en, proposal), attribute) = marks(
        ledger.quarantine(), 2
    )
    assert (column, rule, proposal) == ("类别", "unknown_kind", "心理咨询室")
    assert (wanted_zh, wanted_en) == (
        "映射 kinds 中的一项：心理咨询室",
        "one that `kinds` of the mapping names: 心理咨询室",
    )
    assert action_zh
    assert action_en
    assert (attribute[1], attribute[6]) == ("bad_attribute", "3")
    assert marks(ledger.quarantine(), 3)[0][6] is None
    # A row that is used all the same is remembered beside the quarantine.
    noted = ledger.noted()
    assert noted["row"].tolist() == [4]
    assert marks(noted, 4)[0][:2] == ["人", "bad_attribute"]
    assert [f.proposal for f in ledger.doubts.findings] == ["心理咨询室", None, "3", None]
    assert "建议改为“心理咨询室”" in ledger.doubts.findings[0].message()


def test_words_of_a_row_go_with_their_row() -> None:
    ledger = ledger_of({"n": [str(i) for i in range(30)]})
    others = [f"#{i}" for i in range(30)]
    every = np.ones(30, dtype=bool)
    ledger.reject("duplicate_site", every, column="n", metres="200", other=others)
    quarantine = ledger.quarantine()
    for row in (2, 26, 31):
        assert f"#{row - 2} " in str(marks(quarantine, row)[0][3])


def test_a_mark_holds_nothing_personal() -> None:
    ledger = ledger_of({"人13800138000": ["13800138000"]})
    first = ledger.rows == 2
    ledger.reject("not_a_number", first, column="人13800138000", proposal=["13800138000"])
    assert "13800138000" not in ledger.quarantine().to_json()
    assert ledger.doubts.findings[0].proposal == "●" * 11


def test_a_million_refused_rows_are_remembered_in_bounds() -> None:
    n_rows = 1_000_000
    cells = pd.DataFrame({"n": pd.Categorical.from_codes(np.zeros(n_rows, dtype=int), ["-1"])})
    ledger = Ledger(cells.set_axis(np.arange(2, n_rows + 2)), Doubts("s", "b.csv"))
    every = np.ones(n_rows, dtype=bool)
    for _ in range(8):
        ledger.reject("negative_count", every, column="n", proposal=lambda _text: "1")
    quarantine = ledger.quarantine()
    assert len(quarantine) == n_rows
    assert (quarantine["marks"] != "[]").sum() == MARKED_OF_ONE
    assert quarantine["rules"].eq("negative_count").all()
    assert quarantine["marks"].iloc[-1] == "[]"


@pytest.mark.parametrize("code", sorted(rules()))
def test_severities_are_those_of_the_page(code: str) -> None:
    assert rules()[code].severity in {"info", "warning", "error"}


def test_nothing_is_proposed_for_a_text_without_end() -> None:
    text = "x" * 200_000
    started = time.process_time()
    assert proposals.code(["990101001001", "990101001002"])(text) is None
    assert proposals.name(["心理咨询室", "医院"])(text) is None
    assert time.process_time() - started < 5
