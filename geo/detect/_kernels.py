"""Compiled loops of the detectors. Imported by the functions that use them; never parallel."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo.arrays import BoolArray, FloatArray


@njit(cache=True, error_model="numpy")
def compare(
    rows: FloatArray,
    window: tuple[int, int, int],
    floor: FloatArray,
    rule: tuple[float, bool],
    found: tuple[FloatArray, BoolArray],
) -> None:
    """Hold each week against the weeks before it, all series side by side.

    Parameters
    ----------
    rows : counts, shape (n_weeks, n_series); NaN where there is no data.
    window : weeks in the baseline, weeks between a week and its baseline, least observed weeks.
    floor : least standard deviation, shape of `rows`, or (1, n_series) for all weeks.
    rule : quantile of the alarm; whether the two weeks before carry over (C3).
    found : expected, upper bound and score, shape (3, n_weeks, n_series); alarm, shape of `rows`;
        overwritten. NaN where the baseline is too short or too thin.
    """
    baseline, lag, least = window
    expected, upper, score, alarm = found[0][0], found[0][1], found[0][2], found[1]
    n_weeks, n_series = rows.shape
    sigma, over = np.empty(n_series), np.full((2, n_series), np.nan)
    sums = np.zeros(n_series), np.zeros(n_series), np.zeros(n_series)
    gaps, whole = np.empty(n_series), _are_whole(rows, baseline)
    for t in range(n_weeks):
        first = t - lag - baseline
        if whole and t > lag:
            _take(rows[t - lag - 1], 1.0, sums)
            if first > 0:
                _take(rows[first - 1], -1.0, sums)
        if first >= 0 and whole:
            _gaps(sums, gaps)
            _moments((sums[0], sums[1], gaps), float(least), expected[t], sigma)
        elif first >= 0:
            _moments(_sums(rows[first : first + baseline]), float(least), expected[t], sigma)
        else:
            expected[t, :] = np.nan
            sigma[:] = np.nan
        _raise_to(floor[min(t, floor.shape[0] - 1)], sigma)
        _judge((rows[t], expected[t], sigma, over), rule, upper[t], score[t], alarm[t])


@njit(cache=True, error_model="numpy")
def compare_quiet(
    rows: FloatArray,
    window: tuple[int, int, int],
    floor: FloatArray,
    rule: tuple[float, bool, int],
    found: tuple[FloatArray, BoolArray],
) -> None:
    """Hold each week against the latest weeks before it that raised no alarm.

    Whether a week is left out is judged by its own baseline (C1 or C2), week after week.

    Parameters
    ----------
    rows, window, floor : as of `compare`.
    rule : as of `compare`, and alarms in a row after which further ones are admitted.
    found : as of `compare`.
    """
    baseline, lag, least = window
    z, carry, max_episode = rule
    expected, upper, score, alarm = found[0][0], found[0][1], found[0][2], found[1]
    n_weeks, n_series = rows.shape
    sigma, over = np.empty(n_series), np.full((2, n_series), np.nan)
    # The latest admitted weeks of each series, a ring; what is not admitted takes no place.
    ring = np.full((baseline, n_series), np.nan)
    admitted = np.zeros(n_series, np.int64)
    running = np.zeros(n_series, np.int64)
    left_out = np.zeros(rows.shape, np.bool_)
    for t in range(n_weeks):
        enters = t - 1 - lag
        if enters >= 0:
            for j in range(n_series):
                if not left_out[enters, j]:
                    ring[admitted[j] % baseline, j] = rows[enters, j]
                    admitted[j] += 1
        _moments(_sums(ring), float(least), expected[t], sigma)
        _raise_to(floor[min(t, floor.shape[0] - 1)], sigma)
        for j in range(n_series):
            if admitted[j] < baseline:
                expected[t, j] = sigma[j] = np.nan
            high = rows[t, j] > expected[t, j] + z * sigma[j]
            running[j] = running[j] + 1 if high else 0
            left_out[t, j] = high and running[j] <= max_episode
        _judge((rows[t], expected[t], sigma, over), (z, carry), upper[t], score[t], alarm[t])


@njit(cache=True, error_model="numpy")
def raise_alarms(
    rows: FloatArray,
    window: tuple[int, int, int],
    floor: FloatArray,
    rule: tuple[float, bool],
    alarm: BoolArray,
) -> None:
    """Alarms of `compare` alone, where all counts are whole and known.

    With n weeks, sum T and sum of squares Q of the baseline, d = n y - T and v = n Q - T² are whole
    numbers, and y > m + z s is the same as d > 0 and (n - 1) d² > z² n v.

    Parameters
    ----------
    rows, window, floor, rule : as of `compare`.
    alarm : shape of `rows`; overwritten.
    """
    baseline, lag, _ = window
    z, carry = rule
    n_weeks, n_series = rows.shape
    sums = np.zeros(n_series), np.zeros(n_series)
    over = np.full((2, n_series), np.nan)
    for t in range(n_weeks):
        first = t - lag - baseline
        if t > lag:
            _enter(rows[t - lag - 1], sums)
        if first > 0:
            _leave(rows[first - 1], sums)
        least = floor[min(t, floor.shape[0] - 1)]
        if first < 0:
            alarm[t, :] = False
        elif carry:
            _alarm_carried(rows[t], sums, (float(baseline), z), (least, over), alarm[t])
        else:
            _alarm_plain(rows[t], sums, (float(baseline), z), least, alarm[t])


@njit(cache=True, error_model="numpy")
def keep_whole(rows: FloatArray, baseline: int, kept: FloatArray) -> bool:
    """Copy the counts, and say whether all are known, whole, not negative and not too large.

    Parameters
    ----------
    rows : counts, shape (n_weeks, n_series).
    baseline : weeks that are summed.
    kept : shape of `rows`; overwritten.

    Returns
    -------
    Whether sums of the squares of these counts are exact.
    """
    limit = 2.0**26 / baseline
    faults = 0
    for t in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            y = rows[t, j]
            kept[t, j] = y
            faults += 0 if (y >= 0.0) & (y <= limit) & (np.floor(y) == y) else 1
    return faults == 0


@njit(cache=True, error_model="numpy")
def _are_whole(rows: FloatArray, baseline: int) -> bool:
    """Whether all known counts are whole, and so small that sums of their squares are exact."""
    limit = 2.0**26 / baseline
    faults = 0
    for t in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            y = rows[t, j]
            faults += 1 if y > limit or (y == y and np.floor(y) != y) else 0  # noqa: PLR0124
    return faults == 0


# Loops over few arrays each: those are the ones that a compiler runs on several series at once.


@njit(cache=True, error_model="numpy")
def _take(row: FloatArray, sign: float, sums: tuple[FloatArray, FloatArray, FloatArray]) -> None:
    """Add a week to the sums of known weeks, counts and squares, or take it away."""
    n, total, square = sums
    for j in range(row.shape[0]):
        seen = row[j] == row[j]  # NaN is not
        y = row[j] if seen else 0.0
        n[j] += sign if seen else 0.0
        total[j] += sign * y
        square[j] += sign * y * y


@njit(cache=True, error_model="numpy")
def _enter(row: FloatArray, sums: tuple[FloatArray, FloatArray]) -> None:
    """Add a known week to the sums of counts and squares."""
    total, square = sums
    for j in range(row.shape[0]):
        total[j] += row[j]
        square[j] += row[j] * row[j]


@njit(cache=True, error_model="numpy")
def _leave(row: FloatArray, sums: tuple[FloatArray, FloatArray]) -> None:
    """Take a known week from the sums of counts and squares."""
    total, square = sums
    for j in range(row.shape[0]):
        total[j] -= row[j]
        square[j] -= row[j] * row[j]


@njit(cache=True, error_model="numpy")
def _alarm_plain(
    y: FloatArray,
    sums: tuple[FloatArray, FloatArray],
    rule: tuple[float, float],
    floor: FloatArray,
    alarm: BoolArray,
) -> None:
    """Whether counts are above mean + z deviations of their baseline, written."""
    total, square = sums
    n, z = rule
    for j in range(y.shape[0]):
        d = n * y[j] - total[j]
        v = max(n * square[j] - total[j] * total[j], n * (n - 1.0) * floor[j] * floor[j])
        alarm[j] = (d > 0.0) & ((n - 1.0) * d * d > z * z * n * v)


@njit(cache=True, error_model="numpy")
def _alarm_carried(
    y: FloatArray,
    sums: tuple[FloatArray, FloatArray],
    rule: tuple[float, float],
    past: tuple[FloatArray, FloatArray],
    alarm: BoolArray,
) -> None:
    """Whether the two weeks before exceeded by more than z deviations, written; moved on."""
    total, square = sums
    n, z = rule
    floor, over = past
    before, last = over[0], over[1]
    for j in range(y.shape[0]):
        d = n * y[j] - total[j]
        v = max(n * square[j] - total[j] * total[j], n * (n - 1.0) * floor[j] * floor[j])
        # Without spread the bound is the count itself.
        alarm[j] = (y[j] > 0.0) & (v > 0.0) & (before[j] + last[j] > z)
        before[j] = last[j]
        beyond = d / np.sqrt(v * n / (n - 1.0)) - 1.0
        last[j] = max(0.0, beyond)


@njit(cache=True, error_model="numpy")
def _gaps(sums: tuple[FloatArray, FloatArray, FloatArray], gaps: FloatArray) -> None:
    """Sum of squared gaps from the mean, written, from known weeks, counts and squares."""
    n, total, square = sums
    for j in range(n.shape[0]):
        # Whole numbers up to the division, so that equal weeks have no spread.
        gaps[j] = (n[j] * square[j] - total[j] * total[j]) / n[j]


@njit(cache=True, error_model="numpy")
def _raise_to(floor: FloatArray, sigma: FloatArray) -> None:
    """Let no deviation be below its floor."""
    for j in range(sigma.shape[0]):
        sigma[j] = floor[j] if sigma[j] < floor[j] else sigma[j]  # noqa: FURB136 -- NaN stays


@njit(cache=True, error_model="numpy")
def _sums(past: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Known weeks, sum of counts, sum of their squared gaps from the mean."""
    n_series = past.shape[1]
    n, total, square = np.zeros(n_series), np.zeros(n_series), np.zeros(n_series)
    for k in range(past.shape[0]):
        for j in range(n_series):
            seen = past[k, j] == past[k, j]
            n[j] += 1.0 if seen else 0.0
            total[j] += past[k, j] if seen else 0.0
    for k in range(past.shape[0]):
        for j in range(n_series):
            gap = past[k, j] - total[j] / n[j]
            square[j] += gap * gap if gap == gap else 0.0  # noqa: PLR0124
    return n, total, square


