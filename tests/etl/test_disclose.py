"""What a build publishes of counts, on a county small enough to check by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from etl.build.counts import arrange_counts
from etl.build.disclose import disclose_counts
from etl.build.figures import lead_weeks, tell_figures
from etl.build.history import History
from etl.build.warnings import watch
from etl.build.weeks import week_range
from etl.build.work import Work
from etl.settings import LocalityConfig, registry
from geo.model import Level, Missing
from tests.etl.test_build import WEEK, config, levels_once, weekly

VILLAGES = ("T0V0", "T0V1", "T1V0", "T1V1")


def book_of(first: float, second: float) -> dict[tuple[str, str, str], tuple[Any, Any]]:
    """All weekly layers of hotline calls: states and values."""
    settings = config()
    n = settings.publish.weeks + lead_weeks(settings)
    weeks = week_range(WEEK, n)
    rng = np.random.default_rng(4)
    table = {
        area: rng.poisson(rate, n).astype(float).tolist()
        for area, rate in zip(VILLAGES, (3, 12, 40, 60), strict=True)
    }
    # Two weeks of one period: 15 in the town each week, the same in each village over both.
    for at, count in ((-3, first), (-2, second)):
        table["T0V0"][at], table["T0V1"][at] = count, 15.0 - count
    frames = levels_once()
    counts = arrange_counts(weekly("village", "hotline_calls", table), frames, weeks, settings)
    work = Work(frames, settings)
    watch(work, tell_figures(work, counts, weeks), History(), {})
    return {
        (row.layer, row.level, row.week): (row.states, row.values) for row in work.book if row.week
    }


def test_what_is_published_is_the_same_for_all_counts_that_agree_with_it() -> None:
    one, other = book_of(3.0, 4.0), book_of(4.0, 3.0)
    week = week_range(WEEK, 3)[0]
    assert one["count.hotline_calls", "village", week][0][:2].tolist() == [2, 2]
    assert one.keys() == other.keys()
    for key, (states, values) in one.items():
        np.testing.assert_array_equal(states, other[key][0], err_msg=str(key))
        np.testing.assert_array_equal(values, other[key][1], err_msg=str(key))


def with_sum(**changes: Any) -> LocalityConfig:
    measures = [
        dict(entry, **changes) if entry["code"] == "consult_visits" else entry
        for entry in registry("measures")["measures"]
    ]
    return config(measures=measures)


def test_a_sum_of_measures_does_not_tell_its_parts() -> None:
    settings = with_sum(sum_of=["hotline_calls", "referrals"])
    frames, weeks = levels_once(), week_range(WEEK, 1)
    parts = {
        "hotline_calls": {"T0V0": [3.0], "T0V1": [12.0], "T1V0": [40.0], "T1V1": [60.0]},
        "referrals": {"T0V0": [20.0], "T0V1": [30.0], "T1V0": [40.0], "T1V1": [60.0]},
    }
    whole = {area: [sum(part[area][0] for part in parts.values())] for area in parts["referrals"]}
    book = {}
    for code, table in {**parts, "consult_visits": whole}.items():
        book |= arrange_counts(weekly("village", code, table), frames, weeks, settings)
    keep = {
        code: [np.zeros(one.values.shape, dtype=bool) for one in by_level.values()]
        for code, by_level in book.items()
    }
    found = disclose_counts(Work(frames, settings), book, weeks, keep)
    by_level = {one.frame.level: one.states[0] for one in found["consult_visits"]}
    # 23 visits less 20 referrals would be the 3 calls.
    assert by_level[Level.VILLAGE].tolist() == [2, 2, 0, 0]
    assert (by_level[Level.TOWN] == Missing.OK).all()
    alone = disclose_counts(Work(frames, config()), book, weeks, keep)
    assert (alone["consult_visits"][0].states == Missing.OK).all()


@pytest.mark.parametrize(
    ("sum_of", "said"),
    [
        (["nonsense"], "sum_of: unknown measure: nonsense"),
        (["consult_visits"], "itself a sum: consult_visits"),
        (["referrals", "referrals"], "part of two sums"),
    ],
)
def test_a_sum_of_measures_that_cannot_be_is_refused(sum_of: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        with_sum(sum_of=sum_of)
