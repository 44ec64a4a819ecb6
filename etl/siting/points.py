"""Free points put on the map of an answer: further candidates, and the cells they reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from etl.siting.answer import Answer, as_table


def point_id(number: int) -> str:
    """Id of the candidate that a call's point became."""
    return f"extra:p{number}"


def with_points(answer: Answer, points: Sequence[Answer]) -> Answer:
    """The answer with further candidates, after its own and before the sites that may be closed.

    Parameters
    ----------
    points : each with one row of the table of candidates, and the cells that it reaches.
    """
    if not points:
        return answer
    own = answer.tables["candidates"]
    rows = pd.concat([own, *(point.tables["candidates"] for point in points)], ignore_index=True)
    start = answer.cells["reach_start"]
    cut = int(start[len(own)])
    reached = np.array([len(point.cells["reach_cell"]) for point in points], dtype=start.dtype)
    cells = {
        "reach_start": np.concatenate(
            [start[: len(own) + 1], cut + np.cumsum(reached), start[len(own) + 1 :] + reached.sum()]
        )
    }
    for name in ("reach_cell", "reach_length"):
        before, behind = answer.cells[name][:cut], answer.cells[name][cut:]
        new = [point.cells[name] for point in points]
        cells[name] = np.concatenate([before, *new, behind])
    return replace(
        answer,
        tables={**answer.tables, "candidates": as_table("candidates", rows)},
        cells={**answer.cells, **cells},
    )
