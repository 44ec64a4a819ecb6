"""How right the methods were, and which is to be preferred."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo.arrays import FloatArray
from geo.forecast.backtest import Backtest
from geo.forecast.intervals import COVERAGES

# A method is compared where it forecasts at least this share of what the simplest does.
_LEAST_SHARE = 0.8
# A simpler method is kept unless another is better by more than this.
_CLEARLY = 0.02


@dataclass(frozen=True)
class Accuracy:
    """How right the methods were, over all series; arrays by method, NaN where not compared.

    Attributes
    ----------
    mae : mean absolute error [counts].
    mase : mean absolute scaled error: below 1 is better than the naive forecast of one season.
    wis : mean weighted interval score, scaled like MASE.
    inside : shape (2, n_methods), share of counts in the 80 and 95 % intervals.
    n : counts that each method was judged by.
    ranking : positions of the compared methods, best first.
    """

    mae: FloatArray
    mase: FloatArray
    wis: FloatArray
    inside: FloatArray
    n: int
    ranking: tuple[int, ...]


def accuracy(test: Backtest) -> Accuracy:
    """How right the methods were over all series, and in which order they are to be preferred.

    Parameters
    ----------
    test : a back-test.

    Returns
    -------
    Accuracy : methods are compared where all of them forecast; one that forecasts less than 80 %
        of what the first does is left out. The best by scaled weighted interval score comes
        first, but a simpler one that is worse by at most 2 % before it. Nothing judged: NaN, and
        an empty ranking.

    Notes
    -----
    O(n). Series count alike, whatever their size: a score is divided by the series' naive error.
    A series that never changes has none and does not count; where no series does, the simplest
    comes first.

    Examples
    --------
    >>> from geo.forecast.backtest import backtest
    >>> found = accuracy(backtest(np.arange(80.0), methods=["mean", "naive"]))
    >>> found.ranking, found.mae.round(1).tolist()
    ((1, 0), [10.5, 4.5])
    """
    known = ~np.isnan(test.scores)
    n_of = known.sum(axis=(1, 2, 3))
    enough = (n_of > 0) & (n_of[0] > 0) & (n_of >= _LEAST_SHARE * n_of[0])
    compared = [int(row) for row in np.flatnonzero(enough)]
    shape = len(test.methods)
    mae, mase, wis = (np.full(shape, np.nan) for _ in range(3))
    inside = np.full((len(COVERAGES), shape), np.nan)
    if not compared:
        return Accuracy(mae, mase, wis, inside, 0, ())
    common = known[compared].all(axis=0)
    scaled = common & ~np.isnan(test.scale)
    for row in compared:
        mae[row] = np.abs(test.errors[row][common]).mean() if common.any() else np.nan
        inside[:, row] = test.inside[:, row][:, common].mean(axis=1) if common.any() else np.nan
        if scaled.any():
            by_scale = np.broadcast_to(test.scale, scaled.shape)[scaled]
            mase[row] = (np.abs(test.errors[row][scaled]) / by_scale).mean()
            wis[row] = (test.scores[row][scaled] / by_scale).mean()
    return Accuracy(mae, mase, wis, inside, int(common.sum()), _ranked(compared, wis))


def _ranked(compared: list[int], wis: FloatArray) -> tuple[int, ...]:
    """Best first; the simplest of those that are about as good as the best comes before it."""
    order = sorted(compared, key=lambda row: (np.nan_to_num(wis[row], nan=np.inf), row))
    best = wis[order[0]]
    for row in compared:
        if not wis[row] > best * (1 + _CLEARLY):
            order.remove(row)
            return (row, *order)
    return tuple(order)
