"""The fictional city, from the departments' files to a snapshot: what was planted is found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from etl.build.weeks import monday, week_range
from etl.demo import write_demo
from etl.pipeline import run
from etl.settings import load_locality
from etl.store.reader import Reader
from geo.model import GapClass, Missing, Tier
from geo.warm import warm_build
from tests.support.loops import signatures

END_WEEK = "2026-W46"
NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
# Two years in one snapshot, so that the older outbreaks are still there to be seen.
WEEKS_PUBLISHED = 106

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class City:
    """A fictional city after its first run."""

    folder: Path
    truth: dict[str, Any]
    reader: Reader
    snapshot_id: str
    compiled_late: set[tuple[str, str, str]]


@contextmanager
def published(folder: Path, *, cells: int, weeks: int, weeks_published: int) -> Iterator[City]:
    """A city in this folder after its first run."""
    write_demo(folder, seed=2026, cells=cells, weeks=weeks, end_week=END_WEEK)
    config = folder / "xintu.toml"
    text = config.read_text(encoding="utf-8")
    longer, n = re.subn(r"(\[publish\]\nweeks = )\d+", rf"\g<1>{weeks_published}", text)
    assert n == 1
    config.write_text(longer, encoding="utf-8")
    settings = load_locality(folder)
    warm_build()
    before = signatures()
    result = run(settings, now=NOW)
    late = signatures() - before
    assert result.week == END_WEEK
    assert result.failed_sources == ()
    truth = json.loads((folder / "planted_truth.json").read_text(encoding="utf-8"))
    with closing(Reader(settings.store_url)) as reader:
        yield City(folder, truth, reader, result.snapshot_id, late)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("city")
    with published(folder, cells=2400, weeks=260, weeks_published=WEEKS_PUBLISHED) as found:
        yield found


@pytest.fixture(scope="module")
def small_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """For what does not depend on the size, and runs again."""
    folder = tmp_path_factory.mktemp("small")
    with published(folder, cells=300, weeks=60, weeks_published=26) as found:
        yield found


def codes(planted: dict[str, Any]) -> list[str]:
    return [village["area_code"] for village in planted["villages"]]


def test_a_build_compiles_nothing_after_its_first_step(city: City) -> None:
    assert city.compiled_late == set(), "call these in geo/warm.py as the build does"


def test_every_planted_gap_is_found(city: City) -> None:
    ranking = city.reader.table(city.snapshot_id, "gap_ranking").set_index("area_code")
    for gap in city.truth["gaps"]:
        found = ranking.loc[codes(gap)]
        assert (found["covered_share"] < 0.5).all(), gap["id"]
        assert (found["gap"] >= GapClass.CLEAR).all(), gap["id"]
        assert found["uncovered_persons"].sum() > 0.5 * gap["persons"], gap["id"]


def test_the_planted_gaps_stand_out_from_the_rest(city: City) -> None:
    ranking = city.reader.table(city.snapshot_id, "gap_ranking")
    villages = ranking[ranking["level"] == "village"]
    planted = {code for gap in city.truth["gaps"] for code in codes(gap)}
    inside = villages["area_code"].isin(planted)
    assert villages[inside]["gap"].mean() > villages[~inside]["gap"].mean() + 1


def tiers(city: City, code: str, measure: str, weeks: list[str]) -> list[int]:
    series = city.reader.series(city.snapshot_id, "village", code, f"tier.{measure}")
    values = series[series["week"].isin(weeks)]["value"]
    return [int(value) for value in values if not np.isnan(value)]


def test_every_planted_outbreak_is_warned_while_it_lasts(city: City) -> None:
    for outbreak in city.truth["outbreaks"]:
        highest = [
            max(tiers(city, code, outbreak["measure"], outbreak["weeks"]), default=0)
            for code in codes(outbreak)
        ]
        assert max(highest) >= Tier.BLUE, outbreak["id"]
        if outbreak["tier"] == "red":
            assert max(highest) == Tier.RED, outbreak["id"]


def test_every_planted_rise_of_a_whole_town_is_warned(city: City) -> None:
    for rise in city.truth["rises"]:
        layer = f"tier.{rise['measure']}"
        series = city.reader.series(city.snapshot_id, "town", rise["town_code"], layer)
        shown = series[series["week"].isin(rise["weeks"])]["value"]
        assert (shown >= Tier.BLUE).any(), rise["id"]


def test_quiet_villages_stay_quiet(city: City) -> None:
    planted = {
        (code, outbreak["measure"])
        for outbreak in city.truth["outbreaks"]
        for code in codes(outbreak)
    }
    # Chance is held down in the newest twelve weeks, where it would flatter the figure.
    weeks = week_range(END_WEEK, WEEKS_PUBLISHED)[:-12]
    n_alarms, n_watched = 0, 0
    for entry in city.reader.snapshot(city.snapshot_id).meta["layers"]:
        if not entry["code"].startswith("tier."):
            continue
        areas = city.reader.areas(city.snapshot_id, "village")["area_code"]
        quiet = ~np.array([(code, entry["measure"]) in planted for code in areas])
        for week in weeks:
            tiers = city.reader.layer(city.snapshot_id, "village", entry["code"], week)
            n_alarms += int((tiers.values[quiet] >= Tier.YELLOW).sum())
            # A village whose count is withheld is watched, and does not warn.
            watched = (tiers.states == Missing.OK) | (tiers.states == Missing.SUPPRESSED)
            n_watched += int(watched[quiet].sum())
    assert n_alarms / n_watched < 0.005


def test_no_count_below_k_and_no_tier_on_one_is_published(city: City) -> None:
    snapshot = city.reader.snapshot(city.snapshot_id)
    k = snapshot.meta["k"]
    for level in ("grid", "village", "town", "county"):
        for measure in ("hotline_calls", "dispute_events", "screen_positive"):
            for week in week_range(END_WEEK, 8):
                shown = city.reader.layer(snapshot.snapshot_id, level, f"count.{measure}", week)
                assert not ((shown.values > 0) & (shown.values < k)).any()
                tier = city.reader.layer(snapshot.snapshot_id, level, f"tier.{measure}", week)
                warned = tier.values >= Tier.BLUE
                assert (shown.values[warned] >= k).all()
        assert (city.reader.warnings(snapshot.snapshot_id)["count"] >= k).all()


def test_a_late_town_is_no_data_and_never_calm(city: City) -> None:
    measures = {"disputes": "dispute_events", "dv": "dv_reports"}
    late = [delay for delay in city.truth["delays"] if delay["source_id"] in measures]
    published = week_range(END_WEEK, WEEKS_PUBLISHED)
    assert late
    for delay in late:
        layer = f"tier.{measures[delay['source_id']]}"
        shown = city.reader.series(city.snapshot_id, "town", delay["town_code"], layer)
        states = shown.set_index("week")["state"]
        for week in set(delay["weeks"]) & set(published):
            assert states[week] == Missing.NO_DATA, (delay["town_name"], week)


def test_faulty_rows_wait_in_quarantine_and_are_named(city: City) -> None:
    sources = city.reader.table(city.snapshot_id, "sources")
    findings = city.reader.table(city.snapshot_id, "findings")
    whole = sources["accepted"] + sources["quarantined"] + sources["set_aside"]
    assert (whole == sources["rows_read"]).all(), "no row is lost"
    where = set(zip(findings["source_id"], findings["row"], strict=True))
    for fault in city.truth["faults"]:
        if not fault["usable"]:
            assert (fault["source_id"], fault["row"]) in where, fault


def test_a_second_run_changes_nothing(city: City) -> None:
    again = run(load_locality(city.folder), now=NOW + timedelta(hours=1))
    assert not again.fresh
    assert again.snapshot_id == city.snapshot_id


def test_damaged_boundaries_leave_those_before_in_force(small_city: City) -> None:
    settings = load_locality(small_city.folder)
    source = next(
        source
        for source in settings.config.sources
        if source.role == "areas" and source.level == "village"
    )
    boundaries = settings.data / source.path
    whole = boundaries.read_bytes()
    boundaries.write_bytes(whole[: len(whole) // 2])
    try:
        result = run(settings, now=NOW + timedelta(hours=2))
    finally:
        boundaries.write_bytes(whole)
    assert result.failed_sources == (source.id,)
    hashes = {
        snapshot_id: small_city.reader.snapshot(snapshot_id).level("village")["geometry"]["hash"]
        for snapshot_id in (small_city.snapshot_id, result.snapshot_id)
    }
    assert len(set(hashes.values())) == 1, "the same villages"
    findings = small_city.reader.table(result.snapshot_id, "findings")
    assert source.id in set(findings[findings["severity"] == "error"]["source_id"])


def test_a_missing_weekly_file_is_said_and_the_rest_goes_on(small_city: City) -> None:
    settings = load_locality(small_city.folder)
    source = next(s for s in settings.config.sources if s.role == "observations")
    path = settings.data / source.path
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        result = run(settings, now=NOW + timedelta(hours=3))
    finally:
        aside.rename(path)
    assert result.failed_sources == (source.id,)
    findings = small_city.reader.table(result.snapshot_id, "findings")
    assert source.id in set(findings[findings["severity"] == "error"]["source_id"])


def test_weeks_are_whole(city: City) -> None:
    snapshot = city.reader.snapshot(city.snapshot_id)
    assert pd.Timestamp(snapshot.meta["data_date"]).date() == monday(END_WEEK) + timedelta(days=6)
    assert len(snapshot.meta["weeks"]) == WEEKS_PUBLISHED


def test_the_scorecard_names_every_planted_gap_as_missing(city: City) -> None:
    missing = city.reader.table(city.snapshot_id, "target_missing")
    named = set(missing.loc[missing["indicator"] == "rooms_village", "area_code"])
    for gap in city.truth["gaps"]:
        assert set(codes(gap)) <= named, gap["id"]
    sites = city.reader.sites(city.snapshot_id)
    rooms = sites[(sites["kind"] == "counselling_room") & (sites["status"] == "open")]
    targets = city.reader.table(city.snapshot_id, "targets").set_index("indicator")
    row = targets.loc["rooms_village"]
    assert row["numerator"] == rooms["village_code"].nunique()
    assert row["denominator"] == city.truth["areas"]["village"]
    assert len(named) == row["denominator"] - row["numerator"]


def test_the_scorecard_shows_every_kind_of_standing(city: City) -> None:
    targets = city.reader.table(city.snapshot_id, "targets").set_index("indicator")
    progress = targets["progress"].to_dict()
    assert progress["smi_managed"] == progress["psychiatric_clinics"] == "met"
    assert progress["smi_treated"] == progress["home_rehab"] == "behind"
    assert progress["rooms_village"] == "on_track"
    assert progress["schools_service"] == "short"
    assert progress["literacy"] == "no_data"
    assert progress["eldercare_beds"] == "no_target"
    assert "special_counselled" not in progress
    assert targets.loc["core_facts", "low"] < targets.loc["core_facts", "value"]


def test_what_is_expected_comes_with_how_right_it_has_been(city: City) -> None:
    weeks = city.reader.table(city.snapshot_id, "forecast")
    areas = city.reader.table(city.snapshot_id, "forecast_areas")
    told = areas[areas["reason"] == ""]
    assert set(told["level"]) == {"county", "town", "village"}
    assert len(weeks) == 8 * len(told)
    assert weeks["week"].min() > END_WEEK
    # Eight in ten, give or take what a hundred judged weeks of one place can tell.
    towns = told[told["level"] == "town"]
    assert 0.70 < np.average(towns["inside80"], weights=towns["n"]) < 0.92
    assert 0.88 < np.average(towns["inside95"], weights=towns["n"]) <= 1
    methods = city.reader.table(city.snapshot_id, "forecast_accuracy")
    chosen = methods[methods["chosen"]].set_index(["level", "measure"])["wis"]
    simplest = methods[methods["method"] == "mean"].set_index(["level", "measure"])["wis"]
    assert (chosen <= simplest * 1.0001).all()
    assert (chosen < 0.95 * simplest).mean() > 0.4
