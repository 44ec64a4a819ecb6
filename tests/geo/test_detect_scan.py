"""Scan statistics: against the slow one, p values, what is unknown, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from geo.detect import space_time_scan, spatial_scan
from geo.errors import ShapeError, UnitError
from tests.reference.scan import clusters


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seed", range(6))
def test_spatial_equals_the_slow_one(seed: int) -> None:
    draw = rng(seed)
    xy = draw.uniform(0, 9e3, (25, 2)) if seed % 2 else np.argwhere(np.ones((5, 5))) * 500.0
    population = draw.integers(0, 900, 25).astype(float)
    cases = draw.poisson(population / 60).astype(float)
    cases[3:6] += 15
    found = spatial_scan(cases, population, xy, replicates=19, alpha=1.0, rng=rng())
    slow = clusters([cases.tolist()], population.tolist(), [tuple(p) for p in xy], 0.5, 1)
    assert len(found) == len(slow) >= 2
    for ours, (ratio, members, _) in zip(found, slow, strict=True):
        assert ours.ratio == pytest.approx(ratio, rel=1e-9)
        if sum(abs(other[0] - ratio) < 1e-9 for other in slow) == 1:
            held = population[ours.members].sum(), cases[ours.members].sum()
            assert held == (population[list(members)].sum(), cases[list(members)].sum())
    everyone = np.concatenate([c.members for c in found])
    assert len(np.unique(everyone)) == len(everyone)


@pytest.mark.parametrize("seed", range(3))
def test_space_time_equals_the_slow_one(seed: int) -> None:
    draw = rng(seed)
    xy = draw.uniform(0, 9e3, (15, 2))
    population = draw.integers(50, 900, 15).astype(float)
    cases = draw.poisson(population / 200, (8, 15)).astype(float)
    cases[-2:, 4] += 12
    found = space_time_scan(cases, population, xy, max_weeks=4, replicates=19, alpha=1.0, rng=rng())
    slow = clusters(cases.tolist(), population.tolist(), [tuple(p) for p in xy], 0.5, 4)
    assert [c.ratio for c in found] == pytest.approx([w[0] for w in slow], rel=1e-9)
    assert set(found[0].members.tolist()) == slow[0][1]
    assert found[0].weeks == slow[0][2]
    assert found[0].cases == cases[-found[0].weeks :, found[0].members].sum()
    expected = cases.sum() * population[found[0].members].sum() / population.sum()
    assert found[0].expected == pytest.approx(expected * found[0].weeks / 8)


def test_highest_ratios_of_replicates_are_those_of_a_scan() -> None:
    """The pruned search over replicates finds what the plain one finds."""
    from geo.detect.scan import _drawn, _search, _Study

    draw = rng(3)
    xy, population = draw.uniform(0, 5e3, (60, 2)), draw.gamma(1.0, 300.0, 60)
    for total in (40, 900, 40_000):
        study = _Study(np.zeros((1, 60)), population, xy, np.array([1]), 1, float(total), 0.5)
        drawn = _drawn(study, 140, rng(9))
        _, highest = _search(study, drawn)
        simulated = np.concatenate([block[0].T for block in drawn])
        assert simulated.shape == (140, 60)
        np.testing.assert_array_equal(simulated.sum(axis=1), total)
        plain = [
            spatial_scan(cases, population, xy, replicates=1, rng=rng())[0].ratio
            for cases in simulated
        ]
        np.testing.assert_allclose(highest, plain, rtol=1e-9)


def test_answers_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = rng(6)
    xy, population = draw.uniform(0, 5e3, (90, 2)), draw.gamma(1.0, 300.0, 90)
    cases = draw.multinomial(700, population / population.sum())
    cases[3:6] += 30
    answers = []
    for threads in (1, 2, 5):
        monkeypatch.setattr("geo.detect.scan._THREADS", threads)
        found = spatial_scan(cases, population, xy, replicates=99, alpha=1.0, rng=rng(2))
        answers.append([(c.centre, c.members.tolist(), c.ratio, c.p) for c in found])
    assert len(answers[0]) > 2
    assert answers[0] == answers[1] == answers[2]


def test_p_values_are_uniform_without_a_cluster_and_least_with_one() -> None:
    draw = rng(5)
    xy, population = draw.uniform(0, 5e3, (40, 2)), draw.gamma(2.0, 200.0, 40)
    chance = population / population.sum()
    p = [
        spatial_scan(draw.multinomial(150, chance), population, xy, replicates=39, rng=draw)[0].p
        for _ in range(120)
    ]
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) <= 0.1) < 0.2
    cases = draw.multinomial(150, chance).astype(float)
    cases[:4] += 60
    assert spatial_scan(cases, population, xy, replicates=39, rng=draw)[0].p == 1 / 40


def test_areas_on_one_circle_enter_together() -> None:
    xy = np.array([[0.0, 0.0], [100.0, 0.0], [-100.0, 0.0], [500.0, 0.0], [900.0, 0.0]])
    found = spatial_scan([5, 40, 5, 5, 5], np.full(5, 10.0), xy, replicates=9, rng=rng())
    assert found[0].members.tolist() == [1]
    apart = spatial_scan(
        [30, 30, 30, 1, 1], [10.0, 10.0, 10.0, 40.0, 40.0], xy, replicates=9, rng=rng()
    )
    assert sorted(apart[0].members.tolist()) == [0, 1, 2]


def test_an_unknown_area_is_left_out_and_its_place_kept() -> None:
    xy = np.column_stack([np.arange(12) * 100.0, np.zeros(12)])
    cases = np.where(np.arange(12) >= 9, 50.0, 5.0)
    population = np.full(12, 100.0)
    cases[0], population[1], xy[2, 0] = np.nan, np.nan, np.nan
    found = spatial_scan(cases, population, xy, rng=rng())
    assert sorted(found[0].members.tolist()) == [9, 10, 11]
    assert found[0].expected == pytest.approx(np.nansum(cases[3:]) * 3 / 9)


def test_nothing_to_find_is_no_error() -> None:
    xy = np.zeros((3, 2))
    assert spatial_scan([0, 0, 0], [1, 1, 1], xy, rng=rng()) == ()
    assert spatial_scan([1, 2, 0], [0, 0, 0], xy, rng=rng()) == ()
    assert spatial_scan([], [], np.empty((0, 2)), rng=rng()) == ()
    assert space_time_scan(np.zeros((9, 3)), [1, 1, 1], xy, rng=rng()) == ()


def test_a_window_holds_at_most_its_share_of_the_population() -> None:
    draw = rng(2)
    xy, population = draw.uniform(0, 5e3, (50, 2)), draw.gamma(2.0, 200.0, 50)
    cases = draw.poisson(5.0, 50) + 20 * (xy[:, 0] < 2500)
    for share in (0.1, 0.3, 0.5):
        found = spatial_scan(
            cases, population, xy, max_population_share=share, alpha=1.0, replicates=9, rng=rng()
        )
        assert max(population[c.members].sum() for c in found) <= share * population.sum()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_population_share": 0.6}, "max_population_share: 0.6; wanted a share of at most"),
        ({"max_population_share": 0.0}, "max_population_share: 0.0"),
        ({"replicates": 0}, "replicates: 0; wanted 1 or more"),
        ({"cases": [1.5, 1, 1]}, "cases: number\\(s\\) with a fraction"),
        ({"cases": [-1, 1, 1]}, "cases: 1 value\\(s\\) negative"),
        ({"population": [-1, 1, 1]}, "population: 1 value\\(s\\) negative"),
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any], message: str) -> None:
    options = {"cases": [1, 1, 1], "population": [1, 1, 1], "xy": np.zeros((3, 2))} | wrong
    with pytest.raises(UnitError, match=message):
        spatial_scan(**options, rng=rng())


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="lengths differ"):
        spatial_scan([1, 1], [1, 1, 1], np.zeros((3, 2)), rng=rng())
    with pytest.raises(UnitError, match="max_weeks: 9; wanted 1 to the 8 weeks"):
        space_time_scan(np.ones((8, 3)), [1, 1, 1], np.zeros((3, 2)), max_weeks=9, rng=rng())
