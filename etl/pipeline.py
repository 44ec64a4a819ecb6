"""The steps in order: ingest, build, publish; a run that fails leaves the last snapshot."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from etl.build.counts import arrange_counts, followed_counts, say_disagreeing
from etl.build.demand import add_population
from etl.build.facilities import measure_reach
from etl.build.figures import lead_weeks, tell_figures
from etl.build.forecast import forecast
from etl.build.gaps import classify_gaps, gap_groups
from etl.build.history import read_history
from etl.build.intake import area_changes, public_findings, recent_deliveries
from etl.build.levels import build_levels
from etl.build.quantities import Quantities
from etl.build.ranking import gap_ranking, try_borders
from etl.build.referral import add_referral
from etl.build.responders import nearest_responders
from etl.build.shortage import score_shortage
from etl.build.summary import coverage_table, headline, source_table, warning_rows
from etl.build.targets import PACE_WEEKS, Scorecard, target_tables
from etl.build.travel import make_travel
from etl.build.warnings import watch
from etl.build.weeks import last_complete_week, week_range
from etl.build.work import Work
from etl.deliveries import Scan, scan
from etl.findings import Doubts, IntakeError
from etl.fingerprint import find_published, fingerprint
from etl.ingest import Intake, ingest
from etl.progress import OnProgress, Progress, as_progress
from etl.publish import Build, publish
from etl.raw import RawStore
from etl.response.follow import follow_published
from etl.settings import Settings
from etl.sources.following import follow, say_followed
from etl.sources.settings import Source
from etl.sources.successors import Successors
from etl.store.accepted import Accepted, load_accepted, load_counts, newest_week
from etl.store.earlier import Told
from etl.store.engine import store_errors
from etl.store.history import load_log
from etl.store.intake import SourceIntake, StoreHoldings
from etl.store.lease import RUN, Holder, lease
from etl.store.log import read_log
from etl.store.packed import WeekCounts
from etl.store.past import past_tables
from etl.store.writer import Writer
from geo.errors import InputError
from geo.model import Level
from geo.warm import warm_build

STEPS = (
    "compile", "levels", "counts", "coverage", "gaps", "history", "warnings", "forecast", "publish",
)  # fmt: skip


@dataclass(frozen=True)
class RunResult:
    """What a run did.

    Attributes
    ----------
    fresh : False when nothing had changed since the snapshot was published.
    strangers : files of the drop folder that belong to no source.
    """

    snapshot_id: str
    week: str
    fresh: bool
    rows_read: int = 0
    accepted: int = 0
    quarantined: int = 0
    failed_sources: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()


def run(
    settings: Settings,
    *,
    now: datetime,
    week: str | None = None,
    wait: bool = True,
    on_wait: Callable[[Holder], object] | None = None,
    settle_s: float = 0.0,
    on_progress: OnProgress | None = None,
) -> RunResult:
    """Ingest every source, build one week, publish it; nothing to do when nothing changed.

    Parameters
    ----------
    now : aware time; figures of weeks that are not over at `now` are not built.
    week : ISO week to publish; the newest complete week with figures by default.
    wait : whether to wait while another run is at work on the same store.
    on_wait : called with each holder that is waited for.
    settle_s : leave files of the drop folder alone that changed so recently.
    on_progress : called with a label, the part done and the whole.

    Raises
    ------
    InputError : no boundaries or no residents could be read, so that nothing can be built.
    StoreError : the store cannot be written.
    BusyError : another run is at work, and `wait` is off.
    """
    say = as_progress(on_progress)
    until = week or last_complete_week(now, timezone=settings.config.locality.timezone)
    with store_errors():
        writer = Writer(settings.store_url)
        with lease(writer.engine, RUN, wait=wait, on_wait=on_wait) as held:
            writer.guard = held.guard
            intake, found = take_in(settings, writer, now=now, settle_s=settle_s, on_progress=say)
            return _publish(settings, writer, intake, found, until=until, now=now, say=say)


def _publish(
    settings: Settings,
    writer: Writer,
    intake: Intake,
    found: Scan,
    *,
    until: str,
    now: datetime,
    say: Progress,
) -> RunResult:
    """Build and publish what is in force, unless that has been done."""
    log = read_log(writer.engine)
    wanted = fingerprint(settings, until=until, log=log, absent=found.absent)
    published = find_published(settings.store_url, wanted)
    if published is not None:
        # Whoever was stopped between publishing and following has it done now; else it is nothing.
        follow_published(writer.engine, settings, published.snapshot_id, now=now)
        return _result(intake, published.snapshot_id, published.week, fresh=False)
    built = build(writer, settings, until=until, now=now, on_progress=say)
    snapshot_id = publish(writer, settings, built, fingerprint=wanted, now=now)
    follow_published(writer.engine, settings, snapshot_id, now=now)
    say("publish", len(STEPS), len(STEPS))
    return _result(intake, snapshot_id, built.week, fresh=True)


def take_in(
    settings: Settings,
    writer: Writer,
    *,
    now: datetime,
    settle_s: float = 0.0,
    on_progress: OnProgress | None = None,
) -> tuple[Intake, Scan]:
    """Read what is new and store it, without building anything.

    Parameters
    ----------
    settle_s : leave files of the drop folder alone that changed so recently.
    """
    holdings = StoreHoldings(writer.engine)
    RawStore(settings.raw_folder).sweep()
    try:
        found = scan(settings, holdings.log(), settle_s=settle_s)
        intake = ingest(settings, now=now, found=found, holdings=holdings, on_progress=on_progress)
        _store(writer, settings, intake, now=now, say=as_progress(on_progress))
    except IntakeError as error:
        writer.note_findings(error.findings)
        raise
    finally:
        shutil.rmtree(settings.incoming, ignore_errors=True)
    return intake, found


def _result(intake: Intake, snapshot_id: str, week: str, *, fresh: bool) -> RunResult:
    return RunResult(
        snapshot_id=snapshot_id,
        week=week,
        fresh=fresh,
        rows_read=sum(result.rows_read for result in intake.results),
        accepted=sum(result.accepted for result in intake.results),
        quarantined=sum(result.quarantined for result in intake.results),
        failed_sources=tuple(
            dict.fromkeys(r.source_id for r in intake.results if r.failed and r.source_id)
        ),
        strangers=tuple(r.file for r in intake.results if not r.source_id),
    )


def _store(
    writer: Writer, settings: Settings, intake: Intake, *, now: datetime, say: Progress
) -> None:
    sources = [
        SourceIntake(
            row=_source_row(source, inputs_sha256=intake.contexts[source.id]),
            results=[r for r in intake.results if r.source_id == source.id],
        )
        for source in settings.config.sources
        if source.id in intake.contexts
    ]
    say.step("store", 0, 1)
    writer.store_intake(
        sources,
        [result for result in intake.results if not result.source_id],
        intake.areas if any(source.row["role"] == "areas" for source in sources) else None,
        keep=[source.id for source in settings.config.sources],
        now=now,
        on_rows=say.rows,
    )


def _source_row(source: Source, *, inputs_sha256: str) -> dict[str, object]:
    return {
        "source_id": source.id,
        "role": source.role,
        "title_zh": source.title.zh if source.title else source.file,
        "title_en": source.title.en if source.title else source.file,
        "department": source.department,
        "path": source.file,
        "max_age_days": source.max_age_days,
        "inputs_sha256": inputs_sha256,
    }


def build(
    writer: Writer, settings: Settings, *, until: str, now: datetime, on_progress: OnProgress
) -> Build:
    """Work out everything one snapshot holds from what the store has accepted.

    Raises
    ------
    InputError : the store has no areas or no residents.
    """
    config = settings.config

    def say(step: str) -> None:
        on_progress(step, STEPS.index(step), len(STEPS))

    # The first run on a machine compiles; shown as a step of its own, so that nobody wonders.
    say("compile")
    warm_build()
    say("levels")
    accepted = load_accepted(writer.engine)
    if accepted.areas.empty:
        raise InputError("no boundaries were accepted; see the findings of the areas sources")
    successors = Successors(accepted.changes)
    doubts = Doubts("changes", config.locality.name.zh)
    people = followed_population(accepted.population, successors, doubts)
    levels = build_levels(accepted.areas, people, crs=config.locality.crs)
    breaks = writer.breaks_of_year(until[:4], settings.config_sha256)
    work = Work(levels, config, breaks, told=Told(writer.engine))
    add_population(work)
    say("counts")
    week = newest_week(writer.engine, until=until) or until
    weeks = week_range(week, config.publish.weeks + lead_weeks(config))
    reported = _told(load_counts(writer.engine, since=weeks[0], until=week), on_progress)
    counts = arrange_counts(followed_counts(reported, successors, doubts), levels, weeks, config)
    say_disagreeing(counts, levels, config, doubts)
    figures = tell_figures(work, counts, weeks)
    say("coverage")
    travel = make_travel(levels[0], accepted.context, config.travel, crs=config.locality.crs)
    reach = measure_reach(work, accepted.sites, travel)
    referral = add_referral(work, accepted.sites, travel)
    say("gaps")
    gaps = classify_gaps(work)
    shortage = score_shortage(work, gaps.strain)
    ranking = gap_ranking(levels, reach, gaps, shortage)
    ranking, robustness = try_borders(levels, gaps, shortage, ranking)
    say("history")

    def load(since: str, until: str, measures: Sequence[str]) -> Iterator[WeekCounts]:
        rows = load_counts(writer.engine, since=since, until=until, measures=measures)
        # What was handed on is said of the weeks that are published.
        return followed_counts(rows, successors, Doubts("changes", ""))

    history = read_history(work, figures, load)
    say("warnings")
    warned = watch(work, figures, history, gaps.by_level)
    say("forecast")
    expected = forecast(work, figures, history)
    coverage = coverage_table(levels, reach, accepted.sites)
    shown = weeks[-config.publish.weeks :]
    scorecard = Scorecard(
        config=config,
        name=settings.policy_name,
        found=Quantities(levels, accepted.sites, work.book, shown),
        past=past_tables(
            writer.engine, "targets", since=week_range(week, PACE_WEEKS + 1)[0], before=week
        ),
    )
    newest = warned.rows["week"] == week
    newest_cells = warned.rows[newest & (warned.rows["level"] == Level.GRID)]
    tables = {
        "headline": headline(
            work,
            accepted.sites,
            ranking,
            coverage,
            warning_rows(warned.rows, weeks, counts, config),
        ),
        "gap_ranking": ranking,
        "gap_robustness": robustness,
        "gap_groups": gap_groups(work, gaps),
        "coverage": coverage,
        **reach.tables,
        **referral,
        **nearest_responders(work, accepted.sites, travel, warned=set(newest_cells["area_code"])),
        "sources": source_table(accepted.sources, config, now=now),
        "findings": public_findings(accepted.findings, accepted.sources, doubts.findings),
        "area_changes": area_changes(accepted.changes, accepted.areas, until=until),
        "deliveries": recent_deliveries(load_log(writer.engine), accepted.sources),
        "detection": warned.detection,
        "episodes": warned.episodes,
        **expected,
        **target_tables(scorecard),
    }
    say("publish")
    return Build(
        week=week,
        weeks=shown,
        levels=levels,
        book=work.book,
        context=accepted.context,
        travel=travel.meta(),
        sites=_published_sites(accepted),
        warnings=warned.rows,
        tables=tables,
        full_service=gaps.reference,
    )


def _told(rows: Iterable[WeekCounts], on_progress: OnProgress) -> Iterator[WeekCounts]:
    """The same, told to the progress as they go by."""
    progress = as_progress(on_progress)
    for row in rows:
        progress.rows(int(row.said.sum()))
        yield row


def followed_population(
    population: pd.DataFrame, successors: Successors, doubts: Doubts
) -> pd.DataFrame:
    """Residents as stored, under the areas of today; says what was handed on."""
    if not successors:
        return population
    given = population.rename(columns={"group_code": "group"}).assign(source_row=0)
    followed = follow(given, successors, figure="persons")
    say_followed(followed, doubts)
    return followed.frame.drop(columns="source_row").rename(columns={"group": "group_code"})


def _published_sites(accepted: Accepted) -> pd.DataFrame:
    return accepted.sites.drop(columns=["delivery_id", "x_original", "y_original", "datum"])
