"""The steps of the build on a county small enough to check by hand."""

from __future__ import annotations

import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from etl.build import text
from etl.build.counts import arrange_counts, say_disagreeing
from etl.build.demand import add_population
from etl.build.facilities import measure_reach
from etl.build.figures import lead_weeks, tell_figures
from etl.build.gaps import Gaps, classify_gaps, gap_groups, strain_ratio
from etl.build.history import History
from etl.build.layers import LayerBook, LayerSpec, LayerText, quantile_breaks
from etl.build.levels import LevelFrame, ancestors, build_levels
from etl.build.ranking import gap_ranking, try_borders
from etl.build.rates import PERIOD_WEEKS, periods
from etl.build.shortage import Shortage, score_shortage
from etl.build.summary import coverage_table
from etl.build.travel import Travel
from etl.build.warnings import watch
from etl.build.weeks import iso_week, monday, week_number, week_range
from etl.build.work import Work
from etl.findings import Doubts
from etl.model import Text
from etl.settings import LocalityConfig, registry
from etl.store.packed import pack
from etl.store.writer import PublishedLayer
from geo.errors import FaultsError, InputError
from geo.model import Kind, Level, Missing, Tier

WEEK = "2026-W46"
CRS = "EPSG:4547"
TOTAL = [1000.0, 2000.0, 0.0, 500.0, 800.0, 800.0, 800.0, np.nan]
ELDERLY = [100.0, 400.0, 0.0, 250.0, 80.0, 80.0, 80.0, np.nan]


def config(**changes: Any) -> LocalityConfig:
    """The product's own registries around a locality of one source."""
    raw: dict[str, Any] = {
        "locality": {"code": "99", "name": {"zh": "某县", "en": "A county"}, "crs": CRS},
        "sources": [
            {
                "id": "a",
                "role": "areas",
                "level": "village",
                "path": "a.geojson",
                "columns": {"code": "code"},
            }
        ],
        "publish": {"weeks": 8},
    }
    for name in ("groups", "measures", "kinds"):
        raw[name] = registry(name)[name]
    return LocalityConfig.model_validate(raw | changes)


