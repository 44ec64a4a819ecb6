"""How often tiers come, go and come again, with and without hysteresis, on simulated weeks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import nbinom, norm

from geo.detect.tiers import Evidence, weekly_tiers
from geo.model import Tier, TierPolicy

N_AREAS, N_YEARS, WEEKS_A_YEAR = 150, 8, 52
MEAN, DISPERSION = 12.0, 2.0
# A tier that rises within so many weeks of a fall flickers.
SOON = 4
POLICY = TierPolicy()


def evidence(rng: np.random.Generator) -> Evidence:
    """Negative binomial weeks; every other year an outbreak of 6 to 15 weeks, 1.6 to 2.6 times."""
    mean = np.full((WEEKS_A_YEAR * N_YEARS, N_AREAS), MEAN)
    for area in range(N_AREAS):
        for year in np.flatnonzero(rng.random(N_YEARS) < 0.5):
            start = WEEKS_A_YEAR * year + rng.integers(40)
            mean[start : start + rng.integers(6, 16), area] *= rng.uniform(1.6, 2.6)
    counts = rng.negative_binomial(mean / (DISPERSION - 1), 1 / DISPERSION).astype(float)
    # The score of a detector that knows the quiet weeks exactly.
    chance = nbinom.sf(counts - 1, MEAN / (DISPERSION - 1), 1 / DISPERSION)
    nothing = np.full(counts.shape, np.nan)
    return Evidence(
        counts, np.maximum(norm.isf(chance), 0), counts - MEAN, nothing, nothing, nothing
    )


def tiers(told: Evidence, hold_weeks: int) -> npt.NDArray[np.int8]:
    policy = replace(POLICY, hold_weeks=hold_weeks)
    return weekly_tiers(told, policy=policy, floor=10).tier


def soon_again(falls: npt.NDArray[np.bool_], rises: npt.NDArray[np.bool_]) -> float:
    """Rises within `SOON` weeks of a fall, an area and year."""
    since = np.full(falls.shape[1], SOON + 1)
    number = 0
    for fell, rose in zip(falls, rises, strict=True):
        number += int((rose & (since < SOON)).sum())
        since = np.where(fell, 0, since + 1)
    return number * WEEKS_A_YEAR / falls.size


def flicker(table: npt.NDArray[np.int8]) -> tuple[float, float, float]:
    """An area and year: tiers that fall and soon rise, warnings that go and soon come, changes."""
    step = np.diff(table, axis=0)
    stands = table >= Tier.BLUE
    gone, back = stands[:-1] & ~stands[1:], ~stands[:-1] & stands[1:]
    changes = float((step != 0).sum()) * WEEKS_A_YEAR / step.size
    return soon_again(step < 0, step > 0), soon_again(gone, back), changes


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hysteresis_halves_flicker_and_raises_nothing_by_itself(seed: int) -> None:
    told = evidence(np.random.default_rng(seed))
    plain, held = tiers(told, 0), tiers(told, POLICY.hold_weeks)
    before, after = flicker(plain), flicker(held)
    # Stated: at most half of the falls that are taken back, a third of the warnings that are.
    assert after[0] <= before[0] / 2
    assert after[1] <= before[1] / 3
    # Falling by steps does not cost more changes than it saves.
    assert after[2] <= before[2]
    assert (held >= plain).all()
    # A tier rises only in weeks whose own is that high.
    rises = np.diff(held, axis=0) > 0
    np.testing.assert_array_equal(held[1:][rises], plain[1:][rises])


@pytest.mark.parametrize("hold_weeks", [1, 2, 3])
def test_a_warning_begins_at_most_so_often_a_year(hold_weeks: int) -> None:
    def begins(every: int, hold: int) -> int:
        score = np.where(np.arange(WEEKS_A_YEAR) % every == 0, 2.5, 0.0)[:, None]
        many, nothing = np.full(score.shape, 60.0), np.full(score.shape, np.nan)
        found = tiers(Evidence(many, score, many, nothing, nothing, nothing), hold) >= Tier.BLUE
        return int((found & ~np.vstack([[[False]], found[:-1]])).sum())

    assert begins(2, 0) == WEEKS_A_YEAR // 2
    assert begins(2, hold_weeks) == 1
    # One week of its own, the hold, one week off: the worst there can be.
    worst = max(begins(every, hold_weeks) for every in range(1, 20))
    assert worst == begins(hold_weeks + 2, hold_weeks) == -(-WEEKS_A_YEAR // (hold_weeks + 2))
