"""A question on its ground as arrays: who lives where, which sites there are, who reaches them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.build.levels import Floats, Ints
from etl.siting.candidates import check_asked, existing_sites, list_candidates, may_be_chosen
from etl.siting.ground import Ground
from etl.siting.question import Part, Question
from geo.siting import Objective

Bools = npt.NDArray[np.bool_]

EXISTING = "existing"
# A choice is tried at a third less and a third more than the threshold that is asked.
_TRIED = (2 / 3, 1.0, 4 / 3)
MEDIANS = (Objective.P_MEDIAN, Objective.P_CENTER)
# Below so many pairs of cell and site a median sees every way; above, those up to a limit.
_ALL_PAIRS = 4_000_000
_EVERYWHERE_MIN = 1e6
_SITES_AT_ONCE = 200
_SITE_COLUMNS = ["site_id", "kind", "name", "lon", "lat", "x", "y", "town_code", "village_code",
                 "area_m2", "hours"]  # fmt: skip


@dataclass(frozen=True)
class Reach:
    """Cells and sites within a limit, by site.

    Attributes
    ----------
    start : int64, shape (n_sites + 1,): pairs of site i stand at start[i]:start[i + 1].
    cell : int64, shape (n_pairs,), rising within a site.
    minutes : float64 [min], shape (n_pairs,).
    """

    start: Ints
    cell: Ints
    minutes: Floats

    @classmethod
    def of(cls, cell: Ints, site: Ints, minutes: Floats, *, n_sites: int) -> Reach:
        """Pairs in any order."""
        order = np.lexsort((cell, site))
        start = np.concatenate([[0], np.cumsum(np.bincount(site, minlength=n_sites))])
        return cls(start.astype(np.int64), cell[order], minutes[order])

    def __len__(self) -> int:
        return len(self.start) - 1

    @cached_property
    def site(self) -> Ints:
        """Site of each pair."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def within(self, limit_min: float) -> Reach:
        """The pairs within a limit, inclusive."""
        return self.only(self.minutes <= limit_min)

    def of_sites(self, chosen: Bools) -> Reach:
        """The pairs of some sites; the others have none."""
        return self.only(chosen[self.site])

    def only(self, pairs: Bools) -> Reach:
        """Some of the pairs."""
        counted = np.bincount(self.site[pairs], minlength=len(self))
        start = np.concatenate([[0], np.cumsum(counted)]).astype(np.int64)
        return Reach(start, self.cell[pairs], self.minutes[pairs])

    def cells(self, site: int) -> Ints:
        """Cells of one site."""
        return self.cell[self.start[site] : self.start[site + 1]]

    def covered(self, chosen: Bools, *, n_cells: int) -> Bools:
        """Cells of at least one of the chosen sites."""
        found = np.zeros(n_cells, dtype=np.bool_)
        for site in np.flatnonzero(chosen):
            found[self.cells(int(site))] = True
        return found

    def sums(self, values: Floats) -> Floats:
        """Sum of a figure of the cells over the cells of each site."""
        found = np.bincount(self.site, weights=values[self.cell], minlength=len(self))
        return found.astype(np.float64)


@dataclass(frozen=True)
class PosedPart:
    """One part of a question on its ground.

    Attributes
    ----------
    position : of the part in the question.
    persons : residents of the group in each cell; 0 where unknown.
    known : whether they are known, or guessed from what is published.
    withheld : whether they are such a guess.
    weight : what the objective counts in each cell, >= 0.
    sites : sites in service of the kind, then candidates with a place; index 0..n-1.
    n_existing : how many of them are in service.
    usable : bool, shape (n_sites,): candidates that may be chosen; see `may_be_chosen`.
    reach : all pairs within `limit_min`.
    before_min : minutes from each cell to the nearest site in service; NaN for none.
    """

    position: int
    part: Part
    persons: Floats
    known: Bools
    withheld: Bools
    weight: Floats
    sites: pd.DataFrame
    n_existing: int
    usable: Bools
    reach: Reach
    before_min: Floats
    limit_min: float
    _within: dict[float, Reach] = field(default_factory=dict)

    @property
    def existing(self) -> Bools:
        """Which sites are in service."""
        return np.arange(len(self.sites)) < self.n_existing

    def within(self, limit_min: float) -> Reach:
        """Pairs within a threshold that is asked for more than once."""
        if limit_min not in self._within:
            self._within[limit_min] = self.reach.within(limit_min)
        return self._within[limit_min]

    @property
    def near(self) -> Reach:
        """The pairs within the threshold."""
        return self.within(self.part.threshold_min)

    def named(self, ids: Sequence[str]) -> Bools:
        """Which sites have one of these ids."""
        return self.sites["site_id"].isin(list(ids)).to_numpy(dtype=np.bool_)


@dataclass(frozen=True)
class Posed:
    """A question on its ground.

    Attributes
    ----------
    candidates : as listed, those without a place among them.
    town : position of each cell's town in `town_codes`; -1 for none.
    """

    ground: Ground
    question: Question
    candidates: pd.DataFrame
    parts: tuple[PosedPart, ...]
    town: Ints
    town_codes: tuple[str, ...]

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.town)