@njit(cache=True, error_model="numpy")
def _moments(
    sums: tuple[FloatArray, FloatArray, FloatArray],
    fewest: float,
    mean: FloatArray,
    sigma: FloatArray,
) -> None:
    """Mean and standard deviation from known weeks, sum and squared gaps, written."""
    n, total, gaps = sums
    for j in range(n.shape[0]):
        # Not a branch: with too few known weeks there is no number.
        mean[j] = total[j] / n[j] + (0.0 if n[j] >= fewest else np.nan)
    for j in range(n.shape[0]):
        sigma[j] = np.sqrt(gaps[j] / (n[j] - 1.0))
    for j in range(n.shape[0]):
        sigma[j] += 0.0 if n[j] >= fewest else np.nan


@njit(cache=True, error_model="numpy")
def _judge(
    week: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    rule: tuple[float, bool],
    upper: FloatArray,
    score: FloatArray,
    alarm: BoolArray,
) -> None:
    """Upper bound, score and alarm of a week, written, given its baseline.

    `over`, shape (2, n_series), is by how much the two weeks before exceeded, and is moved on.
    """
    y, expected, sigma, over = week
    z, carry = rule
    for j in range(y.shape[0]):
        gap = y[j] - expected[j]
        # No spread: any count above is infinitely far, an equal one is not away at all.
        ratio = gap / sigma[j]
        score[j] = 0.0 if gap == 0.0 else ratio
    for j in range(y.shape[0]):
        upper[j] = expected[j] + z * sigma[j]
    if carry:
        before, last = over[0], over[1]
        for j in range(y.shape[0]):
            bound = y[j] + sigma[j] * (z - (before[j] + last[j]))
            upper[j] = 0.0 if bound < 0.0 else bound  # noqa: FURB136 -- NaN stays
        for j in range(y.shape[0]):
            beyond = score[j] - 1.0
            score[j] += before[j] + last[j]
            before[j] = last[j]
            last[j] = 0.0 if beyond < 0.0 else beyond  # noqa: FURB136 -- NaN stays
    for j in range(y.shape[0]):
        alarm[j] = y[j] > upper[j]
