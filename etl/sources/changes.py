"""Areas that merged or split: a department's file of changes, and changes that boundaries show.

A change says which area followed which, since when, and with what share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.findings import BoolArray, Doubts, IntArray
from etl.ledger import Ledger
from etl.sources import values
from etl.sources.headers import nearest
from etl.sources.mapping import Areas, Body, Mapped, open_body
from etl.sources.settings import ChangesSource
from etl.sources.tabular import Table
from etl.sources.values import Amount
from geo.cells import crosswalk

CHANGE_COLUMNS = ("level", "old_code", "new_code", "since", "weight", "source_row")
TOLERANCE = 1e-6
# Old and new boundaries are never drawn quite alike.
SLIVER = 0.01
FloatArray = npt.NDArray[np.float64]


def map_changes(
    table: Table,
    source: ChangesSource,
    areas: Areas,
    doubts: Doubts,
    *,
    persons: Mapping[str, float] | None = None,
) -> Mapped:
    """Changes of the areas of one level; an old area counts whole or waits whole.

    Parameters
    ----------
    areas : the areas of today.
    persons : population of today's areas: shares of a split that has no weights.

    Returns
    -------
    Mapped, its frame: level, old_code, new_code, since (ISO date), weight (>= 0; those of an old
    area and date sum to 1), source_row; sorted. An old area may be its own successor, where it only
    gave something away.
    """
    columns = source.columns
    body = open_body(table, doubts, key=columns.old, figures=[])
    ledger, old_name = body.ledger, body.found[columns.old]
    old, new = (_codes(body, name, source) for name in (columns.old, columns.new))
    since = _dates(body, columns.since)
    weight, blank = _weights(body, columns.weight)
    own = pd.DataFrame({"old": old, "new": new, "since": since, "weight": weight, "blank": blank})
    _reject_repeated(ledger, own, column=old_name)
    _reject_unknown(ledger, own, areas, column=body.found[columns.new])
    _fill_weights(ledger, own, persons or {}, column=old_name)
    _reject_cycles(ledger, own, column=old_name)
    # What is left of an old area whose other row waits would hand on too little.
    _reject_rest(ledger, own, areas, column=old_name)
    kept = own[ledger.accepted]
    frame = pd.DataFrame(
        {
            "level": np.repeat(str(source.level), len(kept)),
            "old_code": kept["old"].to_numpy(),
            "new_code": kept["new"].to_numpy(),
            "since": kept["since"].to_numpy(),
            "weight": kept["weight"].to_numpy(dtype=np.float64),
            "source_row": ledger.rows[ledger.accepted],
        }
    ).astype(dict.fromkeys(("level", "old_code", "new_code", "since"), "str"))
    order = ["old_code", "since", "new_code"]
    return Mapped(frame.sort_values(order, ignore_index=True), ledger, body.set_aside)


def _codes(body: Body, wanted: str, source: ChangesSource) -> list[str]:
    codes = values.codes(body.column(wanted), source.code)
    blank = values.matches(codes, lambda text: not text)
    body.ledger.reject("missing_value", blank, column=body.found[wanted])
    return [str(code) for code in codes]


def _dates(body: Body, wanted: str) -> list[str]:
    column, name = body.column(wanted), body.found[wanted]
    days = [values.a_date(str(text)) for text in column]
    blank = values.is_blank(column)
    bad = np.array([day is None for day in days], dtype=np.bool_)
    body.ledger.reject("missing_value", blank, column=name)
    body.ledger.reject("malformed_since", bad & ~blank, column=name)
    return ["" if day is None else day.isoformat() for day in days]


def _weights(body: Body, wanted: str | None) -> tuple[FloatArray, BoolArray]:
    n_rows = len(body.cells)
    if wanted is None:
        return np.full(n_rows, np.nan), np.ones(n_rows, dtype=np.bool_)
    read = values.amounts(body.column(wanted), integer=False)
    blank: BoolArray = read.faults == Amount.BLANK
    bad = ~blank & ~((read.values >= 0) & (read.values <= 1 + TOLERANCE))
    body.ledger.reject("bad_weight", bad, column=body.found[wanted])
    return read.values, blank


def _groups(ledger: Ledger, own: pd.DataFrame) -> list[IntArray]:
    """Positions of the rows of each old area and date that are still good."""
    good = np.flatnonzero(ledger.accepted)
    keys = zip(own["old"].to_numpy()[good], own["since"].to_numpy()[good], strict=True)
    groups: dict[tuple[str, str], list[int]] = {}
    for position, key in zip(good.tolist(), keys, strict=True):
        groups.setdefault(key, []).append(position)
    return [np.array(group, dtype=np.int64) for group in groups.values()]


def _mask(n_rows: int, positions: Iterable[int]) -> BoolArray:
    mask: BoolArray = np.zeros(n_rows, dtype=np.bool_)
    mask[list(positions)] = True
    return mask


def _reject_repeated(ledger: Ledger, own: pd.DataFrame, *, column: str) -> None:
    """One row for an old area, a date and a successor."""
    good = ledger.accepted
    same = own[good].duplicated(["old", "new", "since", "weight"]).to_numpy()
    identical = np.zeros(len(own), dtype=np.bool_)
    identical[np.flatnonzero(good)[same]] = True
    ledger.reject("duplicate_identical", identical, column=column)
    good = ledger.accepted
    conflict = np.zeros(len(own), dtype=np.bool_)
    double = own[good].duplicated(["old", "new", "since"], keep=False).to_numpy()
    conflict[np.flatnonzero(good)[double]] = True
    ledger.reject("duplicate_conflict", conflict, column=column)


def _reject_unknown(ledger: Ledger, own: pd.DataFrame, areas: Areas, *, column: str) -> None:
    """A successor is an area of today, or was followed itself."""
    known = areas.by_code.keys() | set(own["old"][ledger.accepted])
    unknown = np.array([code not in known for code in own["new"]], dtype=np.bool_)
    unknown &= ledger.accepted
    close = [nearest(code, areas.codes.tolist()) for code in own["new"].to_numpy()[unknown]]
    ledger.reject("unknown_area", unknown, column=column, level=areas.level, nearest=close)


def _fill_weights(
    ledger: Ledger, own: pd.DataFrame, persons: Mapping[str, float], *, column: str
) -> None:
    """Weights that the file leaves out; those of an old area must sum to 1."""
    weight = own["weight"].to_numpy(dtype=np.float64, copy=True)
    blank, new = own["blank"].to_numpy(), own["new"].to_numpy()
    wrong: dict[int, str] = {}
    without: list[int] = []
    by_people: dict[int, str] = {}
    for rows in _groups(ledger, own):
        if blank[rows].all() and len(rows) == 1:
            weight[rows] = 1.0
        elif blank[rows].all():
            shares = np.array([persons.get(code, np.nan) for code in new[rows]])
            if not shares.sum() > 0:
                without += rows.tolist()
                continue
            kept = shares > 0
            weight[rows] = shares / shares.sum()
            by_people |= {int(row): f"{new[row]} {weight[row]:.3f}" for row in rows[kept].tolist()}
        total = weight[rows].sum()
        if not abs(total - 1) <= TOLERANCE:
            told = f"{np.nansum(weight[rows]):.6g}"
            wrong |= {int(row): told for row in rows}
        else:
            weight[rows] /= total
    own["weight"] = weight
    n_rows = len(own)
    ledger.reject("weights_missing", _mask(n_rows, without), column=column)
    sums = [wrong[row] for row in sorted(wrong)]
    ledger.reject("weights_not_one", _mask(n_rows, wrong), column=column, sum=sums)
    shares_told = [by_people[row] for row in sorted(by_people)]
    ledger.note("weights_by_population", _mask(n_rows, by_people), column=column, share=shares_told)


def _reject_cycles(ledger: Ledger, own: pd.DataFrame, *, column: str) -> None:
    """No area follows itself by way of others."""
    good = np.flatnonzero(ledger.accepted)
    old, new = own["old"].to_numpy(), own["new"].to_numpy()
    after: dict[str, set[str]] = {}
    for i in good.tolist():
        if old[i] != new[i]:
            after.setdefault(old[i], set()).add(new[i])
    caught = [i for i in good.tolist() if old[i] != new[i] and old[i] in _reached(new[i], after)]
    ledger.reject("change_cycle", _mask(len(own), caught), column=column)


def _reached(start: str, after: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    ahead = list(after.get(start, ()))
    while ahead:
        code = ahead.pop()
        if code not in seen:
            seen.add(code)
            ahead += after.get(code, ())
    return seen


def _reject_rest(ledger: Ledger, own: pd.DataFrame, areas: Areas, *, column: str) -> None:
    old, new = own["old"].to_numpy(), own["new"].to_numpy()
    weight = own["weight"].to_numpy(dtype=np.float64)
    while True:
        # A repeated row is no loss: the one that stays says the same, and the sum is 1.
        rest = {
            i
            for rows in _groups(ledger, own)
            if not abs(weight[rows].sum() - 1) <= TOLERANCE
            for i in rows.tolist()
        }
        known = areas.by_code.keys() | set(old[ledger.accepted])
        rest |= {i for i in np.flatnonzero(ledger.accepted).tolist() if new[i] not in known}
        if not rest:
            return
        ledger.reject("change_incomplete", _mask(len(own), rest), column=column)


def overlay_changes(
    former: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    *,
    level: str,
    crs: str,
    people: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """Changes as the boundaries of then and now show them, where no file says them.

    Parameters
    ----------
    former : area_code, since, geometry, as in `Zones.former`.
    areas : area_code and geometry of the areas of today, of the same level.
    crs : a metric CRS.
    people : points with a column `weight` [persons]; without them shares are shares of the area.

    Returns
    -------
    As the frame of `map_changes`; source_row 0. Slivers below one in a hundred are taken for noise
    of drawing and left out; the rest sums to 1. An area that nothing follows has no row.

    Notes
    -----
    Dasymetric weights through `geo.cells.crosswalk`.
    """
    metric = areas[["area_code", "geometry"]].to_crs(crs)
    points = None if people is None else people.to_crs(crs)
    parts = []
    for since in sorted(set(former["since"])):
        own = former.loc[former["since"] == since, ["area_code", "geometry"]].to_crs(crs)
        shares = crosswalk(own, metric, weights=points).dropna(subset="to_code")
        shares = shares[shares["weight"] >= SLIVER]
        total = shares.groupby("from_code")["weight"].transform("sum")
        parts.append(
            pd.DataFrame(
                {
                    "level": level,
                    "old_code": shares["from_code"].to_numpy(),
                    "new_code": shares["to_code"].to_numpy(),
                    "since": str(since),
                    "weight": (shares["weight"] / total).to_numpy(np.float64),
                    "source_row": np.zeros(len(shares), dtype=np.int64),
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=list(CHANGE_COLUMNS))
    found = pd.concat(parts, ignore_index=True)
    return found.sort_values(["old_code", "since", "new_code"], ignore_index=True)
