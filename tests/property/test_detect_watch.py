"""The default policy: a higher count never scores lower, only the past and the near matter."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.detect.watch import Method, watch_areas

seeds = st.integers(0, 2**32 - 1)
WEEKS = 190


def city(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts of twelve areas, some rare, some short, some unknown; who is near whom."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.choice([0.02, 0.5, 4.0, 30.0], (1, 12)), (WEEKS, 12)).astype(float)
    counts[rng.random(counts.shape) < 0.03] = np.nan
    counts[: WEEKS - 40, 0] = np.nan
    counts[:, 1] = 0.0
    xy = rng.random((12, 2))
    order = np.argsort(((xy[:, None] - xy) ** 2).sum(axis=2), axis=1)
    return counts, order[:, 1:9]


@settings(max_examples=40)
@given(seeds, st.integers(0, 11), st.integers(0, 30), st.integers(1, 60))
def test_a_higher_count_never_scores_lower(seed: int, area: int, low: int, more: int) -> None:
    counts, near = city(seed)
    counts[-1] = np.where(np.isnan(counts[-1]), 0.0, counts[-1])
    counts[-1, area] = low
    less = watch_areas(counts, at=[WEEKS - 1], nearest=near)
    counts[-1, area] = low + more
    higher = watch_areas(counts, at=[WEEKS - 1], nearest=near)
    # Its neighbours, who look at it, do not score lower either.
    assert not (higher.score < less.score - 1e-12).any()
    np.testing.assert_array_equal(higher.expected, less.expected)
    np.testing.assert_array_equal(higher.upper_bound, less.upper_bound)


@settings(max_examples=25)
@given(seeds)
def test_a_week_is_judged_by_what_was_known_then(seed: int) -> None:
    counts, near = city(seed)
    whole = watch_areas(counts, at=[WEEKS - 9], nearest=near)
    then = watch_areas(counts[: WEEKS - 8], at=[WEEKS - 9], nearest=near)
    for name in ("score", "expected", "upper_bound", "excess", "look", "reach"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(then, name))


@settings(max_examples=25)
@given(seeds)
def test_the_order_of_areas_does_not_matter(seed: int) -> None:
    counts, near = city(seed)
    order = np.random.default_rng(seed).permutation(12)
    place = np.argsort(order)
    at = [WEEKS - 2, WEEKS - 1]
    found = watch_areas(counts, at=at, nearest=near)
    mixed = watch_areas(counts[:, order], at=at, nearest=place[near[order]])
    np.testing.assert_allclose(found.score[:, order], mixed.score, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(np.isnan(found.score), np.isnan(found.pvalue))
    np.testing.assert_array_equal(np.isnan(found.score), found.method == Method.NONE)
