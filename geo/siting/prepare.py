"""A problem as arrays: every fault of it told at once."""

from __future__ import annotations

from geo.siting._named import prepare_named
from geo.siting.instance import Instance
from geo.siting.problem import SitingProblem


def prepare(problem: SitingProblem) -> Instance:
    """Check a problem and turn it into arrays.

    Parameters
    ----------
    problem : as it was asked.

    Returns
    -------
    Instance : rows and sites in the order of their codes, so that the order in which they came
        does not matter.

    Raises
    ------
    FaultsError : something that no choice of sites could put right: an unknown or doubled code, a
        cost or a demand that is missing or negative, no demand at all, more sites asked for than
        there are, an option without what it needs or without a meaning for the objective. All of
        them at once. What is well formed but cannot be met is not raised: `solve` says why.

    Notes
    -----
    O(n_pairs log n_pairs).

    Examples
    --------
    >>> import pandas as pd
    >>> costs = pd.DataFrame({"s": [1.0, 9.0], "t": [9.0, 2.0]}, index=["a", "b"])
    >>> demand = pd.Series([5.0, 0.0], index=["a", "b"])
    >>> instance = prepare(SitingProblem("max_coverage", costs, demand, p=1, radius=3))
    >>> instance.weight.tolist(), instance.site.tolist()
    ([5.0], [0])
    """
    return prepare_named(problem).instance
