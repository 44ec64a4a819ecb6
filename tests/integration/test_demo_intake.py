"""The fictional city's departments: every fault they were given is told, by its own rule."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from etl.demo import TRUTH_NAME, write_demo
from etl.ingest import Intake, ingest
from etl.settings import load_locality

NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
# What a planted fault must be told as; nothing where the reader is expected to understand it.
TOLD: dict[str, set[str]] = {
    "code_of_11_digits": {"malformed_code", "unknown_site_area"},
    "coordinates_exchanged": {"swapped_lonlat"},
    "date_as_text": set(),
    "date_that_is_none": {"malformed_week"},
    "duplicate_row": {"duplicate_identical"},
    "duplicate_site": {"duplicate_site"},
    "fractional_count": {"fractional_count"},
    "full_width_number": set(),
    "full_width_week": set(),
    "missing_code": {"missing_value"},
    "missing_coordinates": {"placed_by_area"},
    "negative_count": {"negative_count"},
    "point_outside": {"outside_locality"},
    "text_for_number": {"not_a_number"},
    "total_mismatch": {"total_mismatch"},
    "unknown_code": {"unknown_area"},
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Intake, list[dict[str, Any]]]:
    folder: Path = tmp_path_factory.mktemp("intake")
    write_demo(folder, seed=7, cells=900, weeks=112, end_week="2026-W46")
    truth = json.loads((folder / TRUTH_NAME).read_text(encoding="utf-8"))
    return ingest(load_locality(folder), now=NOW), truth["faults"]


def test_every_planted_fault_is_told(city: tuple[Intake, list[dict[str, Any]]]) -> None:
    intake, faults = city
    told = {
        (result.source_id, finding.row): finding.rule
        for result in intake.results
        for finding in result.findings
    }
    assert {fault["fault"] for fault in faults} <= set(TOLD)
    for fault in faults:
        rule = told.get((fault["source_id"], fault["row"]))
        wanted = TOLD[fault["fault"]]
        if fault["fault"] == "missing_code" and fault["usable"]:
            wanted = set()  # a site with a coordinate needs no code
        assert rule in (wanted or {None}), fault


def test_nothing_else_is_told_of_rows(city: tuple[Intake, list[dict[str, Any]]]) -> None:
    intake, faults = city
    planted = {(fault["source_id"], fault["row"]) for fault in faults}
    doubted = [(r.source_id, f.row, f.rule) for r in intake.results for f in r.findings if f.row]
    jumps = [row for row in doubted if row[2] == "sudden_jump"]
    # Planted outbreaks and a campaign of screenings, which are real; and nothing like a flood.
    assert {row[0] for row in jumps} == {"health", "hotline"}
    assert len(jumps) < 12
    assert [row for row in doubted if row not in jumps and row[:2] not in planted] == []


def test_rows_are_accounted_for(city: tuple[Intake, list[dict[str, Any]]]) -> None:
    for result in city[0].results:
        assert not result.failed
        assert result.rows_read == result.accepted + result.quarantined + result.set_aside
        assert len(result.quarantine) == result.quarantined
