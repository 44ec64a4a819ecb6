"""EARS C1, C2, C3: a week against the mean and spread of the few weeks before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from geo.arrays import BoolArray, FloatArray, amounts, floats
from geo.errors import ShapeError, UnitError

Method = Literal["C1", "C2", "C3"]

# Weeks between a week and its baseline.
_LAG = {"C1": 0, "C2": 2, "C3": 2}
# Hutwagner 2003 as in R's surveillance: about 3 and 2 standard deviations.
_ALPHA = {"C1": 0.001, "C2": 0.001, "C3": 0.025}


@dataclass(frozen=True)
class Ears:
    """What EARS says of every week and series; all arrays have the shape of the counts.

    Where all counts are whole and known, alarms need neither root nor quotient; the numbers behind
    them are worked out when they are first asked for, from a copy of the counts.

    Attributes
    ----------
    alarm : bool; False where unknown.
    """

    alarm: BoolArray
    _numbers: Callable[[], FloatArray] = field(repr=False, compare=False)

    @cached_property
    def _found(self) -> FloatArray:
        return self._numbers()

    @property
    def expected(self) -> FloatArray:
        """Mean of the baseline.

        Returns
        -------
        float64; NaN where there is none.
        """
        mean: FloatArray = self._found[0]
        return mean

    @property
    def upper_bound(self) -> FloatArray:
        """Largest count that raises no alarm.

        Returns
        -------
        float64; NaN where there is none.
        """
        bound: FloatArray = self._found[1]
        return bound

    @property
    def score(self) -> FloatArray:
        """Standard deviations above the baseline; of C3 with what the two weeks before add.

        Returns
        -------
        float64; NaN where the week or its baseline is unknown, infinite where the spread is 0.
        """
        score: FloatArray = self._found[2]
        return score


def ears(
    counts: npt.ArrayLike,
    *,
    method: Method = "C2",
    baseline: int = 7,
    min_sigma: npt.ArrayLike = 0.0,
    alpha: float | None = None,
    min_observed: int | None = None,
    exclude_alarms: bool = False,
    max_episode: int = 26,
) -> Ears:
    """Compare each week with the weeks before it.

    C1 takes the `baseline` weeks right before, C2 leaves two weeks between, C3 adds to C2 what
    the two weeks before exceeded.

    Parameters
    ----------
    counts : float64, shape (n_weeks,) or (n_weeks, n_series), >= 0, consecutive weeks in rising
        order; NaN where there is no data.
    method : "C1", "C2" or "C3".
    baseline : weeks in the baseline, >= 3.
    min_sigma : least standard deviation, >= 0, one for all or shape of `counts`. Above 0 on sparse
        series, where seven equal weeks would make any change infinite.
    alpha : one-sided error probability of the alarm; None takes .001 for C1 and C2, .025 for C3.
    min_observed : least number of observed weeks in a baseline, 2..`baseline`; None asks for all,
        as R does. A baseline that would begin before the first week is never used.
    exclude_alarms : True leaves weeks that raised an alarm out of later baselines, which reach
        further back instead, so that a long episode does not silence itself.
    max_episode : with `exclude_alarms`, an unbroken alarm longer than this many weeks is taken
        for a new normal and its further weeks enter the baseline, >= 1.

    Returns
    -------
    Ears : arrays of the shape of `counts`.

    Raises
    ------
    ShapeError : `counts` has other than one or two dimensions, or `min_sigma` another shape.
    UnitError : a count is negative or infinite, or an option is unknown or out of range.

    Notes
    -----
    O(n_weeks x n_series x baseline). Hutwagner et al. 2003; bounds and alarms equal earsC of R's
    surveillance 1.20.3. With z the upper `alpha` quantile, m and s of the baseline, and
    C2 = (count - m) / s: bound = m + z s for C1 and C2. For C3, R's bound is
    max(0, count + s (z - S)), S = sum of max(0, C2 - 1) over the two weeks before: its alarm
    hangs on these two weeks alone. The score of C3 is therefore C2 + S, which rises with the count.

    Examples
    --------
    >>> found = ears([2, 3, 2, 3, 2, 3, 2, 30.0], method="C1")
    >>> found.alarm.tolist()[-1], round(float(found.score[-1]), 1)
    (True, 51.6)
    """
    table = floats("counts", counts, ndim=(1, 2))
    _check(method, baseline, alpha, max_episode)
    least = baseline if min_observed is None else min_observed
    if not 2 <= least <= baseline:
        raise UnitError(f"min_observed: {least}; wanted 2 to baseline = {baseline} weeks")
    z = float(ndtri(1.0 - (_ALPHA[method] if alpha is None else alpha)))
    rows = np.ascontiguousarray(table[:, np.newaxis] if table.ndim == 1 else table)
    floor = np.ascontiguousarray(_floor(min_sigma, table), dtype=np.float64)
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.detect import _kernels  # noqa: PLC0415

    window, carry = (baseline, _LAG[method], least), method == "C3"

    def numbers() -> tuple[FloatArray, BoolArray]:
        # One block of memory, which is had and given back faster than three.
        found = np.empty((3, *rows.shape)), np.empty(rows.shape, dtype=np.bool_)
        if exclude_alarms:
            _kernels.compare_quiet(rows, window, floor, (z, carry, max_episode), found)
        else:
            _kernels.compare(rows, window, floor, (z, carry), found)
        return found[0].reshape((3, *table.shape)), found[1].reshape(table.shape)

    # The caller may change the counts before the numbers are asked for.
    kept = np.empty_like(rows)
    if exclude_alarms or not _kernels.keep_whole(rows, baseline, kept):
        amounts("counts", counts, ndim=(1, 2))
        known, alarm = numbers()
        return Ears(alarm, lambda: known)
    rows = kept
    alarm = np.empty(rows.shape, dtype=np.bool_)
    _kernels.raise_alarms(rows, window, floor, (z, carry), alarm)
    return Ears(alarm.reshape(table.shape), lambda: numbers()[0])


def _floor(min_sigma: npt.ArrayLike, table: FloatArray) -> FloatArray:
    """Least standard deviation of all weeks, or of each."""
    floor = np.asarray(min_sigma, dtype=np.float64)
    if not (np.isfinite(floor) & (floor >= 0)).all():
        raise UnitError(f"min_sigma: {min_sigma!r}; wanted 0 or more")
    if floor.shape not in ((), table.shape):
        raise ShapeError(f"min_sigma: shape {floor.shape}; wanted one, or {table.shape}")
    n_series = table.shape[1] if table.ndim > 1 else 1
    return floor.reshape(-1, n_series) if floor.shape else np.full((1, n_series), float(floor))


def _check(method: str, baseline: int, alpha: float | None, max_episode: int) -> None:
    if method not in _LAG:
        raise UnitError(f"method: {method!r}; wanted one of {', '.join(_LAG)}")
    if baseline < 3:
        raise UnitError(f"baseline: {baseline} weeks; wanted 3 or more")
    if alpha is not None and not 0 < alpha < 0.5:
        raise UnitError(f"alpha: {alpha!r}; wanted a probability above 0 and below 0.5")
    if max_episode < 1:
        raise UnitError(f"max_episode: {max_episode} weeks; wanted 1 or more")
