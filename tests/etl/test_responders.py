"""Who can answer a warning, on a county small enough to check by hand: 8 cells in a row."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from etl.build.responders import COLUMNS, LINE_COLUMNS, middle_cells, nearest_responders
from etl.build.work import Work
from geo.model import Tier
from tests.etl.test_build import config, levels, sites, travel

__all__ = ["levels"]

ROOMS = [("r1", "counselling_room", "open", 114.005, 1.0),
         ("r2", "counselling_room", "open", 114.015, math.nan),
         ("r3", "counselling_room", "open", 114.065, 2.0),
         ("r4", "counselling_room", "open", 114.075, 2.0)]  # fmt: skip
CENTRE = ("c", "guidance_centre", "open", 114.035, 6.0)


def found(levels: object, *rows: tuple[str, str, str, float, float], **changes: object):
    work = Work(levels, config(**changes))
    register = sites(*rows).assign(name=[row[0] for row in rows])
    tables = nearest_responders(work, register, travel(work), warned={"T1V0-1"})
    return tables["responders"], tables["responder_lines"]


def of(table: pd.DataFrame, level: str, code: str, tier: Tier) -> list[str]:
    own = table[(table["level"] == level) & (table["area_code"] == code) & (table["tier"] == tier)]
    assert own["rank"].tolist() == list(range(1, len(own) + 1))
    assert own["minutes"].is_monotonic_increasing
    return own["site_id"].tolist()


def test_the_nearest_three_of_the_service_of_the_tier(levels: object) -> None:
    table, _ = found(levels, *ROOMS, CENTRE)
    assert table.columns.tolist() == list(COLUMNS)
    # The residents of T0V0 are twice as many in its second cell, where r2 stands.
    assert of(table, "village", "T0V0", Tier.YELLOW) == ["r2", "r1", "r3"]
    assert of(table, "village", "T1V1", Tier.YELLOW) == ["r3", "r4", "r2"]
    assert of(table, "town", "T0", Tier.ORANGE) == ["c"]
    assert of(table, "county", "C", Tier.RED) == ["c"]
    assert of(table, "grid", "T1V0-1", Tier.RED) == ["c"], "a warned cell is told, too"
    assert set(table.loc[table["level"] == "grid", "area_code"]) == {"T1V0-1"}
    assert (table["tier"] != Tier.BLUE).all(), "to watch, nobody sets out"
    assert set(table["mode"]) == {"car"}


def test_minutes_are_those_of_the_place_where_the_residents_are(levels: object) -> None:
    table, _ = found(levels, CENTRE)
    own = table[(table["area_code"] == "T0V0") & (table["tier"] == Tier.RED)]
    # Cells are 960 m wide; the second is two from the fourth: 1.92 km x 1.3 at 30 km/h.
    assert own["minutes"].tolist() == [5.0]


def test_a_site_without_staff_or_not_open_cannot_answer(levels: object) -> None:
    rows = [("shut", "counselling_room", "closed", 114.005, 3.0),
            ("empty", "counselling_room", "open", 114.005, 0.0),
            ("unknown", "counselling_room", "open", 114.075, math.nan)]  # fmt: skip
    table, _ = found(levels, *rows)
    assert of(table, "village", "T0V0", Tier.YELLOW) == ["unknown"]
    assert table["staff"].isna().all(), "unknown is not zero"


def test_what_is_too_far_or_has_no_place_is_not_told_as_near(levels: object) -> None:
    hotline = ("line", "hotline", "open", math.nan, 12.0)
    nowhere = ("lost", "counselling_room", "open", math.nan, 1.0)
    table, lines = found(levels, CENTRE, hotline, nowhere, response={"reach_min": 3})
    assert of(table, "village", "T0V0", Tier.RED) == []
    assert of(table, "village", "T0V1", Tier.RED) == ["c"]
    assert lines.columns.tolist() == list(LINE_COLUMNS)
    assert lines[["tier", "site_id"]].to_numpy().tolist() == [
        [Tier.YELLOW, "line"], [Tier.ORANGE, "line"], [Tier.RED, "line"],
    ]  # fmt: skip


def test_without_any_site_the_tables_are_empty_with_their_columns(levels: object) -> None:
    table, lines = found(levels, ("h", "school", "open", 114.01, 1.0))
    assert table.empty
    assert lines.empty
    assert (table.columns.tolist(), lines.columns.tolist()) == (list(COLUMNS), list(LINE_COLUMNS))


def test_a_locality_says_which_kinds_answer_and_how_they_get_there(levels: object) -> None:
    own = {"blue": {"kinds": ["school"], "mode": "foot"}, "red": {"kinds": []}}
    table, _ = found(levels, ("s", "school", "open", 114.005, 1.0), CENTRE, response=own)
    assert of(table, "village", "T0V0", Tier.BLUE) == ["s"]
    assert set(table.loc[table["tier"] == Tier.BLUE, "mode"]) == {"foot"}
    assert of(table, "county", "C", Tier.RED) == []


def test_the_middle_is_where_the_residents_are(levels: object) -> None:
    cells = levels[0]
    parents = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    # 1000, 2000, 0, 500: the middle is at 1.0; of 800, 800, 800 and unknown at 5.0.
    assert middle_cells(cells, parents, n_parents=3).tolist() == [1, 5, -1]
    alone = np.full(8, -1)
    alone[7] = 0  # nobody knows who lives there
    assert middle_cells(cells, alone, n_parents=1).tolist() == [7]
