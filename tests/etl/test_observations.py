"""Weekly counts: what counts, what waits, what is zero and what is no data."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from etl.findings import Doubts, Finding
from etl.sources.mapping import Areas, Mapped
from etl.sources.observations import FRAME_COLUMNS, map_observations
from etl.sources.settings import ObservationsSource
from etl.sources.sites import SiteIndex
from etl.sources.tabular import read_table
from tests.support.locality import (
    NAMES,
    NE,
    NW,
    SE,
    SW,
    TOWNS,
    VILLAGES,
    Folder,
    assert_accounted,
    counts,
    findings,
    rules,
    village_features,
)

HEADER = "周,代码,人次"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.with_areas(tmp_path)


def long(folder: Folder, *rows: str, **settings: object) -> None:
    folder.write("weekly.csv", "\n".join([HEADER, *rows]) + "\n")
    folder.weekly(**settings)


def test_frame_is_canonical_and_lean(folder: Folder) -> None:
    long(folder, f"2026-W41,{NW},4", f"2026-W40,{SW},3", f"2026-W41,{SW},")
    frame = folder.result().frame
    assert list(frame.columns) == list(FRAME_COLUMNS)
    assert all(frame[c].dtype == "category" for c in ("level", "area_code", "week", "measure"))
    assert frame["count"].dtype == np.float64
    rows = frame.astype({"level": str, "area_code": str, "week": str, "measure": str})
    assert rows.values.tolist()[:1] == [["village", SW, "2026-W40", "consult_visits", 3.0, 3]]
    assert rows["area_code"].tolist() == [SW, SW, NW]
    assert np.isnan(rows["count"].iloc[1])
    assert folder.result().newest_week == "2026-W41"


# ------------------------------------------------------------------ cells


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("-1", "negative_count"),
        ("3.5", "fractional_count"),
        ("三", "not_a_number"),
        ("<5", "not_a_number"),
        ("inf", "not_a_number"),
        ("1,02", "not_a_number"),
        ("13900000000000", "implausible_count"),
    ],
)
def test_bad_counts_wait_and_the_good_rows_count(folder: Folder, text: str, rule: str) -> None:
    long(folder, f"2026-W40,{SW},3", f'2026-W40,{NW},"{text}"', f"2026-W41,{SW},5")
    result = folder.result()
    assert counts(result) == {
        (SW, "2026-W40"): 3.0,
        (SW, "2026-W41"): 5.0,
        (NW, "2026-W40"): pytest.approx(np.nan, nan_ok=True),
    }
    (finding,) = result.findings
    assert (finding.rule, finding.row, finding.column, finding.came) == (rule, 3, "人次", text)
    assert_accounted(result)
    row = result.quarantine.iloc[0]
    assert (row["row"], row["rules"]) == (3, rule)
    assert json.loads(row["raw"]) == {"周": "2026-W40", "代码": NW, "人次": text}


@pytest.mark.parametrize("text", ["3", "3.0", " 3 ", "\uff13", "+3", "3.", "3e0"])
def test_ways_to_write_three(folder: Folder, text: str) -> None:
    long(folder, f"2026-W40,{SW},{text}")
    assert counts(folder.result()) == {(SW, "2026-W40"): 3.0}


@pytest.mark.parametrize("text", ["", " ", "-", "—", "/", "N/A", "缺报", "无数据"])
def test_nothing_is_no_data_and_no_fault(folder: Folder, text: str) -> None:
    long(folder, f"2026-W40,{SW},{text}")
    result = folder.result()
    assert np.isnan(counts(result)[SW, "2026-W40"])
    assert (result.accepted, rules(result)) == (1, [])
    assert result.newest_week is None


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (SW[:-1], "malformed_code"),
        (SW + "0", "malformed_code"),
        ("3.1E+11", "malformed_code"),
        ("柳溪村", "malformed_code"),
        ("990101009999", "unknown_area"),
        ("", "missing_value"),
    ],
)
def test_bad_codes_wait_and_are_not_spread(folder: Folder, code: str, rule: str) -> None:
    long(folder, f"2026-W40,{SW},3", f"2026-W40,{code},4")
    result = folder.result()
    assert counts(result) == {(SW, "2026-W40"): 3.0}
    (finding,) = result.findings
    assert (finding.rule, finding.row, finding.column) == (rule, 3, "代码")
    assert finding.came == (code or None)
    assert_accounted(result)


def test_codes_are_edited_in_order(folder: Folder) -> None:
    edit = {"remove": "-.", "prefix": "99", "suffix": "1", "replace": {"990101002009": NE}}
    long(folder, "2026-W40,0101-00100,3", "2026-W40,0101.0020,1", code=edit | {"suffix": "1"})
    assert counts(folder.result()) == {(SW, "2026-W40"): 3.0}
    folder.sources[-1]["code"]["suffix"] = "09"
    assert counts(folder.result()) == {(NE, "2026-W40"): 1.0}


# ------------------------------------------------------------------ weeks


@pytest.mark.parametrize(
    ("style", "text", "week"),
    [
        ("iso", "2026-W40", "2026-W40"),
        ("iso", "2026W40", "2026-W40"),
        ("iso", "2026-w4", "2026-W04"),
        ("iso", "2026年第40周", "2026-W40"),
        ("iso", "202640", "2026-W40"),
        ("monday", "2026-09-28", "2026-W40"),
        ("monday", "2026/9/28", "2026-W40"),
        ("monday", "2026.9.28", "2026-W40"),
        ("monday", "2026年9月28日", "2026-W40"),
        ("monday", "2026-09-28 00:00:00", "2026-W40"),
        ("monday", "46293", "2026-W40"),
        ("sunday", "2026-09-27", "2026-W40"),
        ("date", "2026-10-04", "2026-W40"),
        ("date", "2024-12-30", "2025-W01"),
        ("date", "2021-01-03", "2020-W53"),
    ],
)
def test_week_conventions(folder: Folder, style: str, text: str, week: str) -> None:
    long(folder, f"{text},{SW},3", week=style)
    assert counts(folder.result()) == {(SW, week): 3.0}


@pytest.mark.parametrize(
    ("style", "text", "rule"),
    [
        ("iso", "2026-W54", "malformed_week"),
        ("iso", "2025-W53", "malformed_week"),  # 2025 has 52 weeks
        ("iso", "第40周", "malformed_week"),
        ("iso", "2026-09-28", "malformed_week"),
        ("monday", "2026-09-31", "malformed_week"),
        ("monday", "28/9/2026", "malformed_week"),
        ("monday", "2026-09-29", "week_start"),
        ("sunday", "2026-09-28", "week_start"),
        ("iso", "2026-W48", "future_week"),
        ("date", "2027-01-01", "future_week"),
        ("iso", "", "missing_value"),
    ],
)
def test_bad_weeks_wait(folder: Folder, style: str, text: str, rule: str) -> None:
    long(folder, f"{text},{SW},3", week=style)
    result = folder.result()
    assert [f.rule for f in result.findings] == [rule, "no_usable_row"]
    assert (result.findings[0].row, result.findings[0].column) == (2, "周")
    assert_accounted(result)


def test_the_running_week_counts_from_its_monday_in_the_locality(folder: Folder) -> None:
    long(folder, f"2026-W48,{SW},3")
    # Sunday 23:30 in Shanghai is still the week before, half an hour later is not.
    sunday = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    assert folder.ingest(now=sunday).results[-1].quarantined == 1
    assert folder.ingest(now=sunday.replace(hour=16)).results[-1].accepted == 1


# ------------------------------------------------------------------ duplicates


def test_identical_rows_count_once(folder: Folder) -> None:
    long(folder, f"2026-W40,{SW},3", f"2026-W40,{NW},4", f"2026-W40,{SW},3.0")
    result = folder.result()
    assert counts(result) == {(SW, "2026-W40"): 3.0, (NW, "2026-W40"): 4.0}
    (finding,) = result.findings
    assert (finding.rule, finding.severity, finding.row) == ("duplicate_identical", "warning", 4)
    assert_accounted(result)


def test_contradicting_rows_all_wait(folder: Folder) -> None:
    long(folder, f"2026-W40,{SW},3", f"2026-W40,{SW},4", f"2026-W40,{SW},3", f"2026-W41,{SW},5")
    result = folder.result()
    assert result.accepted == 1
    assert [f.row for f in findings(result, "duplicate_conflict")] == [2, 3, 4]
    assert np.isnan(counts(result)[SW, "2026-W40"])
    assert counts(result)[SW, "2026-W41"] == 5


def test_measures_are_told_apart_in_duplicates(folder: Folder) -> None:
    folder.write(
        "weekly.csv",
        f"周,代码,指标,人次\n2026-W40,{SW},咨询,3\n2026-W40,{SW},热线,4\n2026-W40,{SW},其他,4\n",
    )
    columns = {"week": "周", "area": "代码", "measure": "指标", "count": "人次"}
    measures = {"咨询": "consult_visits", "热线": "hotline_calls"}
    folder.weekly(columns=columns, measure=None, measures=measures)
    result = folder.result()
    assert dict(zip(result.frame["measure"], result.frame["count"], strict=True)) == {
        "consult_visits": 3.0,
        "hotline_calls": 4.0,
    }
    (finding,) = result.findings
    assert (finding.rule, finding.came) == ("unknown_measure", "其他")
    assert "咨询、热线" in finding.wanted.zh


# ------------------------------------------------------------------ several figures in a row


def test_one_bad_figure_of_several_is_blanked(folder: Folder) -> None:
    folder.write(
        "weekly.csv",
        f"周,代码,咨询,热线\n2026-W40,{SW},3,-1\n2026-W40,{NW},x,-1\n2026-W40,{SE},,x\n",
    )
    counted = {"consult_visits": "咨询", "hotline_calls": "热线"}
    folder.weekly(columns={"week": "周", "area": "代码", "counts": counted}, measure=None)
    result = folder.result()
    assert (result.accepted, result.quarantined) == (1, 2)
    assert sorted((f.row, f.rule) for f in result.findings) == [
        (2, "negative_count"),
        (3, "negative_count"),
        (3, "not_a_number"),
        (4, "not_a_number"),
    ]
    figures = result.frame.set_index(["area_code", "measure"])["count"]
    assert figures[SW, "consult_visits"] == 3
    assert np.isnan(figures[SW, "hotline_calls"])
    assert_accounted(result)


# ------------------------------------------------------------------ zero or no data


def test_absent_is_no_data_unless_said(folder: Folder) -> None:
    long(folder, f"2026-W40,{SW},3", f"2026-W42,{NW},4")
    assert len(folder.result().frame) == 2


def test_absent_zero_fills_between_first_and_last_week(folder: Folder) -> None:
    long(folder, f"2026-W40,{SW},3", f"2026-W42,{NW},4", absent="zero")
    result = folder.result()
    filled = counts(result)
    assert len(filled) == 4 * 3
    assert sum(filled.values()) == 7
    assert filled[SE, "2026-W41"] == 0
    (finding,) = findings(result, "zero_filled")
    assert finding.count == 10
    assert "2026-W40" in finding.action.zh
    assert "2026-W42" in finding.action.zh


def test_absent_zero_may_cover_more_than_the_file(folder: Folder) -> None:
    long(
        folder,
        f"2026-W40,{SW},3",
        absent="zero",
        covers_from="2026-09-14",
        covers_to="2026-10-07",
    )
    filled = counts(folder.result())
    assert sorted({week for _, week in filled}) == [f"2026-W{w}" for w in (38, 39, 40, 41)]
    assert len(filled) == 16


def test_refused_figures_are_not_filled_with_zero(folder: Folder) -> None:
    long(
        folder,
        f"2026-W40,{SW},-1",
        f"2026-W40,{NW},3",
        f"2026-W41,{NW},3",
        f"2026-W41,{NW},4",
        absent="zero",
    )
    filled = counts(folder.result())
    assert np.isnan(filled[SW, "2026-W40"])
    assert np.isnan(filled[NW, "2026-W41"])
    assert filled[SW, "2026-W41"] == 0


def test_no_data_blanks_weeks_and_says_what_it_withheld(folder: Folder) -> None:
    span = {"from": "2026-10-05", "to": "2026-10-14", "reason": {"zh": "停机", "en": "down"}}
    rows = [f"2026-W{week},{SW},{week}" for week in (40, 41, 42, 43)]
    long(folder, *rows, no_data=[span], absent="zero")
    result = folder.result()
    figures = counts(result)
    assert [np.isnan(figures[SW, f"2026-W{w}"]) for w in (40, 41, 42, 43)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert np.isnan(figures[NE, "2026-W41"])
    (finding,) = findings(result, "no_data_range")
    assert (finding.wanted.zh, finding.wanted.en) == ("停机", "down")
    assert "83" in finding.action.zh
    assert result.accepted == 4


# ------------------------------------------------------------------ wide


def wide(folder: Folder, text: str, **settings: object) -> None:
    folder.write("wide.csv", text)
    usual = {"shape": "wide", "areas_by": "name", "columns": {"week": "周"}}
    folder.weekly("wide.csv", **{**usual, **settings})


def test_wide_by_name(folder: Folder) -> None:
    wide(folder, "周,柳溪村, 松岭村 ,桥头村,石湾村,合计\n2026-W40,1,2,3,4,10\n2026-W41,,0,x,-1,0\n")
    result = folder.result()
    figures = counts(result)
    assert [figures[v, "2026-W40"] for v in (SW, NW, SE, NE)] == [1, 2, 3, 4]
    assert (SW, "2026-W41") not in figures
    assert figures[NW, "2026-W41"] == 0
    assert np.isnan(figures[SE, "2026-W41"])
    assert sorted((f.rule, f.row, f.column) for f in result.findings) == [
        ("negative_count", 3, "石湾村"),
        ("not_a_number", 3, "桥头村"),
    ]
    assert (result.accepted, result.quarantined) == (2, 0)


def test_wide_blank_cells_follow_absent(folder: Folder) -> None:
    wide(folder, "周,柳溪村,桥头村\n2026-W40,1,\n", absent="zero")
    figures = counts(folder.result())
    assert figures == {(area, "2026-W40"): float(area == SW) for area in (SW, NW, SE, NE)}


def test_wide_unknown_and_missing_areas_are_said(folder: Folder) -> None:
    wide(folder, "周,柳溪村,松岑村\n2026-W40,1,2\n")
    result = folder.result()
    assert rules(result) == ["unknown_column", "area_without_column"]
    assert "松岭村" in result.findings[0].action.zh
    assert result.findings[1].count == 3


def test_wide_by_code_under_merged_headers(folder: Folder) -> None:
    folder.workbook(
        "wide.xlsx",
        {"a": [["周", "西镇", None, "东镇"], [None, SW, NW, SE], ["2026-W40", 1, 2, 3]]},
    )
    folder.weekly("wide.xlsx", shape="wide", columns={"week": "周"}, header_rows=2, areas_by="code")
    assert counts(folder.result()) == {
        (SW, "2026-W40"): 1, (NW, "2026-W40"): 2, (SE, "2026-W40"): 3,
    }  # fmt: skip


def test_wide_doubled_week_waits_and_is_no_zero(folder: Folder) -> None:
    wide(folder, "周,柳溪村\n2026-W40,1\n2026-W41,1\n2026-W41,2\n2026-W42,3\n", absent="zero")
    result = folder.result()
    assert [f.row for f in findings(result, "duplicate_conflict")] == [3, 4]
    assert np.isnan(counts(result)[SW, "2026-W41"])


def test_wide_with_a_name_that_two_areas_have(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    features = village_features()
    features[1]["properties"]["name"] = "柳溪村"
    folder.areas("villages", "village", features)
    wide(folder, "周,柳溪村,桥头村\n2026-W40,1,2\n")
    result = folder.result()
    assert [f.column for f in findings(result, "ambiguous_name")] == ["柳溪村"]
    assert counts(result) == {(SE, "2026-W40"): 2.0}


# ------------------------------------------------------------------ between sources


def test_later_source_supersedes(folder: Folder) -> None:
    long(folder, f"2026-W40,{SW},3", f"2026-W41,{SW},4", f"2026-W42,{SW},5")
    folder.write("second.csv", "\n".join([HEADER, f"2026-W41,{SW},6", f"2026-W42,{SW},5"]))
    folder.weekly("second.csv")
    folder.sources[-1]["id"] = "second"
    first = folder.result("weekly")
    assert counts(first) == {(SW, "2026-W40"): 3.0}
    (finding,) = first.findings
    assert (finding.rule, finding.count) == ("superseded", 2)
    assert "second" in finding.action.zh
    assert " 1 " in finding.action.zh
    assert len(folder.result("second").frame) == 2


def test_no_areas_of_the_level_is_said(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    long(folder, f"2026-W40,{SW},3", level="grid")
    (finding,) = folder.result().findings
    assert finding.rule == "areas_unavailable"
    assert 'level = "grid"' in finding.action.en


def test_many_bad_rows_are_shown_in_part_and_counted_in_full(folder: Folder) -> None:
    long(folder, f"2026-W40,{SW},3", *[f"2026-W40,{NW[:-1]},{i}" for i in range(100)])
    result = folder.result()
    assert len(result.findings) == 21
    assert sum(f.count for f in result.findings) == 100
    assert result.quarantined == 100
    assert result.findings[-1].count == 80


# ------------------------------------------------------------------ names of areas, nearest codes


def test_columns_are_found_across_script_variants(folder: Folder) -> None:
    features = village_features()
    features[0]["properties"]["name"] = "玉峯村"
    features[1]["properties"]["name"] = "三元社区"
    folder.areas("villages", "village", features)
    del folder.sources[1]
    folder.write("wide.csv", "周,玉峰村委会,3元居委会,桥头,石湾村\n2026-W40,1,2,3,4\n")
    folder.source(
        "wide", "observations", "wide.csv", level="village", shape="wide", areas_by="name",
        measure="consult_visits", columns={"week": "周"},
    )  # fmt: skip
    result = folder.result("wide")
    assert {code: n for (code, _), n in counts(result).items()} == {SW: 1, NW: 2, NE: 4}
    (unknown,) = findings(result, "unknown_column")
    assert (unknown.came, "桥头村" in unknown.action.zh) == ("桥头", True)


def test_an_unknown_code_is_told_with_the_nearest(folder: Folder) -> None:
    long(folder, f"2026-W40,{SW[:-1]}9,3", f"2026-W40,{SW},3")
    (finding,) = folder.result().findings
    assert finding.rule == "unknown_area"
    assert f"{SW} 柳溪村" in finding.action.zh


# ------------------------------------------------------------------ counts of facilities

SITES = pd.DataFrame(
    [
        ["s-001", "柳溪心理咨询室", SW, "2020-01-01", None, "exact"],
        ["s-002", "柳溪二站", SW, None, "2026-09-28", "village"],
        ["s-003", "松岭站", NW, "2026-09-28", None, "exact"],
        ["s-004", "重名站", SE, None, None, "exact"],
        ["s-005", "重名站", NE, None, None, "exact"],
        ["s-006", "镇站", SE, None, None, "town"],
        ["s-007", "热线", None, None, None, "exact"],
    ],
    columns=["site_id", "name", "village_code", "opened_on", "closed_on", "quality"],
).assign(town_code=TOWNS[0], grid_code=None, area_code=None)
AREAS = Areas("village", r"\d{12}", np.array(VILLAGES, dtype=object), tuple(NAMES.values()))


def by_site(tmp_path: Path, *rows: str, **settings: object) -> tuple[Mapped, list[Finding]]:
    source = ObservationsSource.model_validate(
        {"id": "w", "role": "observations", "path": "w.csv", "level": "village", "measure": "m",
         "columns": {"week": "周", "site": "机构", "count": "数"}, **settings}
    )  # fmt: skip
    file = tmp_path / "w.csv"
    file.write_text("\n".join(["周,机构,数", *rows]) + "\n", encoding="utf-8")
    doubts = Doubts("w", "w.csv")
    table = read_table(file, source, ["周", "机构", "数"], doubts)
    mapped = map_observations(
        table, source, AREAS, doubts, measures=["m"], today=date(2026, 11, 18),
        sites=SiteIndex.of([SITES]),
    )  # fmt: skip
    assert mapped.accepted + mapped.quarantined + mapped.set_aside == len(rows)
    return mapped, doubts.findings


def by_area(mapped: Mapped) -> dict[tuple[str, str], float]:
    frame = mapped.frame
    keys = zip(frame["area_code"].astype(str), frame["week"].astype(str), strict=True)
    return dict(zip(keys, frame["count"].tolist(), strict=True))


def test_facilities_count_where_they_stand(tmp_path: Path) -> None:
    mapped, told = by_site(
        tmp_path,
        "2026-W38,柳溪心理咨询室,3",
        "2026-W38,s-002,4",
        "2026-W38,004,5",
        "2026-W38,柳溪 心理室,1",
    )
    assert by_area(mapped) == {(SW, "2026-W38"): 7.0, (SE, "2026-W38"): 5.0}
    assert mapped.frame["source_row"].tolist() == [2, 4]
    assert [(f.rule, f.row) for f in told] == [("unknown_site", 5)]
    assert "柳溪心理咨询室" in told[0].action.zh


def test_an_unknown_or_doubled_or_placeless_facility_waits(tmp_path: Path) -> None:
    mapped, told = by_site(
        tmp_path, "2026-W38,柳溪一站,3", "2026-W38,重名站,3", "2026-W38,镇站,3", "2026-W38,热线,1",
        "2026-W38,,1", "2026-W38,松岭站,2",
    )  # fmt: skip
    assert mapped.accepted == 1
    assert sorted((f.rule, f.row) for f in told if f.severity == "error") == [
        ("ambiguous_site", 3), ("missing_value", 6), ("site_without_area", 4),
        ("site_without_area", 5), ("unknown_site", 2),
    ]  # fmt: skip
    assert "s-004" in next(f for f in told if f.rule == "ambiguous_site").action.en


def test_a_closed_facility_that_reports_is_said_and_counts(tmp_path: Path) -> None:
    mapped, told = by_site(
        tmp_path, "2026-W39,s-002,1", "2026-W40,s-002,2", "2026-W41,s-002,0",
        "2026-W39,s-003,3", "2026-W40,s-003,4",
    )  # fmt: skip
    assert [(f.rule, f.row, f.severity) for f in told] == [
        ("closed_but_reporting", 3, "warning"), ("reporting_before_open", 5, "warning"),
    ]  # fmt: skip
    assert "2026-09-28" in told[0].wanted.zh
    assert by_area(mapped)[SW, "2026-W40"] == 2


def test_a_silent_facility_makes_its_area_no_data(tmp_path: Path) -> None:
    rows = ("2026-W37,s-001,3", "2026-W37,s-002,4", "2026-W38,s-001,3", "2026-W40,s-001,5",
            "2026-W39,s-001,-2", "2026-W39,s-002,2")  # fmt: skip
    got = by_area(by_site(tmp_path, *rows)[0])
    assert got[SW, "2026-W37"] == 7
    assert np.isnan(got[SW, "2026-W38"])  # s-002 said nothing
    assert np.isnan(got[SW, "2026-W39"])  # s-001 was refused
    assert got[SW, "2026-W40"] == 5  # s-002 has closed
    filled = by_area(by_site(tmp_path, *rows, absent="zero")[0])
    assert (filled[SW, "2026-W38"], filled[NW, "2026-W38"]) == (3, 0)
    assert np.isnan(filled[SW, "2026-W39"])


def test_one_facility_twice_in_a_week_is_no_sum(tmp_path: Path) -> None:
    mapped, told = by_site(tmp_path, "2026-W38,s-001,3", "2026-W38,s-001,4", "2026-W38,s-002,1")
    assert np.isnan(by_area(mapped)[SW, "2026-W38"])
    assert [f.rule for f in told] == ["duplicate_conflict"] * 2
    mapped, told = by_site(tmp_path, "2026-W38,s-001,3", "2026-W38,s-001,3", "2026-W38,s-002,1")
    assert by_area(mapped)[SW, "2026-W38"] == 4
    assert [f.rule for f in told] == ["duplicate_identical"]
