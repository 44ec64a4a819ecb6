"""Rises seen afterwards: found where planted, not where season or chance made them."""

from __future__ import annotations

import numpy as np
import pytest

from geo.detect.rises import COLUMNS, find_rises
from geo.errors import UnitError


def season(n_weeks: int, level: float) -> np.ndarray:
    return level * np.exp(0.5 * np.sin(2 * np.pi * np.arange(n_weeks) / 52))


def test_a_planted_rise_is_found_with_its_weeks_and_a_season_is_none() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(season(260, 12.0)[:, None], (260, 40)).astype(float)
    counts[200:206, 7] += [15, 25, 30, 25, 20, 12]
    found = find_rises(counts)
    own = found[found["series"] == 7]
    assert len(own[(own["start"] <= 201) & (own["end"] >= 203)]) == 1
    (row,) = own[own["end"] >= 200].itertuples()
    assert 200 <= row.peak <= 205
    assert row.excess == pytest.approx(127, abs=35)
    # 39 quiet series over five years: hardly any spell of two weeks at four deviations.
    assert len(found[found["series"] != 7]) <= 2


def test_one_quiet_week_does_not_end_a_rise_and_two_do() -> None:
    counts = np.full((156, 2), 10.0)
    counts[[80, 81, 83, 84], 0] = 30.0
    counts[[80, 81, 84, 85], 1] = 30.0
    found = find_rises(counts)
    spans = {s: g[["start", "end"]].to_numpy().tolist() for s, g in found.groupby("series")}
    assert spans == {0: [[80, 84]], 1: [[80, 81], [84, 85]]}


def test_unknown_weeks_neither_make_nor_end_a_rise() -> None:
    counts = np.full((156, 1), 10.0)
    counts[[80, 81, 85, 86], 0] = 30.0
    counts[82:85, 0] = np.nan
    assert find_rises(counts)[["start", "end"]].to_numpy().tolist() == [[80, 86]]


def test_nothing_known_or_nothing_unusual_gives_no_rows() -> None:
    for counts in (np.full((80, 3), np.nan), np.zeros((80, 3)), np.full((20, 1), 4.0)):
        found = find_rises(counts)
        assert found.empty
        assert list(found.columns) == list(COLUMNS)


def test_what_it_refuses() -> None:
    table = np.ones((60, 1))
    with pytest.raises(UnitError, match="least_weeks: 0"):
        find_rises(table, least_weeks=0)
    with pytest.raises(UnitError, match="least_excess"):
        find_rises(table, least_excess=-1.0)
    with pytest.raises(UnitError, match="least_score"):
        find_rises(table, least_score=0.0)
    with pytest.raises(UnitError, match="negative"):
        find_rises(-table)
