"""How fast figures change when sites are moved by hand, beside everything summed anew from a table.

The reference is what one would write with pandas: take the pairs of the open sites, group them by
cell, join the residents, and sum by town. Both give the same numbers, checked in the same run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from etl.siting.answer import Answer, CellState, as_table, empty_tables
from etl.siting.moves import Moves
from etl.siting.reach import as_runs, cells_of
from tests.bench import planner_page
from tests.bench.bench_geo import measure, row

REACH_M = 900.0
SIDE_M = 200.0
TARGET_S = 0.5
GROUPS = ("total", "minors", "elderly")

NOTES = """
Twenty sites moved among the candidates. Both give the figures by town and by three groups; ours
also the state of every cell, who was covered before, and what each site adds to those before it.
"""


def wide_answer(*, n: int, m: int, n_towns: int = 20) -> Answer:
    """What an answer holds for moves: a square of `n` cells and `m` candidates, nobody covered."""
    rng = np.random.default_rng(11)
    across = int(np.ceil(np.sqrt(n)))
    at = np.arange(n)
    xy = np.column_stack([at % across, at // across]) * SIDE_M
    sites = rng.uniform(0, across * SIDE_M, (m, 2))
    near = cKDTree(xy).query_ball_point(sites, REACH_M)
    start = np.concatenate([[0], np.cumsum([len(one) for one in near])]).astype(np.int64)
    cell = np.concatenate([np.sort(one) for one in near]).astype(np.int32)
    people = {group: np.floor(rng.lognormal(3.5, 1.0, n)) for group in GROUPS}
    town = (at // across * n_towns // across).astype(np.int32)
    tables = empty_tables()
    candidates: dict[str, Any] = dict.fromkeys(tables["candidates"])
    candidates |= {"candidate_id": [f"venue:{i:06}" for i in range(m)], "kind": "counselling_room"}
    candidates |= {"persons_within": 1.0, "chosen": False, "forbidden": False}
    tables["candidates"] = as_table("candidates", pd.DataFrame(candidates))
    towns: dict[str, Any] = dict.fromkeys(tables["towns"], 0)
    towns |= {"town_code": [f"{i:012}" for i in range(n_towns)], "name": "", "estimated": False}
    tables["towns"] = as_table("towns", pd.DataFrame(towns))
    none = np.zeros(n, dtype=np.bool_)
    cells = {
        "town": town, "persons": people["total"], "covered_before": none, "base_covered": none,
        "state": np.full(n, CellState.UNCOVERED, dtype=np.uint8), **as_runs(start, cell),
        **{f"group.{name}": values for name, values in people.items()},
    }  # fmt: skip
    part = {"kind": "counselling_room", "capacity_new": None}
    question = {"parts": [part], "objective": "max_coverage", "weigh_by": "residents"}
    return Answer({"question": question, "closable": []}, tables, cells)


def by_table(pairs: pd.DataFrame, cells: pd.DataFrame, chosen: list[str]) -> pd.DataFrame:
    """Residents of each group in reach of some sites, by town."""
    reached = pairs[pairs["site_id"].isin(chosen)].groupby("cell")["site_id"].size()
    covered = cells.join(reached.rename("sites"), how="inner")
    return covered.groupby("town")[list(GROUPS)].sum()


def moves_row(*, n: int, m: int, open_sites: int = 20) -> dict[str, object]:
    """One change of sites: what a planner waits for."""
    answer = wide_answer(n=n, m=m)
    ids = answer.tables["candidates"]["candidate_id"]
    reach = [cells_of(answer.cells, site) for site in range(len(ids))]
    pairs = pd.DataFrame(
        {
            "site_id": np.repeat(ids.to_numpy(), [len(one) for one in reach]),
            "cell": np.concatenate(reach),
        }
    )
    cells = pd.DataFrame({name: answer.cells[f"group.{name}"] for name in GROUPS})
    cells["town"] = answer.cells["town"]
    chosen = ids.sample(open_sites, random_state=4).tolist()
    moves = Moves(answer)

    ours = measure(lambda: moves.try_sites(chosen), repeat=5)
    theirs = measure(lambda: by_table(pairs, cells, chosen), repeat=3)
    moved, sums = ours.result, theirs.result
    wanted = sums["total"].reindex(range(len(moved.towns)), fill_value=0.0)
    np.testing.assert_allclose(moved.towns["newly"], wanted)
    np.testing.assert_allclose(moved.groups["newly"], sums[list(GROUPS)].sum())
    np.testing.assert_allclose(moved.gains["gain_persons"].sum(), moved.newly)
    kept = "met" if ours.seconds <= TARGET_S else "missed"
    line = row(f"{n:,} cells, {m:,} candidates, {len(pairs):,} pairs", "pandas", theirs, ours)
    return {**line, "note": f"target {TARGET_S:g} s: {kept}"}


def rows(quick: bool) -> list[dict[str, object]]:
    """All rows of the table; small cases when `quick`."""
    if quick:
        return [moves_row(n=10_000, m=300), *planner_page.rows(600)]
    return [
        moves_row(n=100_000, m=2_000),
        moves_row(n=100_000, m=20_000),
        *planner_page.rows(100_000),
    ]
