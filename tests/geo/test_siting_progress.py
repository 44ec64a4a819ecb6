"""What a search tells on its way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo.siting import SitingProblem, solve
from geo.siting._progress import Progress
from geo.siting.stopwatch import Stopwatch


@pytest.mark.parametrize("objective", ["max_coverage", "p_median"])
def test_what_is_told_never_gets_worse(objective: str) -> None:
    rng = np.random.default_rng(4)
    xy, at = rng.random((3000, 2)), rng.random((120, 2))
    costs = pd.DataFrame(np.hypot(*(xy[:, None] - at[None]).transpose(2, 0, 1)))
    costs.index, costs.columns = costs.index.astype(str), costs.columns.map("s{}".format)
    demand = pd.Series(rng.integers(1, 9, 3000).astype(float), index=costs.index)
    told: list[tuple[float, float]] = []
    radius = 0.1 if objective == "max_coverage" else None
    found = solve(
        SitingProblem(objective, costs, demand, p=9, radius=radius),
        time_limit_s=20,
        on_progress=lambda _, value, bound: told.append((value, bound)),
    )
    value, bound = np.array(told).T
    sign = 1.0 if objective == "max_coverage" else -1.0
    assert (np.diff(sign * value[~np.isnan(value)]) >= 0).all()
    assert (np.diff(sign * bound[~np.isnan(bound)]) <= 0).all()
    assert value[-1] == pytest.approx(found.objective)
    assert bound[-1] == pytest.approx(found.bound)


def test_a_later_search_with_a_weaker_bound_does_not_widen_the_gap() -> None:
    told: list[tuple[float, float]] = []
    progress = Progress(
        Stopwatch(60), lambda _, value, bound: told.append((value, bound)), maximise=True
    )
    for value, bound in ((90.0, 100.0), (np.nan, 150.0), (95.0, 93.0)):
        progress.end(value, bound)
    assert told == [(90.0, 100.0), (90.0, 100.0), (95.0, 95.0)]
