"""The check of the declared datum: what it says, and that it keeps quiet about right files."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from etl.findings import Doubts
from etl.settings import LocalityConfig
from etl.sources.assembly import assemble
from etl.sources.boundaries import Zones, map_areas
from etl.sources.datums import ALARM, Preference, check_datum, preference, sign_test
from etl.sources.geography import Geography, Place
from etl.sources.settings import AreasSource
from etl.sources.tabular import Table
from etl.sources.vector import Features
from geo.datum import DATUMS, from_wgs84, to_wgs84
from tests.support.locality import Folder, box, feature, findings, rules

CRS = "EPSG:4547"
STEP = 0.01  # a village of some 1 km
SIDE = 6
WEST, SOUTH = 113.80, 31.30


def code_of(column: int, row: int) -> str:
    return f"9901010{column // 3 + 1:02d}{row * SIDE + column + 1:03d}"


def city() -> gpd.GeoDataFrame:
    """36 villages in a square, 2 towns, 1 county."""
    rows: list[tuple[object, ...]] = []
    for column in range(SIDE):
        for row in range(SIDE):
            x, y = WEST + column * STEP, SOUTH + row * STEP
            code = code_of(column, row)
            rows.append(
                ("village", code, f"{code}村", code[:9], shapely.box(x, y, x + STEP, y + STEP))
            )
    for town in (0, 1):
        x = WEST + 3 * STEP * town
        shape = shapely.box(x, SOUTH, x + 3 * STEP, SOUTH + SIDE * STEP)
        rows.append(("town", f"9901010{town + 1:02d}", f"{town}镇", "c", shape))
    whole = shapely.box(WEST, SOUTH, WEST + SIDE * STEP, SOUTH + SIDE * STEP)
    rows.append(("county", "c", "县", None, whole))
    columns = ["level", "area_code", "name", "parent_code", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=4326)


GEOGRAPHY = Geography(city(), CRS)


def points(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, list[Place | None]]:
    """Random right points and the villages they lie in."""
    x = WEST + rng.random(n) * SIDE * STEP
    y = SOUTH + rng.random(n) * SIDE * STEP
    column, row = ((x - WEST) // STEP).astype(int), ((y - SOUTH) // STEP).astype(int)
    named = [
        GEOGRAPHY.place(code_of(min(c, SIDE - 1), min(r, SIDE - 1)))
        for c, r in zip(column.tolist(), row.tolist(), strict=True)
    ]
    return x, y, named


def check(
    x: np.ndarray, y: np.ndarray, true: str, declared: str, named: list[Place | None]
) -> tuple[Preference | None, Doubts]:
    doubts = Doubts("sites", "sites.csv")
    lon, lat = from_wgs84(x, y, datum=true)
    found = check_datum(lon, lat, declared, GEOGRAPHY, doubts, named=named, column="经度")
    return found, doubts


@pytest.mark.parametrize("declared", DATUMS)
@pytest.mark.parametrize("true", DATUMS)
def test_a_wrong_datum_is_named_in_every_direction(true: str, declared: str) -> None:
    x, y, named = points(np.random.default_rng(7), 60)
    found, doubts = check(x, y, true, declared, named)
    same = {true, declared} <= {"WGS84", "CGCS2000"} or true == declared
    if same:
        assert (found, doubts.findings) == (None, [])
        return
    assert found is not None
    assert found.other == ("WGS84" if true == "CGCS2000" else true)
    assert found.other_share > 0.99
    (finding,) = doubts.findings
    assert (finding.rule, finding.severity, finding.came) == ("datum_doubted", "warning", declared)
    assert f"{100 * found.share:.0f}%" in finding.action.zh
    assert "未改动" in finding.action.zh
    assert found.other in finding.action.en


def test_the_shift_and_the_distances_are_told() -> None:
    x, y, named = points(np.random.default_rng(3), 80)
    _, doubts = check(x, y, "GCJ02", "WGS84", named)
    lon, lat = from_wgs84(x, y, datum="GCJ02")
    away = np.hypot(*(GEOGRAPHY.metric(lon, lat) - GEOGRAPHY.metric(x, y)).T)
    assert f"some {np.median(away):.0f} m apart" in doubts.findings[0].action.en


def test_sites_without_names_are_asked_whether_they_lie_in_the_locality() -> None:
    rng = np.random.default_rng(5)
    # GCJ-02 shifts east and north-south here by some 500 m: those at the rim fall out.
    x, y, named = points(rng, 400)
    nameless: list[Place | None] = [None] * len(named)
    found, doubts = check(x, y, "GCJ02", "WGS84", nameless)
    assert found is not None
    assert "辖区内" in doubts.findings[0].wanted.zh
    assert check(x, y, "WGS84", "WGS84", nameless)[0] is None


def test_few_points_and_one_building_are_no_evidence() -> None:
    x, y, named = points(np.random.default_rng(1), 5)
    assert check(x, y, "BD09", "WGS84", named)[0] is None
    many = np.full(50, x[0]), np.full(50, y[0])
    assert check(*many, "BD09", "WGS84", [named[0]] * 50)[0] is None
    nothing = np.full(20, np.nan)
    assert check(nothing, nothing, "WGS84", "GCJ02", [None] * 20)[0] is None


def test_right_files_raise_no_alarm() -> None:
    """2 000 random right files, with jitter, wrong codes and places beyond the border."""
    rng = np.random.default_rng(20)
    alarms = 0
    for _ in range(2000):
        n = int(rng.integers(5, 80))
        x, y, named = points(rng, n)
        x, y = x + rng.normal(0, 0.0008, n), y + rng.normal(0, 0.0008, n)
        wrong = rng.random(n) < 0.15
        others = list(points(rng, n)[2])
        given_names = [
            other if bad else own for own, other, bad in zip(named, others, wrong, strict=True)
        ]
        silent = rng.random(n) < 0.2
        given_names = [
            None if mute else place for place, mute in zip(given_names, silent, strict=True)
        ]
        declared = str(rng.choice(DATUMS))
        alarms += check(x, y, declared, declared, given_names)[0] is not None
    assert alarms < 0.01 * 2000


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_exact(for_other: int, for_declared: int) -> None:
    n = for_other + for_declared
    wanted = 1.0 if n == 0 else binomtest(for_other, n, 0.5, alternative="greater").pvalue
    assert sign_test(for_other, for_declared) == pytest.approx(wanted, rel=1e-9)


def test_a_preference_needs_votes_and_a_margin() -> None:
    quiet = np.zeros(100)
    six, five = quiet.copy(), quiet.copy()
    six[:6] = five[:5] = 1.0
    assert preference(quiet, {"GCJ02": five}) is None
    found = preference(quiet, {"GCJ02": six, "BD09": five})
    assert found is not None
    assert (found.other, found.for_other, found.for_declared) == ("GCJ02", 6, 0)
    assert found.p <= ALARM
    # 60 to 40 is significant with enough points, and no clear margin all the same.
    own, other = np.repeat([0.0, 1.0], [600, 400]), np.repeat([1.0, 0.0], [600, 400])
    assert sign_test(600, 400) < ALARM
    assert preference(own, {"GCJ02": other}) is None


# ------------------------------------------------------------------ boundary files


def zones(true: dict[str, str], declared: dict[str, str]) -> list[Zones]:
    """The city's levels as files written in one datum and declared in another."""
    config = Folder(Path(), codes=dict.fromkeys(("village", "town", "county"), r"\w+"))
    config.source("v", "areas", "v.geojson", level="village", columns={"code": "code"})
    found = []
    for level, written in true.items():
        own = city()
        own = own[own["level"] == level]

        def told(xy: np.ndarray, one: str = written, other: str = declared[level]) -> np.ndarray:
            return np.column_stack(to_wgs84(*from_wgs84(*xy.T, datum=one), datum=other))

        shapes = np.array([shapely.transform(shape, told) for shape in own.geometry], dtype=object)
        source = AreasSource.model_validate(
            {"id": level, "role": "areas", "path": f"{level}.geojson", "level": level,
             "datum": declared[level], "columns": {"code": "code"}}
        )  # fmt: skip
        cells = pd.DataFrame(
            {"code": pd.Categorical(own["area_code"])}, index=range(1, len(own) + 1)
        )
        table = Table(cells, {"code": "code"}, 0, np.zeros(len(own), bool), None, None)
        features = Features(table, shapes)
        found.append(
            map_areas(features, source, config.settings().config, Doubts(level, f"{level}.geojson"))
        )
    return found


