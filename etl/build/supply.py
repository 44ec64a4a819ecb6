"""What the sites offer: who counts, in which unit, for how many hours, and who is left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from etl.build.levels import Floats
from etl.sections import Access
from etl.sources.hours import hours_a_week
from geo.model import SiteStatus


class Supply(NamedTuple):
    """Sites in service that offer something, and the account of all that were looked at.

    Attributes
    ----------
    sites : the sites that count, as in the store.
    offered : supply of each of them, > 0, weighed by hours where the locality wants it.
    counts : one row a kind; see `count_supply`.
    """

    sites: pd.DataFrame
    offered: Floats
    counts: pd.DataFrame


def count_supply(sites: pd.DataFrame, settings: Access) -> Supply:
    """Supply of each located site in service, and by kind what counts and what does not.

    A site that reports no supply, or none at all, serves nobody; how many there are is told by
    kind: `sites_open`, `counted`, `unreported` (no figure), `without` (0), `unplaced` (no
    coordinate), `hours_known` and `supply`.
    """
    serves = sites["kind"].isin(settings.kinds) & (sites["status"] == SiteStatus.OPEN)
    own = sites[serves].reset_index(drop=True)
    reported = np.full(len(own), np.nan)
    unit = own["kind"].map(
        {kind.value: settings.supply_by_kind.get(kind, settings.supply) for kind in settings.kinds}
    )
    for name in sorted(set(unit)):
        rows = (unit == name).to_numpy()
        reported[rows] = own.loc[rows, name].to_numpy(dtype=np.float64)
    hours = weekly_hours(own["hours"])
    offered = (
        reported * hours_factor(hours, settings.full_week_hours) if settings.hours else reported
    )
    placed = own["lon"].notna().to_numpy()
    counts = placed & (offered > 0)
    account = pd.DataFrame(
        {
            "kind": own["kind"].astype("str"),
            "sites_open": 1,
            "counted": counts,
            "unreported": np.isnan(reported),
            "without": reported == 0,
            "unplaced": ~placed,
            "hours_known": ~np.isnan(hours),
            "supply": np.where(counts, offered, 0.0),
        }
    )
    by_kind = account.groupby("kind", as_index=False).sum()
    whole = [name for name in by_kind.columns if name not in ("kind", "supply")]
    by_kind = by_kind.astype(dict.fromkeys(whole, np.int64))
    return Supply(own[counts].reset_index(drop=True), offered[counts], by_kind)


def weekly_hours(texts: pd.Series) -> Floats:
    """Hours a week of each text; NaN where it says none, or none that can be read."""
    found = [hours_a_week(one) if isinstance(one, str) else None for one in texts]
    return np.array([np.nan if one is None else one for one in found], dtype=np.float64)


def hours_factor(hours: Floats, full_week_hours: float) -> Floats:
    """Part of a full week that a site is open, at most 1; 1 where its hours are not known."""
    return np.where(np.isnan(hours), 1.0, np.minimum(hours / full_week_hours, 1.0))
