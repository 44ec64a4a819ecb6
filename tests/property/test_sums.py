"""Sums published beside withheld counts never tell on which side of k a count lies."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.disclosure import release_sums, suppress_hierarchy
from geo.model import Missing
from tests.reference.attacker import Outsider, told_apart

K = 5
SPANS = [(0, 1), (2, 3), (4, 5), (0, 3)]


@st.composite
def stacks(draw: st.DrawFn, *, layers: int = 6) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Layers of cells, villages and the county; and their parents."""
    n_villages = draw(st.integers(1, 4))
    n = draw(st.integers(1, 9))
    of = np.array(draw(st.lists(st.integers(0, n_villages - 1), min_size=n, max_size=n)))
    figure = st.sampled_from([0, 0, 1, 2, 3, 4, 4, 5, 6, 9, 30])
    row = st.lists(figure, min_size=n, max_size=n)
    cells = np.array(draw(st.lists(row, min_size=layers, max_size=layers)), dtype=float)
    villages = np.zeros((layers, n_villages))
    np.add.at(villages.T, of, cells.T)
    return [cells, villages, villages.sum(axis=1, keepdims=True)], [of, np.zeros(n_villages, int)]


def outsider_of(
    counts: list[np.ndarray],
    hidden: list[np.ndarray],
    parents: list[np.ndarray],
    released: list[np.ndarray],
    spans: list[tuple[int, int]],
) -> Outsider:
    """Everything told of a stack."""
    outsider = Outsider()
    for i, table in enumerate(counts):
        for t, a in zip(*np.nonzero(~hidden[i] & ~np.isnan(table)), strict=True):
            outsider.tell((t, i, a), table[t, a])
        for s, a in zip(*np.nonzero(released[i]), strict=True):
            first, last = spans[s]
            terms = {(t, i, a): 1.0 for t in range(first, last + 1)}
            outsider.tell_sum(terms, table[first : last + 1, a].sum())
        if i < len(parents):
            for t in range(len(table)):
                for p in range(counts[i + 1].shape[1]):
                    members = np.flatnonzero(parents[i] == p)
                    if len(members):
                        terms = {(t, i, a): 1.0 for a in members}
                        outsider.tell_sum({**terms, (t, i + 1, p): -1.0}, 0.0)
    return outsider


def small_keys(counts: list[np.ndarray]) -> list[tuple[int, int, int]]:
    return [
        (t, i, a)
        for i, table in enumerate(counts)
        for t, a in zip(*np.nonzero((table > 0) & (table < K)), strict=True)
    ]


@given(stacks())
@settings(max_examples=60)
def test_no_count_is_told_apart(stack: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    counts, parents = stack
    published = suppress_hierarchy(counts, parents, k=K)
    states = [one.states for one in published]
    hidden = [state == Missing.SUPPRESSED for state in states]
    released = release_sums(counts, states, parents, SPANS, k=K)
    outsider = outsider_of(counts, hidden, parents, released, SPANS)
    assert told_apart(outsider, small_keys(counts), K) == []
    for level, table in zip(released, counts, strict=True):
        for s, (first, last) in enumerate(SPANS):
            total = table[first : last + 1].sum(axis=0)
            assert not (level[s] & (total > 0) & (total < K)).any()
