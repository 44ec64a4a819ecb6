"""The greedy of `suppress_hierarchy` on one week, count by count, as its notes tell it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geo.disclosure import outsider_range
from geo.model import Missing


class Week:
    """Counts of one week and what is withheld of them so far.

    Parameters
    ----------
    counts : one array a level, finest first, shape (n_areas,); NaN where there is no data.
    parents : one a level but the last; -1 where there is no parent.
    own, known, keep : one bool array a level: small by themselves, told already, to be kept.
    """

    def __init__(
        self,
        counts: Sequence[np.ndarray],
        parents: Sequence[np.ndarray],
        k: int,
        *,
        own: Sequence[np.ndarray],
        known: Sequence[np.ndarray],
        keep: Sequence[np.ndarray],
    ) -> None:
        self.counts, self.parents, self.k = counts, parents, k
        self.known, self.keep = known, keep
        self.own = [mask & ~told for mask, told in zip(own, known, strict=True)]
        self.hidden = [mask.copy() for mask in self.own]
        while True:
            before = self.n_hidden()
            self.one_round()
            if self.n_hidden() == before:
                return

    def n_hidden(self) -> int:
        return sum(int(mask.sum()) for mask in self.hidden)

    def children(self, level: int, area: int) -> list[int]:
        """Of an area of `level` + 1."""
        return [j for j, parent in enumerate(self.parents[level]) if parent == area]

    def one_round(self) -> None:
        for i in reversed(range(len(self.parents))):
            self.open_withheld(i)
        spans = outsider_range(
            self.counts,
            [np.where(mask, int(Missing.SUPPRESSED), 0) for mask in self.hidden],
            self.parents,
        )
        told = [
            mask & ((span.high < self.k) | (span.low >= self.k))
            for mask, span in zip(self.own, spans, strict=True)
        ]
        opened = self.n_hidden()
        for sparing in (True, False):
            for i in reversed(range(len(self.parents))):
                if self.n_hidden() == opened:
                    groups = {int(self.parents[i][j]) for j in np.flatnonzero(told[i])} - {-1}
                    self.widen(i, groups, sparing=sparing)

    def open_withheld(self, i: int) -> None:
        """Below each withheld area: its zeros, and the smallest child where that is not enough."""
        wanting = []
        for area in np.flatnonzero(self.hidden[i + 1]):
            children = [j for j in self.children(i, area) if not np.isnan(self.counts[i][j])]
            for j in children:
                self.hidden[i][j] |= self.counts[i][j] == 0 and not self.known[i][j]
            gone = [j for j in children if self.hidden[i][j]]
            floor = 0.0 if any(self.counts[i][j] == 0 for j in gone) else 1.0
            # What is sure: published children, withheld ones at their least, the rest of the sum.
            sure = self.counts[i + 1][area]
            sure -= sum(self.counts[i][j] - floor for j in gone)
            if not gone or (self.own[i + 1][area] and sure >= self.k):
                wanting.append(int(area))
        for area in wanting:
            self.hide_smallest(i, area, sparing=False)

    def widen(self, i: int, groups: set[int], *, sparing: bool) -> None:
        while groups:
            left = set()
            for area in sorted(groups):
                if np.isnan(self.counts[i + 1][area]):
                    continue
                if self.hide_smallest(i, area, sparing=sparing):
                    continue
                stays = self.hidden[i + 1][area] or self.known[i + 1][area]
                if stays or (sparing and self.keep[i + 1][area]):
                    left.add(area)
                else:
                    self.hidden[i + 1][area] = True
            if i + 1 == len(self.parents):
                return
            groups = {int(self.parents[i + 1][area]) for area in left} - {-1}
            i += 1

    def hide_smallest(self, i: int, area: int, *, sparing: bool) -> bool:
        children, counts = self.children(i, area), self.counts[i]
        open_ = [j for j in children if not self.hidden[i][j] and not self.known[i][j]]
        zeros = [j for j in open_ if counts[j] == 0]
        if zeros and sum(counts[j] for j in children if self.hidden[i][j]) >= self.k:
            self.hidden[i][zeros] = True
            return True
        some = [j for j in open_ if counts[j] > 0 and not (sparing and self.keep[i][j])]
        if not some:
            return False
        self.hidden[i][min(some, key=lambda j: (self.keep[i][j], counts[j], j))] = True
        return True
