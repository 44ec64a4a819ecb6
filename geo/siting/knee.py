"""Where a curve of returns turns: more costs much from there on and brings little."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo.arrays import floats, positive, same_length
from geo.errors import UnitError

_LEAST_POINTS = 3


def find_knee(x: npt.ArrayLike, y: npt.ArrayLike, *, sensitivity: float = 1.0) -> int:
    """Position of the knee of a rising curve whose gains fall, by Kneedle.

    Parameters
    ----------
    x : float64, shape (n,), rising, such as the number of sites.
    y : float64, shape (n,), never falling, such as the persons covered.
    sensitivity : how far the curve must fall back from the chord's farthest point before that
        counts as a knee, in mean steps of x, > 0.

    Returns
    -------
    Position 0..n-1 of the point farthest above the chord from the first point to the last, the
        first of equals. -1 where there is none: fewer than three points, a curve that does not
        rise, a straight one, or one that has not yet turned.

    Raises
    ------
    ShapeError : lengths differ.
    UnitError : a value is missing or infinite, x does not rise, y falls, or the sensitivity is not
        positive.

    Notes
    -----
    O(n). Satopää, Albrecht, Irwin & Raghavan 2011, Finding a "kneedle" in a haystack, for offline
    data without smoothing: both axes are scaled to 0..1, the knee is the largest difference y - x
    that the difference falls below, by sensitivity x the mean step, before the curve ends.

    Examples
    --------
    >>> find_knee([0, 1, 2, 3, 4, 5], [0, 50, 80, 84, 87, 90])
    2
    >>> find_knee([0, 1, 2, 3], [0, 10, 20, 30])
    -1
    """
    across, up = floats("x", x), floats("y", y)
    same_length(x=across, y=up)
    slack = positive("sensitivity", sensitivity, unit="steps")
    if not (np.isfinite(across).all() and np.isfinite(up).all()):
        raise UnitError("x, y: a value that is missing or infinite; wanted numbers")
    if (np.diff(across) <= 0).any() or (np.diff(up) < 0).any():
        raise UnitError("x must rise and y must not fall from point to point")
    if len(across) < _LEAST_POINTS or up[-1] <= up[0]:
        return -1
    share_x = (across - across[0]) / (across[-1] - across[0])
    share_y = (up - up[0]) / (up[-1] - up[0])
    above = share_y - share_x
    # Rounding must not move the knee among equals.
    top = int(np.argmax(above >= above.max() - 1e-12))
    threshold = above[top] - slack / (len(across) - 1)
    turned = above[top] > 1e-9 and (above[top:] < threshold).any()
    return top if turned else -1
