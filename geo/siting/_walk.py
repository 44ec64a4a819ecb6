"""Where the steps of a bound are; apart from the compiled steps, which are dear to load."""

from __future__ import annotations

import numpy as np

from geo.arrays import FloatArray

FIRST_PACE = 0.2

Walk = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def new_walk(price: FloatArray, n_sites: int, pace: float = FIRST_PACE) -> Walk:
    """Where steps begin.

    Parameters
    ----------
    price : first prices by row.
    n_sites : number of sites.
    pace : length of the first step as a part of the way to the value known.

    Returns
    -------
    What `sink` and `rise` change: prices; length of a step, rounds since the bound fell, the bound
    so far; prices of the bound; direction of the last step; limits, shape (2, n_sites): no choice
    without a site, none with it is better; share of the rounds in which each site was opened.
    """
    return (
        price.copy(), np.array([pace, 0.0, np.inf]), price.copy(), np.zeros(len(price)),
        np.full((2, n_sites), np.inf), np.zeros(n_sites),
    )  # fmt: skip