def areas() -> gpd.GeoDataFrame:
    """Two towns of two villages of two cells, in a row from west to east."""
    rows: list[tuple[str, str, str, str | None, Any]] = [
        ("county", "C", "某县", None, box(114.00, 30.0, 114.08, 30.01))
    ]
    for t in range(2):
        town = f"T{t}"
        rows.append(("town", town, f"镇{t}", "C", _strip(4 * t, 4)))
        for v in range(2):
            village = f"{town}V{v}"
            rows.append(("village", village, f"村{t}{v}", town, _strip(4 * t + 2 * v, 2)))
            for c in range(2):
                cell = f"{village}-{c}"
                rows.append(("grid", cell, cell, village, _strip(4 * t + 2 * v + c, 1)))
    frame = pd.DataFrame(rows, columns=["level", "area_code", "name", "parent_code", "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326")


def population(persons: list[float]) -> pd.DataFrame:
    """Residents and elderly of the cells."""
    cells = areas().query("level == 'grid'")["area_code"].tolist()
    return pd.DataFrame(
        {
            "level": "grid",
            "area_code": cells * 2,
            "group_code": ["total"] * 8 + ["elderly"] * 8,
            "persons": persons,
        }
    )


@pytest.fixture
def levels() -> tuple[LevelFrame, ...]:
    return build_levels(areas(), population(TOTAL + ELDERLY), crs=CRS)


@pytest.mark.parametrize(
    ("parent", "told"),
    [
        (None, "areas.village: 1 area(s) without a parent, such as 'T0V1'; wanted a town"),
        ("T7", "areas.village: 1 area(s) whose parent does not exist, such as 'T0V1'"),
        ("T0V0", "areas.village: 1 area(s) whose parent is not on the level above"),
        ("T0V1", "areas.village: 1 area(s) whose parent is not on the level above"),
    ],
)
def test_a_hierarchy_that_is_no_tree_is_refused_and_not_summed_past(
    parent: str | None, told: str
) -> None:
    broken = areas()
    broken.loc[broken["area_code"] == "T0V1", "parent_code"] = parent
    with pytest.raises(FaultsError) as caught:
        build_levels(broken, population(TOTAL + ELDERLY), crs=CRS)
    assert told in str(caught.value)


def test_negative_residents_and_doubled_areas_are_told_together() -> None:
    doubled = pd.concat([areas(), areas().iloc[[1]]], ignore_index=True)
    with pytest.raises(FaultsError) as caught:
        build_levels(doubled, population([-5.0, *TOTAL[1:], *ELDERLY]), crs=CRS)
    assert "1 negative amount(s), such as -5.0" in str(caught.value)
    assert "town.area_code: 1 doubled code(s), such as 'T0'" in str(caught.value)


def _strip(first: int, n: int) -> Any:
    return box(114.0 + 0.01 * first, 30.0, 114.0 + 0.01 * (first + n), 30.01)


def sites(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    """Sites as (id, kind, status, longitude, staff), all on one latitude."""
    columns = ["site_id", "kind", "status", "lon", "staff"]
    frame = pd.DataFrame(rows, columns=columns).assign(hours=None)
    town = np.where(frame["lon"] < 114.04, "T0", "T1")
    village = np.where(frame["lon"] < 114.02, "T0V0", "T1V0")
    return frame.assign(lat=30.005, town_code=town, village_code=village)


def layer(book: LayerBook, code: str, level: str, week: str = "") -> Any:
    """The one row of a layer."""
    (row,) = [r for r in book if (r.layer, r.level, r.week) == (code, level, week)]
    return row


def weekly(level: str, measure: str, table: dict[str, list[float]], last: str = WEEK) -> Any:
    """Stored counts from area → one figure a week, the last for `last`."""
    rows = [
        (level, area, week, measure, count)
        for area, figures in table.items()
        for week, count in zip(week_range(last, len(figures)), figures, strict=True)
    ]
    columns = ["level", "area_code", "week", "measure", "count"]
    frame = pd.DataFrame(rows, columns=columns)
    return list(pack(frame.astype(dict.fromkeys(columns[:4], "category"))))


# ---------------------------------------------------------------- weeks


def travel(work: Work) -> Travel:
    return Travel(work.levels[0], work.config.travel)


@given(st.dates(min_value=monday("1990-W01")))
def test_a_day_lies_in_the_week_it_is_given(day: Any) -> None:
    start = monday(iso_week(day))
    assert 0 <= (day - start).days < 7
    assert iso_week(start) == iso_week(day)


def test_weeks_run_over_the_end_of_a_year_of_53() -> None:
    assert week_range("2027-W01", 3) == ["2026-W52", "2026-W53", "2027-W01"]
    assert week_number("2027-W01") - week_number("2026-W52") == 2


@pytest.mark.parametrize("length", PERIOD_WEEKS)
def test_periods_never_overlap_and_never_move(length: int) -> None:
    weeks = week_range(WEEK, 80)
    long = [tuple(weeks[at] for at in span) for span in periods(weeks, length)]
    later = week_range("2026-W47", 80)
    assert len(long) >= 2
    assert all(tuple(later[at] for at in span) in long for span in periods(later, length)[:-1])
    assert all(week_number(b) - week_number(a) == length - 1 for a, b in long)


def test_a_longer_period_holds_shorter_ones_whole() -> None:
    weeks = week_range(WEEK, 80)
    for shorter, longer in itertools.pairwise(PERIOD_WEEKS):
        inner = periods(weeks, shorter)
        for first, last in periods(weeks, longer):
            held = [span for span in inner if first <= span[0] <= last]
            assert held[0][0] == first
            assert held[-1][1] == last


# ---------------------------------------------------------------- levels and layers


def test_residents_are_summed_upwards_and_unknown_ones_left_out(
    levels: tuple[LevelFrame, ...],
) -> None:
    by_level = {frame.level: frame.persons["total"].tolist() for frame in levels}
    assert by_level[Level.VILLAGE] == [3000, 500, 1600, 800]
    assert by_level[Level.TOWN] == [3500, 2400]
    assert by_level[Level.COUNTY] == [5900]
    assert ancestors(levels, 2).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_break_is_the_inclusive_upper_end_of_its_class_and_zero_is_its_own() -> None:
    text = Text(zh="", en="")
    spec = LayerSpec("x", "need", "sequential", LayerText(text, text, text), breaks=(10.0, 20.0))
    values = np.array([0.0, 10.0, 10.1, 20.0, 21.0, np.nan])
    states = np.array([0, 0, 0, 0, 3, 2], dtype=np.uint8)
    assert spec.classes(values, states).tolist() == [15, 0, 1, 1, 3 * 16 + 2, 2 * 16]


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=50))
def test_quantile_breaks_rise(values: list[float]) -> None:
    breaks = quantile_breaks(np.array(values))
    assert list(breaks) == sorted(set(breaks))
    assert 1 <= len(breaks) <= 4


