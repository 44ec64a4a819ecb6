"""What holds for every share, target and history."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.model import Missing
from geo.targets import Outlook, attainment, forecast, pace

whole = st.integers(0, 500)
targets = st.integers(0, 100).map(lambda percent: percent / 100)
pairs = st.lists(st.tuples(whole, whole), min_size=1, max_size=12)
histories = st.lists(st.floats(0, 1), min_size=4, max_size=16)


@given(pairs, targets)
def test_what_is_missing_is_just_enough(rows: list[tuple[int, int]], target: float) -> None:
    built, required = np.array(rows, dtype=float).T
    found = attainment(built, required, target=target)
    some = ~np.isnan(found.missing)
    assert attainment((built + found.missing)[some], required[some], target=target).met.all()
    short = some & (found.missing > 0)
    less = (built + found.missing - 1)[short]
    assert not attainment(less, required[short], target=target).met.any()
    assert (found.met == (some & (found.missing == 0))).all()


@given(pairs, targets, st.integers(1, 50))
def test_more_built_never_takes_a_target_away(
    rows: list[tuple[int, int]], target: float, more: int
) -> None:
    built, required = np.array(rows, dtype=float).T
    before, after = (attainment(n, required, target=target) for n in (built, built + more))
    assert (after.met >= before.met).all()
    known = ~np.isnan(before.missing)
    assert (after.missing[known] <= before.missing[known]).all()
    assert (after.distance[known] <= before.distance[known]).all()


@given(pairs, targets, targets)
def test_a_higher_target_is_never_easier(
    rows: list[tuple[int, int]], one: float, other: float
) -> None:
    built, required = np.array(rows, dtype=float).T
    low, high = (attainment(built, required, target=t) for t in sorted((one, other)))
    assert (high.met <= low.met).all()


@given(pairs, targets, st.randoms())
def test_the_order_of_areas_does_not_matter(
    rows: list[tuple[int, int]], target: float, random: object
) -> None:
    built, required = np.array(rows, dtype=float).T
    order = np.argsort([hash((i, str(random))) for i in range(len(rows))])
    straight, turned = (
        attainment(built, required, target=target),
        attainment(built[order], required[order], target=target),
    )
    for one, other in zip(straight, turned, strict=True):
        np.testing.assert_array_equal(one[order], other)


@given(pairs, targets, st.sampled_from([Missing.NO_DATA, Missing.SUPPRESSED]))
def test_a_withheld_numerator_leaves_no_trace(
    rows: list[tuple[int, int]], target: float, state: Missing
) -> None:
    built, required = np.array(rows, dtype=float).T
    states = np.full(len(built), int(state))
    found, other = (
        attainment(n, required, target=target, numerator_states=states) for n in (built, built + 7)
    )
    for one, two in zip(found, other, strict=True):
        np.testing.assert_array_equal(one, two)
    assert np.isnan(found.share).all()


@given(histories, st.floats(0.01, 5))
def test_the_pace_follows_the_unit_of_time_and_the_sign(shares: list[float], unit: float) -> None:
    weeks = 4.0 * np.arange(len(shares))
    found, turned = pace(weeks, shares), pace(weeks, [-share for share in shares])
    assert found.low <= found.per_week <= found.high
    assert math.isclose(found.per_week, -turned.per_week, abs_tol=1e-12)
    assert math.isclose(found.low, -turned.high, abs_tol=1e-12)
    slower = pace(weeks * (1 + unit), shares)
    assert math.isclose(slower.per_week * (1 + unit), found.per_week, abs_tol=1e-9)


@given(histories, targets)
def test_a_forecast_lies_within_its_interval(shares: list[float], target: float) -> None:
    found = forecast(4.0 * np.arange(len(shares)), shares, target=target)
    assert (found.outlook == Outlook.MET) == (shares[-1] >= target - 1e-9)
    if found.outlook == Outlook.REACHED:
        assert 0 < found.earliest <= found.weeks <= found.latest
        assert math.isclose(shares[-1] + found.weeks * found.pace.per_week, target, abs_tol=1e-9)