def pose(ground: Ground, question: Question, *, go_on: Callable[[float], None]) -> Posed:
    """Lay a question on its ground: candidates, residents, and who reaches which site.

    Parameters
    ----------
    go_on : told the share 0..1 that is done; what it raises ends the work.

    Raises
    ------
    QuestionError : this ground cannot answer the question; see `check_asked`.
    """
    candidates = list_candidates(ground, question)
    check_asked(ground, question, candidates)
    codes, n = ground.cells["town_code"], len(question.parts)
    town_codes = tuple(sorted(codes.dropna().unique()))
    return Posed(
        ground,
        question,
        candidates,
        tuple(_pose_part(ground, question, at, candidates, go_on=go_on) for at in range(n)),
        pd.Index(town_codes, dtype="str").get_indexer(codes).astype(np.int64),
        town_codes,
    )


def tried_thresholds(threshold_min: float) -> tuple[float, float, float]:
    """A lower threshold, the asked one, a higher one; whole minutes where it is a whole number."""
    if threshold_min != round(threshold_min) or threshold_min < len(_TRIED):
        lower, asked, higher = (threshold_min * factor for factor in _TRIED)
    else:
        lower, asked, higher = (float(round(threshold_min * factor)) for factor in _TRIED)
    return lower, asked, higher


def _pose_part(
    ground: Ground,
    question: Question,
    position: int,
    candidates: pd.DataFrame,
    *,
    go_on: Callable[[float], None],
) -> PosedPart:
    part = question.parts[position]
    persons = ground.persons[part.group].to_numpy(dtype=np.float64)
    sites, n_existing = _sites(ground, part, candidates)
    xy = sites[["x", "y"]].to_numpy(dtype=np.float64)
    weight = np.nan_to_num(persons) * _importance(ground, question)
    limit_min = _limit(ground, question, part, len(sites))
    reach = _reach(ground, question, position, xy, limit_min=limit_min, go_on=go_on)
    chosen = candidates.loc[may_be_chosen(candidates, question), "candidate_id"]
    usable = sites["site_id"].isin(chosen).to_numpy(dtype=np.bool_)
    before_min = np.full(len(persons), np.nan)
    if n_existing:
        before_min = ground.travel.nearest(xy[:n_existing], part.mode)[0]
    return PosedPart(
        position=position,
        part=part,
        persons=np.nan_to_num(persons),
        known=~np.isnan(persons),
        withheld=ground.withheld[part.group].to_numpy(dtype=np.bool_),
        weight=weight,
        sites=sites,
        n_existing=n_existing,
        usable=usable,
        reach=reach,
        before_min=before_min,
        limit_min=limit_min,
    )


def _reach(
    ground: Ground,
    question: Question,
    at: int,
    xy: Floats,
    *,
    limit_min: float,
    go_on: Callable[[float], None],
) -> Reach:
    """Pairs of all sites, some sites at a time, so that somebody can end it in between."""
    mode = question.parts[at].mode
    cell, site, minutes = [], [], []
    for begin in range(0, len(xy), _SITES_AT_ONCE):
        go_on((at + begin / len(xy)) / len(question.parts))
        found = ground.travel.pairs(xy[begin : begin + _SITES_AT_ONCE], mode, limit_min=limit_min)
        cell.append(found.cell)
        site.append(found.site + begin)
        minutes.append(found.cost_min)
    none: Ints = np.zeros(0, dtype=np.int64)
    return Reach.of(
        np.concatenate([none, *cell]),
        np.concatenate([none, *site]),
        np.concatenate([np.zeros(0), *minutes]),
        n_sites=len(xy),
    )


def _sites(ground: Ground, part: Part, candidates: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Sites in service of the kind and candidates, all with a place."""
    own = existing_sites(ground, part).sort_values("site_id")
    existing = own[_SITE_COLUMNS].assign(source=EXISTING, kind=part.kind.value)
    existing["town_name"] = existing["town_code"].map(ground.names)
    existing["village_name"] = existing["village_code"].map(ground.names)
    mine = candidates[(candidates["kind"] == part.kind.value) & candidates["usable"]]
    new = mine.drop(columns=["usable", "excluded"]).rename(columns={"candidate_id": "site_id"})
    if existing.empty:
        return new.reset_index(drop=True), 0
    if new.empty:
        columns = [*new.columns, *(c for c in existing.columns if c not in new.columns)]
        return existing.reindex(columns=columns).reset_index(drop=True), len(existing)
    existing = existing.reindex(columns=new.columns).astype(new.dtypes.to_dict())
    return pd.concat([existing, new], ignore_index=True), len(existing)


def _importance(ground: Ground, question: Question) -> Floats:
    """What one resident counts; where need is unknown as much as anybody, on average."""
    need = ground.need.to_numpy(dtype=np.float64)
    if question.weigh_by == "residents" or np.isnan(need).all():
        return np.ones(len(need))
    people = np.nan_to_num(ground.persons["total"].to_numpy(dtype=np.float64))
    people = np.where(np.isnan(need), 0.0, people)
    mean = np.average(np.nan_to_num(need), weights=people) if people.sum() > 0 else 1.0
    return np.where(np.isnan(need), mean, need)


def _limit(ground: Ground, question: Question, part: Part, n_sites: int) -> float:
    """Longest way that is looked at."""
    if question.objective not in MEDIANS:
        # Up to the highest threshold that robustness is tried with.
        return tried_thresholds(part.threshold_min)[-1]
    if len(ground.cells) * n_sites <= _ALL_PAIRS:
        return _EVERYWHERE_MIN
    return part.threshold_min * 8
