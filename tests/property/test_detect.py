"""EARS ignores what comes later."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.detect.ears import ears

seeds = st.integers(0, 2**32 - 1)
METHODS = st.sampled_from(["C1", "C2", "C3"])


@given(seeds, METHODS, st.booleans())
def test_a_week_is_judged_by_the_past_alone(seed: int, method: str, exclude: bool) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(3.0, (40, 3)).astype(float)
    counts[20:25] += 15
    whole = ears(counts, method=method, min_sigma=0.5, exclude_alarms=exclude)
    part = ears(counts[:30], method=method, min_sigma=0.5, exclude_alarms=exclude)
    np.testing.assert_array_equal(whole.score[:30], part.score)
    one = ears(counts[:, 1], method=method, min_sigma=0.5, exclude_alarms=exclude)
    np.testing.assert_array_equal(whole.score[:, 1], one.score)


@given(seeds, METHODS)
def test_without_alarms_both_baselines_are_the_same(seed: int, method: str) -> None:
    counts = np.random.default_rng(seed).integers(4, 7, (40, 4)).astype(float)
    plain = ears(counts, method=method, min_sigma=1.0, alpha=0.001)
    assert not (counts > plain.expected + 3.0902).any()
    kept = ears(counts, method=method, min_sigma=1.0, alpha=0.001, exclude_alarms=True)
    np.testing.assert_allclose(plain.expected, kept.expected, rtol=1e-12)
    np.testing.assert_allclose(plain.score, kept.score, rtol=1e-9, atol=1e-12)
