"""The published sites as they would be: new ones open, closed ones gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from etl.sections import Access
from etl.siting.posed import Posed
from etl.siting.standing import PartStanding
from geo.model import Kind, SiteStatus

AMOUNTS = ("staff", "rooms", "beds", "places")


def usual_amounts(sites: pd.DataFrame, kind: Kind) -> dict[str, float]:
    """What a new site of a kind is taken to offer: the median of those in service that say.

    NaN where none of them says.
    """
    own = sites[(sites["kind"] == kind) & (sites["status"] == SiteStatus.OPEN)]
    told = own[list(AMOUNTS)].astype("float64").where(lambda amounts: amounts > 0)
    return {name: float(told[name].median()) for name in AMOUNTS}


def assumed_supply(posed: Posed, access: Access) -> list[dict[str, Any]]:
    """What new sites of each part add to the supply, and where the number comes from.

    `basis` is "median" of the kind's sites in service, "other_kinds" where those say nothing, "one"
    where no site says anything, and "none" where the kind is no part of the supply.
    """
    sites = posed.ground.sites
    found = []
    for one in posed.parts:
        kind = one.part.kind
        unit = access.supply_by_kind.get(kind, access.supply)
        value, basis = usual_amounts(sites, kind)[unit], "median"
        if kind not in access.kinds:
            value, basis = 0.0, "none"
        elif np.isnan(value):
            others = sites[sites["kind"].isin([k.value for k in access.kinds])]
            others = others[others["status"] == SiteStatus.OPEN]
            value, basis = float(others[unit].where(others[unit] > 0).median()), "other_kinds"
        if np.isnan(value):
            value, basis = 1.0, "one"
        found.append({"kind": kind.value, "unit": unit, "value": value, "basis": basis})
    return found


def sites_after(
    posed: Posed, standings: Sequence[PartStanding], supply: Sequence[dict[str, Any]]
) -> pd.DataFrame:
    """The published sites with the new ones, without the closed ones."""
    sites = posed.ground.sites
    for s, assumed in zip(standings, supply, strict=True):
        closed = s.one.sites.loc[s.closed, "site_id"]
        sites = sites[~sites["site_id"].isin(closed)]
        new = s.one.sites[s.new]
        if new.empty:
            continue
        offers = usual_amounts(posed.ground.sites, s.one.part.kind)
        if assumed["basis"] != "none":
            offers[assumed["unit"]] = assumed["value"]
        if s.one.part.kind == Kind.SCHOOL:
            sites = _equipped(sites, new, offers)
        else:
            sites = pd.concat([sites, _built(sites, new, offers)], ignore_index=True)
    return sites.reset_index(drop=True)


def _built(sites: pd.DataFrame, new: pd.DataFrame, offers: dict[str, float]) -> pd.DataFrame:
    rows = new[["site_id", "kind", "category", "name", "lon", "lat", "x", "y", "quality",
                "town_code", "village_code"]]  # fmt: skip
    rows = rows.assign(status=SiteStatus.OPEN.value, **offers)
    return rows.reindex(columns=sites.columns).astype(sites.dtypes.to_dict())


def _equipped(sites: pd.DataFrame, new: pd.DataFrame, offers: dict[str, float]) -> pd.DataFrame:
    """Schools stay the schools they are, and get a room."""
    chosen = sites["site_id"].isin(new["site_id"].str.removeprefix("school:")).to_numpy()
    out = sites.copy()
    for name, value in offers.items():
        had = np.nan_to_num(out[name].to_numpy(dtype=np.float64))
        given = np.maximum(had, 1.0 if name == "rooms" and np.isnan(value) else value)
        own = out[name].to_numpy(dtype=np.float64)
        out[name] = np.where(chosen & ~np.isnan(given), given, own)
    strangers = new[~new["site_id"].str.startswith("school:")]
    return pd.concat([out, _built(out, strangers, offers)], ignore_index=True)