def doubted(files: list[Zones], config: LocalityConfig | None = None) -> list[str]:
    settings = Folder(Path(), codes=dict.fromkeys(("village", "town", "county"), r"\w+"))
    settings.source("v", "areas", "v.geojson", level="village", columns={"code": "code"})
    assemble(files, config or settings.settings().config)
    return [
        str(zone.source.level)
        for zone in files
        for finding in zone.doubts.findings
        if finding.rule == "boundary_datum_doubted"
    ]


W, G = "WGS84", "GCJ02"


@pytest.mark.parametrize(
    ("true", "declared", "wanted"),
    [
        ((W, W, W), (W, W, W), []),
        ((G, G, G), (G, G, G), []),
        ((G, W, W), (W, W, W), ["village"]),
        ((W, W, W), (G, W, W), ["village"]),
        ((G, G, G), (W, G, G), ["village"]),
    ],
)
def test_the_boundary_file_with_the_wrong_datum_is_named(
    true: tuple[str, str, str], declared: tuple[str, str, str], wanted: list[str]
) -> None:
    levels = ("village", "town", "county")
    files = zones(dict(zip(levels, true, strict=True)), dict(zip(levels, declared, strict=True)))
    assert doubted(files) == wanted


def test_two_files_that_explain_the_same_are_both_named() -> None:
    files = zones({"village": W, "town": W}, {"village": W, "town": G})
    assert doubted(files) == ["village", "town"]