def test_a_withheld_value_is_blanked_whoever_hands_it_in() -> None:
    text = Text(zh="", en="")
    book = LayerBook()
    spec = LayerSpec("x", "need", "sequential", LayerText(text, text, text), breaks=(10.0,))
    states = np.array([Missing.SUPPRESSED, Missing.OK], dtype=np.uint8)
    book.add(spec, Level.TOWN, np.array([3.0, 12.0]), states=states)
    assert np.isnan(book.rows[0].values).tolist() == [True, False]


# ---------------------------------------------------------------- reach and gaps


def test_coverage_counts_residents_and_leaves_out_empty_cells(
    levels: tuple[LevelFrame, ...],
) -> None:
    work = Work(levels, config())
    add_population(work)
    rooms = sites(
        ("a", "counselling_room", "open", 114.005, 3.0),
        ("b", "counselling_room", "planned", 114.065, 3.0),
    )
    reach = measure_reach(work, rooms, travel(work))
    # 15 min at 4.8 km/h and a detour of 1.3 are 923 m; a cell is about 960 m wide.
    grid = layer(work.book, "covered.counselling_room", "grid")
    assert grid.values[:2].tolist() == [1, 0]
    assert grid.states[2] == Missing.NOT_APPLICABLE
    village = layer(work.book, "covered.counselling_room", "village")
    assert village.values.tolist() == pytest.approx([1 / 3, 0, 0, 0])
    county = coverage_table(levels, reach, rooms)
    row = county[(county["level"] == "county") & (county["kind"] == "counselling_room")].iloc[0]
    assert (row["persons_covered"], row["sites_open"]) == (1000, 1)
    assert Kind.HOSPITAL not in reach.covered, "a kind that nobody handed in is not 0 % covered"


def test_more_staff_raises_access_and_its_sum_is_the_supply(
    levels: tuple[LevelFrame, ...],
) -> None:
    reaches = []
    for staff in (2.0, 4.0):
        work = Work(levels, config())
        room = ("a", "counselling_room", "open", 114.005, staff)
        reaches.append(measure_reach(work, sites(room), travel(work)).access)
    persons = np.nan_to_num(levels[0].persons["total"])
    assert np.nansum(persons * reaches[0]) / 10_000 == pytest.approx(2.0)
    assert reaches[1][0] == pytest.approx(2 * reaches[0][0])


