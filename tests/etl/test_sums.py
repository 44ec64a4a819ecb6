"""Totals beside the rows of a wide table, and figures where there should be none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.locality import NAMES, NE, NW, SE, SW, Folder, counts, findings, rules

HEADER = f"周,{NAMES[SW]},{NAMES[NW]},{NAMES[SE]},{NAMES[NE]}"


def wide(path: Path, text: str) -> Folder:
    folder = Folder.with_areas(path)
    folder.write("weekly.csv", text)
    folder.weekly(shape="wide", areas_by="name", columns={"week": "周"})
    return folder


def test_a_row_total_that_does_not_add_up_is_told_and_not_used(tmp_path: Path) -> None:
    text = f"{HEADER},合计\n2026-W40,1,2,3,4,10\n2026-W41,1,2,3,4,11\n2026-W42,1,,3,4,8\n"
    result = wide(tmp_path, text).result()
    (finding,) = findings(result, "row_total_mismatch")
    assert (finding.row, finding.column, finding.came, finding.proposal) == (3, "合计", "11", "10")
    assert finding.severity == "warning"
    assert result.accepted == 3
    assert sum(counts(result).values()) == 28


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n2026-W40,1,2,3,4\n",
        f"{HEADER},合计\n2026-W40,1,2,3,4,10\n2026-W41,,,,,\n",
        f"{HEADER},合计\n2026-W40,1,2,3,4,\n",
        f"{HEADER},合计\n2026-W40,1,x,3,4,10\n",  # told of the bad figure already
        f"{HEADER},别处,合计\n2026-W40,1,2,3,4,5,15\n",  # a total of more than is known here
        f"{HEADER},小计,合计\n2026-W40,1,2,3,4,3,10\n",
        f"{HEADER},合计,原行号,退回原因\n2026-W40,1,2,3,4,10,7,错误\n",
    ],
)
def test_a_row_total_that_adds_up_or_cannot_be_known_is_no_doubt(tmp_path: Path, text: str) -> None:
    result = wide(tmp_path, text).result()
    assert findings(result, "row_total_mismatch") == []


def test_columns_of_a_returned_workbook_are_no_areas(tmp_path: Path) -> None:
    text = f"{HEADER},原行号,退回原因\n2026-W40,1,2,3,4,7,错误\n"
    assert "unknown_column" not in rules(wide(tmp_path, text).result())


@pytest.mark.parametrize(("count", "wanted"), [("3", 1), ("0", 0)])
def test_figures_in_weeks_without_data_are_told(tmp_path: Path, count: str, wanted: int) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.write("weekly.csv", f"周,代码,人次\n2026-W40,{SW},{count}\n2026-W44,{SW},5\n")
    reason = {"zh": "系统停用", "en": "system down"}
    span = {"from": "2026-09-28", "to": "2026-10-04", "reason": reason}
    folder.weekly(no_data=[span])
    result = folder.result()
    found = findings(result, "no_data_figures")
    assert len(found) == wanted
    assert len(findings(result, "no_data_range")) == 1
    assert [f.severity for f in found] == ["warning"] * wanted