def test_the_report_reaches_the_files_findings(tmp_path: Path) -> None:
    """Through the whole intake: sites in GCJ-02 declared as WGS 84."""
    folder = Folder(tmp_path)
    villages = [
        feature(
            {"code": f"9901010010{column * 5 + row:02d}", "name": f"{column}{row}村"},
            box(
                WEST + column * STEP,
                SOUTH + row * STEP,
                WEST + (column + 1) * STEP,
                SOUTH + (row + 1) * STEP,
            ),
        )
        for column in range(5)
        for row in range(5)
    ]
    folder.areas("villages", "village", villages)
    lines = ["名称,经度,纬度,代码"]
    for one in villages:
        ring = one["geometry"]["coordinates"][0]
        (lon,), (lat,) = from_wgs84([ring[0][0] + STEP / 2], [ring[0][1] + STEP / 2], datum="GCJ02")
        lines.append(f"室{one['properties']['code']},{lon},{lat},{one['properties']['code']}")
    folder.write("sites.csv", "\n".join(lines) + "\n")
    columns = {"name": "名称", "lon": "经度", "lat": "纬度", "area_code": "代码"}
    folder.source("sites", "facilities", "sites.csv", kind="host_venue", columns=columns)
    result = folder.result("sites")
    (finding,) = findings(result, "datum_doubted")
    assert (finding.column, finding.row) == ("经度", None)
    # Nothing is changed by the check.
    assert result.frame["lon"].tolist() == result.frame["x_original"].tolist()
    folder.sources[-1]["datum"] = "GCJ02"
    assert "datum_doubted" not in rules(folder.result("sites"))
