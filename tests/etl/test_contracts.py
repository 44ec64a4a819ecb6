"""Schemas of the canonical tables: sound ones pass, each breach is ours and raised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from pandera.errors import SchemaErrors

from etl import contracts
from etl.ledger import empty_quarantine
from tests.support.locality import SW, VILLAGES, Folder


def changes() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "level": "village",
            "old_code": ["a", "b", "b"],
            "new_code": ["c", "c", "d"],
            "since": ["2020-01-06", "2022-01-03", "2022-01-03"],
            "weight": [1.0, 0.25, 0.75],
            "source_row": [2, 3, 4],
        }
    )


def quarantine() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "file": 0,
            "row": [2, 5],
            "raw": '{"a": "b"}',
            "rules": ["negative_count", "week_start"],
            "marks": "[]",
        }
    )


def population() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "level": "village",
            "area_code": ["a", "b"],
            "group": "total",
            "persons": [1.0, np.nan],
            "source_row": [2, 0],
        }
    )


def observations() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "level": "village",
            "area_code": ["a", "b"],
            "week": "2026-W46",
            "measure": "consult_visits",
            "count": [1.0, np.nan],
            "source_row": [2, 0],
        }
    )
    return frame.astype(dict.fromkeys(("level", "area_code", "week", "measure"), "category"))


SOUND: dict[str, tuple[Callable[[], pa.DataFrameSchema], Callable[[], pd.DataFrame]]] = {
    "changes": (contracts.changes_schema, changes),
    "quarantine": (contracts.quarantine_schema, quarantine),
    "population": (contracts.population_schema, population),
    "observations": (contracts.observations_schema, observations),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_table_passes_and_so_does_an_empty_one(name: str) -> None:
    schema, make = SOUND[name]
    schema().validate(make(), lazy=True)
    schema().validate(make().iloc[:0], lazy=True)


def test_two_files_may_have_the_same_row_in_quarantine() -> None:
    contracts.quarantine_schema().validate(quarantine().assign(file=[0, 1], row=[2, 2]), lazy=True)


def test_the_empty_quarantine_passes() -> None:
    contracts.quarantine_schema().validate(empty_quarantine().assign(file=0), lazy=True)


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("changes", "weight", [1.0, 0.25, 0.5]),
        ("changes", "weight", [1.0, 0.0, 1.0]),
        ("changes", "weight", [1.5, 0.25, 0.75]),
        ("changes", "new_code", ["c", "c", "c"]),
        ("changes", "since", ["2020", "2022-01-03", "2022-01-03"]),
        ("changes", "old_code", ["", "b", "b"]),
        ("changes", "source_row", [0, 3, 4]),
        ("quarantine", "row", [2, 2]),
        ("quarantine", "row", [0, 2]),
        ("quarantine", "rules", ["negative_count", "no_such_rule"]),
        ("quarantine", "marks", ["", "[]"]),
        ("population", "persons", [-1.0, 1.0]),
        ("population", "area_code", ["a", "a"]),
        ("population", "level", "street"),
        ("population", "source_row", [-1, 2]),
        ("observations", "count", [-1.0, 1.0]),
        ("observations", "count", [0.5, 1.0]),
        ("observations", "area_code", pd.Categorical(["a", "a"])),
        ("observations", "week", pd.Categorical(["2026-11-09", "2026-W46"])),
        ("observations", "area_code", ["a", "b"]),
    ],
)
def test_a_breach_is_raised(name: str, column: str, value: object) -> None:
    schema, make = SOUND[name]
    with pytest.raises(SchemaErrors):
        schema().validate(make().assign(**{column: value}), lazy=True)


@pytest.mark.parametrize("name", SOUND)
def test_a_column_more_or_less_is_a_breach(name: str) -> None:
    schema, make = SOUND[name]
    with pytest.raises(SchemaErrors):
        schema().validate(make().assign(other=1), lazy=True)
    with pytest.raises(SchemaErrors):
        schema().validate(make().iloc[:, 1:], lazy=True)


def test_the_intake_of_a_whole_locality_is_checked(tmp_path: Path) -> None:
    folder = Folder.with_areas(tmp_path)
    folder.write("weekly.csv", f"周,代码,人次\n2026-W40,{SW},3\n2026-W40,{SW[:-1]},4\n")
    folder.weekly()
    intake = folder.ingest()
    contracts.check_intake(intake.areas, intake.results)
    broken = intake.areas.assign(area_code=VILLAGES[0])
    with pytest.raises(SchemaErrors):
        contracts.check_intake(broken, intake.results)
