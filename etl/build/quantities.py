"""What the numerator and the denominator of an indicator come to, on every level.

Everything comes from what this snapshot publishes: open sites, published residents, published
weekly counts with their states. A figure that is withheld there is withheld here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.build.layers import LayerBook, States
from etl.build.levels import Floats, Ints, LevelFrame
from etl.build.weeks import monday
from etl.policies import (
    AmountQuantity,
    AreasQuantity,
    IndicatorSettings,
    LatestQuantity,
    PersonsQuantity,
    SitesQuantity,
    SumQuantity,
)
from etl.store.writer import PublishedLayer
from geo.model import Kind, Level, Missing, PlaceQuality, SiteStatus
from geo.rollup import roll_up

Flags = npt.NDArray[np.bool_]
_NEVER = "9999"  # after every ISO date
SiteQuantity = AreasQuantity | SitesQuantity | AmountQuantity


@dataclass(frozen=True)
class Figures:
    """A quantity on one level.

    Attributes
    ----------
    values : float64, shape (n,); NaN where `states` withholds it.
    states : uint8 `Missing` values.
    weeks : str, ISO week of the figure; empty where it has none.
    unreported : number of sites whose register leaves the asked figure empty.
    """

    values: Floats
    states: States
    weeks: npt.NDArray[np.object_]
    unreported: Floats

    @classmethod
    def of(cls, values: Floats, *, states: States | None = None) -> Figures:
        """Figures without weeks; a NaN is no data unless `states` says otherwise."""
        if states is None:
            states = np.where(np.isnan(values), int(Missing.NO_DATA), int(Missing.OK))
        n = len(values)
        return cls(values, states.astype(np.uint8), np.full(n, "", dtype=object), np.zeros(n))

    @classmethod
    def none(cls, n: int) -> Figures:
        """No data for any of `n` areas."""
        return cls.of(np.full(n, np.nan))


@dataclass(frozen=True)
class Chosen:
    """The open sites that a quantity speaks of.

    Attributes
    ----------
    mask : bool, shape (n_sites,): open, of the kinds and categories.
    good : of these, those that have what is asked for.
    unreported : of these, those whose register does not say.
    """

    mask: Flags
    good: Flags
    unreported: Flags


@dataclass(frozen=True)
class Quantities:
    """Evaluates quantities for one build.

    Parameters
    ----------
    levels : finest first.
    sites : accepted sites.
    book : layers of this snapshot, counts and residents among them.
    weeks : published ISO weeks, oldest first.
    """

    levels: Sequence[LevelFrame]
    sites: pd.DataFrame
    book: LayerBook
    weeks: Sequence[str]

    def pair(
        self, indicator: IndicatorSettings, at: int, *, week: str | None = None
    ) -> tuple[Figures, Figures]:
        """Numerator and denominator of every area of `levels[at]`.

        Two weekly figures are taken from the newest week that has both.

        Parameters
        ----------
        week : as of the end of this week instead of the newest one.
        """
        sides = (indicator.numerator, indicator.denominator)
        upto = len(self.weeks) - 1 if week is None else list(self.weeks).index(week)
        found = [
            self._weekly(side, at) if isinstance(side, LatestQuantity) else None for side in sides
        ]
        if any(table is not None for table in found):
            ages = [s.max_age_weeks for s in sides if isinstance(s, LatestQuantity)]
            first = max(upto - min(ages), 0)
            picked = _newest_common([t for t in found if t is not None], first, upto)
        out = []
        for side, table in zip(sides, found, strict=True):
            if isinstance(side, LatestQuantity):
                out.append(self._at(table, picked, at))
            elif isinstance(side, SumQuantity):
                out.append(self._sum(side, at, upto))
            elif isinstance(side, PersonsQuantity):
                out.append(self._persons(side, at))
            else:
                out.append(self.of_sites(side, at))
        return out[0], out[1]

    # ------------------------------------------------------------ weekly figures and residents

    @cached_property
    def _counts(self) -> dict[tuple[str, str], dict[str, PublishedLayer]]:
        found: dict[tuple[str, str], dict[str, PublishedLayer]] = {}
        for row in self.book:
            if row.layer.startswith(("count.", "population")):
                own = found.setdefault((row.layer, row.level), {})
                own[row.week] = row
        return found

    def _weekly(self, quantity: LatestQuantity | SumQuantity, at: int) -> tuple[Floats, States]:
        """Published values and states of a measure, weeks by areas."""
        code = quantity.latest if isinstance(quantity, LatestQuantity) else quantity.sum
        frame = self.levels[at]
        rows = self._counts.get((f"count.{code}", frame.level.value), {})
        values = np.full((len(self.weeks), len(frame)), np.nan)
        states = np.full(values.shape, int(Missing.NO_DATA), dtype=np.uint8)
        for position, week in enumerate(self.weeks):
            if week in rows:
                values[position], states[position] = rows[week].values, rows[week].states
        return values, states

    def _at(self, table: tuple[Floats, States] | None, picked: Ints, at: int) -> Figures:
        n = len(self.levels[at])
        if table is None:
            return Figures.none(n)
        values, states = table
        area = np.arange(n)
        found = picked >= 0
        row = np.maximum(picked, 0)
        names = np.array(self.weeks, dtype=object)[row]
        return Figures(
            np.where(found, values[row, area], np.nan),
            np.where(found, states[row, area], int(Missing.NO_DATA)).astype(np.uint8),
            np.where(found, names, ""),
            np.zeros(n),
        )

    def _sum(self, quantity: SumQuantity, at: int, upto: int) -> Figures:
        values, states = self._weekly(quantity, at)
        first = upto - quantity.weeks + 1
        if first < 0:
            return Figures.none(values.shape[1])
        values, states = values[first : upto + 1], states[first : upto + 1]
        withheld = (states == Missing.SUPPRESSED).any(axis=0)
        absent = (states == Missing.NO_DATA).any(axis=0)
        state = np.where(absent, int(Missing.NO_DATA), int(Missing.OK))
        state = np.where(withheld & ~absent, int(Missing.SUPPRESSED), state)
        found = Figures.of(values.sum(axis=0), states=state.astype(np.uint8))
        return replace(found, weeks=np.full(len(state), self.weeks[upto], dtype=object))

    def _persons(self, quantity: PersonsQuantity, at: int) -> Figures:
        code = "population" if quantity.persons == "total" else f"population.{quantity.persons}"
        rows = self._counts.get((code, self.levels[at].level.value))
        if not rows:
            return Figures.none(len(self.levels[at]))
        return Figures.of(rows[""].values, states=rows[""].states)

    # ------------------------------------------------------------ sites

    def of_sites(self, quantity: SiteQuantity, at: int, *, day: date | None = None) -> Figures:
        """Areas, sites or amounts, of sites open now, or on a day by their dates."""
        n = len(self.levels[at])
        if isinstance(quantity, AreasQuantity) and not quantity.kinds:
            return self._areas(quantity.areas, None, at)
        chosen = self.choose(quantity, day=day)
        if chosen is None:
            return Figures.none(n)
        places = self.positions(at)
        unreported = _in_areas(places, chosen.unreported, n)
        if isinstance(quantity, AreasQuantity):
            found = self._areas(quantity.areas, chosen.good, at)
            return replace(found, unreported=unreported)
        of_area = _in_areas(places, chosen.mask, n)
        silent = (unreported > 0) & (unreported == of_area)
        if isinstance(quantity, SitesQuantity):
            values = np.where(silent, np.nan, _in_areas(places, chosen.good, n))
            return replace(Figures.of(values), unreported=unreported)
        amounts = np.nan_to_num(self.sites[quantity.amount].to_numpy(dtype=np.float64))
        values = np.where(silent, np.nan, _in_areas(places, chosen.mask, n, weights=amounts))
        # Some are counted and some unknown: the sum is too low by nobody knows how much.
        partly = (unreported > 0) & ~silent
        states = np.where(np.isnan(values), int(Missing.NO_DATA), int(Missing.OK))
        states = np.where(partly, int(Missing.UNRELIABLE), states).astype(np.uint8)
        return replace(Figures.of(values, states=states), unreported=unreported)

    def choose(self, quantity: SiteQuantity, *, day: date | None = None) -> Chosen | None:
        """The open sites of a quantity; None where no department has handed in such sites."""
        sites = self.sites
        kinds: tuple[Kind, ...]
        kinds = quantity.sites if isinstance(quantity, SitesQuantity) else quantity.kinds
        of_kind = sites["kind"].isin([kind.value for kind in kinds]).to_numpy()
        if not of_kind.any():
            return None
        if quantity.categories:
            category = sites["category"]
            if not category[of_kind].notna().any():
                return None
            of_kind = of_kind & category.isin(quantity.categories).to_numpy()
        mask = of_kind & self.open_on(day)
        asked: tuple[str, ...]
        asked = (quantity.amount,) if isinstance(quantity, AmountQuantity) else quantity.has
        if not asked:
            return Chosen(mask, mask, np.zeros(len(sites), dtype=np.bool_))
        amounts = sites[list(asked)].to_numpy(dtype=np.float64)
        unreported = mask & np.isnan(amounts).all(axis=1)
        if mask.any() and (unreported == mask).all():
            return None
        return Chosen(mask, mask & (np.nan_to_num(amounts) > 0).any(axis=1), unreported)

    def open_on(self, day: date | None) -> Flags:
        """Sites in service, now or on a day by their dates."""
        status = self.sites["status"]
        if day is None:
            return np.asarray(status == SiteStatus.OPEN, dtype=np.bool_)
        opened, closed = self._dates
        then = day.isoformat()
        stands = np.asarray(status == SiteStatus.OPEN, dtype=np.bool_) | (closed != _NEVER)
        return np.asarray(stands & (opened <= then) & (closed > then), dtype=np.bool_)

    @cached_property
    def _dates(self) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
        """ISO dates on which each site opened and closed; never, where none is known."""
        opened, closed = (
            self.sites[name].fillna(_NEVER).to_numpy(dtype=np.str_)
            for name in ("opened_on", "closed_on")
        )
        return opened, closed

    def positions(self, at: int) -> Ints:
        """Area of `levels[at]` in which each site stands; -1 where that is not known so exactly."""
        frame = self.levels[at]
        if frame.level == Level.COUNTY:
            return np.zeros(len(self.sites), dtype=np.int64)
        codes = self.sites[f"{frame.level}_code"]
        if frame.level == Level.VILLAGE:
            codes = codes.where(self.sites["quality"] != PlaceQuality.TOWN)
        return frame.positions(codes.fillna("").to_numpy(dtype=object))

    def _areas(self, level: Level, good: Flags | None, at: int) -> Figures:
        """Areas of a level, those with one of the sites or all, in each area of `levels[at]`."""
        own = next((i for i, frame in enumerate(self.levels) if frame.level == level), None)
        n = len(self.levels[at])
        if own is None or own > at:
            return Figures.none(n)
        size = len(self.levels[own])
        counted = np.ones(size)
        if good is not None:
            counted = (_in_areas(self.positions(own), good, size) > 0).astype(np.float64)
        index = np.arange(size)
        for below in range(own, at):
            index = np.where(index >= 0, self.levels[below].parents[index], -1)
        totals = roll_up(counted, index, n_parents=n).values
        return Figures.of(np.nan_to_num(totals))

    def dated(self, quantity: SiteQuantity) -> bool:
        """Whether opening dates tell how a quantity grew: every open site that counts has one."""
        if isinstance(quantity, AmountQuantity) or quantity.has:
            return False
        if isinstance(quantity, AreasQuantity) and not quantity.kinds:
            return True
        chosen = self.choose(quantity)
        if chosen is None or not chosen.mask.any():
            return False
        return bool(self.sites.loc[chosen.mask, "opened_on"].notna().all())


def last_day(week: str) -> date:
    """Sunday of an ISO week."""
    return monday(week) + timedelta(days=6)


def _in_areas(places: Ints, counted: Flags, n: int, *, weights: Floats | None = None) -> Floats:
    """Number, or weight, of the counted sites in each area."""
    use = counted & (places >= 0)
    own = None if weights is None else weights[use]
    return np.bincount(places[use], weights=own, minlength=n).astype(np.float64)


def _newest_common(tables: Sequence[tuple[Floats, States]], first: int, last: int) -> Ints:
    """Newest week from `first` to `last` in which each area has all figures; -1 where none."""
    known = np.logical_and.reduce([states != Missing.NO_DATA for _, states in tables])
    known = known[first : last + 1]
    newest = last - np.argmax(known[::-1], axis=0)
    return np.where(known.any(axis=0), newest, -1).astype(np.int64)
