"""Facilities as weekly files name them: by id or by name, with the area where they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.findings import EACH, BoolArray, IntArray, listed
from etl.ledger import Ledger
from etl.sources import values
from etl.sources.headers import nearest, plain
from etl.sources.mapping import Body
from etl.sources.names import fold
from geo.model import LEVELS, Level, PlaceQuality

_FAR = date.max.toordinal()
_WEEK = 7


class SiteIndex:
    """Sites of all facility files.

    Parameters
    ----------
    sites : canonical sites, unique by `site_id`; sorted, so that a position means one site.
    """

    def __init__(self, sites: pd.DataFrame) -> None:
        self._sites = sites.sort_values("site_id", ignore_index=True)
        self._names = [str(name) for name in self._sites["name"]]
        self._by_text: dict[str, list[int]] = {}
        for i, (site_id, name) in enumerate(zip(self._sites["site_id"], self._names, strict=True)):
            # An id carries its source's id before it; the department knows only what follows.
            own = [str(site_id)[k + 1 :] for k, c in enumerate(str(site_id)) if c == "-"]
            for text in {plain(str(site_id)), *(plain(part) for part in own), fold(name)}:
                if text:
                    self._by_text.setdefault(text, []).append(i)
        self._opened = _ordinals(self._sites["opened_on"], 0)
        self._closed = _ordinals(self._sites["closed_on"], _FAR)

    @classmethod
    def of(cls, frames: Sequence[pd.DataFrame]) -> SiteIndex:
        """An index of the sites of several files, the first of a site counting."""
        columns = ["site_id", "name", "town_code", "village_code", "grid_code", "area_code",
                   "opened_on", "closed_on", "quality"]  # fmt: skip
        own = [frame[columns] for frame in frames if len(frame)]
        sites = pd.concat(own, ignore_index=True) if own else pd.DataFrame(columns=columns)
        return cls(sites.drop_duplicates("site_id"))

    def codes(self, level: Level) -> list[str | None]:
        """Area of a level in which each site stands; None where that is not known so exactly."""
        if level is Level.COUNTY:
            return [None] * len(self._sites)
        finest = {PlaceQuality.TOWN: Level.TOWN, PlaceQuality.VILLAGE: Level.VILLAGE}
        found: list[str | None] = []
        own = self._sites[f"{level}_code"]
        for code, missing, quality in zip(own, own.isna(), self._sites["quality"], strict=True):
            known = finest.get(PlaceQuality(str(quality)), Level.GRID)
            exact = LEVELS.index(known) <= LEVELS.index(level)
            found.append(str(code) if exact and not missing else None)
        return found

    def positions(self, body: Body, wanted: str, level: Level) -> IntArray:
        """Position of each row's site; rows without one, or without its area, are rejected."""
        column, name = body.column(wanted), body.found[wanted]
        texts = [str(text) for text in column.cat.categories]
        found = {text: self._find(text) for text in texts}
        single = {text: hits[0] for text, hits in found.items() if len(hits) == 1}
        site = values.positions(column, single)
        blank = values.is_blank(column)
        several = values.matches(column, lambda text: len(found[text]) > 1)
        unknown = ~blank & (site < 0) & ~several
        areas = self.codes(level)
        placed = np.array([code is not None for code in areas] + [False], dtype=np.bool_)
        nowhere: BoolArray = (site >= 0) & ~placed[site]
        ledger = body.ledger
        ledger.reject("missing_value", blank, column=name)
        close = _first(column[unknown], lambda text: nearest(text, self._names))
        ledger.reject("unknown_site", unknown, column=name, nearest=close)
        both = _first(column[several], lambda text: self._listed(found[text]))
        ledger.reject("ambiguous_site", several, column=name, candidates=both)
        ledger.reject("site_without_area", nowhere, column=name, level=str(level))
        return site

    def last_week(self, site: int) -> int:
        """Ordinal of the last Monday on which a site was still open."""
        return int(self._closed[site]) - 1

    def say_dates(
        self,
        ledger: Ledger,
        site: IntArray,
        monday: IntArray,
        counts: npt.NDArray[np.float64],
        *,
        column: str,
    ) -> None:
        """Say which facilities report after they closed, or before they opened; figures stay."""
        some = ledger.accepted & (np.nan_to_num(counts) > 0).any(axis=1) & (site >= 0)
        closed, opened = np.where(some, self._at(self._closed, site), _FAR), self._opened
        after = some & (monday >= closed)
        before = some & (monday + _WEEK <= self._at(opened, site))
        for rule, mask, days in (
            ("closed_but_reporting", after, closed),
            ("reporting_before_open", before, self._at(opened, site)),
        ):
            since = [date.fromordinal(int(day)).isoformat() for day in days[mask]]
            ledger.note(rule, mask, column=column, since=since)

    def _at(self, days: IntArray, site: IntArray) -> IntArray:
        found: IntArray = np.append(days, [0])[site]
        return found

    def _find(self, text: str) -> list[int]:
        return self._by_text.get(plain(text)) or self._by_text.get(fold(text)) or []

    def _listed(self, hits: list[int]) -> str:
        ids = self._sites["site_id"]
        return listed(f"{self._names[i]} ({ids.iloc[i]})" for i in hits)


def _ordinals(column: pd.Series[str], missing: int) -> IntArray:
    """ISO dates as ordinals."""
    return np.array(
        [
            missing if gone else date.fromisoformat(str(text)).toordinal()
            for text, gone in zip(column, column.isna(), strict=True)
        ],
        dtype=np.int64,
    )


def _first(column: pd.Series[str], say: Callable[[str], str]) -> list[str]:
    """What to say of each row; only as many as will be shown are looked up."""
    texts = column.astype(str).tolist()
    shown = [say(text) for text in texts[: EACH + 1]]
    return shown + [""] * (len(texts) - len(shown))
