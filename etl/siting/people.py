"""Who is newly covered, by town and group; who stays uncovered, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from etl.build.levels import Floats
from etl.siting.answer import CellState, as_table
from etl.siting.posed import Bools, Posed
from etl.siting.standing import PartStanding


def headline(posed: Posed, standings: Sequence[PartStanding]) -> dict[str, Any]:
    """Figures of the locality: persons of several parts are counted once for each part."""
    persons = sum(float(s.one.persons.sum()) for s in standings)
    before = sum(float(s.one.persons @ s.covered_before) for s in standings)
    after = sum(float(s.one.persons @ s.covered_after) for s in standings)
    towns = town_table(posed, standings)
    return {
        "persons": persons,
        "covered_before": before,
        "covered_after": after,
        "share_before": _share(before, persons),
        "share_after": _share(after, persons),
        "mean_min_before": _mean([(s.one.before_min, s.one.persons) for s in standings]),
        "mean_min_after": _mean([(s.after_min, s.one.persons) for s in standings]),
        "worst_town_before": _worst(towns, "share_before"),
        "worst_town_after": _worst(towns, "share_after"),
    }


def town_table(posed: Posed, standings: Sequence[PartStanding]) -> pd.DataFrame:
    """Residents and coverage of each town, over all parts."""
    n = len(posed.town_codes)
    sums = np.zeros((5, n))
    sites = np.zeros((2, n), dtype=np.int64)
    guessed = np.zeros(n, dtype=np.bool_)
    for s in standings:
        sums += _by_town(posed, s, s.one.persons)
        guessed |= _any_by_town(posed, s.one.withheld & (s.one.persons > 0))
        for row, there in enumerate((s.one.existing, s.open)):
            codes = s.one.sites.loc[there, "town_code"]
            at = pd.Index(posed.town_codes, dtype="str").get_indexer(codes)
            sites[row] += np.bincount(at[at >= 0], minlength=n)
    codes = list(posed.town_codes)
    frame = pd.DataFrame(
        {
            "town_code": codes,
            "name": [posed.ground.names.get(code, code) for code in codes],
            **_changes(sums),
            "sites_before": sites[0],
            "sites_after": sites[1],
            "estimated": guessed,
        }
    )
    return as_table("towns", frame)


def group_table(posed: Posed, standings: Sequence[PartStanding]) -> pd.DataFrame:
    """Residents of every published group and their coverage, by part."""
    rows = []
    for s in standings:
        for group in posed.ground.persons.columns:
            persons = np.nan_to_num(posed.ground.persons[group].to_numpy(dtype=np.float64))
            withheld = posed.ground.withheld[group].to_numpy(dtype=np.bool_)
            sums = _sums(s, persons).sum(axis=1)[:, None]
            changes = {name: float(values[0]) for name, values in _changes(sums).items()}
            guessed = bool((withheld & (persons > 0)).any())
            rows.append({"part": s.one.position, "group": group, **changes, "estimated": guessed})
    return as_table("groups", pd.DataFrame(rows))


def uncovered_table(posed: Posed, standings: Sequence[PartStanding]) -> pd.DataFrame:
    """Cells whose residents are not covered, or not all of them, and why; the heaviest first.

    A number that is withheld is not told; the order is that of what is guessed of it from
    published figures.
    """
    frames = []
    cells = posed.ground.cells
    for s in standings:
        state = s.state
        left = (state == CellState.UNCOVERED) | (state == CellState.LOST)
        left |= state == CellState.UNKNOWN
        persons = s.one.persons * (1.0 - s.covered_after)
        frame = pd.DataFrame(
            {
                "part": s.one.position,
                "area_code": cells["area_code"],
                "name": cells["name"],
                "village_name": cells["village_code"].map(posed.ground.names),
                "town_name": cells["town_code"].map(posed.ground.names),
                "persons": np.where(s.one.withheld | ~s.one.known, np.nan, persons),
                "withheld": s.one.withheld,
                "nearest_min": s.after_min,
                "why": _reasons(posed, s),
                "heavy": persons,
            }
        )
        frames.append(frame[left])
    table = pd.concat(frames, ignore_index=True)
    return as_table(
        "uncovered",
        table.sort_values(["heavy", "part", "area_code"], ascending=[False, True, True]),
    )


def _reasons(posed: Posed, s: PartStanding) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Why each cell is not covered, if it is not: the nearest cause first."""
    one, n = s.one, posed.n_cells
    new = ~one.existing
    return np.select(
        [
            ~one.known,
            one.near.covered(s.open, n_cells=n),
            one.near.covered(new & one.usable, n_cells=n),
            one.near.covered(new, n_cells=n),
            _off_road(posed, s),
        ],
        ["unknown", "full", "not_chosen", "forbidden", "no_road"],
        "no_candidate",
    )


def _off_road(posed: Posed, s: PartStanding) -> Bools:
    """Cells from which no road is reached."""
    roads = posed.ground.travel.roads
    if not roads:
        return np.zeros(posed.n_cells, dtype=np.bool_)
    off: Bools = ~roads[s.one.part.mode][1].reached
    return off & np.isnan(s.after_min)


def _by_town(posed: Posed, s: PartStanding, persons: Floats) -> Floats:
    n, has = len(posed.town_codes), posed.town >= 0
    sums = _sums(s, persons)
    return np.stack(
        [np.bincount(posed.town[has], weights=row[has], minlength=n)[:n] for row in sums]
    )


def _sums(s: PartStanding, persons: Floats) -> Floats:
    """Persons of each cell: all, covered before and after, newly covered, no longer covered."""
    return np.stack(
        [
            persons,
            persons * s.covered_before,
            persons * s.covered_after,
            s.newly(persons),
            s.lost(persons),
        ]
    )


def _changes(sums: Floats) -> dict[str, Floats]:
    persons, before, after, newly, lost = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = [np.where(persons > 0, covered / persons, np.nan) for covered in (before, after)]
    return {
        "persons": persons, "covered_before": before, "covered_after": after, "newly": newly,
        "lost": lost, "share_before": shares[0], "share_after": shares[1],
    }  # fmt: skip


def _any_by_town(posed: Posed, flags: Bools) -> Bools:
    n = len(posed.town_codes)
    counted = np.bincount(posed.town[(posed.town >= 0) & flags], minlength=n)[:n]
    found: Bools = counted > 0
    return found


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _mean(parts: Sequence[tuple[Floats, Floats]]) -> float | None:
    """Mean minutes of the residents from whom a way leads to a site."""
    minutes = np.concatenate([minutes for minutes, _ in parts])
    persons = np.concatenate([persons for _, persons in parts])
    known = ~np.isnan(minutes) & (persons > 0)
    return float(np.average(minutes[known], weights=persons[known])) if known.any() else None


def _worst(towns: pd.DataFrame, share: str) -> dict[str, Any] | None:
    """The town with the lowest covered share; the first of equals."""
    known = towns[towns[share].notna()]
    if known.empty:
        return None
    row = known.iloc[int(known[share].to_numpy().argmin())]
    return {"town_code": row["town_code"], "name": row["name"], "share": float(row[share])}
