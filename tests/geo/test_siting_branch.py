"""Branch and bound, held against trying every choice there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from geo.siting._progress import Progress
from geo.siting.branch import branch
from geo.siting.heuristic import start_search
from geo.siting.instance import Instance
from geo.siting.stopwatch import Stopwatch
from tests.geo.test_siting_heuristic import HIGHER, Ends, best, instances, town, worth


@settings(max_examples=150, deadline=None)
@given(instances())
def test_the_best_of_all_choices_is_found_and_proven(asked: Instance) -> None:
    optimum = best(asked)
    if np.isnan(optimum):
        return
    one = start_search(asked)
    progress = Progress(Stopwatch(60.0), None, maximise=asked.objective in HIGHER)
    bound = branch(one, progress, known=one.goal)
    assert one.value == pytest.approx(optimum, rel=1e-9, abs=1e-9)
    assert one.sign * (one.base + bound) == pytest.approx(optimum, rel=1e-9, abs=1e-9)
    assert worth(asked, tuple(one.sites())) == pytest.approx(optimum, rel=1e-9, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(instances())
def test_a_bound_holds_wherever_the_search_is_called_off(asked: Instance) -> None:
    optimum = best(asked)
    one = start_search(asked)
    maximise = asked.objective in HIGHER
    progress = Progress(Stopwatch(60.0), Ends(after=0), maximise=maximise)
    bound = one.sign * (one.base + branch(one, progress, known=one.goal))
    if not np.isnan(optimum):
        assert one.sign * (bound - optimum) >= -1e-9 * max(1.0, abs(optimum))


def test_a_choice_known_from_elsewhere_that_is_better_ends_it() -> None:
    one = start_search(town("p_median"))
    progress = Progress(Stopwatch(60.0), None, maximise=False)
    assert branch(one, progress, known=-1.0) == -1.0
    assert one.value > 1.0
