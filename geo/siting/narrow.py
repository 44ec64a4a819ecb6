"""A problem in which sites are settled that no better choice would have otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geo.arrays import IntArray
from geo.siting.instance import Instance


def narrow(instance: Instance, sure: IntArray, shut: IntArray) -> Instance:
    """Require some sites and forbid others.

    Parameters
    ----------
    instance : the problem.
    sure, shut : positions of sites that every better choice opens, and that none does.

    Returns
    -------
    The problem of the better choices: its best is the best of all, or nothing is better than what
    is known.

    Notes
    -----
    O(n_pairs). Pairs with forbidden sites are left out, as everywhere.
    """
    required, forbidden = instance.required.copy(), instance.forbidden.copy()
    required[sure] = True
    forbidden[shut] = True
    stays = ~forbidden[instance.site]
    left = np.concatenate([[0], np.cumsum(stays)])
    return replace(
        instance, required=required, forbidden=forbidden, site=instance.site[stays],
        cost=instance.cost[stays], indptr=left[instance.indptr],
    )  # fmt: skip
