"""Series and cities with outbreaks that are known, to tell how well a detector finds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.arrays import FloatArray, IntArray, amounts, points, same_length
from geo.errors import ShapeError, UnitError

# Noufaily et al. 2013, table I: theta, beta (where there is a trend), gamma 1, gamma 2, phi.
_SETS = (
    (0.1, 0.0025, 0.6, 0.6, 1.5),
    (-2.0, 0.005, 0.1, 0.3, 2.0),
    (1.5, 0.003, 0.2, -0.4, 1.0),
    (0.5, 0.002, 0.5, 0.5, 5.0),
    (2.5, 0.001, 1.0, 0.1, 3.0),
    (3.75, 0.001, 0.1, -0.1, 1.1),
    (5.0, 0.0001, 0.05, 0.01, 1.2),
)
N_WEEKS = 624
BASELINE = (312, 575)
CURRENT = (575, 624)
_PAST_OUTBREAKS = 4
_LARGEST_PAST = 10
# A current outbreak starts so early that its cases have time to come.
_TAIL = 4
_DELAY_SIGMA = 0.5


@dataclass(frozen=True)
class Scenario:
    """One of the 42 kinds of weekly series of Noufaily et al. 2013.

    Attributes
    ----------
    group : int, 1..7, the set of parameters.
    theta, beta : level and slope a week of the logarithm of the mean.
    gamma1, gamma2 : cosine and sine of each harmonic.
    harmonics : int, 0, 1 or 2.
    phi : variance over mean, >= 1.
    """

    group: int
    theta: float
    beta: float
    gamma1: float
    gamma2: float
    harmonics: int
    phi: float

    def means(self) -> FloatArray:
        """Expected counts of the weeks 1..624.

        Returns
        -------
        float64, shape (624,).
        """
        week = np.arange(1, N_WEEKS + 1, dtype=np.float64)
        log_mean = self.theta + self.beta * week
        for j in range(1, self.harmonics + 1):
            turn = 2.0 * np.pi * j * week / 52.0
            log_mean = log_mean + self.gamma1 * np.cos(turn) + self.gamma2 * np.sin(turn)
        return np.exp(log_mean)


@dataclass(frozen=True)
class Series:
    """Simulated series with one outbreak each in the current weeks; shape (n_weeks, n_series).

    Attributes
    ----------
    counts : float64, cases, those of outbreaks included.
    cases : int64, cases of the current outbreak.
    """

    counts: FloatArray
    cases: IntArray


@dataclass(frozen=True)
class CityScenario:
    """A city with one outbreak that neighbouring areas share.

    Attributes
    ----------
    cases_per_week : float, mean of the whole city in a week, > 0.
    phi : float, variance over mean of an area's count, >= 1.
    season : float, amplitude of the year on the scale of the logarithm, >= 0.
    unevenness : float, standard deviation of the logarithm of the areas' rates, >= 0.
    n_around : int, areas of the outbreak: an area drawn at random and its nearest others.
    k : float, cases of the outbreak in standard deviations of a week's count of these areas.
    weeks : int, weeks that the outbreak lasts.
    n_weeks : int, weeks simulated; the outbreak lies in the last `n_current`.
    n_current : int.
    """

    cases_per_week: float
    phi: float = 1.5
    season: float = 0.4
    unevenness: float = 0.3
    n_around: int = 5
    k: float = 8.0
    weeks: int = 3
    n_weeks: int = 342
    n_current: int = 26


def noufaily_scenarios() -> tuple[Scenario, ...]:
    """The 42 scenarios: seven sets of parameters, without and with trend, 0 to 2 harmonics.

    Returns
    -------
    Scenarios, by set, trend, harmonics.

    Notes
    -----
    Noufaily et al. 2013, table I, as used by Bédubourg & Le Strat 2017.

    Examples
    --------
    >>> len(noufaily_scenarios()), noufaily_scenarios()[0].means()[0].round(3)
    (42, np.float64(1.105))
    """
    return tuple(
        Scenario(group, theta, beta if trend else 0.0, gamma1, gamma2, harmonics, phi)
        for group, (theta, beta, gamma1, gamma2, phi) in enumerate(_SETS, start=1)
        for trend in (False, True)
        for harmonics in (0, 1, 2)
    )


def simulate_series(
    scenario: Scenario, *, k: float, n_series: int, rng: np.random.Generator
) -> Series:
    """Draw series of one scenario, each with four past outbreaks and a current one.

    Parameters
    ----------
    scenario : kind of series.
    k : size of the current outbreak in standard deviations at its start, > 0.
    n_series : number of series, >= 0.
    rng : source of chance.

    Returns
    -------
    Series : 624 weeks; rows 312 to 574 are the baseline, 575 to 623 are current.

    Raises
    ------
    UnitError : `k` is not positive.

    Notes
    -----
    O(weeks x n_series). Noufaily et al. 2013, section 3: the size is Poisson with mean
    k sqrt(phi mu) at the start, cases fall a lognormal (0, 0.5) delay later, in whole weeks.
    An outbreak has at least one case; sizes of past ones are drawn from 1 to 10; the current one
    starts four weeks before the end at the latest.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> drawn = simulate_series(noufaily_scenarios()[0], k=5, n_series=3, rng=rng)
    >>> drawn.counts.shape, bool((drawn.cases[575:].sum(axis=0) > 0).all())
    ((624, 3), True)
    """
    if not (np.isfinite(k) and k > 0):
        raise UnitError(f"k: {k!r}; wanted a number above 0 [standard deviations]")
    mean = scenario.means()
    counts = _scattered(np.repeat(mean[:, None], n_series, axis=1), scenario.phi, rng)
    cases = np.zeros((N_WEEKS, n_series), dtype=np.int64)
    deviation = np.sqrt(scenario.phi * mean)
    for column in range(n_series):
        for _ in range(_PAST_OUTBREAKS):
            start = int(rng.integers(*BASELINE))
            past_k = int(rng.integers(1, _LARGEST_PAST + 1))
            past = _outbreak(start, past_k * deviation[start], rng)
            # What would fall after the baseline belongs to no outbreak of the current weeks.
            counts[: BASELINE[1], column] += past[: BASELINE[1]]
        start = int(rng.integers(CURRENT[0], CURRENT[1] - _TAIL))
        cases[:, column] = _outbreak(start, k * deviation[start], rng)
    return Series(counts + cases, cases)


def simulate_city(
    population: npt.ArrayLike,
    xy: npt.ArrayLike,
    scenario: CityScenario,
    *,
    rng: np.random.Generator,
) -> Series:
    """Draw a city whose areas count by themselves, and one outbreak that some of them share.

    Parameters
    ----------
    population : float64, shape (n_areas,), persons, >= 0.
    xy : float64 [m], shape (n_areas, 2), projected coordinates of the areas' centres.
    scenario : kind of city and outbreak.
    rng : source of chance.

    Returns
    -------
    Series : shape (n_weeks, n_areas); `cases` are those of the outbreak.

    Raises
    ------
    ShapeError : `population` and `xy` differ in length, or there are fewer areas than
        the outbreak has.
    UnitError : a value is negative or unknown, nobody lives there, or the outbreak lasts longer
        than the current weeks.

    Notes
    -----
    O(n_weeks x n_areas). An area expects its share of the city's cases by population and a
    lognormal rate of its own, with one yearly wave; counts are negative binomial. The outbreak
    has Poisson many cases with mean k times the standard deviation of a week's count of its
    areas together, at least one; they fall on its areas by expectation and on its weeks evenly.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> xy = np.argwhere(np.ones((6, 6))) * 500.0
    >>> drawn = simulate_city(np.full(36, 900.0), xy, CityScenario(60.0, n_around=4), rng=rng)
    >>> drawn.counts.shape, int((drawn.cases.sum(axis=0) > 0).sum()) <= 4
    ((342, 36), True)
    """
    persons, places = amounts("population", population), points("xy", xy)
    n_areas = same_length(population=persons, xy=places)
    _check_city(persons, places, scenario)
    rate = persons * np.exp(rng.normal(0.0, scenario.unevenness, n_areas))
    share = rate / rate.sum()
    week = np.arange(scenario.n_weeks)
    season = np.exp(scenario.season * np.cos(2.0 * np.pi * (week + rng.integers(52)) / 52.0))
    mean = scenario.cases_per_week * season[:, None] * share
    counts = _scattered(mean, scenario.phi, rng)
    lived_in = np.flatnonzero(share > 0)
    centre = rng.choice(lived_in)
    away = ((places[lived_in] - places[centre]) ** 2).sum(axis=1)
    members = lived_in[np.argsort(away, kind="stable")[: scenario.n_around]]
    first = scenario.n_weeks - scenario.n_current
    start = int(rng.integers(first, scenario.n_weeks - scenario.weeks + 1))
    size = scenario.k * np.sqrt(scenario.phi * mean[start, members].sum())
    where = share[members] / share[members].sum()
    cases = np.zeros(mean.shape, dtype=np.int64)
    total = _at_least_one(size, rng)
    drawn = rng.multinomial(total, np.tile(where / scenario.weeks, scenario.weeks))
    cases[start : start + scenario.weeks, members] = drawn.reshape(scenario.weeks, -1)
    return Series(counts + cases, cases)


def _check_city(persons: FloatArray, places: FloatArray, scenario: CityScenario) -> None:
    if np.isnan(persons).any() or np.isnan(places).any() or not persons.sum() > 0:
        raise UnitError("population, xy: unknown, or nobody lives there; wanted every area known")
    if not 1 <= scenario.n_around <= int((persons > 0).sum()):
        raise ShapeError(
            f"n_around: {scenario.n_around}; wanted 1 to the {int((persons > 0).sum())} areas with "
            "residents"
        )
    if not 1 <= scenario.weeks <= scenario.n_current <= scenario.n_weeks:
        raise UnitError(
            f"weeks: {scenario.weeks} of {scenario.n_current} current of {scenario.n_weeks}; "
            "wanted 1 <= weeks <= n_current <= n_weeks"
        )
    if not (scenario.k > 0 and scenario.phi >= 1 and scenario.cases_per_week > 0):
        raise UnitError(f"{scenario}; wanted k > 0, phi >= 1 and cases_per_week > 0")


def _scattered(mean: FloatArray, phi: float, rng: np.random.Generator) -> FloatArray:
    """Counts around their mean with variance phi times the mean."""
    if phi <= 1.0:
        return rng.poisson(mean).astype(np.float64)
    # Gamma(shape) of scale phi - 1, then Poisson: negative binomial, also where the mean is 0.
    return rng.poisson(rng.gamma(mean / (phi - 1.0)) * (phi - 1.0)).astype(np.float64)


def _at_least_one(mean: float, rng: np.random.Generator) -> int:
    """Poisson, drawn again while it is 0."""
    while True:
        size = int(rng.poisson(mean))
        if size:
            return size


def _outbreak(start: int, mean: float, rng: np.random.Generator) -> IntArray:
    """Cases of an outbreak by week of the whole series; those after its end are lost."""
    delay = np.exp(rng.normal(0.0, _DELAY_SIGMA, _at_least_one(mean, rng)))
    week = start + delay.astype(np.int64)
    return np.bincount(week[week < N_WEEKS], minlength=N_WEEKS).astype(np.int64)
