"""Weekly counts against what the area itself, its residents and its neighbours make likely.

Every figure here is a whole number of a known area, week and measure: nothing is wrong with it
but that it is hard to believe. It is said and kept. Only a register of more persons than live
there is left out, since no reading makes it right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.findings import BoolArray, Doubts, IntArray, listed
from etl.series import (
    NEWEST_WEEKS,
    PAST_WEEKS,
    FloatArray,
    Series,
    each_series,
    grouped,
    mondays_of,
    newest_monday,
)
from etl.sources.values import week_name

if TYPE_CHECKING:
    from etl.sections import Intake, MeasureSettings
    from etl.sources.settings import ObservationsSource

# An area's own past must be known for so many weeks before anything is said.
MIN_PAST_WEEKS = 8
# A jump must also stand out of the area's own noise: so many robust standard deviations, of which
# one is 1.4826 times the median absolute deviation (Leys et al. 2013), but no less than a Poisson
# count of this size has.
JUMP_SIGMAS = 6.0
_MAD_TO_SIGMA = 1.4826
# A run of zeros is doubted when the area's own share of zeros makes it rarer than this.
ZERO_RUN_CHANCE = 1e-6
# A sheet is taken for a copy of the week before if so many areas with figures agree to this share,
# and agree by so much more than they do in other weeks.
MIN_COPIED_AREAS = 20
COPIED_SHARE = 0.9
COPIED_EXCESS = 0.4
# Two areas are one series under two codes if so many newest weeks agree and vary enough: of a
# thousand areas with two events a week, a pair does so by chance once in ten thousand files.
SAME_WEEKS = 16
_SAME_FILLED = 10
_SAME_VALUES = 4
# An area that reported in this share of the weeks before is expected to report.
EXPECTED_WEEKS = 12
EXPECTED_SHARE = 0.9
_MIN_EXPECTED_WEEKS = 4


def doubt_history(
    frame: pd.DataFrame,
    source: ObservationsSource,
    intake: Intake,
    measures: Sequence[MeasureSettings],
    doubts: Doubts,
    *,
    before: pd.DataFrame | None = None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Say which of the newest figures do not fit the area's own past; all are kept.

    Jumps and falls against the median of the past year, runs of zeros where zeros are rare, a
    sheet that repeats the week before, one series under two codes, areas that always report and
    did not. What happened in the same weeks a year ago (school holidays) is not doubted.

    Parameters
    ----------
    frame : canonical observations of one delivery: level, area_code, week, measure (categories),
        count, source_row.
    measures : as registered; a stock may stay as it is for weeks.
    before : figures of earlier deliveries of the source, same columns: history, never doubted.
    names : area code → what a person calls the area; its code otherwise.

    Notes
    -----
    O(n) in the rows, and O(n_areas × `PAST_WEEKS`) for each doubted week.
    """
    stocks = {measure.code for measure in measures if measure.stock}
    every = list(each_series(frame, before))
    for series in every:
        say = _Speaker(series, doubts, _column(source, series.measure), names or {})
        _doubt_jumps(series, intake, say)
        if series.measure not in stocks:
            _doubt_zero_runs(series, intake, say)
            _doubt_copied_week(series, say)
            _doubt_same_series(series, say)
    if every and source.absent == "no_data":
        _doubt_silence(every, doubts, names or {})