@pytest.mark.parametrize("method", ["2sfca", "e2sfca", "3sfca", "gaussian", "gravity"])
@pytest.mark.parametrize("basis", ["straight_line", "road"])
def test_every_method_shares_the_supply_out_whole(
    levels: tuple[LevelFrame, ...], method: str, basis: str
) -> None:
    """On a network the same costs come as pairs: the same answers."""
    work = Work(levels, config(access={"method": method}))
    rooms = sites(
        ("a", "counselling_room", "open", 114.012, 3.0),
        ("b", "service_org", "open", 114.031, 2.0),
    )
    ways = Travel(levels[0], work.config.travel, basis)
    reach = measure_reach(work, rooms, ways)
    persons = np.nan_to_num(levels[0].persons["total"])
    assert np.nansum(persons * np.nan_to_num(reach.access)) / 10_000 == pytest.approx(5.0)
    straight = measure_reach(
        Work(levels, work.config), rooms, Travel(levels[0], work.config.travel)
    )
    np.testing.assert_allclose(reach.access, straight.access, rtol=1e-9)
    said = work.book.specs["access"].text.definition
    assert ("按路网" in said.zh) == (basis == "road")
    assert "{" not in said.zh + said.en


def test_rational_agents_are_an_access_too(levels: tuple[LevelFrame, ...]) -> None:
    work = Work(levels, config(access={"method": "raam"}))
    room = ("a", "counselling_room", "open", 114.005, 3.0)
    reach = measure_reach(work, sites(room), travel(work))
    assert reach.access[0] > reach.access[1] > 0, "the way costs"
    assert reach.access[-2] == 0, "out of reach is none, not unknown"
    assert np.isnan(reach.access[-1]), "nobody knows who lives there"
    nobody = measure_reach(work, sites(room).assign(staff=np.nan), travel(work))
    assert np.nansum(nobody.access) == 0
    assert nobody.tables["access_supply"].loc[0, "unreported"] == 1


def test_the_three_catchments_are_compared_on_every_level(levels: tuple[LevelFrame, ...]) -> None:
    work = Work(levels, config())
    rooms = sites(
        ("a", "counselling_room", "open", 114.005, 3.0),
        ("b", "counselling_room", "open", 114.055, 2.0),
    )
    table = measure_reach(work, rooms, travel(work)).tables["access_sensitivity"]
    assert table["level"].tolist() == ["grid", "village", "town"], "one area has no rank"
    assert table["same_class"].between(0, 1).all()
    assert table["persons"].tolist()[0] == 5900.0
    said = work.book.specs["access.1000"].text.definition.zh
    assert f"{100 * table.loc[0, 'same_class']:.0f}%的居民在三种半径下处于同一级" in said


def gap_county(
    levels: tuple[LevelFrame, ...], *rows: tuple[str, str, str, float, float], **changes: Any
) -> tuple[Work, Gaps, Shortage, pd.DataFrame]:
    work = Work(levels, config(**changes))
    add_population(work)
    reach = measure_reach(work, sites(*rows), travel(work))
    tell_figures(work, {}, week_range(WEEK, 40))
    gaps = classify_gaps(work)
    shortage = score_shortage(work, gaps.strain)
    return work, gaps, shortage, gap_ranking(levels, reach, gaps, shortage)


BESIDE = ("a", "counselling_room", "open", 114.005, 3.0)


def test_a_gap_is_where_need_is_and_service_is_not(levels: tuple[LevelFrame, ...]) -> None:
    work, gaps, _, ranking = gap_county(levels, BESIDE)
    assert gaps.classes[0] == 0, "beside the room"
    assert gaps.classes[3] >= 2, "half are old and no room is in reach"
    assert np.isnan(gaps.classes[2]), "nobody lives there"
    assert layer(work.book, "gap", "grid").states[2] == Missing.NOT_APPLICABLE
    worst = ranking.iloc[0]
    assert worst["gap"] == ranking["gap"].max()
    for _, rows in ranking.groupby("gap"):
        assert rows["shortage"].is_monotonic_decreasing
    town = ranking[ranking["area_code"] == "T1"].iloc[0]
    assert (town["villages"], town["villages_uncovered"]) == (2, 2)


