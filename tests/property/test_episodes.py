"""Episodes equal a slow search, keep their ids as weeks come, and do not mind the order of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.detect.episodes import PHASES, TierLevel, follow_episodes
from geo.model import Tier
from tests.reference.episodes import episode_ids
from tests.support.episodes import names, zoning

N_WEEKS = 14


@st.composite
def worlds(draw: st.DrawFn) -> list[TierLevel]:
    """Tiers that come and go, with unknown weeks, over nine villages, three towns and a county."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def table(n: int, share: float) -> np.ndarray:
        starts = rng.random((N_WEEKS, n)) < share
        stands = starts | np.vstack([np.zeros((1, n), dtype=bool), starts[:-1]])
        tiers = np.where(stands, rng.integers(1, 5, stands.shape), 0)
        return np.where(rng.random(stands.shape) < unknown, -1, tiers)

    unknown = draw(st.sampled_from([0.0, 0.05, 0.4]))
    share = draw(st.sampled_from([0.05, 0.12, 0.3]))
    return zoning(table(9, share), table(3, share / 2), table(1, share / 6))


def ids_by_area(
    levels: list[TierLevel], hold_weeks: int, memory_weeks: int = 4
) -> list[dict[str, str]]:
    weeks = names(len(levels[0].tiers))
    found = follow_episodes(
        levels, measure="m", weeks=weeks, hold_weeks=hold_weeks, memory_weeks=memory_weeks
    )
    return [
        {
            str(level.codes[j]): found.ids[member[week, j]]
            for level, member in zip(levels, found.members, strict=True)
            for j in np.flatnonzero(member[week] >= 0)
        }
        for week in range(len(weeks))
    ]


def until(levels: list[TierLevel], n_weeks: int) -> list[TierLevel]:
    return [replace(one, tiers=one.tiers[:n_weeks], held=one.held[:n_weeks]) for one in levels]


@given(worlds(), st.integers(0, 3), st.integers(0, 3))
def test_ids_are_those_of_a_slow_search(
    levels: list[TierLevel], hold_weeks: int, memory_weeks: int
) -> None:
    slow = episode_ids(
        levels,
        measure="m",
        weeks=names(N_WEEKS),
        hold_weeks=hold_weeks,
        memory_weeks=memory_weeks,
    )
    assert ids_by_area(levels, hold_weeks, memory_weeks) == slow


@given(worlds(), st.integers(0, 3), st.integers(1, N_WEEKS - 5))
def test_what_was_before_a_quiet_stretch_changes_no_id(
    levels: list[TierLevel], hold_weeks: int, start: int
) -> None:
    """A history that begins later, as that of next week does, tells the same of what came since."""
    quiet = slice(start, start + hold_weeks + 1)
    calm = [replace(one, tiers=one.tiers.copy()) for one in levels]
    for one in calm:
        one.tiers[quiet] = Tier.NONE
    whole = follow_episodes(calm, measure="m", weeks=names(N_WEEKS), hold_weeks=hold_weeks)
    later = [replace(one, tiers=one.tiers[start:], held=one.held[start:]) for one in calm]
    part = follow_episodes(later, measure="m", weeks=names(N_WEEKS)[start:], hold_weeks=hold_weeks)
    pd.testing.assert_frame_equal(whole.newest, part.newest)


@given(worlds(), st.integers(0, 3), st.integers(0, N_WEEKS))
def test_weeks_that_are_added_change_no_id(
    levels: list[TierLevel], hold_weeks: int, n_weeks: int
) -> None:
    whole = ids_by_area(levels, hold_weeks)
    assert ids_by_area(until(levels, n_weeks), hold_weeks) == whole[:n_weeks]


@given(worlds(), st.integers(0, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_the_order_of_rows_does_not_matter(
    levels: list[TierLevel], hold_weeks: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(one.codes)) for one in levels]
    inverse = [np.argsort(order) for order in orders]
    mixed = [
        replace(
            one,
            codes=one.codes[order],
            names=one.names[order],
            tiers=one.tiers[:, order],
            held=one.held[:, order],
            parents=inverse[i + 1][one.parents[order]] if i + 1 < len(levels) else one.parents,
            touching=one.touching[order][:, order],
        )
        for i, (one, order) in enumerate(zip(levels, orders, strict=True))
    ]
    weeks = names(N_WEEKS)
    plain = follow_episodes(levels, measure="m", weeks=weeks, hold_weeks=hold_weeks)
    other = follow_episodes(mixed, measure="m", weeks=weeks, hold_weeks=hold_weeks)
    pd.testing.assert_frame_equal(plain.newest, other.newest)
    assert ids_by_area(mixed, hold_weeks) == ids_by_area(levels, hold_weeks)


@given(worlds(), st.integers(0, 3), st.integers(1, N_WEEKS))
def test_the_newest_week_is_told_whole_and_once(
    levels: list[TierLevel], hold_weeks: int, n_weeks: int
) -> None:
    part = until(levels, n_weeks)
    weeks = names(n_weeks)
    found = follow_episodes(part, measure="m", weeks=weeks, hold_weeks=hold_weeks)
    newest, here = found.newest, ids_by_area(part, hold_weeks)[-1]
    assert newest["episode_id"].is_unique
    assert set(newest["phase"]) <= set(PHASES)
    tiers = {
        str(code): int(tier)
        for one in part
        for code, tier in zip(one.codes, one.tiers[-1], strict=True)
    }
    merged = (newest["phase"] == "ended") & (newest["tier"] >= Tier.BLUE)
    standing = newest[(newest["tier"] >= Tier.BLUE) & ~merged]
    for row in newest[merged].itertuples():
        assert {here[code] for code in row.areas.split("|") if code in here} - {row.episode_id}
    areas = [code for row in standing.itertuples() for code in row.areas.split("|")]
    assert sorted(areas) == sorted(here) == sorted(c for c, t in tiers.items() if t >= Tier.BLUE)
    for row in standing.itertuples():
        codes = row.areas.split("|")
        assert {here[code] for code in codes} == {row.episode_id}
        assert row.tier == tiers[row.area_code] == max(tiers[code] for code in codes)
        assert row.peak_tier >= row.tier
        assert row.n_areas == len(codes)
        assert row.weeks == n_weeks - weeks.index(row.since_week)
        assert row.phase != "ended"
    quiet = newest[newest["tier"] < Tier.BLUE]
    assert set(quiet["phase"]) <= {"fading", "ended"}
