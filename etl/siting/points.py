"""Free points put on the map of an answer: further candidates, and the cells they reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.siting.answer import Answer, as_table


def point_id(number: int) -> str:
    """Id of the candidate that a call's point became."""
    return f"extra:p{number}"


def with_points(answer: Answer, points: Sequence[Answer]) -> Answer:
    """The answer with further candidates, after its own and before the sites that may be closed.

    Parameters
    ----------
    points : each with one row of the table of candidates, and pairs of that one with cells.
    """
    if not points:
        return answer
    own = answer.tables["candidates"]
    rows = pd.concat([own, *(point.tables["candidates"] for point in points)], ignore_index=True)
    cells = dict(answer.cells)
    for name in answer.cells:
        stem, dot, part = name.partition(".")
        if stem == "pair_start":
            behind = dot + part
            cells |= _spliced(answer.cells, [point.cells for point in points], behind, at=len(own))
    return replace(
        answer, tables={**answer.tables, "candidates": as_table("candidates", rows)}, cells=cells
    )


def _spliced(
    own: dict[str, npt.NDArray[Any]],
    points: Sequence[dict[str, npt.NDArray[Any]]],
    behind: str,
    *,
    at: int,
) -> dict[str, npt.NDArray[Any]]:
    """Pairs of one part with those of the points put in before site `at`."""
    names = [f"pair_start{behind}", f"pair_cell{behind}", f"pair_min{behind}"]
    start, cell, minutes = (own[name] for name in names)
    cut = int(start[at])
    # A point that is no candidate of this part reaches nobody in it.
    empty = [np.zeros(2, dtype=start.dtype), cell[:0], minutes[:0]]
    new = [[point.get(name, none) for name, none in zip(names, empty, strict=True)]
           for point in points]  # fmt: skip
    lengths = np.array([len(cells) for _, cells, _ in new], dtype=start.dtype)
    ends = cut + np.cumsum(lengths)
    return {
        names[0]: np.concatenate([start[: at + 1], ends, start[at + 1 :] + lengths.sum()]),
        names[1]: np.concatenate([cell[:cut], *(cells for _, cells, _ in new), cell[cut:]]),
        names[2]: np.concatenate([minutes[:cut], *(reach for _, _, reach in new), minutes[cut:]]),
    }
