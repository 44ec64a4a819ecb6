"""Which of several files counts where they speak of the same: no figure twice, none lost.

A figure beats a zero that was only filled in, and that beats "no data"; among equals the later
file counts. Of sites that a source names again, the later file counts, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from etl.findings import BoolArray, IntArray
from etl.sources import overlaps
from etl.sources.facilities import repeated_sites
from etl.sources.geography import Geography
from etl.sources.overlaps import Share
from etl.sources.places import metric_positions
from etl.sources.settings import FacilitiesSource

if TYPE_CHECKING:
    from etl.reading import Job

FIGURE_KEYS = {
    "persons": ("level", "group", "area_code"),
    "count": ("level", "measure", "week", "area_code"),
}
_NO_DATA, _FILLED, _FIGURE = 0, 1, 2


def settle(jobs: list[Job], role: str, *, figure: str) -> None:
    """Let each figure count once where files overlap."""
    shares = []
    for job in jobs:
        frame = job.figures(role)
        if frame is not None:
            shares.append((job, Share(frame, job.doubts)))
    _settle_figures([share for _, share in shares], figure=figure)
    for job, share in shares:
        job.take(role, share)


def settle_sites(jobs: list[Job], geography: Geography, *, near_m: float) -> None:
    """Let each site count once: within a source the later file's, between sources the first's.

    Parameters
    ----------
    near_m : sites of one kind and like names so near are told of, and both kept.
    """
    sited = [job for job in jobs if isinstance(job.source, FacilitiesSource) and job.mapped]
    for source_id in dict.fromkeys(job.source.id for job in sited):
        own = [job for job in sited if job.source.id == source_id]
        shares = [Share(job.mapped.frame, job.doubts) for job in own if job.mapped]
        _settle_sites_of_one(shares, geography)
        for job, share in zip(own, shares, strict=True):
            job.take("facilities", share)
    mapped = [job.mapped for job in sited if job.mapped]
    claims = [Share(before.frame, job.doubts) for job, before in zip(sited, mapped, strict=True)]
    overlaps.reject_repeated_sites(claims, [before.ledger for before in mapped], geography)
    # Of a facility file the name is the first column that is mapped.
    names = [str(before.ledger.cells.columns[0]) for before in mapped]
    overlaps.doubt_sites(claims, names, geography, near_m=near_m)
    for job, before, claim in zip(sited, mapped, claims, strict=True):
        job.mapped = replace(before, frame=claim.frame)


def _settle_figures(shares: Sequence[Share], *, figure: str) -> None:
    """Keep each figure once, and tell the files whose figures gave way.

    Parameters
    ----------
    shares : later files last; their frames are replaced.
    figure : "persons" or "count".

    Notes
    -----
    O(n log n) in the rows of files that share a level and a measure or group.
    """
    keys = FIGURE_KEYS[figure]
    for group in _together([share for share in shares if len(share.frame)], keys[:2]):
        if len(group) > 1:
            _settle(group, keys, figure)


def _settle_sites_of_one(shares: Sequence[Share], geography: Geography) -> None:
    """Keep each site of one source once, from the later file."""
    own = [share for share in shares if len(share.frame)]
    if len(own) < 2:
        return
    # Later files first, so that they are the ones the others repeat.
    sites = pd.concat([s.frame.assign(share=i) for i, s in reversed(list(enumerate(own)))])
    sites = sites.reset_index(drop=True)
    everyone = np.ones(len(sites), dtype=np.bool_)
    twice, _ = repeated_sites(sites, metric_positions(sites, geography), everyone)
    twice |= sites["site_id"].duplicated().to_numpy()
    for i, share in enumerate(own):
        mine = (sites["share"] == i).to_numpy()
        _keep(share, ~twice[mine])


def _together(shares: Sequence[Share], keys: Sequence[str]) -> list[list[Share]]:
    """Files that may say the same, by the levels and measures they speak of."""
    groups: list[tuple[set[tuple[str, ...]], list[Share]]] = []
    for share in shares:
        mine = set(share.frame[list(keys)].drop_duplicates().astype(str).itertuples(index=False))
        touching = [group for group in groups if group[0] & mine]
        rest = [group for group in groups if not group[0] & mine]
        subjects = mine.union(*(group[0] for group in touching))
        members = [member for group in touching for member in group[1]]
        groups = [*rest, (subjects, [*members, share])]
    order = {id(share): i for i, share in enumerate(shares)}
    return [sorted(group, key=lambda share: order[id(share)]) for _, group in groups]


def _settle(shares: list[Share], keys: Sequence[str], figure: str) -> None:
    key = _common_keys([share.frame for share in shares], keys)
    owner = np.repeat(np.arange(len(shares)), [len(share.frame) for share in shares])
    figures = np.concatenate([share.frame[figure].to_numpy() for share in shares])
    rank = np.full(len(figures), _FIGURE)
    if figure == "count":
        rows = np.concatenate([share.frame["source_row"].to_numpy() for share in shares])
        rank[rows == 0] = _FILLED
    rank[np.isnan(figures)] = _NO_DATA
    order = np.lexsort((owner, rank, key))
    sorted_key = key[order]
    last = np.append(sorted_key[1:] != sorted_key[:-1], [True])
    wins = np.zeros(len(key), dtype=np.bool_)
    wins[order[last]] = True
    # The winner of each row's key: the last of its run.
    runs = np.cumsum(np.append([0], last[:-1]))
    winner = np.empty(len(key), dtype=np.int64)
    winner[order] = order[last][runs]
    for i, share in enumerate(shares):
        own = owner == i
        # A zero or a gap that was only filled in says nothing when it gives way.
        gone = np.flatnonzero(own & ~wins & (rank == _FIGURE))
        if len(gone):
            mine, theirs = figures[gone], figures[winner[gone]]
            others = [shares[j].doubts.file for j in np.unique(owner[winner[gone]])]
            share.doubts.add(
                "superseded",
                count=len(gone),
                other="、".join(others[-3:]),
                differing=int((mine != theirs).sum()),
            )
        _keep(share, wins[own])


def _keep(share: Share, kept: BoolArray) -> None:
    if kept.all():
        return
    rows = share.frame["source_row"].to_numpy()
    share.lost |= set(rows[~kept].tolist()) - set(rows[kept].tolist()) - {0}
    share.frame = share.frame[kept].reset_index(drop=True)


def _common_keys(frames: list[pd.DataFrame], keys: Sequence[str]) -> IntArray:
    """One number a row, equal where all keys are; each distinct text is looked at once."""
    combined = np.zeros(sum(map(len, frames)), dtype=np.int64)
    for name in keys:
        columns = [frame[name].astype("category").cat for frame in frames]
        texts = sorted({str(text) for column in columns for text in column.categories})
        place = {text: i for i, text in enumerate(texts)}
        codes = [
            np.array([place[str(t)] for t in column.categories], dtype=np.int64)[
                column.codes.to_numpy()
            ]
            for column in columns
        ]
        combined = combined * len(texts) + np.concatenate(codes)
    return combined
