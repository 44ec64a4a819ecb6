"""Merged and split areas: which changes count, who follows whom, and that no figure is lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.findings import Doubts, Finding
from etl.sources.changes import CHANGE_COLUMNS, map_changes
from etl.sources.following import Followed, follow, say_followed
from etl.sources.mapping import Areas, Mapped
from etl.sources.observations import map_observations
from etl.sources.settings import ChangesSource, ObservationsSource
from etl.sources.successors import Successors
from etl.sources.tabular import read_table
from tests.support.locality import (
    CENTRES,
    NW,
    SE,
    SW,
    Folder,
    assert_accounted,
    box,
    feature,
    village_features,
)

TODAY = date(2026, 11, 18)
CODES = ("c", "d", "e", "f")
AREAS = Areas("village", r"[a-z]", np.array(CODES, dtype=object), ("丙村", "丁村", "戊村", "己村"))
SOURCE = ChangesSource.model_validate(
    {"id": "changes", "role": "changes", "path": "changes.csv", "level": "village",
     "columns": {"old": "原代码", "new": "新代码", "since": "日期", "weight": "比例"}}
)  # fmt: skip


def changes(
    tmp_path: Path, *rows: str, persons: dict[str, float] | None = None
) -> tuple[Mapped, list[Finding]]:
    file = tmp_path / "changes.csv"
    file.write_text("\n".join(["原代码,新代码,日期,比例", *rows]) + "\n", encoding="utf-8")
    doubts = Doubts("changes", "changes.csv")
    table = read_table(file, SOURCE, ["原代码", "新代码", "日期", "比例"], doubts)
    mapped = map_changes(table, SOURCE, AREAS, doubts, persons=persons)
    assert mapped.accepted + mapped.quarantined + mapped.set_aside == len(rows)
    return mapped, doubts.findings


def links(mapped: Mapped) -> list[tuple[str, str, float]]:
    frame = mapped.frame
    return list(zip(frame["old_code"], frame["new_code"], frame["weight"], strict=True))


def test_changes_are_canonical(tmp_path: Path) -> None:
    mapped, findings = changes(
        tmp_path, "b,c,2024-01-01,0.4", "b,d,2024/1/1,0.6", "a,c,2023年6月1日,", "合计,,,"
    )
    assert list(mapped.frame.columns) == list(CHANGE_COLUMNS)
    assert mapped.frame.to_numpy().tolist() == [
        ["village", "a", "c", "2023-06-01", 1.0, 4],
        ["village", "b", "c", "2024-01-01", 0.4, 2],
        ["village", "b", "d", "2024-01-01", 0.6, 3],
    ]
    assert (mapped.set_aside, findings) == (1, [])


@pytest.mark.parametrize(
    ("rows", "kept", "rules"),
    [
        (["b,c,2024-01-01,0.4", "b,d,2024-01-01,0.5"], [], ["weights_not_one"] * 2),
        (["b,c,2024-01-01,0.4", "b,d,2024-01-01,"], [], ["weights_not_one"] * 2),
        (["b,c,2024-01-01,", "b,d,2024-01-01,"], [], ["weights_missing"] * 2),
        (["b,c,2024-01-01,0.9999999", "b,d,2024-01-01,0.0000001"], ["b", "b"], []),
        (["b,c,2024-01-01,1.2"], [], ["bad_weight"]),
        (["b,c,2024-01-01,x", "b,d,2024-01-01,0.5"], [], ["bad_weight", "weights_not_one"]),
        (["b,c,soon,1"], [], ["malformed_since"]),
        (["b,c,,1"], [], ["missing_value"]),
        ([",c,2024-01-01,1"], [], ["missing_value"]),
        (["b,z,2024-01-01,1"], [], ["unknown_area"]),
        # One successor unknown: the other alone would count too little.
        (["b,z,2024-01-01,0.5", "b,c,2024-01-01,0.5"], [], ["unknown_area", "weights_not_one"]),
        (["b,c,2024-01-01,1", "b,c,2024-01-01,1"], ["b"], ["duplicate_identical"]),
        (["b,c,2024-01-01,0.5", "b,c,2024-01-01,0.6"], [], ["duplicate_conflict"] * 2),
        (["a,b,2024-01-01,1", "b,a,2025-01-01,1"], [], ["change_cycle"] * 2),
        # A circle takes along what leads into it, and nothing else.
        (
            ["x,a,2023-01-01,1", "a,b,2024-01-01,1", "b,a,2025-01-01,1", "y,c,2023-01-01,1"],
            ["y"],
            ["change_cycle", "change_cycle", "change_incomplete"],
        ),
        # An area that only gives something away follows itself.
        (["c,c,2024-01-01,0.9", "c,d,2024-01-01,0.1"], ["c", "c"], []),
        # A chain: the area between is no area of today.
        (["a,b,2022-01-01,1", "b,c,2024-01-01,1"], ["a", "b"], []),
        # The later link is bad: the earlier one leads nowhere.
        (["a,b,2022-01-01,1", "b,z,2024-01-01,1"], [], ["unknown_area", "change_incomplete"]),
    ],
)
def test_which_changes_count(
    tmp_path: Path, rows: list[str], kept: list[str], rules: list[str]
) -> None:
    mapped, findings = changes(tmp_path, *rows)
    assert mapped.frame["old_code"].tolist() == kept
    assert sorted(finding.rule for finding in findings) == sorted(rules)
    sums = mapped.frame.groupby(["old_code", "since"])["weight"].sum()
    assert np.allclose(sums, 1, atol=1e-12)


def test_the_sum_that_came_is_told(tmp_path: Path) -> None:
    _, findings = changes(tmp_path, "b,c,2024-01-01,0.4", "b,d,2024-01-01,0.5")
    assert [(f.row, "0.9" in f.action.zh, f.severity) for f in findings] == [
        (2, True, "error"), (3, True, "error"),
    ]  # fmt: skip


def test_a_split_without_weights_takes_population_and_says_so(tmp_path: Path) -> None:
    rows = "b,c,2024-01-01,", "b,d,2024-01-01,"
    mapped, findings = changes(tmp_path, *rows, persons={"c": 300.0, "d": 100.0})
    assert links(mapped) == [("b", "c", 0.75), ("b", "d", 0.25)]
    assert {finding.rule for finding in findings} == {"weights_by_population"}
    assert "d 0.250" in findings[1].action.zh
    for unknown in ({"c": 300.0}, {"c": 0.0, "d": 0.0}, {"c": 1.0, "d": np.nan}):
        mapped, findings = changes(tmp_path, *rows, persons=unknown)
        assert (mapped.accepted, findings[0].rule) == (0, "weights_missing")


# ------------------------------------------------------------------ who follows whom


def successors(*links: tuple[str, str, str, float]) -> Successors:
    rows = [
        ("village", old, new, since, weight, i) for i, (old, new, since, weight) in enumerate(links)
    ]
    return Successors(pd.DataFrame(rows, columns=list(CHANGE_COLUMNS)))


def on(year: int) -> int:
    return date(year, 6, 1).toordinal()


def test_chains_are_composed_and_dates_kept() -> None:
    of = successors(
        ("a", "b", "2020-01-06", 1.0),
        ("b", "c", "2022-01-03", 0.25),
        ("b", "d", "2022-01-03", 0.75),
        ("c", "c", "2024-01-01", 0.5),
        ("c", "e", "2024-01-01", 0.5),
    )
    assert of.shares("village", "a", on(2019)) == {"c": 0.125, "e": 0.125, "d": 0.75}
    assert of.shares("village", "c", on(2021)) == {"c": 0.5, "e": 0.5}
    assert of.shares("village", "c", on(2024)) == {"c": 1.0}
    # A code after its end follows all the same.
    assert of.shares("village", "b", on(2025)) == {"c": 0.25, "d": 0.75}
    assert of.shares("town", "a", on(2019)) == {"a": 1.0}
    assert set(of.former("village")) == {"a", "b"}
    assert of.with_former(AREAS).codes.tolist() == [*CODES, "a", "b"]


def test_of_two_files_the_later_counts() -> None:
    of = successors(
        ("a", "c", "2024-01-01", 0.5), ("a", "d", "2024-01-01", 0.5), ("b", "c", "2024-01-01", 1.0),
        ("a", "c", "2024-01-01", 0.4), ("a", "e", "2024-01-01", 0.6), ("b", "d", "2024-01-01", 1.0),
    )  # fmt: skip
    assert of.shares("village", "a", on(2020)) == {"c": 0.4, "e": 0.6}
    assert of.shares("village", "b", on(2020)) == {"d": 1.0}


def test_what_was_before_does_not_follow() -> None:
    # c gave half of itself to e in 2020, and took b over in 2022: of b nothing goes to e.
    of = successors(
        ("c", "c", "2020-01-06", 0.5), ("c", "e", "2020-01-06", 0.5), ("b", "c", "2022-01-03", 1.0)
    )
    assert of.shares("village", "b", on(2019)) == {"c": 1.0}


# ------------------------------------------------------------------ figures


WEEKS = ("2023-W50", "2023-W51", "2024-W01", "2024-W02")
MERGED = successors(("a", "c", "2024-01-01", 1.0), ("b", "c", "2024-01-01", 1.0))
SPLIT = successors(("a", "c", "2024-01-01", 0.3), ("a", "d", "2024-01-01", 0.7))


def counts(rows: list[tuple[str, str, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["area_code", "week", "count"])
    frame["level"], frame["measure"] = "village", "m"
    frame["source_row"] = np.arange(2, len(frame) + 2)
    names = ["level", "area_code", "week", "measure"]
    frame = frame[[*names, "count", "source_row"]]
    return frame.astype(dict.fromkeys(names, "category")).astype({"count": "float64"})


def table(followed: Followed) -> dict[tuple[str, str], float]:
    frame = followed.frame
    keys = zip(frame["area_code"].astype(str), frame["week"].astype(str), strict=True)
    return dict(zip(keys, frame["count"], strict=True))


def test_merged_areas_add_and_a_gap_is_no_data() -> None:
    followed = follow(
        counts(
            [
                ("a", "2023-W50", 3), ("b", "2023-W50", 4),
                ("a", "2023-W51", np.nan), ("b", "2023-W51", 4),
                ("a", "2023-W49", 3),
                ("c", "2024-W01", 9), ("e", "2023-W50", 1),
            ]
        ),
        MERGED, figure="count",
    )  # fmt: skip
    got = table(followed)
    assert got["c", "2023-W50"] == 7
    assert np.isnan(got["c", "2023-W51"])
    assert np.isnan(got["c", "2023-W49"])  # b has no row: a low number would be a lie
    assert (got["c", "2024-W01"], got["e", "2023-W50"]) == (9, 1)
    assert set(followed.frame["area_code"].astype(str)) == {"c", "e"}
    assert followed.unknown == 1
    assert followed.handed_on == {("village", "a", "c"): 3, ("village", "b", "c"): 2}
    rows = followed.frame.set_index(["area_code", "week"])["source_row"]
    assert rows["c", "2023-W50"] == 2


def test_a_file_that_restates_the_past_stays_as_it_is() -> None:
    frame = counts([("c", week, 5) for week in WEEKS])
    followed = follow(frame, MERGED, figure="count")
    assert table(followed) == dict.fromkeys([("c", week) for week in WEEKS], 5.0)
    assert (followed.unknown, followed.handed_on) == (0, {})
    assert follow(frame, successors(), figure="count").frame is frame


def test_an_area_that_takes_another_over_needs_both() -> None:
    of = successors(("a", "c", "2024-01-01", 1.0))
    both = counts(
        [("a", "2023-W50", 2), ("c", "2023-W50", 5), ("c", "2023-W51", 5), ("a", "2023-W49", 2)]
    )
    got = table(follow(both, of, figure="count"))
    assert got["c", "2023-W50"] == 7
    assert np.isnan(got["c", "2023-W51"])
    assert np.isnan(got["c", "2023-W49"])


def test_a_split_stays_whole_and_is_right_on_average() -> None:
    weeks = [f"{year}-W{week:02d}" for year in range(2000, 2020) for week in range(1, 53)]
    followed = follow(counts([("a", week, 1) for week in weeks]), SPLIT, figure="count")
    wide = followed.frame.pivot_table(
        index="week", columns="area_code", values="count", observed=True
    )
    assert (wide.sum(axis=1) == 1).all()
    assert set(np.unique(wide)) == {0.0, 1.0}
    assert wide["c"].mean() == pytest.approx(0.3, abs=0.05)
    ten = follow(counts([("a", "2023-W50", 10)]), SPLIT, figure="count")
    assert table(ten) == {("c", "2023-W50"): 3.0, ("d", "2023-W50"): 7.0}
    nothing = table(follow(counts([("a", "2023-W50", np.nan)]), SPLIT, figure="count"))
    assert np.isnan([nothing["c", "2023-W50"], nothing["d", "2023-W50"]]).all()


@given(
    st.lists(
        st.tuples(st.sampled_from("abcde"), st.sampled_from(WEEKS), st.integers(0, 500)),
        unique_by=lambda row: row[:2],
    ),
    st.lists(st.floats(0.001, 1.0), min_size=3, max_size=3),
)
def test_totals_are_conserved(rows: list[tuple[str, str, int]], weights: list[float]) -> None:
    total = sum(weights)
    links = [("a", new, "2024-01-01", w / total) for new, w in zip("cde", weights, strict=True)]
    of = successors(*links, ("b", "a", "2023-12-18", 1.0))
    frame = counts([(code, week, float(count)) for code, week, count in rows])
    followed = follow(frame, of, figure="count")
    after = followed.frame.groupby("week", observed=True)["count"].agg(
        ["sum", lambda c: c.isna().any()]
    )
    before = frame.groupby("week", observed=True)["count"].sum()
    assert list(after.index.astype(str)) == sorted(before.index.astype(str))
    for week in after.index:
        if not after.iloc[after.index.get_loc(week), 1]:
            assert after["sum"][week] == before[week]
    known = followed.frame["count"].dropna()
    assert (known == np.floor(known)).all()
    assert not followed.frame.duplicated(["area_code", "week", "measure"]).any()
    # Once handed on, nothing is left to hand on.
    again = follow(followed.frame[followed.frame["week"].astype(str) >= "2024"], of, figure="count")
    assert again.handed_on == {}
    shuffled = follow(frame.sample(frac=1, random_state=1), of, figure="count").frame
    assert _rows(shuffled) == _rows(followed.frame)


def _rows(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    return sorted(map(tuple, frame.astype(str).to_numpy().tolist()))


def test_persons_follow_by_weight() -> None:
    frame = pd.DataFrame(
        {"level": "village", "area_code": ["a", "c", "e"], "group": "total",
         "persons": [10.0, 5.0, 1.0], "source_row": [2, 3, 4]}
    )  # fmt: skip
    followed = follow(frame, SPLIT, figure="persons")
    got = dict(zip(followed.frame["area_code"], followed.frame["persons"], strict=True))
    assert got == pytest.approx({"c": 8.0, "d": 7.0, "e": 1.0})
    assert list(followed.frame.columns) == list(frame.columns)
    # An area that gave something away follows its own date.
    of = successors(("c", "c", "2024-01-01", 0.5), ("c", "d", "2024-01-01", 0.5))
    assert follow(frame, of, figure="persons").handed_on == {}
    old = follow(frame, of, figure="persons", day=date(2023, 1, 1))
    assert old.handed_on == {("village", "c", "d"): 1}


# ------------------------------------------------------------------ from the file on


WEEKLY = {"id": "w", "role": "observations", "path": "w.csv", "level": "village", "measure": "m",
          "columns": {"week": "周", "area": "代码", "count": "数"}}  # fmt: skip


def weekly(tmp_path: Path, *rows: str, **settings: object) -> tuple[Mapped, list[Finding]]:
    source = ObservationsSource.model_validate({**WEEKLY, **settings})
    file = tmp_path / "w.csv"
    file.write_text("\n".join(["周,代码,数", *rows]) + "\n", encoding="utf-8")
    doubts = Doubts("w", "w.csv")
    read = read_table(file, source, ["周", "代码", "数"], doubts)
    mapped = map_observations(
        read, source, AREAS, doubts, measures=["m"], today=TODAY, successors=MERGED
    )
    return mapped, doubts.findings


def test_figures_are_kept_under_the_code_of_their_time(tmp_path: Path) -> None:
    mapped, findings = weekly(
        tmp_path, "2023-W50,a,3", "2023-W50,b,4", "2024-W02,a,1", "2024-W02,x,1"
    )
    assert mapped.frame["area_code"].astype(str).tolist() == ["a", "a", "b"]
    told = [(f.rule, f.row, f.severity) for f in findings]
    assert told == [("unknown_area", 5, "error"), ("former_area_used", 4, "warning")]
    assert "2024-01-01" in findings[1].wanted.zh
    followed = follow(mapped.frame, MERGED, figure="count")
    got = table(followed)
    assert got == {("c", "2023-W50"): 7.0, ("c", "2024-W02"): 1.0}


def test_a_refused_part_makes_the_sum_no_data(tmp_path: Path) -> None:
    mapped, _ = weekly(tmp_path, "2023-W50,a,3", "2023-W50,b,-4", absent="zero")
    got = table(follow(mapped.frame, MERGED, figure="count"))
    assert np.isnan(got["c", "2023-W50"])
    assert got["d", "2023-W50"] == 0


def test_a_silent_former_area_counts_zero_where_the_mapping_says_so(tmp_path: Path) -> None:
    mapped, _ = weekly(tmp_path, "2023-W50,a,3", "2024-W02,c,5", absent="zero")
    got = table(follow(mapped.frame, MERGED, figure="count"))
    assert (got["c", "2023-W50"], got["c", "2023-W51"], got["c", "2024-W02"]) == (3, 0, 5)


def test_what_followed_is_told() -> None:
    doubts = Doubts("w", "w.csv")
    say_followed(follow(counts([("a", "2023-W50", 3)]), MERGED, figure="count"), doubts)
    assert [(f.rule, f.count, f.came) for f in doubts.findings] == [
        ("followed", 1, "a"), ("part_missing", 1, None),
    ]  # fmt: skip


def test_through_the_whole_intake(tmp_path: Path) -> None:
    """A boundary file with validity, a file of changes, counts by area and by facility."""
    folder = Folder(tmp_path)
    gone = "990101001009"
    old = feature({"code": gone, "name": "旧村", "to": "2026-09-30"}, box(113.8, 31.3, 113.9, 31.4))
    features = [*village_features(), old]
    folder.areas("villages", "village", features)
    folder.sources[-1]["columns"] |= {"valid_to": "to"}
    folder.write(
        "changes.csv", f"原,新,日期,比例\n{gone},{SW},2026-10-01,0.6\n{gone},{NW},2026-10-01,0.4\n"
    )
    columns = {"old": "原", "new": "新", "since": "日期", "weight": "比例"}
    folder.source("changes", "changes", "changes.csv", level="village", columns=columns)
    x, y = CENTRES[SE]
    folder.write("sites.csv", f"名称,编号,经度,纬度\n桥头站,7,{x},{y}\n")
    folder.source(
        "sites", "facilities", "sites.csv", kind="counselling_room",
        columns={"name": "名称", "site_id": "编号", "lon": "经度", "lat": "纬度"},
    )  # fmt: skip
    folder.write("weekly.csv", f"周,代码,人次\n2026-W38,{gone},10\n2026-W41,{SW},4\n")
    folder.weekly()
    folder.write("own.csv", "周,机构,人次\n2026-W38,7,3\n2026-W39,桥头站,4\n")
    folder.source(
        "own", "observations", "own.csv", level="village", measure="screened",
        columns={"week": "周", "site": "机构", "count": "人次"},
    )  # fmt: skip
    results = {result.source_id: result for result in folder.ingest().results}
    for result in results.values():
        assert_accounted(result)
    assert (results["villages"].accepted, results["villages"].set_aside) == (4, 1)
    weekly_counts = results["weekly"].frame
    assert weekly_counts["area_code"].astype(str).tolist() == [SW, gone]
    own = results["own"].frame
    assert own[["area_code", "count"]].astype(str).to_numpy().tolist() == [[SE, "3.0"], [SE, "4.0"]]
    of = Successors(results["changes"].frame)
    followed = follow(weekly_counts, of, figure="count").frame.set_index(["area_code", "week"])
    assert followed["count"].to_dict() == {
        (SW, "2026-W38"): 6.0, (NW, "2026-W38"): 4.0, (SW, "2026-W41"): 4.0,
    }  # fmt: skip
