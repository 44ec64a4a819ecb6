"""Nothing small is published, and nothing withheld can be worked out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo.disclosure import (
    outsider_range,
    suppress_derived,
    suppress_hierarchy,
    suppress_primary,
)
from geo.model import Missing
from tests.bench.bench_disclosure import city
from tests.reference.greedy import greedy_until_safe
from tests.reference.outsider import concluded

K = 5
Tree = tuple[list[np.ndarray], list[np.ndarray]]


@st.composite
def trees(draw: st.DrawFn, *, weeks: int = 1, gaps: bool = False, leaves: int = 9) -> Tree:
    """Counts of villages, towns and the county, towns and county being sums."""
    n_towns = draw(st.integers(1, 4))
    n_villages = draw(st.integers(1, leaves))
    village = st.sampled_from([0, 0, 1, 2, 4, 5, 6, 9, 30])
    town_of = np.array(
        draw(st.lists(st.integers(0, n_towns - 1), min_size=n_villages, max_size=n_villages))
    )
    rows = draw(
        st.lists(
            st.lists(village, min_size=n_villages, max_size=n_villages),
            min_size=weeks,
            max_size=weeks,
        )
    )
    villages = np.array(rows, dtype=float)
    towns = np.zeros((weeks, n_towns))
    np.add.at(towns.T, town_of, villages.T)
    county = towns.sum(axis=1, keepdims=True)
    if gaps:
        missing = draw(st.lists(st.booleans(), min_size=n_villages, max_size=n_villages))
        villages[:, missing] = np.nan
        towns[:] = 0.0
        np.add.at(towns.T, town_of, np.nan_to_num(villages.T))
        county = towns.sum(axis=1, keepdims=True)
    return [villages, towns, county], [town_of, np.zeros(n_towns, dtype=int)]


@given(trees())
@settings(max_examples=150)
def test_a_solver_cannot_tell_on_which_side_of_k_a_count_lies(tree: Tree) -> None:
    counts, parents = tree
    published = suppress_hierarchy(counts, parents, k=K)
    hidden = [level.states[0] == Missing.SUPPRESSED for level in published]
    spans = concluded([level[0] for level in counts], hidden, parents)
    for level, span in zip(counts, spans, strict=True):
        for count, (low, high) in zip(level[0], span, strict=True):
            if 0 < count < K:
                assert low < K <= high


@given(trees())
@settings(max_examples=100)
def test_the_audit_finds_what_the_solver_finds(tree: Tree) -> None:
    counts, parents = tree
    states = [suppress_primary(level, k=K).states for level in counts]
    audit = outsider_range(counts, states, parents)
    hidden = [state[0] == Missing.SUPPRESSED for state in states]
    for level, spans in zip(
        audit, concluded([level[0] for level in counts], hidden, parents), strict=True
    ):
        np.testing.assert_array_equal(level.low[0], [low for low, _ in spans])
        np.testing.assert_array_equal(level.high[0], [high for _, high in spans])


@given(trees(weeks=3, gaps=True, leaves=25))
def test_no_small_count_is_published_and_nothing_is_changed(tree: Tree) -> None:
    counts, parents = tree
    for level, shown in zip(counts, suppress_hierarchy(counts, parents, k=K), strict=True):
        ok = shown.states == Missing.OK
        np.testing.assert_array_equal(shown.values[ok], level[ok])
        assert not ((shown.values > 0) & (shown.values < K)).any()
        assert np.isnan(shown.values[~ok]).all()
        np.testing.assert_array_equal(shown.states == Missing.NO_DATA, np.isnan(level))


@given(trees(weeks=2, gaps=True, leaves=25))
def test_a_zero_is_withheld_only_beside_small_counts_or_under_a_withheld_area(tree: Tree) -> None:
    counts, parents = tree
    published = suppress_hierarchy(counts, parents, k=K)
    for i, index in enumerate([*parents, None]):
        for week, area in zip(
            *np.nonzero((counts[i] == 0) & np.isnan(published[i].values)), strict=True
        ):
            assert index is not None
            beside = (index == index[area]) & (published[i].states[week] == Missing.SUPPRESSED)
            small = (counts[i][week] > 0) & (counts[i][week] < K)
            above = published[i + 1].states[week, index[area]]
            assert (small & beside).any() or above == Missing.SUPPRESSED


@given(trees(weeks=2, gaps=True, leaves=25))
def test_nobody_is_withheld_alone_under_a_published_parent(tree: Tree) -> None:
    counts, parents = tree
    published = suppress_hierarchy(counts, parents, k=K)
    for i, index in enumerate(parents):
        for week in range(2):
            hidden = published[i].states[week] == Missing.SUPPRESSED
            number = np.bincount(index, weights=hidden, minlength=counts[i + 1].shape[1])
            assert not ((number == 1) & (published[i + 1].states[week] == Missing.OK)).any()


@given(trees(weeks=2, gaps=True, leaves=25), st.integers(0, 2**32 - 1))
def test_withholding_does_not_depend_on_other_weeks_or_on_row_order(tree: Tree, seed: int) -> None:
    counts, parents = tree
    both = suppress_hierarchy(counts, parents, k=K)
    for week in range(2):
        alone = suppress_hierarchy([level[week] for level in counts], parents, k=K)
        for one, all_weeks in zip(alone, both, strict=True):
            np.testing.assert_array_equal(one.states, all_weeks.states[week])
    # Distinct counts leave no tie that the order of rows could decide.
    villages = counts[0] + np.arange(counts[0].shape[1]) / 1000.0 * (counts[0] >= K)
    order = np.random.default_rng(seed).permutation(villages.shape[1])
    straight = suppress_hierarchy([villages, *counts[1:]], parents, k=K)
    turned = suppress_hierarchy(
        [villages[:, order], *counts[1:]], [parents[0][order], parents[1]], k=K
    )
    np.testing.assert_array_equal(straight[0].states[:, order], turned[0].states)


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=30),
    st.integers(5, 12),
    st.data(),
)
@example([0, 1, 9, 10, 11], 10, None)
def test_primary(counts: list[int], k: int, data: st.DataObject | None) -> None:
    shown = suppress_primary(counts, k=k)
    number = np.array(counts, dtype=float)
    np.testing.assert_array_equal(shown.states == Missing.SUPPRESSED, (number > 0) & (number < k))
    if data is None:
        return
    persons = data.draw(
        st.lists(
            st.sampled_from([0.0, 50.0, 99.0, 100.0, 5000.0]),
            min_size=len(counts),
            max_size=len(counts),
        )
    )
    few = suppress_primary(counts, k=k, denominators=persons, min_denominator=100)
    small = (np.array(persons) < 100) & (number > 0)
    np.testing.assert_array_equal(
        few.states == Missing.SUPPRESSED, (shown.states == Missing.SUPPRESSED) | small
    )


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=9),
    st.integers(1, 4),
)
def test_derived_values_are_withheld_with_their_counts(
    states: list[list[int]], window: int
) -> None:
    table = np.array(states, dtype=np.uint8)
    shown = suppress_derived(np.ones(table.shape), table, window=window)
    for week in range(len(table)):
        seen = table[max(0, week - window + 1) : week + 1]
        for j in range(3):
            held = np.isin(seen[:, j], (1, 2, 4)).any()
            assert np.isnan(shown.values[week, j]) == held
            if (seen[:, j] == Missing.SUPPRESSED).any():
                assert shown.states[week, j] in (1, 2, 4)


@pytest.mark.parametrize("mean", [0.05, 0.3, 2.0])
def test_fewer_counts_are_lost_than_by_a_greedy_that_is_as_safe(mean: float) -> None:
    """Both leave no small count that can be told; ours gives up zeros, the greedy counts."""
    counts, parents = city(1_200, 2, mean=mean, seed=3)
    published = suppress_hierarchy(counts, parents, k=10)
    ours = [level.states == Missing.SUPPRESSED for level in published]
    lost = {"ours": 0, "greedy": 0}
    for week in range(2):
        rows = [level[week] for level in counts]
        both = {
            "ours": [mask[week] for mask in ours],
            "greedy": greedy_until_safe(rows, parents, k=10),
        }
        for name, hidden in both.items():
            small = [(row > 0) & (row < 10) for row in rows]
            states = [np.where(mask, 2, 0).astype(np.uint8) for mask in hidden]
            spans = outsider_range(rows, states, parents)
            for row, own, mask, span in zip(rows, small, hidden, spans, strict=True):
                assert not (own & ((span.high < 10) | (span.low >= 10))).any()
                lost[name] += int((mask & ~own & (row > 0)).sum())
    assert lost["ours"] <= lost["greedy"]
