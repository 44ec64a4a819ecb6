"""What a problem's frames and options say, as arrays; what is wrong with them is collected."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.checks import code_faults
from geo.errors import Fault

_COST_COLUMNS = ("cost", "cost_min", "cost_m")
# So many examples are named in a message; the number of all is always told.
_EXAMPLES = 3

ByKey = Mapping[str, Any] | pd.Series


class Demand(NamedTuple):
    """Demand points in the order of their codes.

    Attributes
    ----------
    codes : str, sorted, unique.
    groups : str, sorted; one empty text where there are none.
    amount : float64, shape (n_points, n_groups), >= 0.
    """

    codes: pd.Index[str]
    groups: tuple[str, ...]
    amount: FloatArray


class Pairs(NamedTuple):
    """Travel costs between points and sites, both as codes.

    Attributes
    ----------
    point, site : int64, shape (n_pairs,): positions in `points` and `sites`.
    cost : float64, shape (n_pairs,), >= 0, finite.
    points, sites : codes that occur.
    dense : whether every site and point of the problem must occur.
    """

    point: IntArray
    site: IntArray
    cost: FloatArray
    points: pd.Index[str]
    sites: pd.Index[str]
    dense: bool


def some(what: str, values: Sequence[Any] | pd.Index[Any]) -> str:
    """Describe values by their number and the first of them.

    Parameters
    ----------
    what : what they are.
    values : at least one.

    Returns
    -------
    One phrase.

    Examples
    --------
    >>> some("unknown site code(s)", ["x", "y"])
    "2 unknown site code(s), such as 'x', 'y'"
    """
    shown = ", ".join(repr(value) for value in list(values)[:_EXAMPLES])
    return f"{len(values)} {what}, such as {shown}"


def read_demand(demand: pd.Series[float] | pd.DataFrame, faults: list[Fault]) -> Demand:
    """Read the demand points, in the order of their codes.

    Parameters
    ----------
    demand : as in `SitingProblem`.
    faults : what is wrong is added here.

    Returns
    -------
    Demand; values that are no amounts are 0.
    """
    frame = demand.to_frame("") if isinstance(demand, pd.Series) else demand
    faults += code_faults("demand.index", frame.index.to_series())
    columns = [str(column) for column in frame.columns]
    if not columns or len(set(columns)) < len(columns):
        faults.append(Fault("demand", f"columns {columns}", "one column a group, each once"))
    values = _numbers("demand", frame.to_numpy(), faults)
    if values is None:
        values = np.ones(frame.shape)
    bad = ~((values >= 0) & (values < np.inf))
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        where = f"{frame.index[row]!r}" + (f", {columns[column]!r}" if columns != [""] else "")
        faults.append(
            Fault(
                "demand",
                f"{int(bad.sum())} negative, infinite or missing value(s), such as "
                f"{values[row, column]} at {where}",
                "weights >= 0; a point whose demand is not known must be guessed or left out",
            )
        )
    elif not values.any():
        came = "no demand anywhere" if len(values) else "no demand points"
        faults.append(Fault("demand", came, "at least one point with demand above 0"))
    values = np.where(bad, 0.0, values)
    codes = pd.Index(frame.index.astype(str), dtype="str")
    # Doubled codes are told; what follows looks codes up and needs them once.
    rows = np.argsort(codes.to_numpy(), kind="stable")
    rows = rows[~codes[rows].duplicated()]
    cols = np.argsort(columns, kind="stable")
    return Demand(codes[rows], tuple(columns[i] for i in cols), values[np.ix_(rows, cols)])


def read_costs(costs: pd.DataFrame, faults: list[Fault]) -> Pairs:
    """Read travel costs from a pair table or a dense frame.

    Parameters
    ----------
    costs : as in `SitingProblem`.
    faults : what is wrong is added here.

    Returns
    -------
    Pairs that can be travelled; those that are no costs are left out.
    """
    if not {"area_code", "site_id"} & set(costs.columns):
        return _dense(costs, faults)
    names = [name for name in _COST_COLUMNS if name in costs.columns]
    lacks = [name for name in ("area_code", "site_id") if name not in costs.columns]
    if lacks or len(names) != 1:
        wanted = "area_code, site_id and one of cost, cost_min, cost_m"
        faults.append(Fault("costs", f"columns {[str(c) for c in costs.columns]}", wanted))
        none = np.empty(0, dtype=np.int64)
        nobody = pd.Index([], dtype="str")
        return Pairs(none, none, np.empty(0), nobody, nobody, dense=False)
    positions = []
    for name in ("area_code", "site_id"):
        # Codes come again and again here, so only those that are missing or no text are faults.
        position, found = pd.factorize(costs[name], sort=True)
        faults += code_faults(f"costs.{name}", pd.Series(found))
        if (position < 0).any():
            came = f"{int((position < 0).sum())} missing code(s)"
            faults.append(Fault(f"costs.{name}", came, "a code in every row"))
        positions.append((position.astype(np.int64), pd.Index(found.astype(str), dtype="str")))
    (point, points), (site, sites) = positions
    value = _numbers(f"costs.{names[0]}", costs[names[0]].to_numpy(), faults)
    if value is None:
        value = np.zeros(len(costs))
    there = (point >= 0) & (site >= 0)
    point, site, value = point[there], site[there], value[there]
    key = point * max(1, len(sites)) + site
    order = np.argsort(key, kind="stable")
    twice = order[1:][np.diff(key[order]) == 0]
    if len(twice):
        pair = f"{points[point[twice[0]]]!r} to {sites[site[twice[0]]]!r}"
        faults.append(
            Fault("costs", f"{len(twice)} doubled pair(s), such as {pair}", "each pair once")
        )
    _cost_faults(value, point, site, points, sites, faults)
    ok = (value >= 0) & (value < np.inf)
    return Pairs(point[ok], site[ok], value[ok], points, sites, dense=False)


def _dense(costs: pd.DataFrame, faults: list[Fault]) -> Pairs:
    faults += code_faults("costs.index", costs.index.to_series())
    faults += code_faults("costs.columns", costs.columns.to_series())
    costs = costs.loc[~costs.index.duplicated(), ~costs.columns.duplicated()]
    points = pd.Index(costs.index.astype(str), dtype="str")
    sites = pd.Index(costs.columns.astype(str), dtype="str")
    value = _numbers("costs", costs.to_numpy(), faults)
    if value is None:
        value = np.zeros(costs.shape)
    point, site = (axis.ravel() for axis in np.indices(value.shape, dtype=np.int64))
    value = value.ravel()
    _cost_faults(value, point, site, points, sites, faults)
    ok = (value >= 0) & (value < np.inf)
    return Pairs(point[ok], site[ok], value[ok], points, sites, dense=True)


def _cost_faults(  # noqa: PLR0917 the parts of Pairs
    value: FloatArray,
    point: IntArray,
    site: IntArray,
    points: pd.Index[str],
    sites: pd.Index[str],
    faults: list[Fault],
) -> None:
    gap = "a cost, or inf where nobody can travel"
    for bad, came, wanted in (
        (value < 0, "negative cost(s)", "costs >= 0"),
        (np.isnan(value), "missing cost(s)", gap),
    ):
        at = np.flatnonzero(bad)
        if len(at):
            i = int(at[0])
            pair = f"{value[i]} from {points[point[i]]!r} to {sites[site[i]]!r}"
            faults.append(Fault("costs", f"{len(at)} {came}, such as {pair}", wanted))


def _numbers(where: str, values: npt.NDArray[np.generic], faults: list[Fault]) -> FloatArray | None:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        faults.append(Fault(where, "values that are no numbers", "numbers"))
        return None


def read_codes(
    where: str, codes: Sequence[str] | pd.Index[str], known: pd.Index[str], faults: list[Fault]
) -> BoolArray:
    """Mark which of the known codes are named.

    Parameters
    ----------
    where : name of the option, for messages.
    codes : codes named, each once.
    known : codes there are.
    faults : what is wrong is added here.

    Returns
    -------
    bool, shape (n_known,).
    """
    given = pd.Index(list(codes))
    faults += code_faults(where, given.to_series())
    at = known.get_indexer(given)
    if (at < 0).any():
        came = some("unknown site code(s)", given[at < 0])
        faults.append(Fault(where, came, "sites that costs or candidates name"))
    marked = np.zeros(len(known), dtype=bool)
    marked[at[at >= 0]] = True
    return marked


def read_amounts(
    where: str, given: float | ByKey | None, keys: pd.Index[str], faults: list[Fault], *,
    missing: float,
) -> FloatArray:  # fmt: skip
    """Read one number for all, or a number for each of some keys.

    Parameters
    ----------
    where : name of the option, for messages.
    given : a number >= 0, numbers by key, or None.
    keys : keys there are.
    faults : what is wrong is added here.
    missing : what keys that are left out have.

    Returns
    -------
    float64, shape (n_keys,).
    """
    if given is None:
        return np.full(len(keys), missing)
    if not isinstance(given, Mapping | pd.Series):
        if not number(where, given, faults, low=0):
            return np.full(len(keys), missing)
        return np.full(len(keys), float(given))
    series = _series(where, given, faults)
    values = _numbers(where, series.to_numpy(), faults)
    if values is None:
        return np.full(len(keys), missing)
    if not (values >= 0).all():
        at = int(np.argmax(~(values >= 0)))
        came = f"{values[at]} at {series.index[at]!r}"
        faults.append(Fault(where, came, "numbers >= 0"))
    position = keys.get_indexer(series.index)
    if (position < 0).any():
        came = some("unknown code(s)", series.index[position < 0])
        faults.append(Fault(where, came, "codes that the problem has"))
    found = np.full(len(keys), missing)
    found[position[position >= 0]] = values[position >= 0]
    return found


def read_labels(
    where: str, given: ByKey | None, keys: pd.Index[str], faults: list[Fault], *, complete: bool
) -> tuple[IntArray, tuple[str, ...]]:
    """Read a label for each key, such as its town or its kind; keys beyond ours do no harm.

    Parameters
    ----------
    where : name of the option, for messages.
    given : label by key, or None.
    keys : keys there are.
    faults : what is wrong is added here.
    complete : whether each key needs a label.

    Returns
    -------
    int64, shape (n_keys,), position of the label, -1 for none; and the labels of our keys, sorted.
    """
    if given is None:
        return np.full(len(keys), -1, dtype=np.int64), ()
    series = _series(where, given, faults).reindex(keys)
    position, labels = pd.factorize(series, sort=True)
    if complete and (position < 0).any():
        came = some("site(s) without one", keys[position < 0])
        faults.append(Fault(where, came, "one for each site"))
    return position.astype(np.int64), tuple(str(label) for label in labels)


def _series(where: str, given: ByKey, faults: list[Fault]) -> pd.Series[Any]:
    series = given if isinstance(given, pd.Series) else pd.Series(dict(given), dtype=object)
    if series.index.has_duplicates:
        came = some("doubled code(s)", series.index[series.index.duplicated()])
        faults.append(Fault(where, came, "each code once"))
        series = series[~series.index.duplicated()]
    return series


def read_by_kind(
    where: str, given: object, kinds: Sequence[str], faults: list[Fault], *, whole: bool
) -> dict[str, float]:
    """Read a limit for each of several kinds.

    Parameters
    ----------
    where : name of the option, for messages.
    given : limit by kind.
    kinds : kinds there are; empty where the problem has none.
    faults : what is wrong is added here.
    whole : a whole number >= 0 is wanted, not any number above 0.

    Returns
    -------
    Limit by kind, of those that are in order.
    """
    if not isinstance(given, Mapping):
        return {}
    if not kinds:
        faults.append(Fault(where, f"limits by kind {list(given)}", "kind_of_site beside them"))
        return {}
    unknown: list[Hashable] = [kind for kind in given if kind not in kinds]
    if unknown:
        wanted = f"kinds that sites have: {', '.join(kinds)}"
        faults.append(Fault(where, some("unknown kind(s)", unknown), wanted))
    found = {}
    for kind, value in given.items():
        if number(f"{where}[{kind!r}]", value, faults, whole=whole, low=0 if whole else None):
            found[str(kind)] = float(value)
    return found


def number(
    where: str,
    value: object,
    faults: list[Fault],
    *,
    whole: bool = False,
    low: float | None = None,
    high: float = np.inf,
) -> bool:
    """Check one number.

    Parameters
    ----------
    where : name of the option, for messages.
    value : what came.
    faults : what is wrong is added here.
    whole : only whole numbers are in order.
    low : lowest value in order; None wants a value above 0.
    high : highest value in order.

    Returns
    -------
    Whether it is in order.
    """
    right = False
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        amount = float(value)
        right = (
            bool(np.isfinite(amount))
            and (amount > 0 if low is None else amount >= low)
            and amount <= high
            and (not whole or amount.is_integer())
        )
    if not right:
        kind = "a whole number" if whole else "a number"
        limit = "above 0" if low is None else f">= {low:g}"
        upper = "" if high == np.inf else f" and <= {high:g}"
        faults.append(Fault(where, f"{value!r}", f"{kind} {limit}{upper}"))
    return right
