"""Rules about the sites themselves, as columns and rows of a model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray
from geo.siting._highs import Model
from geo.siting._sets import shut_sites
from geo.siting.instance import Instance


def add_sites(model: Model, instance: Instance) -> IntArray:
    """Add a whole column 0..1 for each site, and the rules about them.

    Parameters
    ----------
    model : without columns yet, so that the sites are the first.
    instance : the problem.

    Returns
    -------
    int64, shape (n_sites,): the columns.
    """
    n = instance.n_sites
    lower = instance.required.astype(np.float64)
    upper = (~shut_sites(instance)).astype(np.float64)
    column = model.add_columns(n, lower=lower, upper=upper, whole=True)
    if instance.p_total >= 0:
        _add_number(model, instance, column, instance.p_total)
    if len(instance.p) > 1:
        for kind in np.flatnonzero(instance.p >= 0):
            _add_number(model, instance, np.flatnonzero(instance.kind == kind), instance.p[kind])
    if instance.budget < np.inf:
        _add_sum(model, column, instance.opening_cost, upper=instance.budget)
    if instance.max_closures >= 0:
        at = np.flatnonzero(instance.closable)
        _add_sum(model, at, np.ones(len(at)), lower=len(at) - instance.max_closures)
    if instance.one_per_town:
        at = np.flatnonzero(instance.site_town >= 0)
        model.add_rows(instance.n_towns, instance.site_town[at], at, 1.0, lower=1.0)
    # Of a pair with a required site the other one is shut already.
    pairs = instance.conflicts[~instance.required[instance.conflicts].any(axis=1)]
    if len(pairs):
        row = np.repeat(np.arange(len(pairs)), 2)
        model.add_rows(len(pairs), row, pairs.ravel(), 1.0, upper=1.0)
    return column


def _add_number(model: Model, instance: Instance, column: IntArray, p: int) -> None:
    lower = float(p) if instance.p_exact else -np.inf
    _add_sum(model, column, np.ones(len(column)), lower=lower, upper=float(p))


def _add_sum(
    model: Model,
    column: IntArray,
    value: FloatArray,
    *,
    lower: npt.ArrayLike = -np.inf,
    upper: npt.ArrayLike = np.inf,
) -> None:
    model.add_rows(1, np.zeros(len(column)), column, value, lower=lower, upper=upper)