def test_full_service_is_the_mean_or_the_standard_and_is_said(
    levels: tuple[LevelFrame, ...],
) -> None:
    work, gaps, *_ = gap_county(levels, BESIDE)
    access = layer(work.book, "access", "grid").values
    persons = np.nan_to_num(levels[0].persons["total"])
    assert gaps.reference == pytest.approx(np.nansum(access * persons) / persons.sum())
    assert "平均" in work.book.specs["gap"].text.definition.zh
    work, strict, *_ = gap_county(levels, BESIDE, need={"standard": 1000.0})
    assert strict.reference == 1000.0
    assert "每万人服务人员 1000" in work.book.specs["gap"].text.definition.zh
    assert "1000 staff per 10 000" in work.book.specs["gap"].text.definition.en
    known = ~np.isnan(gaps.classes)
    assert (strict.classes[known] >= gaps.classes[known]).all()
    assert strict.classes[0] > gaps.classes[0]


def test_the_shortage_score_is_the_sum_of_its_published_parts(
    levels: tuple[LevelFrame, ...],
) -> None:
    work, _, shortage, _ = gap_county(levels, BESIDE)
    codes = ["provider_ratio", "travel_min", "elderly_share"]
    parts = {code: layer(work.book, f"shortage.{code}", "grid").values for code in codes}
    assert "shortage.minors_share" not in work.book.specs, "nobody told the minors"
    assert "shortage.strain" not in work.book.specs
    # 3 staff in reach of 3000 residents: 1000 a head; the last cell is 5 km of way, 60 min, away.
    assert parts["provider_ratio"].tolist()[:2] == [0, 0]
    assert parts["provider_ratio"][4] == 7
    assert parts["travel_min"][0] == 0
    assert parts["travel_min"][6] == 5
    assert parts["elderly_share"].tolist()[:2] == [1, 2]
    assert np.isnan(parts["elderly_share"][2])
    known = layer(work.book, "shortage_known", "grid").values
    assert known[0] == pytest.approx(15 / 25)
    score = layer(work.book, "shortage", "grid")
    np.testing.assert_allclose(score.values, sum(parts.values()) / 15 * 25)
    assert score.states[2] == Missing.NOT_APPLICABLE
    assert score.states[7] == Missing.NO_DATA
    village = layer(work.book, "shortage", "village").values
    assert village[0] == pytest.approx(np.average(score.values[:2], weights=[1000, 2000]))
    assert set(shortage.by_catchment) == {1000.0, 2000.0, 3000.0}
    assert (shortage.by_catchment[3000.0][:2] <= shortage.by_catchment[1000.0][:2]).all()


def test_a_room_nobody_can_reach_is_the_longest_way_and_a_kind_not_told_is_unknown(
    levels: tuple[LevelFrame, ...],
) -> None:
    closed = ("a", "counselling_room", "closed", 114.005, 3.0)
    work, *_ = gap_county(levels, closed)
    assert layer(work.book, "shortage.travel_min", "grid").values[0] == 5
    work, *_ = gap_county(levels, ("a", "hospital", "open", 114.005, 3.0))
    assert "shortage.travel_min" not in work.book.specs
    assert layer(work.book, "shortage_known", "grid").values[0] == pytest.approx(10 / 25)
    assert "shortage" not in work.book.specs, "less than half of the points are known"


def test_withheld_group_figures_give_no_points(levels: tuple[LevelFrame, ...]) -> None:
    work = Work(levels, config())
    add_population(work)
    for at, row in enumerate(work.book.rows):
        if row.layer in ("share.elderly", "population.elderly") and row.level == "grid":
            values = np.append(np.nan, row.values[1:])
            work.book.rows[at] = PublishedLayer(
                row.level, row.layer, row.week,
                values=values, states=row.states, classes=row.classes,
            )  # fmt: skip
    measure_reach(work, sites(BESIDE), travel(work))
    tell_figures(work, {}, week_range(WEEK, 40))
    score_shortage(work, classify_gaps(work).strain)
    assert np.isnan(layer(work.book, "shortage.elderly_share", "grid").values[0])
    assert layer(work.book, "shortage_known", "grid").values[0] == pytest.approx(12 / 25)


