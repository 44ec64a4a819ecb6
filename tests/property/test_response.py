"""Warnings over any weeks: one live warning a place and theme; events tell all; nothing is lost."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from etl.build.weeks import week_range
from etl.response.acts import Acts
from etl.response.life import LIVE, STEPS, Kind, Life, replay
from etl.response.matching import signals_of
from etl.store.engine import open_engine
from geo.errors import StepError
from tests.support.responses import (
    COUNTY,
    TOWNS,
    VILLAGES,
    config,
    episodes,
    events,
    follow_week,
    lives,
    places,
)
from tests.support.stores import sqlite_store

START = datetime(2026, 11, 15, 23, 5, tzinfo=UTC)
WEEKS = week_range("2027-W09", 17)
PLACES = places()
MEASURES = ("hotline_calls", "screened")
ACTS = (Kind.ACKNOWLEDGED, Kind.RESPONDING, Kind.CLOSED, Kind.DISMISSED, Kind.NOTE)

AREAS = st.sets(st.sampled_from([*VILLAGES, *TOWNS, COUNTY]), min_size=1, max_size=3)
EPISODE = st.tuples(st.sampled_from("abcdef"), st.integers(-1, 4), AREAS, st.sampled_from(MEASURES))
# A week's episodes: their ids differ; what overlaps is for the code to join.
PUBLISHED = st.lists(EPISODE, max_size=4, unique_by=lambda row: (row[0], row[3]))
DONE = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 5)), max_size=3)
# Each step publishes the same week again, corrected, or one of the next two.
HISTORY = st.lists(st.tuples(st.integers(0, 2), PUBLISHED, DONE), min_size=1, max_size=6)


def frame(rows: list[Any]) -> pd.DataFrame:
    parts = [
        episodes((name, tier, "|".join(sorted(areas))), measure=measure)
        for name, tier, areas, measure in rows
    ]
    return pd.concat(parts, ignore_index=True) if parts else episodes()


def overlapping(one: frozenset[str], other: frozenset[str]) -> bool:
    """By the codes alone: a village 991x lies in town 9910; the county, over all, by itself."""

    def holds(upper: str, lower: str) -> bool:
        return upper == lower or (upper in TOWNS and upper[:3] == lower[:3])

    return any(holds(a, b) or holds(b, a) for a in one for b in other)


def check_one_a_place(found: dict[str, Life]) -> None:
    live = [life for life in found.values() if life.live]
    for one, other in combinations(live, 2):
        same_theme = one.measure == other.measure
        assert not (same_theme and overlapping(one.areas, other.areas)), (one, other)


def do(engine: Engine, done: list[tuple[Kind, int]], now: datetime) -> None:
    """Office acts; one that the state does not allow is refused and changes nothing."""
    for kind, pick in done:
        before = lives(engine)
        if not before:
            return
        life = before[sorted(before)[pick % len(before)]]
        text = "已处理" if kind in {Kind.DISMISSED, Kind.NOTE} else ""
        try:
            after = Acts(engine, config()).act(
                kind, life.warning_id, office="centre", now=now, text=text
            )
        except StepError:
            assert lives(engine) == before
        else:
            assert after.state == STEPS[life.state, kind]
            assert lives(engine)[life.warning_id] == after


@settings(max_examples=40)
@given(HISTORY)
def test_one_live_warning_a_place_and_theme_whatever_comes(history: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(sqlite_store(Path(folder) / "xintu.db"))
        number, now = 0, START
        for steps, rows, done in history:
            number += steps
            now += timedelta(weeks=steps, hours=1)
            before, n_events = lives(engine), len(events(engine))
            follow_week(engine, frame(rows), now=now, week=WEEKS[number])
            after = lives(engine)
            check_one_a_place(after)
            check_signals_are_seen(rows, after)
            check_nothing_is_put_off(before, after)
            assert set(before) <= set(after)
            again = follow_week(engine, frame(rows), now=now, week=WEEKS[number])
            assert again == {}, "published again, nothing happens"
            do(engine, done, now + timedelta(hours=2))
            assert len(events(engine)) >= n_events
            assert replay(events(engine)) == lives(engine)
        engine.dispose()


def check_signals_are_seen(rows: list[Any], after: dict[str, Life]) -> None:
    """Every signal is on a live warning, or goes on with one that was answered as high."""
    for signal in signals_of(frame(rows), PLACES)[0]:
        own = [life for life in after.values() if life.measure == signal.measure]
        carried = [life for life in own if life.live and life.areas == signal.areas]
        ended = [life for life in own if life.state not in LIVE and signal.area_code in life.areas]
        answered = any(life.peak_tier >= signal.tier for life in ended)
        assert [life.tier for life in carried] == [signal.tier] or answered


def check_nothing_is_put_off(before: dict[str, Life], after: dict[str, Life]) -> None:
    for key, life in before.items():
        if life.live and after[key].live and life.due_at is not None:
            due = after[key].due_at
            assert due is not None
            assert due <= life.due_at or after[key].tier > life.tier
            assert (after[key].respond_by or due) <= (
                life.respond_by or after[key].respond_by or due
            )


@given(PUBLISHED)
def test_the_order_of_the_episodes_does_not_matter(rows: list[Any]) -> None:
    assert signals_of(frame(rows), PLACES)[0] == signals_of(frame(rows[::-1]), PLACES)[0]


@given(PUBLISHED)
def test_signals_of_a_week_lie_apart(rows: list[Any]) -> None:
    found, _ = signals_of(frame(rows), PLACES)
    for one, other in combinations(found, 2):
        assert one.measure != other.measure or not overlapping(one.areas, other.areas)
    covered = {(m, area) for _, tier, areas, m in rows if tier > 0 for area in areas}
    assert {(one.measure, area) for one in found for area in one.areas} == covered
