"""Cells within reach of sites as runs of cells that follow each other.

A city of 100 000 cells and 40 000 candidates has 37 million pairs of site and cell, and an eighth
as many runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def as_runs(start: npt.NDArray[Any], cell: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """Pairs of site and cell as an answer keeps them.

    Parameters
    ----------
    start : int64, shape (n_sites + 1,): cells of site i stand at start[i]:start[i + 1].
    cell : positions of cells, rising within a site.

    Returns
    -------
    `reach_start` int64, shape (n_sites + 1,): runs of site i; `reach_cell` and `reach_length`
    int32, the first cell of each run and how many there are.
    """
    begins = np.ones(len(cell), dtype=np.bool_)
    begins[1:] = cell[1:] != cell[:-1] + 1
    begins[start[:-1][start[:-1] < len(cell)]] = True
    first = np.flatnonzero(begins)
    return {
        "reach_start": np.searchsorted(first, start).astype(np.int64),
        "reach_cell": cell[first].astype(np.int32),
        "reach_length": np.diff(first, append=len(cell)).astype(np.int32),
    }


def cells_of(cells: Mapping[str, npt.NDArray[Any]], site: int) -> Ints:
    """Cells of one site, rising."""
    own = slice(*cells["reach_start"][site : site + 2])
    begin, length = cells["reach_cell"][own].astype(np.int64), cells["reach_length"][own]
    ends = np.cumsum(length, dtype=np.int64)
    within = np.arange(length.sum())
    return np.repeat(begin - (ends - length), length) + within