def test_the_ranking_is_tried_on_other_borders_and_radii(levels: tuple[LevelFrame, ...]) -> None:
    _, gaps, shortage, ranking = gap_county(levels, BESIDE)
    noted, robust = try_borders(levels, gaps, shortage, ranking)
    assert len(noted) == len(ranking)
    # Villages, towns and four grids of squares at three catchments, less the ranking itself.
    assert (noted["variants"] <= 6 * 3 - 1).all()
    assert robust.groupby("ranking").size().to_dict() == {"town": 17, "village": 17}
    assert robust["share_stays"].dropna().between(0, 1).all()
    worst = noted[noted["worst"] == 1]
    for _, rows in noted.groupby("level"):
        ranked = rows[rows["worst"].notna()]
        pairs = list(zip(ranked["gap"], ranked["shortage"].round(7), strict=True))
        held = ranked["persons"].cumsum() / ranked["persons"].sum()
        # The table comes worst first: all until a tenth is reached, and who equals the last.
        last = pairs[int((held >= 0.1).to_numpy().argmax())]
        assert ranked["worst"].tolist() == [float(pair >= last) for pair in pairs]
    assert worst["stays_worst"].notna().all()
    nobody = noted[noted["persons"].isna() | (noted["persons"] == 0)]
    assert nobody["worst"].isna().all()


def test_without_villages_and_towns_there_is_an_empty_ranking() -> None:
    flat = areas().query("level in ('grid', 'county')").copy()
    flat.loc[flat["level"] == "grid", "parent_code"] = "C"
    two = build_levels(flat, population(TOTAL + ELDERLY), crs=CRS)
    work, gaps, shortage, ranking = gap_county(two, BESIDE)
    assert ranking.empty
    noted, robust = try_borders(two, gaps, shortage, ranking)
    assert {"level", "gap", "shortage", "worst", "stays_worst"} <= set(noted.columns)
    assert noted.empty
    assert robust.empty
    assert layer(work.book, "gap", "county").values[0] >= 0


def test_villages_may_be_the_finest_level(levels: tuple[LevelFrame, ...]) -> None:
    upper = areas().query("level != 'grid'")
    persons = pd.DataFrame(
        {
            "level": "village",
            "area_code": ["T0V0", "T0V1", "T1V0", "T1V1"] * 2,
            "group_code": ["total"] * 4 + ["elderly"] * 4,
            "persons": [3000.0, 500, 1600, 800, 500, 250, 160, 80],
        }
    )
    coarse = build_levels(upper, persons, crs=CRS)
    _, gaps, shortage, ranking = gap_county(coarse, BESIDE)
    noted, robust = try_borders(coarse, gaps, shortage, ranking)
    assert len(noted) == 6
    own = robust[(robust["ranking"] == "village") & (robust["zoning"] == "village")]
    assert own["share_stays"].between(0, 1).all()
    assert noted["variants"].eq(17).all()


def test_groups_in_gaps_add_up_and_unknown_cells_count_nowhere(
    levels: tuple[LevelFrame, ...],
) -> None:
    work, gaps, *_ = gap_county(levels, BESIDE)
    table = gap_groups(work, gaps).set_index(["level", "area_code", "group"])
    assert set(table.index.get_level_values("group")) == {"total", "elderly"}
    known = ~np.isnan(gaps.classes)
    short = known & (gaps.classes >= 2)
    for group, persons in (("total", np.array(TOTAL)), ("elderly", np.array(ELDERLY))):
        county = table.loc[("county", "C", group)]
        assert county["persons"] == persons[known].sum()
        assert county["gap_persons"] == persons[short].sum() > 0
        assert county["share"] == pytest.approx(persons[short].sum() / persons[known].sum())
        towns = table.xs("town").xs(group, level="group")
        assert towns["gap_persons"].sum() == county["gap_persons"]
    spec, withheld = work.book.specs["population.elderly"], np.array(ELDERLY)
    withheld[1] = np.nan
    work.book.add(spec, Level.GRID, withheld)
    fewer = gap_groups(work, gaps).set_index(["level", "area_code", "group"])
    county = fewer.loc[("county", "C", "elderly")]
    assert county["persons"] == np.nansum(ELDERLY) - 400
    assert np.isnan(county["share"]), "590 of 990 are no picture of the elderly"


