"""A real city through configuration alone; figures are worked out here from the raw files."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import shape

from etl.ingest import Intake, ingest
from etl.outcome import DeliveryResult
from etl.settings import Settings, load_locality

LOCALITY = Path(__file__).parents[1] / "data" / "localities" / "tainan"
NOW = datetime(2026, 11, 18, tzinfo=UTC)


@pytest.fixture(scope="module")
def intake(tainan_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Intake:
    return ingest(settings(tainan_dir, tmp_path_factory.mktemp("kept")), now=NOW)


def settings(data: Path, folder: Path) -> Settings:
    """The city's settings; its files are kept in a folder of the test, not beside the settings."""
    return load_locality(LOCALITY, data=data).model_copy(update={"folder": folder})


def result(intake: Intake, source_id: str) -> DeliveryResult:
    return next(r for r in intake.results if r.source_id == source_id)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def features(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["features"])


def test_levels(intake: Intake, tainan_dir: Path) -> None:
    folder = tainan_dir / "boundaries"
    expected = {
        "grid": len(features(folder / "tainan_basecode_12774.geojson")),
        "village": len(features(folder / "tainan_villages_2017.geojson")),
        "town": len(features(folder / "tainan_towns_37.geojson")),
        "county": 1,
    }
    assert intake.areas["level"].value_counts().to_dict() == expected
    assert expected == {"grid": 12_774, "village": 752, "town": 37, "county": 1}
    assert intake.areas.geometry.is_valid.all()
    county = intake.areas[intake.areas["level"] == "county"].iloc[0]
    assert (county["area_code"], county["name"]) == ("67000", "臺南市")


def test_parents(intake: Intake, tainan_dir: Path) -> None:
    parents = intake.areas.set_index("area_code")["parent_code"]
    villages = features(tainan_dir / "boundaries" / "tainan_villages_2017.geojson")
    for one in villages:
        properties = one["properties"]
        assert parents[properties["VILLCODE"]] == properties["TOWNCODE"]
    grid = intake.areas[intake.areas["level"] == "grid"]
    assert set(grid["parent_code"]) <= {one["properties"]["VILLCODE"] for one in villages}
    # The small areas carry their district too, drawn by another office: few lie across a border.
    cells = features(tainan_dir / "boundaries" / "tainan_basecode_12774.geojson")
    district = {one["properties"]["CODEBASE"]: one["properties"]["TOWN_ID"] for one in cells}
    towns = grid["parent_code"].map(parents)
    agree = towns.to_numpy() == grid["area_code"].map(district).to_numpy()
    assert agree.mean() > 0.99


def test_the_invalid_ring_is_mended_and_said(intake: Intake, tainan_dir: Path) -> None:
    path = tainan_dir / "boundaries" / "tainan_villages_2017.geojson"
    broken = [
        (number, one["properties"]["VILLCODE"])
        for number, one in enumerate(features(path), start=1)
        if not shape(one["geometry"]).is_valid
    ]
    mended = [
        (finding.row, finding.came)
        for finding in result(intake, "villages").findings
        if finding.rule == "ring_mended"
    ]
    assert mended == broken
    assert len(broken) == 1


def test_persons_on_the_grid(intake: Intake, tainan_dir: Path) -> None:
    raw = rows(tainan_dir / "population" / "tainan_basecode_pop_2017_06.csv")
    expected = sum(float(row["P_CNT"] or 0) for row in raw)
    empty = {row["CODEBASE"] for row in raw if not row["P_CNT"]}
    assert (expected, len(empty)) == (1_875_586, 944)
    frame = result(intake, "basecode-population").frame
    persons = frame[frame["group"] == "total"].set_index("area_code")["persons"]
    assert persons.sum() == expected
    assert persons[sorted(empty)].eq(0).all()
    sexes = frame[frame["group"].isin(["male", "female"])]["persons"].sum()
    assert sexes == expected


def test_persons_by_age_in_villages(intake: Intake, tainan_dir: Path) -> None:
    raw = rows(tainan_dir / "population" / "tainan_village_pop_2015_08.csv")
    frame = result(intake, "village-population").frame
    sums = frame.groupby("group")["persons"].sum()
    for group, column in {"total": "人口", "under_15": "未滿15歲", "over_64": "超過64歲"}.items():
        assert sums[group] == sum(int(row[column]) for row in raw)
    codes = {row["村里代碼"].replace("-", "") for row in raw}
    assert set(frame["area_code"]) == codes


def test_clinics_inside_and_outside(intake: Intake, tainan_dir: Path) -> None:
    raw = rows(tainan_dir / "facilities" / "counselling_clinics_tainan.csv")
    towns = features(tainan_dir / "boundaries" / "tainan_towns_37.geojson")
    city = shapely.union_all([shape(one["geometry"]) for one in towns])
    outside = [
        number
        for number, row in enumerate(raw, start=2)
        if not city.intersects(shapely.Point(float(row["lng"]), float(row["lat"])))
    ]
    clinics = result(intake, "clinics")
    assert (len(raw), clinics.accepted, clinics.quarantined) == (52, 50, 2)
    assert clinics.quarantine["row"].tolist() == outside
    assert {f.rule for f in clinics.findings} == {"outside_locality"}
    by_name = clinics.frame.set_index("name")
    expected = {row["org_name"]: float(row["in_4_weeks"]) for row in raw}
    assert by_name["places"].to_dict() == {name: expected[name] for name in by_name.index}
    hospitals = {row["org_name"] for row in raw if "醫院" in row["org_name"]}
    assert set(by_name.index[by_name["kind"] == "hospital"]) == hospitals
    # The file names the district itself.
    district = {row["org_name"]: row["TOWN_ID"] for row in raw}
    assert by_name["town_code"].to_dict() == {name: district[name] for name in by_name.index}


