"""Spatial and space-time scan statistics: where more cases lie together than chance would put."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from geo.arrays import BoolArray, FloatArray, IntArray, amounts, points, positive, same_length
from geo.errors import UnitError

if TYPE_CHECKING:
    from geo.detect._scan import Counts, Windows

# Centres whose windows are held at once, and replicates counted side by side.
_CENTRES = 256
_REPLICATES = 128
# Compiled loops let others run. Threads end with the call, so that a fork after it is safe.
_THREADS = 2


@dataclass(frozen=True)
class Cluster:
    """A window with more cases than expected.

    Attributes
    ----------
    centre : position of the area the circle is drawn around.
    members : int64 positions of the areas inside, nearest first.
    weeks : length of the cluster up to the last week; all weeks in a spatial scan.
    cases, expected : counts inside and what chance would put there.
    relative_risk : risk inside over risk outside; infinite where all cases are inside.
    ratio : logarithm of the likelihood ratio.
    p : Monte-Carlo probability of a ratio this high anywhere.
    """

    centre: int
    members: IntArray
    weeks: int
    cases: float
    expected: float
    relative_risk: float
    ratio: float
    p: float


def spatial_scan(
    cases: npt.ArrayLike,
    population: npt.ArrayLike,
    xy: npt.ArrayLike,
    *,
    max_population_share: float = 0.5,
    replicates: int = 999,
    alpha: float = 0.05,
    rng: np.random.Generator,
) -> tuple[Cluster, ...]:
    """Find circles with more cases than their population leads to expect.

    Parameters
    ----------
    cases : float64, shape (n_areas,), whole numbers >= 0; NaN where unknown.
    population : float64, shape (n_areas,), persons or another expectation, >= 0; NaN unknown.
    xy : float64, shape (n_areas, 2), a point of each area [m], projected; NaN unknown.
    max_population_share : largest share of the population in a window, above 0 and at most 0.5.
    replicates : simulations for the p values, >= 1; the least p is 1 / (replicates + 1).
    alpha : secondary clusters are told of up to this p.
    rng : generator of the simulations.

    Returns
    -------
    Clusters by falling ratio, no area in two of them: the most likely one, whatever its p, and
    those after it with p <= `alpha`. Empty where no window has more cases than expected. Areas of
    which anything is unknown are left out.

    Raises
    ------
    ShapeError : lengths or shapes differ.
    UnitError : a value is negative, cases have a fraction, or an option is out of range.

    Notes
    -----
    O(n_areas^2 (log n_areas + replicates)), with small constants. Kulldorff 1997, Poisson model.
    Areas at the same distance enter a window together. A secondary cluster is the most likely
    window that shares no area with those before, judged by the highest ratio of each replicate.

    Examples
    --------
    >>> xy = np.column_stack([np.arange(20) * 100.0, np.zeros(20)])
    >>> cases = np.where(np.arange(20) < 3, 30.0, 5.0)
    >>> found = spatial_scan(cases, np.full(20, 100.0), xy, rng=np.random.default_rng(1))
    >>> sorted(found[0].members.tolist()), found[0].cases, found[0].p
    ([0, 1, 2], 90.0, 0.001)
    """
    counts = amounts("cases", cases)[np.newaxis]
    return _scan(
        counts,
        amounts("population", population),
        points("xy", xy),
        max_population_share=max_population_share,
        durations=np.array([1]),
        replicates=replicates,
        alpha=alpha,
        rng=rng,
    )


def space_time_scan(
    cases: npt.ArrayLike,
    population: npt.ArrayLike,
    xy: npt.ArrayLike,
    *,
    max_population_share: float = 0.5,
    max_weeks: int = 8,
    replicates: int = 999,
    alpha: float = 0.05,
    rng: np.random.Generator,
) -> tuple[Cluster, ...]:
    """Find circles with more cases than expected in the last weeks.

    Parameters
    ----------
    cases : float64, shape (n_weeks, n_areas), whole numbers >= 0, consecutive weeks in rising
        order; an area with NaN in any week is left out.
    population : float64, shape (n_areas,), persons or another expectation, >= 0; NaN unknown.
    xy : float64, shape (n_areas, 2), a point of each area [m], projected; NaN unknown.
    max_population_share : largest share of the population in a window, above 0 and at most 0.5.
    max_weeks : longest cluster, 1..n_weeks.
    replicates : simulations for the p values, >= 1.
    alpha : secondary clusters are told of up to this p.
    rng : generator of the simulations.

    Returns
    -------
    Clusters as of `spatial_scan`, each with its number of weeks up to the last one.

    Raises
    ------
    ShapeError : lengths or shapes differ.
    UnitError : a value is negative, cases have a fraction, or an option is out of range.

    Notes
    -----
    O(max_weeks x n_areas^2 x replicates). Kulldorff 2001, prospective: cylinders that reach the
    last week. The expectation is the same in every week: seasons must be taken out by a short
    series or by the population given.

    Examples
    --------
    >>> xy = np.column_stack([np.arange(20) * 100.0, np.zeros(20)])
    >>> cases = np.full((10, 20), 2.0)
    >>> cases[-2:, 4:7] = 20
    >>> found = space_time_scan(cases, np.full(20, 100.0), xy, rng=np.random.default_rng(1))
    >>> sorted(found[0].members.tolist()), found[0].weeks, found[0].p
    ([4, 5, 6], 2, 0.001)
    """
    counts = amounts("cases", cases, ndim=(2,))
    if not 1 <= max_weeks <= len(counts):
        raise UnitError(f"max_weeks: {max_weeks}; wanted 1 to the {len(counts)} weeks of cases")
    return _scan(
        counts,
        amounts("population", population),
        points("xy", xy),
        max_population_share=max_population_share,
        durations=np.arange(1, max_weeks + 1),
        replicates=replicates,
        alpha=alpha,
        rng=rng,
    )


@dataclass(frozen=True)
class _Study:
    """What is scanned: known areas only; cases of the last weeks, one row a duration."""

    cases: FloatArray
    population: FloatArray
    xy: FloatArray
    weeks: IntArray
    n_weeks: int
    total: float
    max_share: float


def _scan(
    counts: FloatArray,
    population: FloatArray,
    xy: FloatArray,
    *,
    max_population_share: float,
    durations: IntArray,
    replicates: int,
    alpha: float,
    rng: np.random.Generator,
) -> tuple[Cluster, ...]:
    same_length(cases=counts.T, population=population, xy=xy)
    share = positive("max_population_share", max_population_share, unit="share")
    if share > 0.5:
        raise UnitError(f"max_population_share: {share}; wanted a share of at most 0.5")
    if replicates < 1:
        raise UnitError(f"replicates: {replicates}; wanted 1 or more")
    if (counts != np.round(counts))[~np.isnan(counts)].any():
        raise UnitError("cases: number(s) with a fraction; wanted whole numbers of cases")
    known = ~np.isnan(counts).any(axis=0) & ~np.isnan(population) & ~np.isnan(xy).any(axis=1)
    areas = np.flatnonzero(known)
    seen = counts[:, areas]
    if not (seen.sum() > 0 and population[areas].sum() > 0):
        return ()
    last = np.cumsum(seen[::-1], axis=0)[durations - 1]
    study = _Study(
        last, population[areas], xy[areas], durations, len(counts), float(seen.sum()), share
    )
    best, highest = _search(study, _drawn(study, replicates, rng))
    found: list[Cluster] = []
    for cluster in _clusters(study, best, highest):
        if found and cluster.p > alpha:
            break
        members = areas[cluster.members]
        found.append(replace(cluster, centre=int(areas[cluster.centre]), members=members))
    return tuple(found)


def _windows(study: _Study, centres: IntArray) -> Windows:
    """Circles around some centres, up to the largest share of the population."""
    # Imported here: loading and compiling numba is paid only by those who need it.
    from geo.detect._scan import circles, distance_keys  # noqa: PLC0415

    keys = np.sort(distance_keys(study.xy, centres), axis=1)
    return circles(keys, study.population / study.population.sum(), study.max_share)


def _drawn(study: _Study, replicates: int, rng: np.random.Generator) -> list[Counts]:
    """Cases that fall by population and week alone: blocks (n_durations, n_areas, replicates)."""
    n = len(study.population)
    total = int(study.total)
    small = total < np.iinfo(np.int16).max
    place = study.population / study.population.sum()
    slices = np.diff(study.weeks, prepend=0) / study.n_weeks
    chance = np.append((slices[:, np.newaxis] * place).ravel(), 1.0 - slices.sum())
    chance = np.maximum(chance, 0.0) / chance.sum()
    dtype = np.dtype(np.int16 if small else np.int32)
    counts: list[Counts] = []
    for first in range(0, replicates, _REPLICATES):
        drawn = rng.multinomial(total, chance, size=min(_REPLICATES, replicates - first))
        weekly = drawn[:, :-1].reshape(len(drawn), len(study.weeks), n)
        late = np.cumsum(weekly, axis=1).transpose(1, 2, 0)
        block: Counts = late.astype(dtype, order="C")
        counts.append(block)
    return counts


@dataclass(frozen=True)
class _Best:
    """Best window around each area for each duration, shape (n_durations, n_areas).

    Attributes
    ----------
    ratio : 0 where no window has more cases than expected.
    size : areas of the window.
    edge : the farthest of them.
    """

    ratio: FloatArray
    size: IntArray
    edge: IntArray

    def look(self, study: _Study, windows: Windows, centres: IntArray, taken: BoolArray) -> None:
        """Judge the windows around some centres anew, in place."""
        from geo.detect._scan import best_windows  # noqa: PLC0415

        for d, weeks in enumerate(study.weeks):
            ratio, size = best_windows(
                windows, study.cases[d], study.total, weeks / study.n_weeks, taken
            )
            self.ratio[d, centres], self.size[d, centres] = ratio, size
            edge = windows.order[np.arange(len(centres)), np.maximum(size - 1, 0)]
            self.edge[d, centres] = np.where(size > 0, edge, centres)


def _blocks(study: _Study, centres: IntArray) -> Iterator[tuple[Windows, IntArray]]:
    """Windows around some centres, not all at once."""
    for first in range(0, len(centres), _CENTRES):
        chosen = centres[first : first + _CENTRES]
        yield _windows(study, chosen), chosen


def _search(study: _Study, drawn: list[Counts]) -> tuple[_Best, FloatArray]:
    """Best windows of the cases, and the highest ratio of each replicate."""
    from geo.detect._scan import highest  # noqa: PLC0415

    n = len(study.population)
    shape = study.cases.shape
    found = _Best(np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape, np.int64))
    none = np.zeros(n, dtype=bool)

    def search(centres: IntArray) -> FloatArray:
        ratios = [np.zeros(block.shape[2]) for block in drawn]
        # Windows are made once for both: sorting by distance takes as long as counting.
        for windows, chosen in _blocks(study, centres):
            found.look(study, windows, chosen, none)
            for block, best in zip(drawn, ratios, strict=True):
                for d, weeks in enumerate(study.weeks):
                    highest(windows, block[d], study.total, weeks / study.n_weeks, best)
        return np.concatenate(ratios)

    # The highest of all centres is the same however they are dealt out.
    shares = [np.arange(first, n, _THREADS) for first in range(min(_THREADS, n))]
    with ThreadPoolExecutor(_THREADS) as threads:
        ratios = list(threads.map(search, shares))
    return found, np.max(ratios, axis=0)


def _clusters(study: _Study, best: _Best, highest: FloatArray) -> Iterator[Cluster]:
    """Most likely window, then the most likely one that shares no area with those before."""
    from geo.detect._scan import reaching  # noqa: PLC0415

    taken = np.zeros(len(study.population), dtype=bool)
    while True:
        row, centre = np.unravel_index(np.argmax(best.ratio), best.ratio.shape)
        ratio = float(best.ratio[row, centre])
        if not ratio > 0.0:
            return
        windows = _windows(study, np.array([centre]))
        members = windows.order[0, : best.size[row, centre]].astype(np.int64)
        weeks = int(study.weeks[row])
        cases = float(study.cases[row, members].sum())
        share = float(study.population[members].sum() / study.population.sum())
        expected = study.total * share * weeks / study.n_weeks
        outside = (study.total - cases) / (study.total - expected)
        yield Cluster(
            centre=int(centre),
            members=members,
            weeks=weeks,
            cases=cases,
            expected=expected,
            relative_risk=cases / expected / outside if outside > 0.0 else np.inf,
            ratio=ratio,
            p=float((1 + (highest >= ratio - 1e-9).sum()) / (len(highest) + 1)),
        )
        taken[members] = True
        stale = np.flatnonzero(reaching(study.xy, best.edge, members))
        for windows, centres in _blocks(study, stale):
            best.look(study, windows, centres, taken)