def test_strain_is_a_multiple_of_the_mean_and_falls_back_on_the_area_above(
    levels: tuple[LevelFrame, ...],
) -> None:
    work = Work(levels, config())
    add_population(work)
    spec = LayerSpec(
        "rate.hotline_calls", "need", "sequential", LayerText(*[Text(zh="", en="")] * 3)
    )
    work.book.add(spec, Level.VILLAGE, np.array([2.0, np.nan, 1.0, np.nan]))
    work.book.add(spec, Level.TOWN, np.array([3.0, 1.0]))
    strain = strain_ratio(work)
    assert strain is not None
    village_mean = (2.0 * 3000 + 1.0 * 1600) / 4600
    town_mean = (3.0 * 3500 + 1.0 * 2400) / 5900
    expected = [2 / village_mean] * 2 + [3 / town_mean] * 2 + [1 / village_mean] * 2
    np.testing.assert_allclose(strain[:6], expected)
    np.testing.assert_allclose(strain[6:], [1 / town_mean] * 2)


def test_without_residents_nothing_is_built(levels: tuple[LevelFrame, ...]) -> None:
    for frame in levels:
        frame.persons.clear()
    with pytest.raises(InputError, match="residents"):
        add_population(Work(levels, config()))


# ---------------------------------------------------------------- counts and warnings


def test_a_level_is_summed_only_where_enough_has_reported(
    levels: tuple[LevelFrame, ...],
) -> None:
    weeks = week_range(WEEK, 2)
    counts = weekly(
        "village",
        "hotline_calls",
        {"T0V0": [5, 6], "T0V1": [7, np.nan], "T1V0": [1, 2], "T1V1": [0, 3]},
    )
    book = arrange_counts(counts, levels, weeks, config())["hotline_calls"]
    assert Level.GRID not in book, "villages report; cells are not invented from them"
    town = book[Level.TOWN].values
    assert town[0].tolist() == [12, 1]
    assert np.isnan(town[1, 0]), "half of the town is silent"
    assert town[1, 1] == 5
    assert np.isnan(book[Level.COUNTY].values[1, 0])


def test_levels_that_report_for_themselves_and_differ_are_told_without_figures(
    levels: tuple[LevelFrame, ...],
) -> None:
    villages = {"T0V0": [5, 6], "T0V1": [7, np.nan], "T1V0": [1, 2], "T1V1": [0, 3]}
    own = {"T0": [12, 40], "T1": [4, 5]}  # T0: equal, then a silent village; T1: 1 + 0 is not 4
    counts = itertools.chain(
        weekly("village", "hotline_calls", villages), weekly("town", "hotline_calls", own)
    )
    doubts = Doubts("counts", "某县")
    book = arrange_counts(counts, levels, week_range(WEEK, 2), config())
    say_disagreeing(book, levels, config(), doubts)
    (found,) = doubts.findings
    assert (found.rule, found.came, found.count) == ("levels_disagree", "镇1", 1)
    assert book["hotline_calls"][Level.TOWN].values.tolist() == [[12, 4], [40, 5]], "as reported"
    assert "乡镇（街道）上报的“" in found.wanted.zh


def _outbreak(levels: tuple[LevelFrame, ...], newest: float) -> tuple[Work, pd.DataFrame]:
    settings = config()
    n = settings.publish.weeks + lead_weeks(settings)
    weeks = week_range(WEEK, n)
    rng = np.random.default_rng(1)
    table = {area: rng.poisson(12, n).astype(float).tolist() for area in ("T0V0", "T0V1", "T1V0")}
    table["T1V1"] = [3.0] * n
    table["T0V0"][-1] = newest
    counts = arrange_counts(weekly("village", "hotline_calls", table), levels, weeks, settings)
    work = Work(levels, settings)
    return work, watch(work, tell_figures(work, counts, weeks), History(), {}).rows


