"""The sites of an answer and the candidates it chose from, as tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from etl.build.levels import Floats, Ints
from etl.siting.answer import as_table
from etl.siting.choosing import Choice
from etl.siting.posed import Posed, PosedPart
from etl.siting.standing import PartStanding, gains, persons_alone, tells_one_cell

_STATES = {"kept": 1, "closed": 2}


def site_table(posed: Posed, standings: Sequence[PartStanding], choice: Choice) -> pd.DataFrame:
    """New sites by what they add, over all parts; then those in service, kept and closed."""
    frames = [
        _sites(posed, s, None if choice.given_room is None else choice.given_room[s.one.position])
        for s in standings
    ]
    table = pd.concat(frames, ignore_index=True)
    # One order over all parts: parts share no residents, so what a site adds stays as it is.
    table = table.sort_values(
        ["rank", "added", "turn", "site_id"], ascending=[True, False, True, True], ignore_index=True
    )
    new = table["state"] == "new"
    table["order"] = np.where(new, np.arange(len(table)) + 1.0, np.nan)
    return as_table("sites", table)


def _sites(posed: Posed, s: PartStanding, room: Floats | None) -> pd.DataFrame:
    one = s.one
    shown = s.open | one.existing
    table = _described(one)
    order, added = gains(s, room=room)
    gain, turn = np.full(len(table), np.nan), np.full(len(table), np.nan)
    gain[order], turn[order] = added, np.arange(len(order))
    within, alone = one.near.sums(one.persons), persons_alone(s)
    single = tells_one_cell(one, one.persons)
    table["state"] = np.select([s.new, s.closed], ["new", "closed"], "kept")
    table["rank"] = table["state"].map({"new": 0, **_STATES})
    table["added"], table["turn"] = gain, turn
    # The number of a single area that is withheld is not told, not even as a guess.
    table["gain_persons"] = np.where(single, np.nan, gain)
    table["persons_within"] = np.where(single, np.nan, within)
    table["alone_persons"] = np.where(single | ~s.open, np.nan, alone)
    table["n_towns_served"] = _towns_served(posed, one)
    cost = np.nan if one.part.cost_new is None else one.part.cost_new
    table["cost"] = np.where(s.new, cost, np.nan)
    return table[shown]


def candidate_table(posed: Posed, standings: Sequence[PartStanding]) -> pd.DataFrame:
    """Every candidate: chosen or not, whom it reaches, and what it would add to the answer."""
    listed = posed.candidates
    frames = []
    for s in standings:
        one = s.one
        mine = listed[listed["kind"] == one.part.kind.value]
        left = one.persons * (1.0 - s.covered_after)
        single = tells_one_cell(one, one.persons)
        figures = pd.DataFrame(
            {
                "candidate_id": one.sites["site_id"],
                "chosen": s.new,
                "persons_within": np.where(single, np.nan, one.near.sums(one.persons)),
                "gain_now": np.where(single, np.nan, np.where(s.new, 0.0, one.near.sums(left))),
                "nearest_open_min": _nearest_open(posed, s),
            }
        )[~one.existing]
        table = mine.merge(figures, on="candidate_id", how="left")
        table["chosen"] = table["chosen"].fillna(value=False).astype("bool")
        table["cost"] = np.nan if one.part.cost_new is None else one.part.cost_new
        frames.append(table)
    table = pd.concat(frames, ignore_index=True)
    table["forbidden"] = table["candidate_id"].isin(posed.question.forbidden)
    return as_table("candidates", table)


def _described(one: PosedPart) -> pd.DataFrame:
    table = one.sites.copy()
    for name in ("floor", "owner", "lacks", "area_m2", "hours"):
        if name not in table:
            table[name] = np.nan
    return table


def _towns_served(posed: Posed, one: PosedPart) -> Ints:
    """Number of towns in which each site has residents within its reach."""
    use = (one.persons[one.near.cell] > 0) & (posed.town[one.near.cell] >= 0)
    both = pd.DataFrame({"site": one.near.site[use], "town": posed.town[one.near.cell[use]]})
    return np.bincount(both.drop_duplicates()["site"], minlength=len(one.sites))


def _nearest_open(posed: Posed, s: PartStanding) -> Floats:
    """Minutes from each site to the nearest open one other than itself; NaN for none."""
    one = s.one
    xy = one.sites[["x", "y"]].to_numpy(dtype=np.float64)
    found = np.full(len(xy), np.nan)
    opened = np.flatnonzero(s.open)
    if not opened.size:
        return found
    minutes, which = posed.ground.travel.nearest_k(
        xy, xy[opened], one.part.mode, k=min(2, opened.size)
    )
    itself = opened[np.maximum(which, 0)] == np.arange(len(xy))[:, None]
    away = np.where((which < 0) | itself, np.inf, minutes)
    least = away.min(axis=1)
    return np.where(np.isfinite(least), least, np.nan)
