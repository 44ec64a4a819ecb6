"""The default policy over many areas: which method, which states, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from geo.detect.watch import Method, watch_areas
from geo.errors import ShapeError, UnitError


def test_history_decides_the_method() -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(12.0, (320, 3)).astype(float)
    counts[: 320 - 60, 1] = np.nan
    counts[:, 2] = np.nan
    found = watch_areas(counts, at=[319])
    assert found.method[0].tolist() == [Method.FARRINGTON, Method.EARS, Method.NONE]
    assert np.isnan(found.score[0]).tolist() == [False, False, True]


def test_a_higher_count_never_scores_lower() -> None:
    rng = np.random.default_rng(2)
    past = rng.poisson(12.0, (320, 1)).astype(float)
    many = np.repeat(past, 60, axis=1)
    many[319] = np.arange(60.0)
    score = watch_areas(many, at=[319]).score[0]
    assert (np.diff(score) >= 0).all()
    assert score[-1] > score[0]


def test_what_it_refuses() -> None:
    counts = np.ones((30, 2))
    with pytest.raises(ShapeError, match="nearest: 3 rows; wanted one an area, 2"):
        watch_areas(counts, at=[29], nearest=np.zeros((3, 1), dtype=int))
    with pytest.raises(UnitError, match="min_years: 6; wanted 1 to max_years = 5"):
        watch_areas(counts, at=[29], min_years=6)