def test_the_newest_rate_lies_in_its_interval_and_cells_have_none(
    levels: tuple[LevelFrame, ...],
) -> None:
    work, _ = _outbreak(levels, newest=60)
    n_shown = 0
    for level in ("village", "town", "county"):
        rate, low, high = (
            layer(work.book, f"{key}.hotline_calls", level, WEEK)
            for key in ("rate", "rate_low", "rate_high")
        )
        shown = rate.states == Missing.OK
        n_shown += int(shown.sum())
        assert (low.values[shown] <= rate.values[shown]).all()
        assert (rate.values[shown] <= high.values[shown]).all()
        assert low.states.tolist() == high.states.tolist() == rate.states.tolist()
        assert np.isnan(low.values[~shown & (rate.states != Missing.UNRELIABLE)]).all()
    assert n_shown
    assert not any(
        row.layer == "rate_low.hotline_calls" and row.level == "grid" for row in work.book
    )


def test_an_outbreak_is_warned_with_its_figures(levels: tuple[LevelFrame, ...]) -> None:
    work, rows = _outbreak(levels, 60.0)
    newest = rows[(rows["week"] == WEEK) & (rows["level"] == "village") & ~rows["held"]]
    (row,) = newest.to_dict("records")
    assert (row["area_code"], row["count"], row["tier"]) == ("T0V0", 60, Tier.RED)
    assert (row["base_tier"], row["raised_by"], row["method"]) == (Tier.RED, "", "ears")
    assert row["expected"] < row["upper"] < row["count"]
    assert row["parent_name"] == "镇0"
    assert row["weeks_running"] == 1
    assert layer(work.book, "tier", "village", WEEK).values[0] == Tier.RED


def test_no_colour_and_no_number_stands_for_a_small_count(
    levels: tuple[LevelFrame, ...],
) -> None:
    work, rows = _outbreak(levels, 60.0)
    assert ((rows["count"] >= 10) | (rows["held"] & (rows["count"] == 0))).all()
    for row in work.book:
        if row.layer == "count.hotline_calls":
            assert not ((row.values > 0) & (row.values < 10)).any()
    small = layer(work.book, "count.hotline_calls", "village", WEEK)
    assert small.states[3] == Missing.SUPPRESSED


@settings(max_examples=25)
@given(st.integers(10, 200), st.integers(0, 200))
def test_a_higher_count_never_lowers_the_tier(count: int, more: int) -> None:
    frames = levels_once()
    tiers = []
    for newest in (count, count + more):
        work, _ = _outbreak(frames, float(newest))
        tiers.append(layer(work.book, "tier.hotline_calls", "village", WEEK).values[0])
    assert not tiers[1] < tiers[0]


def levels_once() -> tuple[LevelFrame, ...]:
    """The fixture's county for a property, which takes no fixture of function scope."""
    return levels.__wrapped__()  # type: ignore[no-any-return, attr-defined]


def test_a_layer_says_which_fills_it_has(levels: tuple[LevelFrame, ...]) -> None:
    work = Work(levels, config())
    spec = text.plain_spec("density", "population", "sequential", breaks=(1.0, 2.0))
    ok, withheld = int(Missing.OK), int(Missing.SUPPRESSED)
    n = len(levels[0])
    values = np.full(n, 1.5)
    work.book.add(spec, levels[0].level, values)
    assert work.book.meta()[0]["fills"] == []
    values[:2] = 0.0, np.nan
    states = np.full(n, ok, dtype=np.uint8)
    states[1] = withheld
    work.book.add(spec, levels[0].level, values, states=states)
    assert work.book.meta()[0]["fills"] == ["suppressed", "zero"]
