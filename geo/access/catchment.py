"""Floating catchments on a table of travel costs: two steps, and three with selection.

Step 1 divides the supply of each site by the demand within its catchment, step 2 sums these
ratios over the sites within reach of each area. With a decay both sums are weighted by it. The
three-step form first shares each area's demand out over the sites that it can choose from.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.access._pairs import Pairs, read_pairs, share_out, sum_at
from geo.access.decay import THREE_STEP_STEPS_MIN, Decay, weigh
from geo.arrays import FloatArray, positive


def floating_catchment(
    costs: pd.DataFrame,
    demand: pd.Series[float],
    supply: pd.Series[float],
    *,
    catchment: float,
    decay: Decay | None = None,
    cost_column: str = "cost",
) -> pd.Series[float]:
    """Supply per head of demand within reach of each area, from a table of costs.

    Parameters
    ----------
    costs : one row a pair, pairs unique; `area_code` str, `site_id` str and the cost, float64
        >= 0 in any one unit. Pairs that are absent are out of reach.
    demand : float64 [persons], >= 0, index `area_code`, unique; NaN where unknown.
    supply : float64 [staff, rooms, places], >= 0, index `site_id`, unique.
    catchment : inclusive limit in the unit of the cost, > 0.
    decay : None for weight 1 throughout (2SFCA); a mapping {inclusive upper bound: weight} for
        steps, 0 beyond the last (E2SFCA), e.g. `E2SFCA_STEPS_MIN`; or a function of an array of
        costs. It works inside the catchment.
    cost_column : name of the column that holds the cost.

    Returns
    -------
    Series `access`, float64 [supply per person], index of `demand`: 0 where no site with demand
        is within reach, NaN where the area's own demand is unknown. Such an area loads no site.

    Raises
    ------
    CodeError : a code is doubled, or a pair names an area or site without demand or supply.
    ShapeError : a column is missing, or pairs are doubled.
    UnitError : a cost, demand, supply or weight is negative; a cost or supply is NaN.

    Notes
    -----
    O(n_pairs). Luo & Wang 2003; with steps Luo & Qi 2009. The sum of demand x access equals the
    supply of all sites that have any demand within reach. A site without any gives nothing.

    Examples
    --------
    >>> pairs = pd.DataFrame({"area_code": ["a", "b"], "site_id": ["s", "s"], "cost": [5.0, 9.0]})
    >>> persons = pd.Series({"a": 100.0, "b": 300.0, "c": 50.0})
    >>> floating_catchment(pairs, persons, pd.Series({"s": 2.0}), catchment=15).tolist()
    [0.005, 0.005, 0.0]
    """
    limit = positive("catchment", catchment, unit=cost_column)
    pairs = read_pairs(costs, demand, supply, cost_column=cost_column)
    near = pairs.kept(pairs.cost <= limit)
    access = _two_steps(near, weigh(decay, near.cost))
    return pd.Series(access, index=demand.index, name="access")


def three_step_catchment(
    costs: pd.DataFrame,
    demand: pd.Series[float],
    supply: pd.Series[float],
    *,
    catchment: float,
    decay: Decay = THREE_STEP_STEPS_MIN,
    cost_column: str = "cost",
) -> pd.Series[float]:
    """Supply per head where sites compete for the people: 3SFCA.

    An area asks a site for the share that the site's weight has among those of all sites within
    the area's reach, so that many sites near by do not each count the same people whole.

    Parameters
    ----------
    costs : as in `floating_catchment`.
    demand : as in `floating_catchment`.
    supply : as in `floating_catchment`.
    catchment : inclusive limit in the unit of the cost, > 0.
    decay : steps or a function, as in `floating_catchment`; by default the four steps of the
        paper, in minutes.
    cost_column : name of the column that holds the cost.

    Returns
    -------
    Series `access`, float64 [supply per person], index of `demand`: 0 where no site with demand
        is within reach, NaN where the area's own demand is unknown. Such an area loads no site.

    Raises
    ------
    CodeError, ShapeError, UnitError : as in `floating_catchment`.

    Notes
    -----
    O(n_pairs). Wan, Zou & Sternberg 2012 (International Journal of Geographical Information
    Science 26:1073), G = w / sum of w over the sites within the catchment. The sum of demand x
    access equals the supply of all sites that have any demand within reach, as in two steps. A
    site in two halves is not the same as the whole: it is chosen twice.

    Examples
    --------
    >>> pairs = pd.DataFrame({"area_code": ["a", "a"], "site_id": ["s", "t"], "cost": [5.0, 15.0]})
    >>> access = three_step_catchment(pairs, pd.Series({"a": 100.0}),
    ...     pd.Series({"s": 1.0, "t": 1.0}), catchment=60)
    >>> access.round(12).tolist()
    [0.02]
    """
    limit = positive("catchment", catchment, unit=cost_column)
    pairs = read_pairs(costs, demand, supply, cost_column=cost_column)
    near = pairs.kept(pairs.cost <= limit)
    weight = weigh(decay, near.cost)
    choice = sum_at(near.area, weight, len(near.persons))[near.area]
    selected = np.divide(weight, choice, out=np.zeros_like(weight), where=choice > 0)
    access = _two_steps(near, selected * weight)
    return pd.Series(access, index=demand.index, name="access")


def _two_steps(near: Pairs, weight: FloatArray) -> FloatArray:
    asked = np.nan_to_num(near.persons)[near.area] * weight
    ratio = share_out(near.offered, sum_at(near.site, asked, len(near.offered)))
    access = sum_at(near.area, ratio[near.site] * weight, len(near.persons))
    return np.where(np.isnan(near.persons), np.nan, access)
