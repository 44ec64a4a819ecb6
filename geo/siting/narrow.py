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

    Examples
    --------
    >>> import pandas as pd
    >>> from geo.siting import SitingProblem, prepare
    >>> costs = pd.DataFrame({"s": [1.0, 2.0, 9.0], "t": [9.0, 3.0, 1.0]}, index=list("abc"))
    >>> demand = pd.Series([5.0, 2.0, 4.0], index=list("abc"))
    >>> asked = prepare(SitingProblem("p_median", costs, demand, p=1))
    >>> narrow(asked, np.array([1]), np.array([0])).site.tolist()
    [1, 1, 1]
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
