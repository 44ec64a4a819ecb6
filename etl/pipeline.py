"""The steps in order: ingest, build, publish; a run that fails leaves the last snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

import pandas as pd

from etl.build.counts import arrange_counts
from etl.build.demand import add_population
from etl.build.facilities import measure_reach
from etl.build.gaps import classify_gaps
from etl.build.levels import build_levels
from etl.build.summary import coverage_table, gap_ranking, headline, source_table, warning_rows
from etl.build.warnings import lead_weeks, watch
from etl.build.weeks import last_complete_week, week_range
from etl.build.work import Work
from etl.findings import Finding
from etl.fingerprint import find_published, fingerprint
from etl.ingest import Intake, SourceResult, ingest
from etl.publish import Build, publish
from etl.settings import Settings
from etl.store.accepted import Accepted, load_accepted, load_counts, newest_week
from etl.store.writer import Writer
from geo.errors import InputError

Progress = Callable[[str, int, int], None]
STEPS = ("levels", "counts", "coverage", "warnings", "gaps", "publish")


@dataclass(frozen=True)
class RunResult:
    """What a run did.

    Attributes
    ----------
    fresh : False when nothing had changed since the snapshot was published.
    """

    snapshot_id: str
    week: str
    fresh: bool
    rows_read: int = 0
    accepted: int = 0
    quarantined: int = 0
    failed_sources: tuple[str, ...] = ()


def run(
    settings: Settings,
    *,
    now: datetime,
    week: str | None = None,
    on_progress: Progress | None = None,
) -> RunResult:
    """Ingest every source, build one week, publish it; nothing to do when nothing changed.

    Parameters
    ----------
    now : aware time; figures of weeks that are not over at `now` are not built.
    week : ISO week to publish; the newest complete week with figures by default.
    on_progress : called with a label, the part done and the whole.

    Raises
    ------
    InputError : no boundaries or no residents could be read, so that nothing can be built.
    StoreError : the store cannot be written.
    """
    say = on_progress or (lambda _label, _done, _total: None)
    until = week or last_complete_week(now, timezone=settings.config.locality.timezone)
    wanted = fingerprint(settings, until=until)
    published = find_published(settings.store_url, wanted)
    if published is not None:
        return RunResult(published.snapshot_id, published.week, fresh=False)
    writer = Writer(settings.store_url)
    intake = ingest(settings, now=now, on_progress=on_progress)
    _store(writer, settings, intake, now=now)
    built = build(writer, settings, until=until, now=now, on_progress=say)
    snapshot_id = publish(writer, settings, built, fingerprint=wanted, now=now)
    say("publish", len(STEPS), len(STEPS))
    return RunResult(
        snapshot_id=snapshot_id,
        week=built.week,
        fresh=True,
        rows_read=sum(result.rows_read for result in intake.results),
        accepted=sum(result.accepted for result in intake.results),
        quarantined=sum(result.quarantined for result in intake.results),
        failed_sources=tuple(r.source_id for r in intake.results if r.failed),
    )


def _store(writer: Writer, settings: Settings, intake: Intake, *, now: datetime) -> None:
    writer.replace_areas(intake.areas)
    writer.forget_sources(source.id for source in settings.config.sources)
    for result in intake.results:
        row = _source_row(settings, result, now=now)
        findings = [_finding_row(finding) for finding in result.findings]
        if result.failed:
            writer.record_failure(row, findings)
        else:
            writer.replace_source(row, _frames(result), findings, result.quarantine)


def _finding_row(finding: Finding) -> dict[str, object]:
    row = asdict(finding)
    for name in ("wanted", "action"):
        label = row.pop(name)
        row[f"{name}_zh"], row[f"{name}_en"] = label["zh"], label["en"]
    return row


def _source_row(settings: Settings, result: SourceResult, *, now: datetime) -> dict[str, object]:
    source = next(s for s in settings.config.sources if s.id == result.source_id)
    title_zh = source.title.zh if source.title else source.path
    return {
        "source_id": source.id,
        "role": source.role,
        "title_zh": title_zh,
        "title_en": source.title.en if source.title else source.path,
        "department": source.department,
        "path": source.path,
        "sha256": result.sha256,
        "bytes": result.bytes,
        "encoding": result.encoding,
        "sheet": result.sheet,
        "received_at_utc": now,
        "rows_read": result.rows_read,
        "accepted": result.accepted,
        "quarantined": result.quarantined,
        "set_aside": result.set_aside,
        "newest_week": result.newest_week,
        "max_age_days": source.max_age_days,
        "failed": result.failed,
    }


def _frames(result: SourceResult) -> dict[str, pd.DataFrame]:
    """Table name → rows of one source."""
    frames: dict[str, pd.DataFrame] = {}
    if result.population is not None:
        frames["intake_population"] = result.population.rename(columns={"group": "group_code"})
    if result.role == "population":
        frames["intake_population"] = result.frame.rename(columns={"group": "group_code"})
    elif result.role == "facilities":
        frames["intake_site"] = result.frame
    elif result.role == "observations":
        frames["intake_observation"] = result.frame
    elif result.role == "context":
        frame = pd.DataFrame(result.frame.drop(columns="geometry"))
        frames["intake_context"] = frame.assign(geometry=result.frame.geometry.to_wkb())
    return frames


def build(
    writer: Writer, settings: Settings, *, until: str, now: datetime, on_progress: Progress
) -> Build:
    """Work out everything one snapshot holds from what the store has accepted.

    Raises
    ------
    InputError : the store has no areas or no residents.
    """
    config = settings.config

    def say(step: str) -> None:
        on_progress(step, STEPS.index(step), len(STEPS))

    say("levels")
    accepted = load_accepted(writer.engine)
    if accepted.areas.empty:
        raise InputError("no boundaries were accepted; see the findings of the areas sources")
    levels = build_levels(accepted.areas, accepted.population, crs=config.locality.crs)
    work = Work(levels, config, writer.breaks_of_year(until[:4], settings.config_sha256))
    add_population(work)
    say("counts")
    week = newest_week(writer.engine, until=until) or until
    weeks = week_range(week, config.publish.weeks + lead_weeks(config))
    reported = load_counts(writer.engine, since=weeks[0], until=week)
    counts = arrange_counts(reported, levels, weeks, config)
    say("coverage")
    reach = measure_reach(work, accepted.sites)
    say("warnings")
    warned = watch(work, counts, weeks)
    say("gaps")
    gaps = classify_gaps(work, reach, warned)
    ranking = gap_ranking(levels, reach, gaps)
    coverage = coverage_table(levels, reach, accepted.sites)
    tables = {
        "headline": headline(
            work,
            accepted.sites,
            ranking,
            coverage,
            warning_rows(warned.rows, weeks, counts, config),
        ),
        "gap_ranking": ranking,
        "coverage": coverage,
        "sources": source_table(accepted.sources, now=now),
        "findings": accepted.findings.drop(columns="finding_id"),
    }
    say("publish")
    return Build(
        week=week,
        weeks=weeks[-config.publish.weeks :],
        levels=levels,
        book=work.book,
        context=accepted.context,
        sites=_published_sites(accepted),
        warnings=warned.rows,
        tables=tables,
    )


def _published_sites(accepted: Accepted) -> pd.DataFrame:
    return accepted.sites.drop(columns=["source_id", "x_original", "y_original", "datum"])
