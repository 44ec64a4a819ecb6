"""The table of pairs as arrays, checked: every fault names the code and the value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import BoolArray, FloatArray, IntArray, amounts
from geo.errors import CodeError, ShapeError, UnitError


class Pairs(NamedTuple):
    """Pairs of area and site, their costs, and what stands at both ends.

    Attributes
    ----------
    area, site : int64 positions in `persons` and `offered`, shape (n_pairs,).
    cost : float64, >= 0, shape (n_pairs,).
    persons : float64 [persons], NaN where unknown.
    offered : float64 supply of each site.
    """

    area: IntArray
    site: IntArray
    cost: FloatArray
    persons: FloatArray
    offered: FloatArray

    def kept(self, keep: BoolArray) -> Pairs:
        """Keep some of the pairs.

        Parameters
        ----------
        keep : bool, shape (n_pairs,).

        Returns
        -------
        Pairs with both ends as they are.
        """
        return self._replace(area=self.area[keep], site=self.site[keep], cost=self.cost[keep])


def read_pairs(
    costs: pd.DataFrame,
    demand: pd.Series[float],
    supply: pd.Series[float],
    *,
    cost_column: str = "cost",
) -> Pairs:
    """Arrays of a table of pairs, or the first fault in it.

    Parameters
    ----------
    costs : `area_code`, `site_id` and the cost; see `floating_catchment`.
    demand : float64 [persons], index `area_code`; NaN where unknown.
    supply : float64, index `site_id`.
    cost_column : name of the column that holds the cost.

    Returns
    -------
    Pairs, in the order of the table.
    """
    persons = _amounts("demand", demand, "NaN where unknown")
    offered = _known(_amounts("supply", supply, "0 for none"), supply.index)
    wanted = ("area_code", "site_id", cost_column)
    if missing := [name for name in wanted if name not in costs.columns]:
        raise ShapeError(f"costs: no column {', '.join(missing)}; wanted {', '.join(wanted)}")
    area = _positions("area_code", costs["area_code"], demand.index, "demand")
    site = _positions("site_id", costs["site_id"], supply.index, "supply")
    cost = costs[cost_column].to_numpy(dtype=np.float64)
    wrong = ~(np.isfinite(cost) & (cost >= 0))
    if wrong.any():
        row = costs.iloc[int(np.argmax(wrong))]
        raise UnitError(
            f"costs.{cost_column}: {row[cost_column]} from {row['area_code']!r} to "
            f"{row['site_id']!r}, negative, infinite or NaN; wanted a cost >= 0, and no row for a "
            "pair out of reach"
        )
    pairs = Pairs(area, site, cost, persons, offered)
    _each_once(pairs, costs)
    return pairs


def share_out(offered: FloatArray, load: FloatArray) -> FloatArray:
    """Supply per unit of demand at each site; 0 where nobody comes.

    Parameters
    ----------
    offered : float64, shape (n_sites,).
    load : float64 [persons], shape (n_sites,).

    Returns
    -------
    float64, shape (n_sites,).
    """
    ratio: FloatArray = np.divide(offered, load, out=np.zeros_like(offered), where=load > 0)
    return ratio


def sum_at(index: IntArray, values: FloatArray, n: int) -> FloatArray:
    """Sum of the values at each of n positions, 0 where there are none.

    Parameters
    ----------
    index : int64 positions, shape (n_values,).
    values : float64, shape (n_values,).
    n : number of positions.

    Returns
    -------
    float64, shape (n,).
    """
    # Without any values bincount counts in integers.
    found: FloatArray = np.bincount(index, weights=values, minlength=n).astype(np.float64)
    return found


def known_supply(name: str, values: npt.ArrayLike) -> FloatArray:
    """Check a supply that stands without codes: a number in each place.

    Parameters
    ----------
    name : what it is called, for messages.
    values : numbers >= 0.

    Returns
    -------
    float64 array.
    """
    return _known(amounts(name, values), None)


def _each_once(pairs: Pairs, costs: pd.DataFrame) -> None:
    key = pairs.area * max(len(pairs.offered), 1) + pairs.site
    if (np.diff(key) > 0).all() or (np.diff(np.sort(key)) > 0).all():
        return
    row = costs.iloc[int(np.argmax(pd.Series(key).duplicated()))]
    raise ShapeError(
        f"costs: the pair of {row['area_code']!r} and {row['site_id']!r} comes twice; "
        "wanted each pair once"
    )


def _amounts(table: str, series: pd.Series[float], wanted: str) -> FloatArray:
    values: FloatArray = np.asarray(series, dtype=np.float64)
    wrong = (values < 0) | np.isinf(values)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise UnitError(
            f"{table}: {series.index[at]!r} has {values[at]:g}, negative or infinite "
            f"({int(wrong.sum())} such); wanted >= 0, or {wanted}"
        )
    return values


def _known(values: FloatArray, index: pd.Index | None) -> FloatArray:
    unknown = np.isnan(values)
    if unknown.any():
        first = int(np.argmax(unknown))
        at = f"position {first}" if index is None else repr(index[first])
        raise UnitError(
            f"supply: {at} has NaN ({int(unknown.sum())} such); wanted a number in each: leave out "
            "a site of which nobody knows how much it offers, and say so"
        )
    return values


def _positions(column: str, codes: pd.Series[str], index: pd.Index, table: str) -> IntArray:
    if index.has_duplicates:
        raise CodeError(f"{table}: {index[index.duplicated()][0]!r} comes twice; wanted it once")
    if isinstance(codes.dtype, pd.CategoricalDtype):
        place = index.get_indexer(codes.cat.categories)
        at = np.append(place, -1)[codes.cat.codes.to_numpy()]
    else:
        at = index.get_indexer(pd.Index(codes))
    if (at < 0).any():
        code = codes.iloc[int(np.argmax(at < 0))]
        raise CodeError(
            f"costs.{column}: {code!r} has no {table}; wanted only codes in the index of {table}"
        )
    return at.astype(np.int64)