def test_free_posts_keep_hours_and_quality(intake: Intake, tainan_dir: Path) -> None:
    raw = rows(tainan_dir / "facilities" / "free_counselling_points_geocoded.csv")
    posts = result(intake, "free-posts")
    assert posts.accepted == len(raw) == 43
    qualities = Counter(row["geocode_quality"] for row in raw)
    assert posts.frame["quality"].value_counts().to_dict() == {
        "town": qualities["town_pop_centroid"],
        "village": qualities["village_point"],
    }
    assert qualities["town_pop_centroid"] == 31
    hours = {row["諮詢地點"]: row["服務時段"] for row in raw}
    assert posts.frame.set_index("name")["hours"].to_dict() == hours
    assert posts.findings == ()


def test_cases_by_district_with_the_silent_year_as_no_data(
    intake: Intake, tainan_dir: Path
) -> None:
    raw = rows(tainan_dir / "cases" / "tainan_dengue_weekly_by_town_1998_2024.csv")
    names = [name for name in raw[0] if name != "week_monday"]
    expected = sum(int(row[name]) for row in raw for name in names)
    assert (expected, len(raw), len(names)) == (20_046, 1_409, 37)
    series = result(intake, "dengue-by-district")
    frame = series.frame.astype({"week": str, "area_code": str})
    assert frame["count"].sum() == expected
    assert len(frame) == 1_409 * 37
    silent = frame["week"].str.startswith("2023-")
    assert frame.loc[silent, "count"].isna().all()
    assert frame.loc[~silent, "count"].notna().all()
    assert frame.loc[silent, "week"].nunique() == 52
    codes = {
        one["properties"]["TOWNNAME"]: one["properties"]["TOWN_ID"]
        for one in features(tainan_dir / "boundaries" / "tainan_towns_37.geojson")
    }
    by_code = frame.groupby("area_code")["count"].sum()
    for name in names:
        assert by_code[codes[name]] == sum(int(row[name]) for row in raw)
    (finding,) = series.findings
    assert (finding.rule, finding.count) == ("no_data_range", 52 * 37)


def test_cases_by_village_with_the_unknown_code_reported(intake: Intake, tainan_dir: Path) -> None:
    raw = rows(tainan_dir / "cases" / "tainan_dengue_2015_weekly_by_village.csv")
    known = {
        one["properties"]["VILLCODE"]
        for one in features(tainan_dir / "boundaries" / "tainan_villages_2017.geojson")
    }
    placed = sum(int(row["n"]) for row in raw if row["VILLCODE"] in known)
    lost = [(n, row) for n, row in enumerate(raw, start=2) if row["VILLCODE"] not in known]
    assert (placed, sum(int(row["n"]) for _, row in lost)) == (17_160, 2)
    series = result(intake, "dengue-by-village-2015")
    frame = series.frame.astype({"week": str, "area_code": str})
    assert frame["count"].sum() == placed
    # Every village and week of 2015 has a figure: a row of the file, or the zero its mapping means.
    assert len(frame) == 752 * 52
    assert frame["count"].notna().all()
    figures = frame.set_index(["area_code", "week"])["count"]
    for row in raw[::97]:
        if row["VILLCODE"] in known:
            year, week, _ = datetime.fromisoformat(row["week"]).isocalendar()
            assert figures[row["VILLCODE"], f"{year}-W{week:02d}"] == int(row["n"])
    reported = [f for f in series.findings if f.rule == "unknown_area"]
    assert [(f.row, f.came) for f in reported] == [(n, row["VILLCODE"]) for n, row in lost]
    assert series.quarantine["row"].tolist() == [n for n, _ in lost]
    assert json.loads(series.quarantine["raw"].iloc[0])["n"] == "2"


def test_every_file_is_read_and_every_row_accounted_for(intake: Intake, tainan_dir: Path) -> None:
    files = {p.relative_to(tainan_dir).as_posix() for p in tainan_dir.rglob("*") if p.is_file()}
    assert {r.file for r in intake.results} == files
    for one in intake.results:
        assert not one.failed
        assert one.rows_read == one.accepted + one.quarantined + one.set_aside
        assert len(one.quarantine) == one.quarantined
        if one.file.endswith(".csv"):
            assert one.rows_read == len(rows(tainan_dir / one.file))


def test_it_says_that_the_series_is_a_stand_in() -> None:
    notice = load_locality(LOCALITY).config.locality.notice
    assert notice is not None
    assert "登革热" in notice.zh
    assert "替代" in notice.zh
    assert "stand-in" in notice.en
