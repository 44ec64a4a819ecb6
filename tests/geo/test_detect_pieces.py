"""Neighbours, withheld baselines and honest scores: what the build puts around the detectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import poisson

from geo.detect.control import controlled_scores, own_scores
from geo.detect.neighbours import nearest_areas
from geo.detect.withheld import raise_guesses
from geo.errors import ShapeError, UnitError

# ---------------------------------------------------------------- neighbours

POINTS = arrays(np.float64, st.tuples(st.integers(1, 25), st.just(2)), elements=st.integers(0, 6))


def by_hand(xy: np.ndarray, k: int) -> list[list[int]]:
    """Every pair measured and sorted, the first of equals first."""
    found = []
    for i, own in enumerate(xy):
        far = [
            (float(np.hypot(*(other - own))), j)
            for j, other in enumerate(xy)
            if j != i and not np.isnan([*own, *other]).any()
        ]
        near = [j for _, j in sorted(far)[:k]]
        found.append(near + [-1] * (k - len(near)))
    return found


@given(POINTS, st.integers(1, 12))
def test_the_nearest_are_those_of_all_pairs(xy: np.ndarray, k: int) -> None:
    found = nearest_areas(xy, k=k)
    far = np.hypot(*(xy[:, None] - xy[None, :]).T)
    for i, row in enumerate(by_hand(xy, k)):
        ours = found[i]
        assert i not in ours.tolist()
        assert (ours >= 0).tolist() == [j >= 0 for j in row]
        assert len({*ours[ours >= 0].tolist()}) == (ours >= 0).sum()
        # Of many areas in one place which are named does not matter, but how far they are.
        wanted = [far[i, j] for j in row if j >= 0]
        assert [far[i, j] for j in ours.tolist() if j >= 0] == pytest.approx(wanted)


def test_an_area_without_a_point_is_nobodys_neighbour() -> None:
    found = nearest_areas([[0, 0], [np.nan, 0], [5, 0], [9, 0]], k=2)
    assert found.tolist() == by_hand(np.array([[0, 0], [np.nan, 0], [5, 0], [9, 0.0]]), 2)
    assert found[1].tolist() == [-1, -1]
    with pytest.raises(UnitError, match="k: 0; wanted 1 or more"):
        nearest_areas([[0, 0]], k=0)
    with pytest.raises(ShapeError, match=r"wanted \(n_areas, 2\)"):
        nearest_areas([[0.0]], k=1)


# ---------------------------------------------------------------- withheld baselines


@st.composite
def withheld(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Counts of which those under ten are withheld; some are missing."""
    shape = draw(st.tuples(st.integers(1, 30), st.integers(1, 3)))
    counts = draw(arrays(np.float64, shape, elements=st.integers(0, 25)))
    hidden = (counts > 0) & (counts < 10)
    guesses = np.where(hidden, draw(st.floats(0, 9)), counts)
    gone = draw(arrays(np.bool_, shape))
    return np.where(gone, np.nan, guesses), hidden & ~gone


@given(withheld(), st.integers(1, 40))
def test_a_guess_is_only_ever_raised_and_stays_below_k(
    series: tuple[np.ndarray, np.ndarray], weeks: int
) -> None:
    guesses, hidden = series
    raised = raise_guesses(guesses, hidden, k=10, weeks=weeks)
    np.testing.assert_array_equal(raised[~hidden], guesses[~hidden])
    assert (raised[hidden] >= guesses[hidden]).all()
    assert (raised[hidden] <= 9).all()
    # Weeks to come change nothing.
    half = len(guesses) // 2
    np.testing.assert_allclose(
        raise_guesses(guesses[:half], hidden[:half], k=10, weeks=weeks), raised[:half]
    )


