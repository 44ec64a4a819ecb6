"""One file on its way through reader, gate and mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

import pandas as pd

from etl.deliveries import Arrival
from etl.findings import Doubts, UnusableFileError, listed
from etl.gate import PersonalColumn
from etl.inspection import inspect_path
from etl.raw import RawStore
from etl.returned.marker import read_marker, released_rows
from etl.settings import Settings
from etl.sources.boundaries import Zones, map_areas
from etl.sources.changes import map_changes
from etl.sources.context import map_context
from etl.sources.facilities import map_facilities
from etl.sources.geography import Geography
from etl.sources.layers import map_format
from etl.sources.mapping import Areas, Mapped, map_population
from etl.sources.observations import map_observations
from etl.sources.overlaps import Share
from etl.sources.settings import (
    AreasSource,
    ChangesSource,
    ContextSource,
    FacilitiesSource,
    ObservationsSource,
    PopulationSource,
    Source,
)
from etl.sources.sites import SiteIndex
from etl.sources.successors import NO_CHANGES, Successors
from etl.sources.tabular import Table, read_table
from etl.sources.vector import LAT, LON, Features, read_features, read_points
from geo.model import Level

Fate = Literal["current", "replaced", "failed", "absent"]


@dataclass(frozen=True)
class Place:
    """What a file is read against.

    Attributes
    ----------
    levels : the areas of each level.
    known : what the locality's area codes begin with.
    names : what its areas are called.
    today : the present day in the locality.
    successors : what became of former areas.
    persons : of today's areas, where a split has no weights.
    sites : where facilities stand, which report for themselves.
    named : sites of other files, which addresses may name.
    """

    geography: Geography
    levels: dict[Level, Areas]
    known: frozenset[str]
    names: frozenset[str]
    measures: Sequence[str]
    today: date
    successors: Successors = NO_CHANGES
    persons: Mapping[str, float] = field(default_factory=dict)
    sites: SiteIndex | None = None
    named: pd.DataFrame | None = None


@dataclass
class Job:
    """A file on its way through, and what became of it so far.

    Attributes
    ----------
    lost : rows of the file that gave way to another file.
    releases : rows of the delivery it mends that its own accepted rows stand for.
    released : waiting rows of its own that a mended workbook stands for.
    """

    source: Source
    arrival: Arrival
    doubts: Doubts
    fate: Fate = "current"
    encoding: str | None = None
    sheet: str | None = None
    mapped: Mapped | None = None
    population: pd.DataFrame | None = None
    zones: Zones | None = None
    lost: set[int] = field(default_factory=set)
    releases: frozenset[int] = frozenset()
    released: set[int] = field(default_factory=set)
    table: Table | None = None

    @property
    def rows(self) -> int:
        """Rows of the file that were looked at, for a display of progress."""
        if self.table is not None:
            return len(self.table.cells)
        if self.zones is not None:
            return len(self.zones.areas)
        return 0 if self.mapped is None else len(self.mapped.frame)

    def figures(self, role: str) -> pd.DataFrame | None:
        """Its rows of population or observations, wherever they came from."""
        if self.fate != "current":
            return None
        if role == "population" and self.population is not None:
            return self.population
        return None if self.mapped is None or self.source.role != role else self.mapped.frame

    def take(self, role: str, share: Share) -> None:
        """Put what counts in place of its figures."""
        self.lost |= share.lost
        if role == "population" and self.population is not None:
            self.population = share.frame
        elif self.mapped is not None:
            self.mapped = replace(self.mapped, frame=share.frame)


def read_areas(job: Job, settings: Settings, *, today: date) -> None:
    """Read a boundary file; what makes it unusable becomes its finding."""
    source = job.source
    if not isinstance(source, AreasSource):
        raise TypeError(f"{source.id}: no boundaries")
    columns = source.columns
    try:
        _refuse_personal(job, None)
        wanted = [
            name for name in (*columns.model_dump().values(), *source.population.values()) if name
        ]
        features = _features(job, source, wanted)
        job.zones = map_areas(features, source, settings.config, job.doubts, today=today)
        job.mapped, job.population = job.zones.mapped, job.zones.population
        _finish(job, settings)
    except UnusableFileError as error:
        _fail(job, error)


def read_other(job: Job, settings: Settings, place: Place) -> None:
    """Read a file of any other role; what makes it unusable becomes its finding."""
    source = job.source
    job.doubts.known = place.known
    try:
        _refuse_personal(job, place)
        if isinstance(source, ContextSource):
            features = _features(job, source, source.columns_wanted)
            job.mapped = map_context(features, source, job.doubts)
        elif isinstance(source, FacilitiesSource):
            table, source = _sites(job, source)
            job.mapped = map_facilities(
                table,
                source,
                place.geography,
                job.doubts,
                today=place.today,
                known=place.named,
            )
        elif isinstance(source, PopulationSource):
            areas = place.successors.with_former(_known_areas(place, source.level))
            table = _table(job, source)
            job.mapped = map_population(table, source, areas, job.doubts)
        elif isinstance(source, ChangesSource):
            areas = _known_areas(place, source.level)
            table = _table(job, source)
            job.mapped = map_changes(table, source, areas, job.doubts, persons=place.persons)
        elif isinstance(source, ObservationsSource):
            areas = _known_areas(place, source.level)
            table = _table(job, source)
            job.mapped = map_observations(
                table,
                source,
                areas,
                job.doubts,
                measures=place.measures,
                today=place.today,
                successors=place.successors,
                sites=place.sites,
            )
        _finish(job, settings)
    except UnusableFileError as error:
        _fail(job, error)


def mapped_columns(source: Source) -> list[str]:
    """Columns that a table must have to be this source's."""
    if isinstance(source, FacilitiesSource):
        names = [name for name in source.columns.model_dump().values() if name]
    elif isinstance(source, PopulationSource):
        names = [source.columns.code, *source.columns.groups.values()]
    elif isinstance(source, ChangesSource):
        names = [name for name in source.columns.model_dump().values() if name]
    elif isinstance(source, ObservationsSource) and source.shape == "wide":
        names = [source.columns.week]
    elif isinstance(source, ObservationsSource):
        columns = source.columns
        single = (columns.week, columns.area, columns.site, columns.measure, columns.count)
        names = [name for name in (*single, *columns.counts.values()) if name]
    else:
        names = []
    return list(dict.fromkeys(names))


