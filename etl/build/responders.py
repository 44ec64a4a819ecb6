"""Who can answer a warning: the nearest open sites of the service that each tier asks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from etl.build.levels import Floats, Ints, LevelFrame, ancestors
from etl.build.travel import Travel, metric_xy
from etl.build.work import Work
from etl.standards import TIERS, TierStandard
from geo.model import Kind, Level, SiteStatus

NEAREST = 3
COLUMNS = ("level", "area_code", "tier", "rank", "site_id", "kind", "name", "staff", "hours",
           "minutes", "mode")  # fmt: skip
LINE_COLUMNS = ("tier", "site_id", "kind", "name", "staff", "hours")


def nearest_responders(
    work: Work, sites: pd.DataFrame, travel: Travel, *, warned: Collection[str] = ()
) -> dict[str, pd.DataFrame]:
    """For every village, town and the county, up to three nearest sites that can answer each tier.

    A site can answer when it is open, of a kind that the tier's standard names, and not known to
    have nobody: staff 0 is left out, staff that nobody told is not. Of several nearest those are
    told that are within `[response] reach_min`. A place is where its residents are: the cell
    nearest to the middle of them.

    Parameters
    ----------
    warned : codes of cells that are to be told, too.

    Returns
    -------
    `responders`: `level`, `area_code`, `tier`, `rank` from 1, `site_id`, `kind`, `name`, `staff`
    (NaN unknown), `hours`, `minutes` from the place to the site, `mode`. `responder_lines`: what
    answers from anywhere, such as hotlines, by tier.
    """
    rows, lines = [], []
    for name, tier in TIERS.items():
        standard: TierStandard = getattr(work.config.response, name)
        able = _able(sites, standard.kinds)
        off_map = able["kind"].isin([kind.code for kind in work.config.kinds if not kind.on_map])
        lines.append(able[off_map].assign(tier=int(tier)))
        placed = able[able["lon"].notna() & ~off_map].reset_index(drop=True)
        if placed.empty:
            continue
        site_xy = metric_xy(placed, crs=work.config.locality.crs)
        for level, codes, cells in _asked(work.levels, warned):
            xy = work.levels[0].xy[cells]
            minutes, which = travel.nearest_k(xy, site_xy, standard.mode, k=NEAREST)
            near = np.nan_to_num(minutes, nan=np.inf) <= work.config.response.reach_min
            area, rank = np.nonzero(near)
            found = placed.iloc[which[area, rank]].reset_index(drop=True)
            found = found.assign(
                level=level.value, area_code=codes[area], tier=int(tier), rank=rank + 1,
                minutes=np.round(minutes[area, rank], 1), mode=standard.mode,
            )  # fmt: skip
            rows.append(found[list(COLUMNS)])
    return {
        "responders": _joined(rows, COLUMNS),
        "responder_lines": _joined([line[list(LINE_COLUMNS)] for line in lines], LINE_COLUMNS),
    }


def _able(sites: pd.DataFrame, kinds: Collection[Kind]) -> pd.DataFrame:
    able = sites["kind"].isin(list(kinds)) & (sites["status"] == SiteStatus.OPEN)
    return sites[able & ~(sites["staff"] == 0)].sort_values("site_id", ignore_index=True)


def _asked(
    levels: Sequence[LevelFrame], warned: Collection[str]
) -> list[tuple[Level, np.ndarray, Ints]]:
    """Level, codes, and the cell that stands for each."""
    found: list[tuple[Level, np.ndarray, Ints]] = []
    for position, frame in enumerate(levels):
        if frame.level == Level.GRID:
            cells: Ints = np.flatnonzero(np.isin(frame.codes.astype(str), sorted(warned)))
            found.append((frame.level, frame.codes[cells], cells))
        else:
            parents = ancestors(levels, position)
            middle = middle_cells(levels[0], parents, n_parents=len(frame))
            held: Ints = np.flatnonzero(middle >= 0)
            found.append((frame.level, frame.codes[held], middle[held]))
    return found


def middle_cells(cells: LevelFrame, parents: Ints, *, n_parents: int) -> Ints:
    """The cell nearest to the middle of each area's residents; -1 for an area without cells.

    Parameters
    ----------
    parents : position of each cell's area; -1 where there is none.

    Notes
    -----
    Where no resident is known, the middle is that of the cells.
    """
    persons = np.nan_to_num(cells.persons.get("total", np.zeros(len(cells))))
    inside = parents >= 0
    total = np.bincount(parents[inside], persons[inside], n_parents)
    weight = np.where(inside & (total[parents] > 0), persons, 1.0)
    sums = np.bincount(parents[inside], weight[inside], n_parents).astype(np.float64)
    out: Ints = np.full(n_parents, -1, dtype=np.int64)
    away = _squared_distance(cells.xy, parents, weight, sums, inside)
    order = np.lexsort((np.arange(len(cells)), away, parents))
    order = order[inside[order]]
    first = np.unique(parents[order], return_index=True)[1]
    out[parents[order[first]]] = order[first]
    return out


def _squared_distance(
    xy: Floats, parents: Ints, weight: Floats, sums: Floats, inside: np.ndarray
) -> Floats:
    away = np.zeros(len(xy))
    for axis in (0, 1):
        total = np.bincount(parents[inside], (weight * xy[:, axis])[inside], len(sums))
        middle = np.divide(total, sums, out=np.zeros(len(sums)), where=sums > 0)
        away += (xy[:, axis] - middle[parents]) ** 2
    return away


def _joined(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))
