"""The textbook's greedy: table by table the smallest complement first, until nothing changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Line = tuple[Sequence[int], int]


def greedy(values: np.ndarray, lines: Sequence[Line], *, k: int) -> np.ndarray:
    """Which of the cells a plain greedy withholds.

    Parameters
    ----------
    values : counts of all cells.
    lines : parts and their total, as positions in `values`; the parts add up to the total.
    k : least count that is published.

    Returns
    -------
    bool, shape of `values`. In every line a withheld count has company, and the company of a small
        one, or its total, is enough to raise it to k. Nobody looks beyond the line.
    """
    hidden = (values > 0) & (values < k)
    small = hidden.copy()
    of: dict[int, list[int]] = {}
    for number, (parts, total) in enumerate(lines):
        for cell in (*parts, total):
            of.setdefault(cell, []).append(number)
    waiting = set(range(len(lines)))
    while waiting:
        parts, total = lines[waiting.pop()]
        parts = np.asarray(parts)
        while True:
            gone = parts[hidden[parts]]
            if hidden[total]:
                lacking = len(gone) == 0
            else:
                room = values[gone].sum() - values[gone]
                lacking = len(gone) == 1 or bool((small[gone] & (room < k - values[gone])).any())
            if not lacking:
                break
            left = parts[~hidden[parts] & (values[parts] > 0)]
            if len(left):
                choice = int(left[np.argmin(values[left])])
            elif not hidden[total]:
                choice = total
            else:
                break
            hidden[choice] = True
            waiting.update(of[choice])
    return hidden
