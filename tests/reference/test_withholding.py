"""Withholding along a tree equals the slow greedy, and no week or level minds its neighbours."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from geo.disclosure import (
    Earlier,
    Published,
    release_sums,
    stand_in,
    suppress_again,
    suppress_hierarchy,
    suppress_primary,
)
from geo.model import Missing
from tests.reference.withholding import Week

SEEDS = range(40)


class Tree(NamedTuple):
    counts: list[np.ndarray]
    parents: list[np.ndarray]
    people: list[np.ndarray]
    keep: list[np.ndarray]
    known: list[np.ndarray]
    k: int


def tree(seed: int) -> Tree:
    """A few weeks on two to four levels: levels without data, gaps, orphans, sums with a rest."""
    rng = np.random.default_rng(seed)
    n_levels, n_weeks = int(rng.integers(2, 5)), int(rng.integers(2, 7))
    sizes = [int(rng.integers(10, 60))]
    for _ in range(n_levels - 1):
        sizes.append(max(1, sizes[-1] // int(rng.integers(2, 5))))
    parents = [rng.integers(-(seed % 5 == 0), above, n) for n, above in pairwise(sizes)]
    rate = rng.gamma(0.5, rng.choice([1, 6, 30]), (n_weeks, sizes[0]))
    counts = [rng.poisson(rate).astype(float)]
    for parent, n in zip(parents, sizes[1:], strict=True):
        above = np.zeros((n_weeks, n))
        np.add.at(above.T, parent[parent >= 0], counts[-1].T[parent >= 0])
        counts.append(above + rng.integers(0, 2, above.shape) * (seed % 3 == 0))
    for week in range(1, n_weeks):
        for level in range(int(rng.integers(0, n_levels))):
            counts[level][week] = np.nan
    for level in counts:
        level[rng.random(level.shape) < 0.04 * (seed % 2)] = np.nan
    return Tree(
        counts,
        parents,
        [rng.integers(50, 2000, n).astype(float) for n in sizes],
        [rng.random(level.shape) < 0.1 for level in counts],
        [rng.random(level.shape) < 0.05 * (seed % 4 == 1) for level in counts],
        int(rng.choice([5, 10])),
    )


def withheld(found: list[Published]) -> list[np.ndarray]:
    return [one.states == Missing.SUPPRESSED for one in found]


@pytest.mark.parametrize("seed", SEEDS)
def test_each_week_is_the_slow_greedys(seed: int) -> None:
    case = tree(seed)
    found = withheld(
        suppress_hierarchy(
            case.counts, case.parents, k=case.k, denominators=case.people,
            keep=case.keep, known=case.known,
        )
    )  # fmt: skip
    own = [
        suppress_primary(level, k=case.k, denominators=people).states == Missing.SUPPRESSED
        for level, people in zip(case.counts, case.people, strict=True)
    ]
    for week in range(len(case.counts[0])):
        rows = [[level[week] for level in kind] for kind in (case.counts, own, case.known)]
        keep = [level[week] for level in case.keep]
        slow = Week(rows[0], case.parents, case.k, own=rows[1], known=rows[2], keep=keep)
        for mask, expected in zip(found, slow.hidden, strict=True):
            assert mask[week].tolist() == expected.tolist()


def republished(case: Tree, seed: int) -> tuple[list[np.ndarray], list[Earlier]]:
    """Counts after corrections, and what the first publication of most weeks said of them."""
    rng = np.random.default_rng([seed, 1])
    first = suppress_hierarchy(case.counts, case.parents, k=case.k, denominators=case.people)
    after = [level.copy() for level in case.counts]
    for level in after:
        wrong = (rng.random(level.shape) < 0.05) & ~np.isnan(level)
        level[wrong] = rng.integers(0, 20, int(wrong.sum()))
    seen = rng.random((len(after[0]), 1)) < 0.7
    return after, [
        Earlier((one.states == Missing.SUPPRESSED) & seen, (one.values == now) & seen)
        for one, now in zip(first, after, strict=True)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_week_published_again_is_what_it_would_be_alone(seed: int) -> None:
    case = tree(seed)
    after, earlier = republished(case, seed)
    options = {"k": case.k, "denominators": case.people}
    found = withheld(suppress_again(after, case.parents, earlier, keep=case.keep, **options))
    for week in range(len(after[0])):
        row = slice(week, week + 1)
        finest = next((i for i, level in enumerate(after) if not np.isnan(level[row]).all()), None)
        if finest is None:
            continue
        alone = suppress_again(
            [level[row] for level in after[finest:]],
            case.parents[finest:],
            [Earlier(one.withheld[row], one.known[row]) for one in earlier[finest:]],
            k=case.k,
            denominators=case.people[finest:],
            keep=[mask[row] for mask in case.keep[finest:]],
        )
        for mask, expected in zip(found[finest:], withheld(alone), strict=True):
            assert mask[row].tolist() == expected.tolist()
        for mask in found[:finest]:
            assert not mask[row].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_finer_level_without_data_changes_no_sum_and_no_guess(seed: int) -> None:
    case = tree(seed)
    counts = [level[:, : level.shape[1]] for level in case.counts]
    n = counts[0].shape[1] * 2
    finer = [np.full((len(counts[0]), n), np.nan), *counts]
    below = [np.arange(n) // 2, *case.parents]
    found = suppress_hierarchy(counts, case.parents, k=case.k, denominators=case.people)
    more = suppress_hierarchy(
        finer, below, k=case.k, denominators=[np.full(n, 500.0), *case.people]
    )
    for one, same in zip(found, more[1:], strict=True):
        assert one.states.tolist() == same.states.tolist()
    spans = [(0, 1), (0, len(counts[0]) - 1)]
    rules = {"k": case.k}
    sums = release_sums(counts, [one.states for one in found], case.parents, spans,
                        denominators=case.people, **rules)  # fmt: skip
    same_sums = release_sums(finer, [one.states for one in more], below, spans,
                             denominators=[np.full(n, 500.0), *case.people], **rules)  # fmt: skip
    assert not same_sums[0].any()
    for mask, same in zip(sums, same_sums[1:], strict=True):
        assert mask.tolist() == same.tolist()
    guesses = stand_in(found, case.parents, case.people, otherwise=3)
    same_guesses = stand_in(more, below, [np.full(n, 500.0), *case.people], otherwise=3)
    for guess, same in zip(guesses, same_guesses[1:], strict=True):
        np.testing.assert_array_equal(guess, same)
