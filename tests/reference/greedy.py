"""The textbook's greedy: table by table the smallest complement first, until nothing changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geo.disclosure import outsider_range
from geo.model import Missing

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


def greedy_until_safe(
    counts: Sequence[np.ndarray], parents: Sequence[np.ndarray], *, k: int
) -> list[np.ndarray]:
    """Which counts of one week a greedy withholds that goes on until no small count can be told.

    Parameters
    ----------
    counts : one array a level, finest first, shape (n_areas,); parents are sums.
    parents : one a level but the last: position in the next level.
    k : least count that is published.

    Returns
    -------
    One bool array a level. For every small count that an outsider can place on one side of k, the
        smallest published count above 0 beside it goes, else the count above it, and so on upwards.
    """
    hidden = [(level > 0) & (level < k) for level in counts]
    small = [mask.copy() for mask in hidden]
    while True:
        states = [np.where(mask, int(Missing.SUPPRESSED), 0).astype(np.uint8) for mask in hidden]
        spans = outsider_range(counts, states, parents)
        told = [
            mask & ((span.high < k) | (span.low >= k))
            for mask, span in zip(small, spans, strict=True)
        ]
        before = sum(int(mask.sum()) for mask in hidden)
        for i, mask in enumerate(told):
            for group in np.unique(parents[i][mask]) if i < len(parents) else []:
                _one_more(counts, parents, hidden, i, int(group))
        if sum(int(mask.sum()) for mask in hidden) == before:
            return hidden


def _one_more(
    counts: Sequence[np.ndarray],
    parents: Sequence[np.ndarray],
    hidden: list[np.ndarray],
    level: int,
    group: int,
) -> None:
    """Withhold the smallest published count of a group, else its total, else go on above."""
    left = np.flatnonzero((parents[level] == group) & ~hidden[level] & (counts[level] > 0))
    if len(left):
        hidden[level][left[np.argmin(counts[level][left])]] = True
    elif not hidden[level + 1][group]:
        hidden[level + 1][group] = True
    elif level + 1 < len(parents):
        _one_more(counts, parents, hidden, level + 1, int(parents[level + 1][group]))
