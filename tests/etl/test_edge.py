"""`xintu aggregate`: every row of an export is counted or left out, and no person is written."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dashboard.cli_aggregate import app
from etl.edge.areas import Areas, any_areas, read_areas
from etl.edge.counting import Wish, count_rows
from etl.edge.export import day_of, open_export
from geo.errors import ConfigError, InputError
from tests.support.locality import NAMES, NE, NW, SE, SW, VILLAGES, Folder, counts

TODAY = date(2026, 11, 18)
AREAS = Areas(frozenset(VILLAGES), {NAMES[code]: code for code in VILLAGES})
HEAD = ["序号", "姓名", "身份证号", "手机号", "所属社区", "咨询日期", "事由"]
IDENTITY = "11010519491231002X"
CANARIES = ("金丝雀", IDENTITY, "13877776666", "与家人争执", "330102199001011234")


def person(area: str, day: str, *, number: str = IDENTITY, name: str = "金丝雀") -> list[str]:
    return ["1", name, number, "13877776666", area, day, "与家人争执"]


def write(
    path: Path, rows: list[list[str]], *, encoding: str = "utf-8-sig", delimiter: str = ","
) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def counted(
    path: Path, areas: Areas = AREAS, **wish: Any
) -> tuple[dict[tuple[str, str], Any], Any]:
    usual: dict[str, Any] = {"area": "所属社区", "day": "咨询日期", "measure": "咨询人次"}
    export = open_export(path, wanted=["所属社区", "咨询日期"])
    outcome = count_rows(export, Wish(**{**usual, **wish}), areas, today=TODAY)
    frame = outcome.frame
    keys = zip(frame["area_code"], frame["week"], strict=True)
    return dict(zip(keys, frame["count"].tolist(), strict=True)), outcome


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_rows_become_weekly_counts(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [
        ["2026年咨询登记", *[""] * 6], HEAD,
        person("柳溪村", "2026-11-09"), person(SW, "2026/11/15 9:30"),
        person("柳溪 村", "20261116"),
        person("松岭村", "46335"), person("不明", "2026-11-09"), person("", "2026-11-09"),
        person("石湾村", "昨天"), person("石湾村", "2026-12-24"),
    ]  # fmt: skip
    found, outcome = counted(
        write(tmp_path / "a.csv", rows, encoding=encoding, delimiter=delimiter)
    )
    assert found == {(SW, "2026-W46"): 2, (SW, "2026-W47"): 1, (NW, "2026-W46"): 1}
    assert {reason: list(at) for reason, at in outcome.left_out.items()} == {
        "unknown_area": [7], "no_area": [8], "no_date": [9], "future_date": [10],
    }  # fmt: skip
    assert (outcome.rows, outcome.counted) == (8, 4)
    assert set(outcome.frame["small"]) == {"是"}


def test_workbooks_are_read_with_their_dates(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["说明"])
    sheet = book.create_sheet("登记")
    sheet.append(["咨询登记表"])
    sheet.append(HEAD)
    for day in (date(2026, 11, 9), date(2026, 11, 10)):
        sheet.append([*person("桥头村", "")[:5], day, ""])
    book.save(tmp_path / "a.xlsx")
    assert counted(tmp_path / "a.xlsx")[0] == {(SE, "2026-W46"): 2}


def test_a_person_counts_once_a_week_and_area(tmp_path: Path) -> None:
    rows = [
        HEAD, person(SW, "2026-11-09"), person(SW, "2026-11-10", number=IDENTITY.lower()),
        person(SW, "2026-11-16"), person(NW, "2026-11-09"), person(SW, "2026-11-09", number=""),
        person(SW, "2026-11-09", number="330102199001011234"),
    ]  # fmt: skip
    found, outcome = counted(write(tmp_path / "a.csv", rows), distinct="身份证号")
    assert found == {(SW, "2026-W46"): 2, (SW, "2026-W47"): 1, (NW, "2026-W46"): 1}
    assert {k: list(v) for k, v in outcome.left_out.items()} == {"no_person": [6], "repeated": [3]}


def test_small_counts_are_marked_and_withheld_when_wished(tmp_path: Path) -> None:
    rows = [HEAD, *[person(SW, "2026-11-09")] * 10, *[person(NW, "2026-11-09")] * 9]
    path = write(tmp_path / "a.csv", rows)
    assert counted(path)[1].frame["small"].tolist() == ["否", "是"]
    found, outcome = counted(path, withhold_small=True)
    assert found[SW, "2026-W46"] == 10
    assert found[NW, "2026-W46"] is pd.NA
    assert outcome.counted == 19
    assert counted(path, k=5)[1].frame["small"].tolist() == ["否", "否"]
    with pytest.raises(ConfigError, match="5"):
        counted(path, k=4)


def test_a_range_and_a_column_of_measures(tmp_path: Path) -> None:
    rows = [[*HEAD, "类型"], *([*person(SW, d), m] for d, m in [
        ("2026-11-09", "咨询人次"), ("2026-11-10", "hotline_calls"), ("2026-11-11", "其他"),
        ("2026-11-12", ""), ("2026-11-01", "咨询人次"),
    ])]  # fmt: skip
    _, outcome = counted(
        write(tmp_path / "a.csv", rows), measure="类型", start=date(2026, 11, 2), end=TODAY
    )
    assert outcome.frame["measure"].tolist() == ["consult_visits", "hotline_calls"]
    assert {k: list(v) for k, v in outcome.left_out.items()} == {
        "no_measure": [5], "outside_range": [6], "unknown_measure": [4],
    }  # fmt: skip
    with pytest.raises(ConfigError, match="没有这个指标"):
        counted(tmp_path / "a.csv", measure="没有这个指标")


def test_without_a_list_only_codes_are_areas(tmp_path: Path) -> None:
    rows = [
        HEAD,
        *(person(a, "2026-11-09") for a in (SW, f"{SW}-003", "金丝雀", IDENTITY, "13877776666")),
    ]
    found, outcome = counted(write(tmp_path / "a.csv", rows), any_areas())
    assert found == {(SW, "2026-W46"): 1, (f"{SW}-003", "2026-W46"): 1}
    assert list(outcome.left_out["unknown_area"]) == [4, 5, 6]


def test_a_wrong_column_is_said_without_a_person(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [HEAD, person(SW, "2026-11-09")])
    with pytest.raises(InputError, match="没有这一列") as caught:
        counted(path, area="社区代码")
    assert not any(canary in str(caught.value) for canary in CANARIES)
    # A file without a header shows none of its first row.
    path = write(tmp_path / "b.csv", [person(SW, "2026-11-09")] * 5)
    with pytest.raises(InputError) as caught:
        counted(path)
    assert not any(canary in str(caught.value) for canary in CANARIES[:3])


def test_areas_by_table_and_by_map(tmp_path: Path) -> None:
    table = write(
        tmp_path / "区划.csv", [["代码", "名称"], [SW, "甲村"], [NW, "乙村"], [SE, "乙村"]]
    )
    folder = Folder.with_areas(tmp_path)
    for path, expected in ((table, "甲村"), (folder.path / "villages.geojson", NAMES[SW])):
        assert read_areas(path).find(expected) == (SW, "")
        assert read_areas(path).find(f" {SW}.0") == (SW, "")
        assert read_areas(path).find("丙村") == (None, "unknown_area")
    assert read_areas(table).find("乙村") == (None, "ambiguous_area")


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_the_command_writes_counts_and_a_record_and_no_person(tmp_path: Path, suffix: str) -> None:
    rows = [HEAD, *[person(SW, "2026-11-09")] * 12, *[person("不明村", "2026-11-09")] * 3]
    path = write(tmp_path / f"登记{IDENTITY}.csv", rows, encoding="gb18030")
    write(tmp_path / "区划.csv", [["代码", "名称"], [SW, "柳溪村"]])
    out = tmp_path / "out" / f"周统计{suffix}"
    result = run(
        path, "--measure", "咨询人次", "--area", "所属社区", "--date", "咨询日期", "--areas",
        tmp_path / "区划.csv", "--distinct", "身份证号", "--out", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    written = sorted(p.name for p in out.parent.iterdir())
    assert written == sorted([f"周统计{suffix}", "周统计_记录.json", "周统计_记录.txt"])
    facts = json.loads((out.parent / "周统计_记录.json").read_text(encoding="utf-8"))
    assert (facts["rows"], facts["counted"]) == (15, 1)
    assert facts["left_out"] == {
        "repeated": {"rows": 11, "at": ["3-13"]}, "unknown_area": {"rows": 3, "at": ["14-16"]},
    }  # fmt: skip
    assert re.fullmatch("[0-9a-f]{64}", facts["sha256"])
    said = result.output + (out.parent / "周统计_记录.txt").read_text(encoding="utf-8-sig")
    kept = [said.encode(), *(p.read_bytes() for p in out.parent.iterdir())]
    if suffix == ".xlsx":
        sheet = openpyxl.load_workbook(out).worksheets[0]
        kept.append(repr(list(sheet.values)).encode())
        assert list(sheet.values)[1] == (SW, "2026-W46", "consult_visits", 1, "是")
    for canary in CANARIES:
        assert not any(canary.encode() in content for content in kept)


def test_two_runs_write_the_same_counts(tmp_path: Path) -> None:
    days = [str(date(2026, 1, 5) + timedelta(days=i)) for i in range(300)]
    rows = [person(VILLAGES[i % 4], day) for i, day in enumerate(days)]
    for name, own in (("a", rows), ("b", rows[::-1])):
        path = write(tmp_path / f"{name}.csv", [HEAD, *own])
        assert (
            run(
                path, "--measure", "consult_visits", "--area", "所属社区", "--date", "咨询日期"
            ).exit_code
            == 0
        )
    assert (tmp_path / "a_周统计.csv").read_bytes() == (tmp_path / "b_周统计.csv").read_bytes()


def test_missing_columns_are_proposed_and_never_taken_unasked(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [HEAD, person(SW, "2026-11-09")])
    assert open_export(path).proposed() == {"area": "所属社区", "date": "咨询日期"}
    result = run(path, "--measure", "咨询人次")
    assert isinstance(result.exception, ConfigError)
    assert "--area 所属社区" in str(result.exception)
    assert list(tmp_path.iterdir()) == [path]


def test_the_export_is_never_written_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [HEAD, person(SW, "2026-11-09")])
    before = path.read_bytes()
    result = run(
        path, "--measure", "咨询人次", "--area", "所属社区", "--date", "咨询日期", "--out", path
    )
    assert isinstance(result.exception, ConfigError)
    assert path.read_bytes() == before


def test_the_result_is_handed_in_as_it_is(tmp_path: Path) -> None:
    rows = [HEAD, *(person(VILLAGES[i % 4], f"2026-10-{1 + i % 28}") for i in range(400))]
    path = write(tmp_path / "登记.csv", rows)
    folder = Folder.with_areas(tmp_path / "data")
    out = tmp_path / "data" / "weekly.csv"
    result = run(
        path,
        "--measure",
        "consult_visits",
        "--area",
        "所属社区",
        "--date",
        "咨询日期",
        "--out",
        out,
    )
    assert result.exit_code == 0, result.output
    columns = {"week": "week", "area": "area_code", "measure": "measure", "count": "count"}
    folder.source("weekly", "observations", "weekly.csv", level="village", columns=columns)
    taken = folder.result()
    assert {f.rule for f in taken.findings if f.severity != "info"} <= {"not_reported"}
    assert (taken.accepted, taken.quarantined) == (len(counts(taken)), 0)
    assert sum(counts(taken).values()) == 400


days = st.dates(date(2020, 1, 1), TODAY)
row = st.tuples(
    st.sampled_from([*VILLAGES, *NAMES.values(), "", "别处"]),
    st.one_of(days.map(str), days.map(lambda d: f"{d.year}/{d.month}/{d.day} 8:05"), st.just("-")),
    st.sampled_from([IDENTITY, "330102199001011234", "", "甲"]),
)


@given(st.lists(row, min_size=1, max_size=40), st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_counts_are_those_of_a_slow_count(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    distinct: bool,
    random: Any,
) -> None:
    path = tmp_path_factory.mktemp("edge") / "a.csv"
    write(path, [HEAD, *(person(area, day, number=number) for area, day, number in rows)])
    found, outcome = counted(path, distinct="身份证号" if distinct else None)
    assert outcome.rows == len(rows)
    assert outcome.rows == outcome.counted + sum(map(len, outcome.left_out.values()))
    slow: dict[tuple[str, str], list[str]] = {}
    codes = {**{code: code for code in VILLAGES}, **{NAMES[code]: code for code in VILLAGES}}
    for area, day, number in rows:
        if area in codes and day != "-" and (number or not distinct):
            year, month, rest = re.split(r"[-/]", day)
            iso = date(int(year), int(month), int(rest.split()[0])).isocalendar()
            slow.setdefault((codes[area], f"{iso.year}-W{iso.week:02d}"), []).append(number)
    assert found == {key: len(set(own) if distinct else own) for key, own in slow.items()}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-09T10:00:00", date(2026, 11, 9)), ("2026年11月9日", date(2026, 11, 9)),
        ("２０２６/１１/９", date(2026, 11, 9)), ("46335.75", date(2026, 11, 9)), ("9/11/26", None),
    ],
)  # fmt: skip
def test_days_as_people_write_them(text: str, day: date | None) -> None:
    assert day_of(text) == (None if day is None else day.toordinal())


def test_a_bare_machine_is_enough(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [HEAD, person(SW, "2026-11-09")])
    heavy = ("geopandas", "shapely", "pyogrio", "sqlalchemy", "dash", "numba", "scipy")
    code = (
        "import sys; from dashboard.cli import app\n"
        f"try: app(['aggregate', {str(path)!r}, '--measure', 'screened', '--area', '所属社区',"
        " '--date', '咨询日期'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"found = [name for name in {heavy!r} if name in sys.modules]; assert not found, found"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a_周统计.csv").exists()
    assert NE not in (tmp_path / "a_周统计.csv").read_text(encoding="utf-8-sig")
