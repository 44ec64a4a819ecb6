"""The whole intake: one bad file fails alone, and everything is accounted for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.errors
import pytest

from etl import contracts
from etl.ingest import ingest
from geo.errors import ConfigError
from tests.support.locality import (
    NE,
    NOW,
    NW,
    SE,
    SW,
    Folder,
    assert_accounted,
    counts,
    findings,
    rules,
    village_features,
)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder.with_areas(tmp_path)
    folder.weekly()
    folder.write("weekly.csv", f"周,代码,人次\n2026-W40,{SW},3\n2026-W40,{NW},-1\n")
    groups = {"total": "人口", "minors": "未成年"}
    columns = {"code": "代码", "groups": groups}
    folder.source("people", "population", "people.csv", level="village", columns=columns)
    folder.write(
        "people.csv",
        f"代码,人口,未成年\n{SW},1200,200\n{NW},,30\n{SE},-5,x\n{NE},10.5,\n合计,1215.5,230\n",
    )
    return folder


def test_population_is_long_and_empty_is_as_mapped(folder: Folder) -> None:
    result = folder.result("people")
    persons = result.frame.set_index(["area_code", "group"])["persons"]
    assert persons[SW, "total"] == 1200
    assert persons[NE, "total"] == 10.5
    assert np.isnan(persons[NW, "total"])
    assert np.isnan(persons[NE, "minors"])
    assert SE not in persons.index
    assert sorted(rules(result)) == ["negative_count", "not_a_number", "total_mismatch"]
    assert (result.accepted, result.quarantined, result.set_aside) == (3, 1, 1)
    folder.sources[-1]["empty"] = "zero"
    persons = folder.result("people").frame.set_index(["area_code", "group"])["persons"]
    assert (persons[NW, "total"], persons[NE, "minors"]) == (0, 0)


def test_population_rows_of_one_area_contradict_or_repeat(folder: Folder) -> None:
    folder.write("people.csv", f"代码,人口,未成年\n{SW},1,1\n{SW},1,1\n{NW},1,1\n{NW},2,1\n")
    result = folder.result("people")
    assert rules(result) == ["duplicate_identical", "duplicate_conflict", "duplicate_conflict"]
    assert result.frame["area_code"].unique().tolist() == [SW]


def test_population_of_boundaries_yields_to_the_later_source(folder: Folder) -> None:
    features = village_features()
    for one, persons in zip(features, (1200, 7, 8, None), strict=True):
        one["properties"]["n"] = persons
    folder.sources = [s for s in folder.sources if s["id"] != "villages"]
    people = folder.sources.pop()
    folder.areas("villages", "village", features, population={"total": "n"}, empty="zero")
    folder.sources.append(people)
    result = folder.result("villages")
    assert result.population is not None
    assert result.population["area_code"].tolist() == [NW, SE], "a blank takes no figure away"
    (finding,) = findings(result, "superseded")
    assert finding.count == 2


def test_one_bad_file_fails_alone(folder: Folder) -> None:
    folder.write("people.csv", b"\x00\x01\x02")
    intake = folder.ingest()
    by_id = {result.source_id: result for result in intake.results}
    assert [r.source_id for r in intake.results] == ["towns", "villages", "weekly", "people"]
    assert by_id["people"].failed
    assert by_id["people"].frame.empty
    assert counts(by_id["weekly"])[SW, "2026-W40"] == 3
    for result in intake.results:
        assert_accounted(result)


def test_results_carry_what_the_file_was(folder: Folder, tmp_path: Path) -> None:
    result = folder.result()
    raw = (tmp_path / "weekly.csv").read_bytes()
    assert (result.sha256, result.bytes) == (hashlib.sha256(raw).hexdigest(), len(raw))
    assert (result.role, result.file, result.encoding) == ("observations", "weekly.csv", "utf-8")
    assert result.path == tmp_path / "weekly.csv"


def test_file_without_a_good_row_says_so(folder: Folder) -> None:
    folder.write("weekly.csv", f"周,代码,人次\n2026-W40,{SW},-3\n")
    result = folder.result()
    assert not result.failed
    assert rules(result) == ["negative_count", "no_usable_row"]


def test_unmapped_columns_never_leave_the_reader(folder: Folder) -> None:
    folder.write("weekly.csv", f"周,代码,人次,意见\n2026-W40,{SW},-3,说了很多\n")
    assert "说了很多" not in repr(folder.result().quarantine.to_dict())


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:999999", "metres"])
def test_crs_must_be_metric(folder: Folder, crs: str) -> None:
    settings = folder.settings()
    locality = settings.config.locality.model_copy(update={"crs": crs})
    config = settings.config.model_copy(update={"locality": locality})
    with pytest.raises(ConfigError, match=r"locality.crs.*wanted a projected CRS in metres"):
        ingest(settings.model_copy(update={"config": config}), now=NOW)


def test_intake_is_the_same_twice(folder: Folder) -> None:
    first, second = folder.ingest(), folder.ingest()
    pd.testing.assert_frame_equal(
        pd.DataFrame(first.areas.drop(columns="geometry")),
        pd.DataFrame(second.areas.drop(columns="geometry")),
    )
    for one, other in zip(first.results, second.results, strict=True):
        assert one.findings == other.findings
        pd.testing.assert_frame_equal(one.quarantine, other.quarantine)


def test_progress_counts_every_source(folder: Folder) -> None:
    seen: list[tuple[str, int, int]] = []
    ingest(folder.settings(), now=NOW, on_progress=lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == [0, 1, 2, 3, 4]
    assert {total for *_, total in seen} == {4}


def test_contracts_catch_a_fault_of_ours(folder: Folder) -> None:
    intake = folder.ingest()
    result = next(r for r in intake.results if r.source_id == "people")
    broken = result.frame.assign(persons=-1.0)
    with pytest.raises(pandera.errors.SchemaErrors):
        contracts.population_schema().validate(broken, lazy=True)
    twice = pd.concat([result.frame] * 2, ignore_index=True)
    with pytest.raises(pandera.errors.SchemaErrors):
        contracts.population_schema().validate(twice, lazy=True)
    weekly = next(r for r in intake.results if r.source_id == "weekly").frame
    doubled = pd.concat([weekly, weekly], ignore_index=True)
    doubled = doubled.astype(dict.fromkeys(weekly.columns[:4], "category"))
    with pytest.raises(pandera.errors.SchemaErrors, match="stands twice"):
        contracts.observations_schema().validate(doubled, lazy=True)
    orphan = pd.DataFrame(intake.areas).assign(parent_code=None)
    with pytest.raises(pandera.errors.SchemaErrors, match="without a parent"):
        contracts.areas_schema().validate(orphan, lazy=True)
