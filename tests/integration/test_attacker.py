"""An outsider with a solver at the published store of the fictional city.

Three publications: two successive weeks, and the second again after a correction. With
XINTU_ATTACK=all every small count is attacked instead of a sample.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from etl import pipeline
from etl.build.levels import LevelFrame
from etl.build.rates import SHORTEST, periods
from etl.demo import write_demo
from etl.publish import publish
from etl.settings import load_locality
from etl.store.packed import pack, unpack
from etl.store.reader import Reader
from etl.store.writer import Writer
from geo.model import Level, Missing
from tests.reference.storeattack import Attack, Leak, Truth

NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
WEEK = "2026-W46"
K = 10
MEASURES = ("dv_reports", "hotline_calls", "alerts_yellow", "group_sessions")
ALL = os.environ.get("XINTU_ATTACK") == "all"
SAMPLE = 10**9 if ALL else 60

CORRECTED = ["2026-W40", "2026-W44", "2026-W45"]
# Weeks of the four-week periods that hold a corrected one.
OPENED = {f"2026-W{week}" for week in range(39, 47)}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Published:
    """A store with three snapshots, and the true counts behind each, oldest first."""

    file: Path
    truths: dict[str, Truth]

    @property
    def newest(self) -> str:
        return list(self.truths)[-1]


def _corrected(load: Any, levels: Sequence[LevelFrame]) -> Any:
    """A loader of counts to which places hand in other figures for published weeks."""
    return lambda *args, **named: pack(_with_corrections(unpack(load(*args, **named)), levels))


def _with_corrections(counts: pd.DataFrame, levels: Sequence[LevelFrame]) -> pd.DataFrame:
    """Other figures for villages, and for cells with the same in the villages they lie in."""
    rng = np.random.default_rng(3)
    figures = counts["count"].to_numpy().copy()
    for measure, level in (("dv_reports", Level.VILLAGE), ("hotline_calls", Level.GRID)):
        touched = (counts["measure"] == measure) & (counts["level"] == level)
        touched &= counts["week"].isin(CORRECTED)
        rows = np.flatnonzero(touched.to_numpy())
        if not len(rows):
            continue
        rows = rng.choice(rows, min(40, len(rows)), replace=False)
        before = figures[rows].copy()
        figures[rows] = np.maximum(0, before + rng.integers(-8, 12, len(rows)))
        if level == Level.GRID:
            _pass_on(counts, figures, rows, figures[rows] - before, levels)
    return counts.assign(count=figures)


def _pass_on(
    counts: pd.DataFrame,
    figures: np.ndarray,
    rows: np.ndarray,
    more: np.ndarray,
    levels: Sequence[LevelFrame],
) -> None:
    """Correct what the village hands in itself by what its cells were corrected."""
    cells, villages = (
        next(frame for frame in levels if frame.level == level)
        for level in (Level.GRID, Level.VILLAGE)
    )
    village_of = dict(zip(cells.codes, np.array(villages.codes)[cells.parents], strict=True))
    measure = counts["measure"].iloc[rows[0]]
    own = (counts["measure"] == measure) & (counts["level"] == Level.VILLAGE)
    at = {
        (code, week): row
        for row, code, week in zip(
            np.flatnonzero(own), counts["area_code"][own], counts["week"][own], strict=True
        )
    }
    for row, change in zip(rows, more, strict=True):
        one = counts.iloc[row]
        figures[at[village_of[one["area_code"]], one["week"]]] += change


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("attacked")
    write_demo(folder, seed=2026, cells=600, weeks=56, end_week=WEEK)
    settings = load_locality(folder)
    writer = Writer(settings.store_url)
    pipeline.take_in(settings, writer, now=NOW)
    truths: dict[str, Truth] = {}
    made: list[Truth] = []
    arrange, load = pipeline.arrange_counts, pipeline.load_counts

    def watched(reported: Any, levels: Any, weeks: Any, config: Any) -> Any:
        counts = arrange(reported, levels, weeks, config)
        made.append(Truth(levels, counts, list(weeks)))
        return counts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "arrange_counts", watched)
        for number, (week, correct) in enumerate(
            (("2026-W45", False), (WEEK, False), (WEEK, True))
        ):
            if correct:
                patch.setattr(pipeline, "load_counts", _corrected(load, made[-1].levels))
            built = pipeline.build(
                writer, settings, until=week, now=NOW, on_progress=lambda *_: None
            )
            stamp = NOW + timedelta(hours=number)
            name = publish(writer, settings, built, fingerprint=f"{number:08d}", now=stamp)
            truths[name] = made[-1]
    writer.engine.dispose()
    return Published(Path(settings.store_url.removeprefix("sqlite:///")), truths)


def attack(file: Path, truths: dict[str, Truth], measure: str) -> Attack:
    with closing(Reader(f"sqlite:///{file}")) as reader:
        return Attack(reader, truths, measure)


@pytest.mark.parametrize("measure", MEASURES)
def test_no_small_count_can_be_told(published: Published, measure: str) -> None:
    truths = dict(list(published.truths.items())[:2])
    assert leaks(attack(published.file, truths, measure)) == []


@pytest.mark.parametrize("measure", ["dv_reports", "hotline_calls"])
def test_a_correction_opens_no_period_but_its_own(published: Published, measure: str) -> None:
    """A known weakness (docs/limits.md): what it may cost at most."""
    found = leaks(attack(published.file, published.truths, measure))
    assert {leak.week for leak in found} <= OPENED


def leaks(system: Attack) -> list[Leak]:
    """What can be told of a sample, or of all, of the counts at risk."""
    small = system.at_risk(K, 100)
    assert len(small) > 100
    chosen = np.random.default_rng(0).permutation(small)[:SAMPLE]
    return list(system.leaks(chosen, K))


def test_a_correction_changes_published_weeks(published: Published) -> None:
    second, third = list(published.truths.values())[1:]
    was, now = (truth.counts["dv_reports"]["village"].values for truth in (second, third))
    assert (was[-7:] != now[-7:]).sum() > 5


# ---------------------------------------------------------------- planted leaks are found


class Tampered:
    """A copy of the store in which published layers can be rewritten."""

    def __init__(self, published: Published, folder: Path) -> None:
        self.file = folder / "tampered.db"
        shutil.copy(published.file, self.file)

    def rewrite(
        self, key: tuple[str, str, str, str], values: np.ndarray, states: np.ndarray
    ) -> None:
        blobs = (
            zlib.compress(np.ascontiguousarray(values, dtype="<f8").tobytes()),
            zlib.compress(np.ascontiguousarray(states, dtype=np.uint8).tobytes()),
        )
        with closing(sqlite3.connect(self.file)) as connection, connection:
            done = connection.execute(
                'update published_layer set "values" = ?, states = ? where snapshot_id = ? '
                "and level = ? and layer = ? and week = ?",
                (*blobs, *key),
            )
            assert done.rowcount == 1


@pytest.fixture
def tampered(published: Published, tmp_path: Path) -> Tampered:
    return Tampered(published, tmp_path)


def lone_group(
    published: Published, snapshot_id: str, measure: str, *, spare: bool = False
) -> tuple[str, np.ndarray, int, np.ndarray, np.ndarray]:
    """Week, states of the villages, a small one, its withheld and its published neighbours."""
    truth = published.truths[snapshot_id]
    village = next(f for f in truth.levels if f.level == "village")
    with closing(Reader(f"sqlite:///{published.file}")) as reader:
        for week in reversed(reader.snapshot(snapshot_id).meta["weeks"][:-8]):
            row = truth.weeks.index(week)
            counts = truth.counts[measure]["village"].values[row]
            states = reader.layer(snapshot_id, "village", f"count.{measure}", week).states
            above = reader.layer(snapshot_id, "town", f"count.{measure}", week).states
            for parent in np.flatnonzero(above == Missing.OK):
                members = np.flatnonzero(village.parents == parent)
                hidden = members[states[members] == Missing.SUPPRESSED]
                shown = members[(states[members] == Missing.OK) & (counts[members] >= K)]
                small = hidden[(counts[hidden] > 0) & (counts[hidden] < K)]
                if len(small) and len(hidden) >= 2 and (len(shown) or not spare):
                    rest = hidden[hidden != small[0]]
                    return week, states.copy(), int(small[0]), rest, shown
    raise AssertionError("no group to tamper with")


def target(system: Attack, week: str, code: str) -> list[int]:
    return [i for i in system.at_risk(K, 100) if system.names[i] == (week, "village", code)]


def test_a_complement_that_is_shown_is_found(published: Published, tampered: Tampered) -> None:
    only = {published.newest: published.truths[published.newest]}
    week, states, small, rest, _ = lone_group(published, published.newest, "hotline_calls")
    truth = only[published.newest]
    counts = truth.counts["hotline_calls"]["village"].values[truth.weeks.index(week)]
    states[rest] = Missing.OK
    key = (published.newest, "village", "count.hotline_calls", week)
    tampered.rewrite(key, np.where(states == Missing.OK, counts, np.nan), states)
    system = attack(tampered.file, only, "hotline_calls")
    village = next(f for f in truth.levels if f.level == "village")
    (leak,) = system.leaks(target(system, week, village.codes[small]), K)
    assert leak.bound == leak.count == counts[small]


def test_a_sum_over_weeks_that_is_shown_is_found(published: Published, tampered: Tampered) -> None:
    only = {published.newest: published.truths[published.newest]}
    truth = only[published.newest]
    first, last = periods(truth.weeks, SHORTEST)[-1]
    counts = truth.counts["hotline_calls"]["village"].values[first : last + 1]
    area = int(np.flatnonzero((counts.sum(axis=0) > 3) & (counts.sum(axis=0) < K))[0])
    week = truth.weeks[last]
    row = next(w for w in range(first, last + 1) if counts[w - first, area] > 0)
    with closing(Reader(f"sqlite:///{published.file}")) as reader:
        for layer, value in (("rate.hotline_calls", 1.0), ("rate_weeks.hotline_calls", SHORTEST)):
            found = reader.layer(published.newest, "village", layer, week)
            values, states = found.values.copy(), found.states.copy()
            assert states[area] == Missing.SUPPRESSED
            values[area], states[area] = value, Missing.OK
            tampered.rewrite((published.newest, "village", layer, week), values, states)
    system = attack(tampered.file, only, "hotline_calls")
    village = next(f for f in truth.levels if f.level == "village")
    (leak,) = system.leaks(target(system, truth.weeks[row], village.codes[area]), K)
    assert leak.bound <= counts[:, area].sum() < K


def test_a_pattern_that_does_not_last_is_found(published: Published, tampered: Tampered) -> None:
    first, second = list(published.truths)[:2]
    week, states, small, rest, shown = lone_group(published, second, "screened", spare=True)
    truth = published.truths[second]
    counts = truth.counts["screened"]["village"].values[truth.weeks.index(week)]
    # Safe by itself: another large village hides the small one. Only both snapshots tell.
    states[rest] = Missing.OK
    states[shown[0]] = Missing.SUPPRESSED
    key = (second, "village", "count.screened", week)
    tampered.rewrite(key, np.where(states == Missing.OK, counts, np.nan), states)
    for layer in ("rate.screened", "rate_weeks.screened"):
        for at in published.truths[second].weeks[-26:]:
            none = np.full(len(counts), np.nan)
            hidden = np.full(len(counts), Missing.SUPPRESSED)
            for name in (first, second):
                with closing(sqlite3.connect(tampered.file)) as connection:
                    there = connection.execute(
                        "select 1 from published_layer where snapshot_id = ? and level = 'village' "
                        "and layer = ? and week = ?",
                        (name, layer, at),
                    ).fetchone()
                if there:
                    tampered.rewrite((name, "village", layer, at), none, hidden)
    village = next(f for f in truth.levels if f.level == "village")
    code = str(village.codes[small])
    alone = attack(tampered.file, {second: truth}, "screened")
    assert list(alone.leaks(target(alone, week, code), K)) == []
    both = attack(tampered.file, {first: published.truths[first], second: truth}, "screened")
    (leak,) = both.leaks(target(both, week, code), K)
    assert leak.bound == leak.count


# ---------------------------------------------------------------- what else is published


def test_what_is_withheld_stands_nowhere_else(published: Published) -> None:
    with closing(Reader(f"sqlite:///{published.file}")) as reader:
        snapshot = reader.snapshot(published.newest)
        hidden = {
            (level["level"], measure["code"], week): reader.layer(
                published.newest, level["level"], f"count.{measure['code']}", week
            ).states
            == Missing.SUPPRESSED
            for level in snapshot.meta["levels"]
            for measure in snapshot.meta["measures"]
            for week in snapshot.meta["weeks"]
            if f"count.{measure['code']}" in {layer["code"] for layer in snapshot.meta["layers"]}
        }
        index = {
            level["level"]: pd.Index(reader.areas(published.newest, level["level"])["area_code"])
            for level in snapshot.meta["levels"]
        }
        for (level, measure, week), mask in hidden.items():
            for kind in ("tier", "count"):
                if kind == "tier" and not _has(snapshot.meta, f"tier.{measure}"):
                    continue
                values = reader.layer(published.newest, level, f"{kind}.{measure}", week).values
                assert np.isnan(values[mask]).all()
        for week in snapshot.meta["weeks"]:
            for row in reader.warnings(published.newest, week).itertuples():
                at = index[row.level].get_loc(row.area_code)
                assert not hidden[row.level, row.measure, week][at]
                # A warning that is held over from earlier weeks may stand on a published zero.
                assert row.count >= K or (row.held and row.count == 0)
        for name in ("headline", "gap_ranking", "coverage", "findings", "detection", "episodes"):
            table = reader.table(published.newest, name)
            assert not {"measure", "count"} <= set(table.columns), name
            linked = {m["code"] for m in snapshot.meta["measures"]} & set(table.columns)
            assert not linked, name
            if "key" in table:
                assert not {m["code"] for m in snapshot.meta["measures"]} & set(table["key"])


def _has(meta: dict[str, Any], layer: str) -> bool:
    return any(entry["code"] == layer for entry in meta["layers"])


def test_small_groups_of_residents_are_withheld_with_their_shares(published: Published) -> None:
    truth = published.truths[published.newest]
    with closing(Reader(f"sqlite:///{published.file}")) as reader:
        for frame in truth.levels:
            for group, persons in frame.persons.items():
                if group == "total":
                    continue
                level = frame.level.value
                shown = reader.layer(published.newest, level, f"population.{group}")
                share = reader.layer(published.newest, level, f"share.{group}")
                small = (persons > 0) & (persons < K)
                assert (shown.states[small] == Missing.SUPPRESSED).all()
                withheld = shown.states == Missing.SUPPRESSED
                assert np.isnan(share.values[withheld]).all()
                np.testing.assert_array_equal(shown.values[~withheld], persons[~withheld])