def doubt_population(
    frame: pd.DataFrame,
    population: pd.DataFrame,
    source: ObservationsSource,
    doubts: Doubts,
    *,
    intake: Intake,
    measures: Sequence[MeasureSettings],
    names: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Counts against the residents they are about.

    A register (stock) of more persons than live in the area is an error and becomes no data. More
    events than residents are possible and are said of the newest weeks, from `jump_min` events on,
    where anybody lives.

    Parameters
    ----------
    frame : canonical observations of one delivery.
    population : level, area_code, group, persons; an area that is not in it is not compared.
    names : area code → what a person calls the area; its code otherwise.

    Returns
    -------
    The frame, with impossible figures blanked.
    """
    if not len(frame) or not len(population):
        return frame
    registered = {measure.code: measure for measure in measures}
    monday, count = mondays_of(frame), frame["count"].to_numpy().copy()
    newest = monday > newest_monday(frame, monday) - 7 * NEWEST_WEEKS
    for level, code, mask in grouped(frame):
        measure = registered.get(code)
        if measure is None:
            continue
        own = population[(population["level"] == level) & (population["group"] == measure.group)]
        persons = own.set_index("area_code")["persons"]
        area = frame["area_code"].cat
        live = persons.reindex(area.categories).to_numpy(dtype=np.float64)[area.codes.to_numpy()]
        above = mask & (count > live)
        rule = "stock_above_population"
        if not measure.stock:
            above &= newest & (live > 0) & (count >= intake.jump_min)
            rule = "count_above_population"
        hits = np.flatnonzero(above)
        if not len(hits):
            continue
        with np.errstate(divide="ignore"):
            ratio = count[hits] / live[hits]
        hits = hits[np.argsort(-ratio, kind="stable")]
        codes = area.categories.to_numpy()[area.codes.to_numpy()[hits]]
        doubts.add_rows(
            rule,
            frame["source_row"].to_numpy()[hits],
            column=_column(source, code),
            came=[f"{n:g}" for n in count[hits]],
            area=_called(codes, names or {}),
            week=[week_name(int(m)) for m in monday[hits]],
            persons=[f"{n:.0f}" for n in live[hits]],
            ratio=["∞" if n == 0 else f"{c / n:.1f}" for c, n in zip(count[hits], live[hits])],  # noqa: B905
        )
        if measure.stock:
            count[hits] = np.nan
    return frame.assign(count=count)


def _column(source: ObservationsSource, measure: str) -> str | None:
    """Where a person finds the figure; a wide table has a column an area."""
    return source.columns.counts.get(measure, source.columns.count)


def _called(codes: npt.NDArray[np.object_], names: Mapping[str, str]) -> list[str]:
    return [f"{names[code]} {code}" if code in names else str(code) for code in codes]


class _Speaker:
    """Says something of cells of a series, the worst first."""

    def __init__(
        self, series: Series, doubts: Doubts, column: str | None, names: Mapping[str, str]
    ) -> None:
        self.series = series
        self.doubts = doubts
        self.column = column
        self.names = names

    def of_cells(
        self, rule: str, areas: IntArray, column: int, *, worst: FloatArray, **words: FloatArray
    ) -> None:
        """One finding a cell of a week; each word holds one number a cell."""
        order = np.argsort(-worst, kind="stable")
        areas, series = areas[order], self.series
        self.doubts.add_rows(
            rule,
            series.rows[areas, column],
            column=self.column,
            came=[f"{count:g}" for count in series.counts[areas, column]],
            area=_called(series.areas[areas], self.names),
            week=week_name(int(series.mondays[column])),
            **{key: [f"{number:g}" for number in word[order]] for key, word in words.items()},
        )


def _median(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Median of each row without its NaN, and how many values it had."""
    ordered = np.sort(values, axis=1)  # NaN last
    n_known: IntArray = (~np.isnan(values)).sum(axis=1)
    if not values.shape[1]:
        return np.full(len(values), np.nan), n_known
    every = np.arange(len(values))
    upper = ordered[every, np.minimum(n_known // 2, values.shape[1] - 1)]
    lower = ordered[every, np.maximum((n_known - 1) // 2, 0)]
    return np.where(n_known > 0, (lower + upper) / 2, np.nan), n_known


def _doubt_jumps(series: Series, intake: Intake, say: _Speaker) -> None:
    for column in series.newest():
        # Only what differs by `jump_min` from some week of its past can be a jump.
        past = series.counts[:, max(0, column - PAST_WEEKS) : column]
        if past.shape[1] < MIN_PAST_WEEKS:
            continue
        count = series.counts[:, column]
        usual, n_known = _median(past)
        spread, _ = _median(np.abs(past - usual[:, None]))
        sigma = np.maximum(_MAD_TO_SIGMA * spread, np.sqrt(np.maximum(usual, 1.0)))
        year_ago = np.full(len(count), np.nan)
        if column >= PAST_WEEKS:
            year_ago = series.counts[:, column - PAST_WEEKS]
        enough = series.own[:, column] & (n_known >= MIN_PAST_WEEKS)
        factor, least = intake.jump_factor, intake.jump_min
        higher = count - usual
        far = enough & (np.abs(higher) >= least) & (np.abs(higher) > JUMP_SIGMAS * sigma)
        # A comparison with NaN is false: without a figure a year ago the season excuses nothing.
        up = far & (count >= factor * np.maximum(usual, 1.0)) & ~(count < factor * year_ago)
        down = far & (count * factor <= usual) & ~(year_ago < factor * np.maximum(count, 1.0))
        for rule, mask in (("sudden_jump", up), ("sudden_drop", down)):
            areas = np.flatnonzero(mask)
            if len(areas):
                worst = np.abs(higher[areas]) / sigma[areas]
                say.of_cells(
                    rule,
                    areas,
                    column,
                    worst=worst,
                    usual=usual[areas],
                    weeks=n_known[areas].astype(np.float64),
                )


def _doubt_zero_runs(series: Series, intake: Intake, say: _Speaker) -> None:
    newest = series.newest()
    if not newest:
        return
    column = newest[0]
    counts = series.counts[:, : column + 1]
    filled = counts != 0  # no data ends a run as well
    last = column - np.argmax(filled[:, ::-1], axis=1)
    run = np.where(filled.any(axis=1), column - last, column + 1)
    zeros = (counts == 0).sum(axis=1) - run
    n_known = (~np.isnan(counts)).sum(axis=1) - run
    chance = ((zeros + 1) / (n_known + 2)) ** run
    # It is said while it is new, and not with every file from then on.
    new = (run >= intake.zero_weeks) & (run < intake.zero_weeks + NEWEST_WEEKS)
    mask = new & (n_known >= MIN_PAST_WEEKS) & (chance < ZERO_RUN_CHANCE)
    start = column - PAST_WEEKS - intake.zero_weeks + 1
    if start >= 0:
        season = series.counts[:, start : column - PAST_WEEKS + 1]
        mask &= ~(season == 0).all(axis=1)
    areas = np.flatnonzero(mask & series.own[:, column])
    if len(areas):
        usual, _ = _median(np.where(counts == 0, np.nan, counts)[areas])
        say.of_cells(
            "zero_run", areas, column, worst=usual, run=run[areas].astype(np.float64), usual=usual
        )


def _doubt_copied_week(series: Series, say: _Speaker) -> None:
    shares = _agreement(series.counts)
    for column in series.newest():
        share, n_areas = shares(column)
        if n_areas < MIN_COPIED_AREAS or share < COPIED_SHARE:
            continue
        others = [shares(i)[0] for i in range(max(1, column - MIN_PAST_WEEKS), column)]
        known = [other for other in others if not np.isnan(other)]
        if known and share - float(np.median(known)) < COPIED_EXCESS:
            continue
        say.doubts.add(
            "copied_week",
            column=say.column,
            came=f"{share:.0%}",
            week=week_name(int(series.mondays[column])),
            other=week_name(int(series.mondays[column - 1])),
            areas=n_areas,
        )


def _agreement(counts: FloatArray) -> Callable[[int], tuple[float, int]]:
    """What tells for a week in which share of areas with figures it repeats the week before."""

    def share(column: int) -> tuple[float, int]:
        if column < 1:
            return float("nan"), 0
        one, two = counts[:, column], counts[:, column - 1]
        active = (one + two) > 0
        n_areas = int(active.sum())
        return (float((one == two)[active].mean()) if n_areas else float("nan")), n_areas

    return share


def _doubt_same_series(series: Series, say: _Speaker) -> None:
    newest = series.newest()
    if not newest or newest[0] + 1 < SAME_WEEKS:
        return
    counts = series.counts[:, newest[0] + 1 - SAME_WEEKS : newest[0] + 1]
    ordered = np.sort(counts, axis=1)
    n_values = 1 + (np.diff(ordered, axis=1) > 0).sum(axis=1)
    lively = (counts > 0).sum(axis=1) >= _SAME_FILLED
    lively &= ~np.isnan(counts).any(axis=1) & (n_values >= _SAME_VALUES)
    groups: dict[bytes, list[int]] = {}
    for area in np.flatnonzero(lively & series.own[:, newest[0]]).tolist():
        groups.setdefault(counts[area].tobytes(), []).append(area)
    for same in groups.values():
        if len(same) > 1:
            say.doubts.add(
                "same_series",
                column=say.column,
                came=listed(_called(series.areas[same], say.names)),
                weeks=SAME_WEEKS,
                count=len(same),
            )


def _doubt_silence(every: Sequence[Series], doubts: Doubts, names: Mapping[str, str]) -> None:
    """Who reports always, and has not reported for the newest week."""
    level = every[0].level
    own = [series for series in every if series.level == level]
    areas = np.unique(np.concatenate([series.areas for series in own]))
    newest = int(max(series.mondays[-1] for series in own))
    reported: BoolArray = np.zeros((len(areas), EXPECTED_WEEKS + 1), dtype=np.bool_)
    for series in own:
        place = np.searchsorted(areas, series.areas)
        n_weeks = min(EXPECTED_WEEKS + 1, len(series.mondays))
        reported[place, -n_weeks:] |= ~np.isnan(series.counts[:, -n_weeks:])
    # Weeks in which nobody reported say nothing of anybody.
    weeks = reported[:, :-1].any(axis=0)
    if weeks.sum() < _MIN_EXPECTED_WEEKS:
        return
    always = reported[:, :-1][:, weeks].mean(axis=1) >= EXPECTED_SHARE
    silent = always & ~reported[:, -1]
    if silent.any():
        doubts.add(
            "not_reported",
            came=listed(_called(areas[silent], names)),
            count=int(silent.sum()),
            week=week_name(newest),
            always=int(always.sum()),
        )
