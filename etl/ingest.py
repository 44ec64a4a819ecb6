"""Every source of a locality, read, checked and mapped: the one way in.

Areas come first, since all else is placed in them. A file that cannot be used fails alone and
says why; without boundaries nothing can be built, so their failure ends the intake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from pyproj.exceptions import CRSError

from etl import contracts
from etl.findings import (
    Doubts,
    Finding,
    IntakeError,
    UnusableFileError,
    empty_quarantine,
    listed,
)
from etl.gate import code_beginnings, personal_columns
from etl.settings import Settings
from etl.sources.boundaries import Zones, assemble, map_areas
from etl.sources.context import map_context
from etl.sources.facilities import map_facilities
from etl.sources.files import Fingerprint, fingerprint
from etl.sources.geography import Geography
from etl.sources.mapping import Areas, Mapped, map_population
from etl.sources.observations import map_observations
from etl.sources.overlaps import Share, drop_superseded, reject_repeated_sites
from etl.sources.settings import (
    AreasSource,
    ContextSource,
    FacilitiesSource,
    ObservationsSource,
    PopulationSource,
    Source,
    SourceBase,
)
from etl.sources.tabular import Table, read_table
from etl.sources.vector import Features, read_features
from geo.errors import ConfigError
from geo.model import LEVELS, Level

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SourceResult:
    """What became of one source's file.

    Attributes
    ----------
    rows_read : accepted + quarantined + set_aside, always; blank and header rows are not rows.
    frame : canonical rows; empty if the file failed.
    population : persons by area from a boundary file's own columns.
    quarantine : row, raw (JSON of the mapped columns), rules.
    failed : the file could not be used at all; the findings say why.
    """

    source_id: str
    role: str
    file: str
    path: Path
    sha256: str
    bytes: int
    encoding: str | None
    sheet: str | None
    rows_read: int
    accepted: int
    quarantined: int
    set_aside: int
    frame: pd.DataFrame
    population: pd.DataFrame | None
    findings: tuple[Finding, ...]
    quarantine: pd.DataFrame
    newest_week: str | None
    failed: bool


@dataclass(frozen=True)
class Intake:
    """A locality's data, ready to be stored.

    Attributes
    ----------
    areas : level, area_code, name, parent_code, geometry (EPSG:4326); finest level first.
    results : one a source, in the order of `xintu.toml`.
    """

    areas: gpd.GeoDataFrame
    results: tuple[SourceResult, ...]


@dataclass
class _Job:
    """A source on its way through."""

    source: Source
    path: Path
    doubts: Doubts
    print: Fingerprint = field(default_factory=lambda: Fingerprint("", 0))
    encoding: str | None = None
    sheet: str | None = None
    mapped: Mapped | None = None
    population: pd.DataFrame | None = None

    def figures(self, role: str) -> pd.DataFrame | None:
        """Its rows of population or observations, wherever they came from."""
        if role == "population" and self.population is not None:
            return self.population
        return None if self.mapped is None or self.source.role != role else self.mapped.frame

    def replace_figures(self, role: str, frame: pd.DataFrame) -> None:
        """Put others in place of `figures`."""
        if role == "population" and self.population is not None:
            self.population = frame
        elif self.mapped is not None:
            self.mapped = replace(self.mapped, frame=frame)


def ingest(settings: Settings, *, now: datetime, on_progress: Progress | None = None) -> Intake:
    """Read, check and map every source.

    Parameters
    ----------
    now : the present, with its time zone; weeks that begin later are refused.
    on_progress : called with a source's id, how many sources are done, and of how many.

    Raises
    ------
    ConfigError : the CRS is unknown or not in metres.
    IntakeError : a boundary file cannot be used; carries every finding.
    """
    config = settings.config
    _require_metric(config.locality.crs)
    today = now.astimezone(ZoneInfo(config.locality.timezone)).date()
    jobs = [
        _Job(source, settings.data / source.path, Doubts(source.id, source.path))
        for source in config.sources
    ]
    done = 0

    def step(job: _Job) -> None:
        nonlocal done
        if on_progress is not None:
            on_progress(job.source.id, done, len(jobs))
        done += 1

    zones = []
    for job in jobs:
        if isinstance(job.source, AreasSource):
            step(job)
            zone = _read_areas(job, job.source, settings)
            if zone is not None:
                zones.append(zone)
    areas = _assemble(jobs, zones, settings)
    geography = Geography(areas, config.locality.crs)
    levels = {level: _areas_of(areas, str(level), settings) for level in LEVELS}
    measures = [measure.code for measure in config.measures]
    known = code_beginnings(areas["area_code"])
    for job in jobs:
        if not isinstance(job.source, AreasSource):
            step(job)
            job.doubts.known = known
            _read_source(job, geography, levels, measures=measures, today=today)
    _settle_overlaps(jobs, geography)
    if on_progress is not None:
        on_progress("", len(jobs), len(jobs))
    results = tuple(_result(job) for job in jobs)
    contracts.check_intake(areas, results)
    return Intake(areas, results)


def _require_metric(crs: str) -> None:
    wanted = "wanted a projected CRS in metres, such as EPSG:4547"
    try:
        found = pyproj.CRS.from_user_input(crs)
    except CRSError as exc:
        raise ConfigError(f"locality.crs: {crs}: unknown; {wanted}") from exc
    if not found.is_projected or found.axis_info[0].unit_name != "metre":
        raise ConfigError(f"locality.crs: {crs}: {found.name}; {wanted}")


def _read_areas(job: _Job, source: AreasSource, settings: Settings) -> Zones | None:
    columns = source.columns
    wanted = [name for name in (columns.code, columns.name, columns.parent) if name]
    try:
        job.print = fingerprint(job.path)
        features = read_features(
            job.path, source, [*wanted, *source.population.values()], job.doubts, datum=source.datum
        )
        job.encoding = features.table.encoding
        _refuse_personal(job, features.table, codes=[columns.code, columns.parent])
        zones = map_areas(features, source, settings.config, job.doubts)
    except UnusableFileError as error:
        job.doubts.add_failure(error)
        return None
    job.mapped, job.population = zones.mapped, zones.population
    _check_usable(job)
    return zones if len(zones.areas) else None


def _assemble(jobs: list[_Job], zones: list[Zones], settings: Settings) -> gpd.GeoDataFrame:
    area_jobs = [job for job in jobs if isinstance(job.source, AreasSource)]
    if len(zones) < len(area_jobs):
        findings = [finding for job in jobs for finding in job.doubts.findings]
        errors = [finding.message("en") for finding in findings if finding.severity == "error"]
        raise IntakeError(
            "boundary files cannot be used, and nothing can be placed without them:\n"
            + "\n".join(f"  - {line}" for line in errors),
            findings,
        )
    return assemble(zones, settings.config)


def _areas_of(areas: gpd.GeoDataFrame, level: str, settings: Settings) -> Areas:
    own = areas[areas["level"] == level]
    return Areas(
        level=level,
        pattern=getattr(settings.config.codes, level),
        codes=np.array(own["area_code"].tolist(), dtype=object),
        names=tuple(own["name"]),
    )


def _read_source(
    job: _Job,
    geography: Geography,
    levels: dict[Level, Areas],
    *,
    measures: Sequence[str],
    today: date,
) -> None:
    """Read one source that is not areas; what makes it unusable becomes its finding."""
    source = job.source
    try:
        job.print = fingerprint(job.path)
        if isinstance(source, ContextSource):
            features = _features(job, source)
            job.mapped = map_context(features, source, job.doubts)
        elif isinstance(source, FacilitiesSource):
            named = [name for name in source.columns.model_dump().values() if name]
            table = _table(job, source, named, codes=[source.columns.area_code])
            job.mapped = map_facilities(table, source, geography, job.doubts, today=today)
        elif isinstance(source, PopulationSource):
            areas = _known_areas(levels, source.level)
            wanted = [source.columns.code, *source.columns.groups.values()]
            table = _table(job, source, wanted, codes=[source.columns.code])
            job.mapped = map_population(table, source, areas, job.doubts)
        elif isinstance(source, ObservationsSource):
            areas = _known_areas(levels, source.level)
            table = _table(job, source, _observed(source), codes=[source.columns.area])
            job.mapped = map_observations(
                table, source, areas, job.doubts, measures=measures, today=today
            )
    except UnusableFileError as error:
        job.doubts.add_failure(error)
        return
    _check_usable(job)


def _known_areas(levels: dict[Level, Areas], level: Level) -> Areas:
    areas = levels[level]
    if not len(areas.codes):
        raise UnusableFileError("areas_unavailable", level=str(level))
    return areas


def _observed(source: ObservationsSource) -> list[str]:
    columns = source.columns
    if source.shape == "wide":
        return [columns.week]
    named = (columns.week, columns.area, columns.measure, columns.count)
    return [name for name in (*named, *columns.counts.values()) if name]


def _table(
    job: _Job, source: SourceBase, wanted: list[str], *, codes: Iterable[str | None]
) -> Table:
    table = read_table(job.path, source, list(dict.fromkeys(wanted)), job.doubts)
    job.encoding, job.sheet = table.encoding, table.sheet
    _refuse_personal(job, table, codes=codes)
    return table


def _features(job: _Job, source: ContextSource) -> Features:
    wanted = [name for name in (source.rank, source.name) if name]
    features = read_features(job.path, source, wanted, job.doubts, datum=source.datum)
    job.encoding = features.table.encoding
    _refuse_personal(job, features.table, codes=())
    return features


def _refuse_personal(job: _Job, table: Table, *, codes: Iterable[str | None]) -> None:
    """Stop a file about persons before any row of it is mapped."""
    found = personal_columns(
        table.cells,
        facilities=isinstance(job.source, FacilitiesSource),
        code_columns=[table.found[name] for name in codes if name],
        known=job.doubts.known,
    )
    if found:
        raise UnusableFileError(
            "personal_data",
            column=listed(column.column for column in found),
            columns=listed(str(column) for column in found),
        )


def _check_usable(job: _Job) -> None:
    mapped = job.mapped
    if mapped is not None and not mapped.accepted:
        job.doubts.add("no_usable_row", came=f"{mapped.quarantined} rows")


def _settle_overlaps(jobs: list[_Job], geography: Geography) -> None:
    """Let each figure and each site count once where sources overlap."""
    for role, figure in (("population", "persons"), ("observations", "count")):
        own = [job for job in jobs if job.figures(role) is not None]
        shares = [Share(j.source.id, _frame_of(j, role), j.doubts) for j in own]
        drop_superseded(shares, figure=figure)
        for job, share in zip(own, shares, strict=True):
            job.replace_figures(role, share.frame)
    sited = [(job, job.mapped) for job in jobs if job.mapped and job.source.role == "facilities"]
    shares = [Share(job.source.id, mapped.frame, job.doubts) for job, mapped in sited]
    reject_repeated_sites(shares, [mapped.ledger for _, mapped in sited], geography)
    for (job, mapped), share in zip(sited, shares, strict=True):
        job.mapped = replace(mapped, frame=share.frame)


def _frame_of(job: _Job, role: str) -> pd.DataFrame:
    frame = job.figures(role)
    return pd.DataFrame() if frame is None else frame


def _result(job: _Job) -> SourceResult:
    mapped = job.mapped
    accepted = 0 if mapped is None else mapped.accepted
    quarantined = 0 if mapped is None else mapped.quarantined
    set_aside = 0 if mapped is None else mapped.set_aside
    return SourceResult(
        source_id=job.source.id,
        role=job.source.role,
        file=job.source.path,
        path=job.path,
        sha256=job.print.sha256,
        bytes=job.print.size,
        encoding=job.encoding,
        sheet=job.sheet,
        rows_read=accepted + quarantined + set_aside,
        accepted=accepted,
        quarantined=quarantined,
        set_aside=set_aside,
        frame=pd.DataFrame() if mapped is None else mapped.frame,
        population=job.population,
        findings=tuple(job.doubts.findings),
        quarantine=empty_quarantine() if mapped is None else mapped.ledger.quarantine(),
        newest_week=None if mapped is None else mapped.newest_week,
        failed=mapped is None,
    )
