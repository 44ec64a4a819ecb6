"""A real city from its files to a snapshot, through configuration alone."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from etl.pipeline import run
from etl.settings import load_locality
from etl.store.reader import Reader
from geo.model import Missing, Tier

LOCALITY = Path(__file__).parents[1] / "data" / "localities" / "tainan"
NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
WEEK = "2015-W36"


@pytest.fixture(scope="module")
def published(tainan_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The city as it stood in the great outbreak, and as it stands now."""
    store = tmp_path_factory.mktemp("store") / "xintu.db"
    settings = load_locality(LOCALITY, data=tainan_dir, store_url=f"sqlite:///{store}")
    settings = settings.model_copy(update={"folder": store.parent})  # where files are kept
    run(settings, now=NOW, week=WEEK)
    run(settings, now=NOW)
    with closing(Reader(settings.store_url)) as reader:
        yield reader


@pytest.fixture
def outbreak(published: Reader) -> str:
    """Id of the snapshot of the outbreak."""
    snapshots = published.snapshots()
    return str(snapshots[snapshots["week"] == WEEK]["snapshot_id"].iloc[0])


def by_town(folder: Path) -> dict[str, Counter[str]]:
    """ISO week → district code → cases, from the raw file."""
    features = json.loads(
        (folder / "boundaries" / "tainan_towns_37.geojson").read_text(encoding="utf-8")
    )["features"]
    code = {f["properties"]["TOWNNAME"]: f["properties"]["TOWN_ID"] for f in features}
    cases: dict[str, Counter[str]] = defaultdict(Counter)
    path = folder / "cases" / "tainan_dengue_weekly_by_town_1998_2024.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            year, week, _ = date.fromisoformat(row.pop("week_monday")).isocalendar()
            for name, count in row.items():
                cases[f"{year}-W{week:02d}"][code[name]] = int(count)
    return cases


def test_all_levels_are_there_with_their_residents(published: Reader, outbreak: str) -> None:
    numbers = {entry["level"]: entry["n"] for entry in published.snapshot(outbreak).meta["levels"]}
    assert numbers == {"grid": 12_774, "village": 752, "town": 37, "county": 1}
    persons = published.layer(outbreak, "grid", "population")
    assert np.nansum(persons.values) == 1_875_586


def test_published_counts_are_those_of_the_file(
    published: Reader, outbreak: str, tainan_dir: Path
) -> None:
    cases = by_town(tainan_dir)
    towns = published.areas(outbreak, "town")["area_code"]
    shown_any = 0
    for week in published.snapshot(outbreak).meta["weeks"]:
        layer = published.layer(outbreak, "town", "count.dengue_cases", week)
        for code, value, state in zip(towns, layer.values, layer.states, strict=True):
            if state == Missing.OK:
                assert value == cases[week][code]
                shown_any += value > 0
            else:
                assert state == Missing.SUPPRESSED
                assert cases[week][code] >= 0
    assert shown_any > 10
    county = published.series(outbreak, "county", "67000", "count.dengue_cases").iloc[-1]
    assert county["value"] == sum(cases[WEEK].values())


def test_the_great_outbreak_is_warned_where_it_was(
    published: Reader, outbreak: str, tainan_dir: Path
) -> None:
    found = published.warnings(outbreak)
    worst = by_town(tainan_dir)[WEEK].most_common(1)[0][0]
    towns = found[found["level"] == "town"].set_index("area_code")
    assert towns.loc[worst, "tier"] == Tier.RED
    assert (found["count"] >= 10).all()
    assert {"village", "town", "county"} <= set(found["level"])


def test_the_newest_week_is_quiet_and_villages_without_reports_are_no_data(
    published: Reader,
) -> None:
    current = published.current()
    assert current.week == "2025-W01"
    assert published.warnings(current.snapshot_id).empty
    villages = published.layer(current.snapshot_id, "village", "tier")
    assert (villages.states == Missing.NO_DATA).all()
    assert current.meta["locality"]["notice"]["zh"], "the stand-in is said wherever it is shown"


def test_clinics_outside_are_set_apart_and_the_unknown_village_is_named(
    published: Reader, outbreak: str
) -> None:
    sites = published.sites(outbreak)
    assert len(sites) == 50 + 43
    findings = published.table(outbreak, "findings")
    unknown = findings[findings["rule"] == "unknown_area"]
    assert unknown["came"].tolist() == ["67000290020"]
    assert (findings["rule"] == "outside_locality").sum() == 2
    assert (findings["rule"] == "ring_mended").sum() == 1