def fits(arrival: Arrival, source: Source) -> bool:
    """Whether a file of unknown origin reads as this source's."""
    wanted = mapped_columns(source)
    if not wanted:
        return False
    try:
        read_table(arrival.path, source, wanted, Doubts(source.id, arrival.name))
    except UnusableFileError:
        return False
    return True


def _table(job: Job, source: Source) -> Table:
    marker = read_marker(job.arrival.path) if job.arrival.returned_for is not None else None
    if marker is not None:  # of our own workbooks the sheet is known, and the cover is none
        source = source.model_copy(update={"sheet": marker.sheet})
    table = read_table(job.arrival.path, source, mapped_columns(source), job.doubts)
    job.encoding, job.sheet = table.encoding, table.sheet
    job.table = table
    return table


def _sites(job: Job, source: FacilitiesSource) -> tuple[Table, FacilitiesSource]:
    """Sites of a table or of a map file, whose points stand in for mapped coordinates."""
    if map_format(job.arrival.path) is None:
        return _table(job, source), source
    table = read_points(job.arrival.path, source, mapped_columns(source), job.doubts)
    job.encoding, job.table = table.encoding, table
    if source.columns.lon is None:
        columns = source.columns.model_copy(update={"lon": LON, "lat": LAT})
        source = source.model_copy(update={"columns": columns})
    return table, source


def _features(job: Job, source: AreasSource | ContextSource, wanted: Sequence[str]) -> Features:
    features = read_features(job.arrival.path, source, wanted, job.doubts, datum=source.datum)
    job.encoding = features.table.encoding
    return features


def _refuse_personal(job: Job, place: Place | None) -> None:
    """Stop a file about persons before anything of it is mapped or kept."""
    found = inspect_path(
        job.arrival.path,
        facilities=isinstance(job.source, FacilitiesSource),
        known=frozenset() if place is None else place.known,
        places=frozenset() if place is None else place.names,
        encoding=job.source.encoding,
        code_columns=_code_columns(job.source),
    )
    if found:
        raise _personal(found)


def about_persons(path: Path) -> UnusableFileError | None:
    """Why a file of no source may not be kept; None if nothing in it is about persons."""
    try:
        found = inspect_path(path)
    except UnusableFileError:
        return None  # nobody can say, and nothing is kept of it
    return _personal(found) if found else None


def _personal(found: Sequence[PersonalColumn]) -> UnusableFileError:
    return UnusableFileError(
        "personal_data",
        column=listed(column.column for column in found),
        columns=listed(str(column) for column in found),
    )


def _code_columns(source: Source) -> list[str]:
    """Columns that hold area codes, as the file names them."""
    columns = source.columns.model_dump() if not isinstance(source, ContextSource) else {}
    names = ("code", "parent", "area_code", "area", "old", "new")
    return [columns[name] for name in names if isinstance(columns.get(name), str)]


def _known_areas(place: Place, level: Level) -> Areas:
    areas = place.levels[level]
    if not len(areas.codes):
        raise UnusableFileError("areas_unavailable", level=str(level))
    return areas


def _finish(job: Job, settings: Settings) -> None:
    """Keep the file as it came, now that the gate has let it in."""
    if job.arrival.new:
        RawStore(settings.raw_folder).keep(job.arrival.path, job.arrival.print.sha256)
    mapped, table, job.table = job.mapped, job.table, None
    if mapped is not None and table is not None and job.arrival.returned_for is not None:
        used = mapped.ledger.rows[mapped.ledger.accepted]
        job.releases = frozenset(released_rows(table, used).tolist())
    if mapped is not None and not mapped.accepted:
        job.doubts.add("no_usable_row", came=f"{mapped.quarantined} rows")


def _fail(job: Job, error: UnusableFileError) -> None:
    job.doubts.add_failure(error)
    job.fate = "failed"
    job.mapped = job.population = job.zones = None
