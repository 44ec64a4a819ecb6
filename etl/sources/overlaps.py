"""What two sources both say: a figure counts from the later one, a site from the earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.findings import Doubts, Ledger
from etl.sources.facilities import SAME_SITE_M, repeated_sites
from etl.sources.geography import Geography
from etl.sources.places import metric_positions

_KEYS = {
    "persons": ("level", "group", "area_code"),
    "count": ("level", "measure", "week", "area_code"),
}


@dataclass
class Share:
    """A source's canonical rows, while they are compared with the others'."""

    source_id: str
    frame: pd.DataFrame
    doubts: Doubts


def drop_superseded(shares: Sequence[Share], *, figure: str) -> None:
    """Where sources give the same figure, keep that of the later one, and say so.

    Parameters
    ----------
    shares : in the order of the configuration; their frames are replaced.
    figure : "persons" or "count".
    """
    keys = _KEYS[figure]
    later: list[Share] = []
    for share in reversed(shares):
        for other in later:
            # Most sources share no level, measure or week, and are not compared row by row.
            if all(set(share.frame[k].unique()) & set(other.frame[k].unique()) for k in keys[:-1]):
                share.frame = _without(share, other, list(keys), figure)
        later.append(share)


def _without(share: Share, other: Share, keys: list[str], figure: str) -> pd.DataFrame:
    frame, text = share.frame, dict.fromkeys(keys, "str")
    mine = frame[keys].astype(text)
    theirs = other.frame[[*keys, figure]].astype(text)
    both = mine.merge(theirs, on=keys, how="left", indicator=True)
    double = (both["_merge"] == "both").to_numpy()
    if not double.any():
        return frame
    own, wins = frame[figure].to_numpy()[double], both[figure].to_numpy()[double]
    differing = int((~((own == wins) | (np.isnan(own) & np.isnan(wins)))).sum())
    count = int(double.sum())
    share.doubts.add("superseded", count=count, other=other.source_id, differing=differing)
    return frame[~double].reset_index(drop=True)


def reject_repeated_sites(
    shares: Sequence[Share], ledgers: Sequence[Ledger], geography: Geography
) -> None:
    """Reject a site that an earlier source has named already, in the same kind and place.

    Parameters
    ----------
    shares : sites of each source, in the order of the configuration; frames are replaced.
    ledgers : one a share.
    """
    if len(shares) < 2:
        return
    sites = pd.concat([s.frame.assign(share=i) for i, s in enumerate(shares)], ignore_index=True)
    everyone = np.ones(len(sites), dtype=np.bool_)
    twice, others = repeated_sites(sites, metric_positions(sites, geography), everyone)
    first = sites.iloc[others]
    before = [
        f"{shares[share].doubts.file} #{row}"
        for share, row in zip(first["share"], first["source_row"], strict=True)
    ]
    repeated = sites[twice].assign(before=before).sort_values("source_row")
    for i, (share, ledger) in enumerate(zip(shares, ledgers, strict=True)):
        own = repeated[repeated["share"] == i]
        rows = own["source_row"].to_numpy()
        ledger.reject(
            "duplicate_site",
            np.isin(ledger.rows, rows),
            column=str(ledger.cells.columns[0]),
            metres=f"{SAME_SITE_M:g}",
            other=own["before"].tolist(),
        )
        share.frame = share.frame[~share.frame["source_row"].isin(rows)].reset_index(drop=True)
