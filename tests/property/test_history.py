"""Two publications of one week tell no more than one, whatever was corrected between them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.disclosure import Earlier, suppress_again, suppress_hierarchy
from geo.model import Missing
from tests.reference.attacker import Outsider, told_apart

K = 5
FIGURE = st.sampled_from([0, 0, 1, 2, 4, 5, 6, 9, 30])


@st.composite
def corrected(draw: st.DrawFn) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Villages, towns and the county before and after a correction of up to two villages."""
    n_towns, n = draw(st.integers(1, 3)), draw(st.integers(2, 8))
    of = np.array(draw(st.lists(st.integers(0, n_towns - 1), min_size=n, max_size=n)))
    before = np.array([draw(st.lists(FIGURE, min_size=n, max_size=n))], dtype=float)
    after = before.copy()
    for _ in range(draw(st.integers(0, 2))):
        after[0, draw(st.integers(0, n - 1))] = draw(FIGURE)
    return (
        [before, *above(before, of, n_towns)],
        [after, *above(after, of, n_towns)],
        [of, np.zeros(n_towns, dtype=int)],
    )


def above(villages: np.ndarray, of: np.ndarray, n_towns: int) -> list[np.ndarray]:
    towns = np.zeros((1, n_towns))
    np.add.at(towns.T, of, villages.T)
    return [towns, towns.sum(axis=1, keepdims=True)]


def earlier_of(states: np.ndarray, then: np.ndarray, now: np.ndarray) -> Earlier:
    shown = states == Missing.OK
    return Earlier(states == Missing.SUPPRESSED, shown & (then == now))


@given(corrected())
@settings(max_examples=150)
def test_the_difference_tells_nothing(
    case: tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]],
) -> None:
    before, after, parents = case
    first = [one.states for one in suppress_hierarchy(before, parents, k=K)]
    earlier = [earlier_of(*level) for level in zip(first, before, after, strict=True)]
    second = [one.states for one in suppress_again(after, parents, earlier, k=K)]
    for old, new in zip(first, second, strict=True):
        assert (new[old == Missing.SUPPRESSED] == Missing.SUPPRESSED).all()
    # The outsider takes every count that is the same in both tables for one unknown.
    outsider, truth = Outsider(), {}

    def key(table: int, i: int, a: int) -> tuple[int, int, int]:
        same = before[i][0, a] == after[i][0, a]
        return (0 if same else table, i, a)

    for number, (counts, states) in enumerate(((before, first), (after, second))):
        for i, table in enumerate(counts):
            for a, count in enumerate(table[0]):
                truth[key(number, i, a)] = count
                if states[i][0, a] == Missing.OK:
                    outsider.tell(key(number, i, a), count)
            if i < len(parents):
                for p in range(counts[i + 1].shape[1]):
                    members = np.flatnonzero(parents[i] == p)
                    if len(members):
                        terms = {key(number, i, a): 1.0 for a in members}
                        outsider.tell_sum({**terms, key(number, i + 1, p): -1.0}, 0.0)
    # What was public before it became small cannot be taken back.
    small = [name for name, count in truth.items() if 0 < count < K and name not in outsider.known]
    assert told_apart(outsider, small, K) == []


def test_an_unchanged_week_keeps_its_pattern() -> None:
    counts = [np.array([[3.0, 12.0, 40.0]]), np.array([[55.0]])]
    parents = [np.zeros(3, dtype=int)]
    # Another choice than the rule's, as an older version could have made it.
    states = [np.array([[2, 0, 2]]), np.array([[0]])]
    earlier = [earlier_of(*level) for level in zip(states, counts, counts, strict=True)]
    again = suppress_again(counts, parents, earlier, k=K)
    assert [one.states.tolist() for one in again] == [[[2, 0, 2]], [[0]]]


def test_a_late_small_count_takes_the_new_total_with_it() -> None:
    parents = [np.zeros(3, dtype=int)]
    states = [np.array([[0, 0, 1]]), np.array([[0]])]
    then = [np.array([[20.0, 30.0, np.nan]]), np.array([[50.0]])]
    now = [np.array([[20.0, 30.0, 3.0]]), np.array([[53.0]])]
    earlier = [earlier_of(*level) for level in zip(states, then, now, strict=True)]
    again = suppress_again(now, parents, earlier, k=K)
    assert [one.states.tolist() for one in again] == [[[0, 0, 2]], [[2]]]
