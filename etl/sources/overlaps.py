"""What files say twice of facilities, and what they say that cannot be together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from etl.findings import Doubts
from etl.ledger import Ledger
from etl.sources.facilities import SAME_SITE_M, repeated_sites, same_name
from etl.sources.geography import Geography
from etl.sources.places import metric_positions
from geo.model import PlaceQuality, SiteStatus

# Characters that tell one of several like institutions from the next: 第一小学, 东门, A 座.
_TELLING = re.compile(r"[0-9a-z一二三四五六七八九十百零东西南北中上下前后内外新老大小甲乙丙丁左右]")
# What a name has more than another may be only its place or its kind, but not one of these.
_OTHER_PART = re.compile(
    r"分[校院部站店中]|[初高]中|附属|附[小中]|幼儿园|校区|院区|学区|[一-龥]部$"
)
_SHORTEST = 4


@dataclass
class Share:
    """One file's canonical rows, while they are compared with the others'.

    Attributes
    ----------
    frame : replaced by what counts of it.
    lost : rows of the file of which nothing counts any more.
    """

    frame: pd.DataFrame
    doubts: Doubts
    lost: set[int] = field(default_factory=set)


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


def doubt_sites(
    shares: Sequence[Share],
    name_columns: Sequence[str],
    geography: Geography,
    *,
    near_m: float,
) -> None:
    """Say which sites are likely one, and which are closed and yet at work; all are kept.

    Parameters
    ----------
    shares : sites of each source, repeated ones left out already.
    name_columns : where the name stands in each source's file.
    near_m : how near two sites of like names and one kind must be.

    Notes
    -----
    O(n log n) in the sites, and in the pairs of one kind that are so near.
    """
    for share, column in zip(shares, name_columns, strict=True):
        _doubt_closed(share, column)
    filled = [(i, share) for i, share in enumerate(shares) if len(share.frame)]
    if not filled:
        return
    sites = pd.concat([s.frame.assign(share=i) for i, s in filled], ignore_index=True)
    placed = sites["quality"].isin([str(PlaceQuality.EXACT), str(PlaceQuality.ADDRESS)])
    sites = sites[placed & sites["lon"].notna()].reset_index(drop=True)
    if len(sites) < 2:
        return
    xy = metric_positions(sites, geography)
    pairs = KDTree(xy).query_pairs(near_m, output_type="ndarray")
    kinds = pd.factorize(sites["kind"].astype(str))[0]
    names = sites["name"].map(same_name).tolist()
    pairs = pairs[kinds[pairs[:, 0]] == kinds[pairs[:, 1]]]
    order = sites[["share", "source_row"]].to_numpy()
    said: set[int] = set()
    for pair in sorted(map(tuple, np.sort(pairs, axis=1).tolist())):
        one, two = sorted(pair, key=lambda i: (order[i, 0], order[i, 1]))
        if two in said or not alike(names[one], names[two]):
            continue
        said.add(two)
        share, other = shares[order[two, 0]], shares[order[one, 0]]
        file = "" if share is other else f"{other.doubts.file} "
        share.doubts.add_rows(
            "likely_duplicate_site",
            [int(order[two, 1])],
            column=name_columns[order[two, 0]],
            came=[str(sites["name"].iloc[two])],
            other=f"{sites['name'].iloc[one]} ({file}#{order[one, 1]})",
            metres=f"{np.hypot(*(xy[one] - xy[two])):.0f}",
        )


def _doubt_closed(share: Share, column: str) -> None:
    sites = share.frame
    if not len(sites):
        return
    # Hours of a closed site are mostly left over; where the file says there is no staff, it is so.
    active = (sites["staff"] > 0) | (sites["staff"].isna() & sites["hours"].notna())
    doubtful = sites[(sites["status"] == str(SiteStatus.CLOSED)) & active].sort_values("source_row")
    if len(doubtful):
        share.doubts.add_rows(
            "closed_but_active",
            doubtful["source_row"].to_numpy(),
            column=column,
            came=doubtful["name"].astype(str).tolist(),
        )


def alike(one: str, two: str) -> bool:
    """Whether two names, made comparable, may well be one: a slip, or a part left out.

    Names that differ in what tells like institutions apart are not alike.

    Examples
    --------
    >>> alike("雁浦社区心理咨询室", "雁浦社区心里咨询室"), alike("城关第一小学", "城关第二小学")
    (True, False)
    >>> alike("雁浦社区心理咨询室", "雁浦心理咨询室"), alike("实验小学", "实验小学分校")
    (True, False)
    """
    if one == two:
        return True
    short, long = sorted((one, two), key=len)
    if len(short) < _SHORTEST or _TELLING.findall(one) != _TELLING.findall(two):
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short)
    )
    rest = len(short) - start
    end = next((i for i in range(rest) if short[-1 - i] != long[-1 - i]), rest)
    lost, more = short[start : len(short) - end], long[start : len(long) - end]
    if not lost:  # a part left out
        return len(more) <= len(short) // 2 and not _OTHER_PART.search(more)
    if len(lost) == len(more) == 1:  # a slip; at its start a name says which place it is of
        return start >= _SHORTEST
    return len(lost) == len(more) == 2 and lost == more[::-1]
