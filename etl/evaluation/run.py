"""`xintu evaluate`: a locality's past replayed under its own policy and perhaps a second one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from etl.alerting import Warnings, load_warnings
from etl.build.counts import arrange_counts, followed_counts
from etl.build.demand import add_population
from etl.build.figures import lead_weeks
from etl.build.history import read_history
from etl.build.levels import Floats, LevelFrame, ancestors, build_levels
from etl.build.weeks import monday, week_number, week_range
from etl.build.work import Work
from etl.due import At
from etl.evaluation.events import is_week, read_events
from etl.evaluation.known import first_received, known_at, load_later_changes
from etl.evaluation.replay import Past, replay, tell_past
from etl.evaluation.report import Outcome, Report
from etl.evaluation.verdict import YEAR_WEEKS, Related, judge
from etl.findings import Doubts
from etl.pipeline import followed_population
from etl.progress import OnProgress, as_progress
from etl.settings import LocalityConfig, Settings
from etl.sources.successors import Successors
from etl.store.accepted import load_accepted, load_counts, newest_week
from etl.store.engine import store_errors
from etl.store.packed import WeekCounts
from etl.store.reader import Reader
from etl.store.writer import Writer
from geo.detect.rises import find_rises
from geo.errors import ConfigError, FaultsError, InputError, NotPublishedError
from geo.model import Level, Missing

# Where no events are noted rises are looked for here: cells are too small, a county too big.
RISE_LEVELS = (Level.VILLAGE, Level.TOWN)
LEAST_WEEKS, MOST_WEEKS = 4, 260


def evaluate_locality(
    settings: Settings,
    *,
    since: str | None = None,
    until: str | None = None,
    policy: str | None = None,
    events: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Report:
    """Replay weeks as they were known then, and judge what would have been warned.

    Parameters
    ----------
    since, until : ISO weeks, both included; by default the year up to the newest with figures.
    policy : a second warning policy: a name, or the path of a file.
    events : CSV of what really happened; found in hindsight where there is none.

    Raises
    ------
    ConfigError, FaultsError : weeks or the policy make no sense.
    InputError : the store has no areas or figures, or the file of events cannot be used.
    """
    say = as_progress(on_progress)
    policies = {settings.config.warnings.policy: settings.config.warnings}
    if policy is not None:
        name, chosen = _second_policy(policy, settings)
        policies[name if name not in policies else f"{name} (2)"] = chosen
    with store_errors():
        engine = Writer(settings.store_url).engine
        say("levels", 0, 4)
        weeks = _weeks(engine, since=since, until=until)
        past, related = read_past(settings, engine, weeks, list(policies.values()))
        names = {
            str(code): str(name)
            for frame in past.work.levels
            for code, name in zip(frame.codes, frame.names, strict=True)
        }
        measures = {one.code: one.name for one in settings.config.measures}
        happened = (
            _rises(past)
            if events is None
            else _noted(read_events(events, measures=measures, areas=names), weeks)
        )
        outcomes = []
        for number, (label, chosen) in enumerate(policies.items()):
            say("warnings", number + 1, len(policies) + 2)
            shown = replay(past, chosen, on_step=lambda done, n: say("warnings", done, n))
            verdict = judge(shown.warnings, shown.spells, happened, related, n_weeks=len(weeks))
            outcomes.append(Outcome(label, verdict, verdict.summary(n_weeks=len(weeks))))
        return Report(
            weeks=weeks,
            known_from=_known_from(engine, weeks, settings.config),
            events_file="" if events is None else events.name,
            outcomes=outcomes,
            measures=measures,
            areas=names,
            related=related,
        )


def _second_policy(policy: str, settings: Settings) -> tuple[str, Warnings]:
    path = Path(policy)
    named = str(path.resolve()) if path.suffix == ".toml" else policy
    keys, _, faults = load_warnings({"policy": named}, folder=settings.folder)
    if faults:
        raise FaultsError(policy, faults)
    return path.stem, Warnings.model_validate({**keys, "policy": named})


def _weeks(engine: Engine, *, since: str | None, until: str | None) -> list[str]:
    for key, week in (("--from", since), ("--to", until)):
        if week is not None and not is_week(week):
            raise ConfigError(f"{key}: {week!r}; wanted an ISO week such as 2026-W46")
    last = newest_week(engine, until=until or "9999-W53")
    if last is None:
        raise InputError("the store has no weekly figures; run `xintu run` first")
    first = since or week_range(last, YEAR_WEEKS)[0]
    n = week_number(last) - week_number(first) + 1
    if not LEAST_WEEKS <= n <= MOST_WEEKS:
        raise ConfigError(
            f"--from {first} --to {last}: {n} weeks; wanted {LEAST_WEEKS} to {MOST_WEEKS}, "
            "--from before --to"
        )
    return week_range(last, n)


def read_past(
    settings: Settings, engine: Engine, weeks: Sequence[str], policies: Sequence[Warnings]
) -> tuple[Past, Related]:
    """Everything that the replays share."""
    config = settings.config
    accepted = load_accepted(engine)
    if accepted.areas.empty:
        raise InputError("no boundaries were accepted; run `xintu run` first")
    successors = Successors(accepted.changes)
    people = followed_population(accepted.population, successors, Doubts("changes", ""))
    levels = build_levels(accepted.areas, people, crs=config.locality.crs)
    # The weeks replayed take the place of those that a build publishes.
    publish = config.publish.model_copy(update={"weeks": len(weeks)})
    work = Work(levels, config.model_copy(update={"publish": publish}))
    add_population(work)
    lead = max(lead_weeks(config.model_copy(update={"warnings": chosen})) for chosen in policies)
    every = week_range(weeks[-1], len(weeks) + lead)

    def follow(rows: Iterable[WeekCounts]) -> Iterable[WeekCounts]:
        return followed_counts(rows, successors, Doubts("changes", ""))

    stored = list(load_counts(engine, since=every[0], until=every[-1]))
    counts = arrange_counts(follow(stored), levels, every, config)
    figures = tell_past(work, counts, every, lead)

    def load(since: str, until: str, measures: Sequence[str]) -> Iterable[WeekCounts]:
        return follow(load_counts(engine, since=since, until=until, measures=measures))

    history = read_history(work, figures, load)
    changes = load_later_changes(engine)
    changed = {}
    for row, week in enumerate(every):
        late = changes["changed_at_utc"] > publish_moment(week, config)
        changed[row] = sorted({*changes.loc[late, "week"]} & {*every[: row + 1]})

    def load_then(row: int, some: Sequence[str]) -> Sequence[WeekCounts]:
        own = [one for one in stored if one.week in set(some)]
        return list(follow(known_at(own, changes, publish_moment(every[row], config), weeks=some)))

    past = Past(
        work=work,
        counts=counts,
        figures=figures,
        history=history,
        gaps=_published_gaps(settings, levels),
        n_weeks=len(weeks),
        changed={row: some for row, some in changed.items() if some},
        load_then=load_then,
    )
    return past, _related(levels)


def publish_moment(week: str, config: LocalityConfig) -> datetime:
    """When the figures of a week are published first: the next publication after its end."""
    schedule, timezone = config.schedule, config.locality.timezone
    ends = datetime.combine(monday(week) + timedelta(weeks=1), time(), tzinfo=ZoneInfo(timezone))
    due = At(schedule.publish, timezone, schedule.publish_day)
    return due.after(ends.astimezone(UTC) - timedelta(seconds=1))


def _known_from(engine: Engine, weeks: Sequence[str], config: LocalityConfig) -> str | None:
    """First replayed week that was published after the first file came."""
    first = first_received(engine)
    known = [week for week in weeks if first is not None and publish_moment(week, config) >= first]
    return known[0] if known else None


def _published_gaps(settings: Settings, levels: Sequence[LevelFrame]) -> dict[Level, Floats]:
    """Gap classes of the newest snapshot; unknown everywhere where there is none."""
    reader = Reader(settings.store_url)
    found: dict[Level, Floats] = {}
    try:
        snapshot = reader.current()
        for frame in levels:
            areas = reader.areas(snapshot.snapshot_id, frame.level)
            layer = reader.layer(snapshot.snapshot_id, frame.level, "gap")
            at = pd.Index(areas["area_code"]).get_indexer(pd.Index(frame.codes))
            values = np.where(layer.states == Missing.OK, layer.values, np.nan)
            found[frame.level] = np.where(at >= 0, values[at], np.nan)
    except NotPublishedError:
        return found
    return found


def _related(levels: Sequence[LevelFrame]) -> Related:
    """Each area with what it lies in and what lies in it.

    One area over all the others tells nothing of where: it is related to itself alone.
    """
    chains: list[list[str]] = [[] for _ in levels[0].codes]
    for upper, frame in enumerate(levels):
        if len(frame) == 1 and len(levels) > 1:
            continue
        for chain, at in zip(chains, ancestors(levels, upper).tolist(), strict=True):
            if at >= 0:
                chain.append(str(frame.codes[at]))
    found: dict[str, set[str]] = {}
    for chain in chains:
        for code in chain:
            found.setdefault(code, set()).update(chain)
    # An area above cells without any of its own still stands by itself.
    for frame in levels:
        for code in frame.codes:
            found.setdefault(str(code), {str(code)})
    return {code: frozenset(own) for code, own in found.items()}


def _rises(past: Past) -> pd.DataFrame:
    """Rises seen afterwards in what could be published, of measures that are warned of."""
    parts = []
    for code, levels in past.figures.by_measure.items():
        if not past.work.config.measure(code).warn:
            continue
        for shown in levels:
            level = shown.frame.level
            if level not in RISE_LEVELS:
                continue
            series = past.history.before(past.figures, code, level)
            found = find_rises(series.guesses)
            before = len(series.guesses) - past.n_weeks
            found = found[found["end"] >= before]
            parts.append(
                pd.DataFrame(
                    {
                        "measure": code,
                        "level": str(level),
                        "area_code": shown.frame.codes[found["series"].to_numpy()],
                        "start": found["start"] - before,
                        "end": found["end"] - before,
                    }
                )
            )
    columns = ["measure", "level", "area_code", "start", "end"]
    every = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    ids = [f"{number}" for number in range(1, len(every) + 1)]
    return every.assign(event_id=ids)


def _noted(events: pd.DataFrame, weeks: Sequence[str]) -> pd.DataFrame:
    """Noted events as positions among the weeks replayed; those wholly outside are left out."""
    zero = week_number(weeks[0])
    start = events["start_week"].map(week_number) - zero
    end = events["end_week"].map(week_number) - zero
    inside = (end >= 0) & (start < len(weeks))
    return events.assign(start=start, end=end)[inside].reset_index(drop=True)