def test_the_raised_guess_is_the_mean_of_what_is_withheld() -> None:
    """Slow reference: counts drawn with the mean that fits the share of published weeks."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(8.0, 20_000).astype(float)[:, None]
    hidden = (counts > 0) & (counts < 10)
    guesses = np.where(hidden, 1.0, counts)
    raised = raise_guesses(guesses, hidden, k=10, weeks=20_000)
    assert raised[-1000:][hidden[-1000:]].mean() == pytest.approx(counts[hidden].mean(), abs=0.05)
    share = float((counts[:500] >= 10).mean())
    means = np.linspace(0.1, 20, 20_000)
    mean = means[np.argmin(abs(poisson.sf(9, means) - share))]
    small = np.arange(10)
    wanted = (small * poisson.pmf(small, mean)).sum() / poisson.cdf(9, mean)
    last = np.flatnonzero(hidden[:500])[-1]
    at_500 = raise_guesses(guesses[:500], hidden[:500], k=10, weeks=500)
    if last == 499:
        assert at_500[last, 0] == pytest.approx(wanted, abs=0.01)
    assert at_500[hidden[:500]].max() < 10


def test_withheld_baselines_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ShapeError, match="wanted that of guesses"):
        raise_guesses([[1.0]], [[True, False]], k=10)
    with pytest.raises(UnitError, match="k: 1; wanted 2 or more"):
        raise_guesses([[1.0]], [[True]], k=1)
    with pytest.raises(UnitError, match="weeks: 0; wanted 1 or more"):
        raise_guesses([[1.0]], [[True]], k=10, weeks=0)


# ---------------------------------------------------------------- scores

PVALUES = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 12)),
                 elements=st.floats(1e-9, 0.5))  # fmt: skip


@given(PVALUES, st.floats(0.01, 1), st.floats(0.0, 1.0))
def test_control_keeps_the_highest_and_never_punishes_a_higher_one(
    pvalue: np.ndarray, fdr: float, part: float
) -> None:
    score = -np.log10(pvalue)
    kept = controlled_scores(score, pvalue, fdr=fdr)
    assert ((kept == 0) | (kept == score)).all()
    for week in range(len(kept)):
        gone, left = score[week][kept[week] == 0], score[week][kept[week] > 0]
        assert not len(gone) or not len(left) or gone.max() <= left.min()
    higher = pvalue.copy()
    higher[:, 0] *= part
    higher = np.maximum(higher, 1e-12)
    again = controlled_scores(-np.log10(higher), higher, fdr=fdr)
    assert (again[:, 0] >= kept[:, 0]).all()
    np.testing.assert_array_equal(controlled_scores(score, pvalue, fdr=1.0), score)


def test_what_chance_alone_raises_is_held_down() -> None:
    rng = np.random.default_rng(7)
    pvalue = np.where((p := rng.uniform(size=(200, 1000))) < 0.5, p, 0.5)
    score = np.where(pvalue < 0.5, -np.log10(pvalue), 0.0)
    any_kept = (controlled_scores(score, pvalue, fdr=0.1) > 0).any(axis=1).mean()
    assert any_kept < 0.15, "where nothing happens, so many weeks have a discovery at all"
    assert np.isnan(controlled_scores([[np.nan, 1.0]], [[np.nan, 0.01]], fdr=0.5)[0, 0])


@given(st.floats(0, 38), st.integers(0, 80), st.floats(0.1, 60), st.integers(0, 20))
def test_neighbours_lend_no_more_than_they_may(
    score: float, count: int, mean: float, more: int
) -> None:
    def own(n: float) -> float:
        return float(own_scores([score], [n], [mean], [1.5 * mean])[0])

    least = (count - mean) / np.sqrt(1.5 * mean) + 1.5
    assert own(count) == pytest.approx(min(score, max(least, 0.0)))
    assert own(count + more) >= own(count)
    assert np.isnan(own_scores([score], [np.nan], [mean], [mean]))[0]


def test_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UnitError, match="fdr: 0; wanted above 0, at most 1"):
        controlled_scores([[1.0]], [[0.1]], fdr=0)
    with pytest.raises(ShapeError, match="wanted one shape"):
        controlled_scores([[1.0]], [[0.1, 0.2]], fdr=0.1)
    with pytest.raises(ShapeError, match="wanted one shape"):
        own_scores([1.0], [1.0, 2.0], [1.0], [1.0])
    with pytest.raises(UnitError, match="most_lent: -1"):
        own_scores([1.0], [1.0], [1.0], [1.0], most_lent=-1)
