"""Every file of a locality, read, checked and mapped: the one way in.

Areas come first, since all else is placed in them. A file that cannot be used fails alone and
says why, and what its department handed in before stays in force; without boundaries nothing can
be built, so their failure ends the intake. What has not changed since it was stored is not read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from pyproj.exceptions import CRSError

from etl import contracts
from etl.clusters import clusters, is_dated
from etl.deliveries import Arrival, Scan, scan
from etl.findings import Doubts, IntakeError
from etl.fingerprint import code_version
from etl.gate import code_beginnings
from etl.holdings import Holdings
from etl.outcome import DeliveryResult, outcome
from etl.plausibility import hold_against
from etl.precedence import settle, settle_sites
from etl.progress import OnProgress, as_progress
from etl.reading import Job, Place, about_persons, fits, read_areas, read_other
from etl.settings import Settings
from etl.sources import values
from etl.sources.assembly import assemble
from etl.sources.boundaries import Zones
from etl.sources.files import Fingerprint
from etl.sources.geography import Geography
from etl.sources.mapping import Areas
from etl.sources.settings import (
    AreasSource,
    ChangesSource,
    FacilitiesSource,
    ObservationsSource,
    PopulationSource,
    Source,
)
from etl.sources.sites import SiteIndex
from etl.sources.successors import NO_CHANGES, Successors
from geo.errors import ConfigError
from geo.model import LEVELS


@dataclass(frozen=True)
class Intake:
    """A locality's data, ready to be stored.

    Attributes
    ----------
    areas : level, area_code, name, parent_code, geometry (EPSG:4326); finest level first.
    results : one a file that was read, by source in the order of `xintu.toml`.
    contexts : source → hash of all that its rows depend on, of the sources that were read.
    """

    areas: gpd.GeoDataFrame
    results: tuple[DeliveryResult, ...]
    contexts: dict[str, str]


def ingest(
    settings: Settings,
    *,
    now: datetime,
    found: Scan | None = None,
    holdings: Holdings | None = None,
    on_progress: OnProgress | None = None,
) -> Intake:
    """Read, check and map every file that is new, and all that stands or falls with it.

    Parameters
    ----------
    now : the present, with its time zone; weeks that begin later are refused.
    found : what lies there; looked for by default.
    holdings : what is stored already; nothing by default, so that everything is read.
    on_progress : called with a source's id, how many files are done, and of how many.

    Raises
    ------
    ConfigError : the CRS is unknown or not in metres.
    IntakeError : a boundary file cannot be used; carries every finding.

    Notes
    -----
    Boundaries, population and facilities are read together, and all weekly counts after them when
    one of them has changed; otherwise a new file has only the files read again that speak of the
    same measures. A file is read once each time; cost grows with the rows read.
    """
    _require_metric(settings.config.locality.crs)
    log = () if holdings is None else holdings.log()
    found = found or scan(settings, log)
    return _Intake(settings, now, found, holdings, on_progress).run()


class _Intake:
    """One intake under way."""

    def __init__(
        self,
        settings: Settings,
        now: datetime,
        found: Scan,
        holdings: Holdings | None,
        on_progress: OnProgress | None,
    ) -> None:
        self.settings = settings
        self.today = now.astimezone(ZoneInfo(settings.config.locality.timezone)).date()
        self.holdings = holdings
        self.stored = {} if holdings is None else holdings.contexts()
        self.contexts: dict[str, str] = {}
        self.jobs: list[Job] = []
        self.base_read = True
        self.say = as_progress(on_progress)
        self.found = self._with_strangers(found)
        self.total = sum(map(len, self.found.arrivals.values()))

    def run(self) -> Intake:
        """Read what must be read, in the order in which things depend on each other."""
        sources = self.settings.config.sources
        base: list[Source] = [s for s in sources if not isinstance(s, ObservationsSource)]
        weekly = [s for s in sources if isinstance(s, ObservationsSource)]
        areas = self._read_base(base)
        ground = _digest([sorted(areas["area_code"]), self._in_force(base), self._terms(base)])
        place: Place | None = None
        for cluster in clusters(weekly):
            terms = [self._terms(cluster), ground, values.monday_of(self.today)]
            if not self._must_read(cluster, _digest(terms)):
                continue
            place = place or self._weekly_place(areas)
            own = [job for source in cluster for job in self._read(source, place)]
            hold_against(own, self._people(), areas, config=self.settings.config)
            settle(own, "observations", figure="count")
        self.say("", self.total, self.total)
        return self._intake(areas)

    def _read_base(self, base: list[Source]) -> gpd.GeoDataFrame:
        """Boundaries, population, facilities and context; the stored areas if nothing is new."""
        day = self.today.isoformat() if any(map(is_dated, base)) else ""
        if not self._must_read(base, _digest([self._terms(base), day])) and self.holdings:
            self.base_read = False
            return self.holdings.areas()
        drawn = [job for s in base if isinstance(s, AreasSource) for job in self._read(s, None)]
        zones = [job.zones for job in drawn if job.zones is not None and len(job.zones.areas)]
        areas = self._assemble(zones)
        place = self._with_changes(self._place(areas), base, zones)
        placed: list[Job] = []
        for source in base:
            if isinstance(source, FacilitiesSource):
                # Addresses may name the sites of files before.
                named = [job.mapped.frame for job in placed if _is_sited(job) and job.mapped]
                place = replace(place, named=pd.concat(named) if named else None)
            if not isinstance(source, AreasSource | ChangesSource):
                placed += self._read(source, place)
        order = {source.id: i for i, source in enumerate(base)}
        own = sorted([*drawn, *placed], key=lambda job: order[job.source.id])
        settle(own, "population", figure="persons")
        settle_sites(own, place.geography, near_m=self.settings.config.intake.near_m)
        return areas

    def _people(self) -> pd.DataFrame:
        """Residents by area and group, as read or as stored."""
        frames = [frame for job in self.jobs if (frame := job.figures("population")) is not None]
        if frames or self.holdings is None:
            return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        return self.holdings.population()

    def _with_changes(self, place: Place, base: list[Source], zones: list[Zones]) -> Place:
        """What became of former areas, which the files of all others may still name."""
        changing = [source for source in base if isinstance(source, ChangesSource)]
        if not changing:
            return place
        # A split without weights goes by residents, so that these are read once beforehand.
        frames = [zone.population for zone in zones if zone.population is not None]
        for source in base:
            if isinstance(source, PopulationSource):
                for arrival in self.found.arrivals[source.id]:
                    job = Job(source, arrival, Doubts(source.id, arrival.name))
                    read_other(job, self.settings, place)
                    frames += [] if job.mapped is None else [job.mapped.frame]
        people = (
            pd.concat(frames) if frames else pd.DataFrame(columns=["group", "area_code", "persons"])
        )
        total = people[people["group"] == "total"].drop_duplicates("area_code", keep="last")
        persons = dict(zip(total["area_code"].astype(str), total["persons"], strict=True))
        place = replace(place, persons=persons)
        jobs = [job for source in changing for job in self._read(source, place)]
        changes = [job.mapped.frame for job in jobs if job.mapped is not None]
        return replace(place, successors=Successors(pd.concat(changes)) if changes else NO_CHANGES)

    def _weekly_place(self, areas: gpd.GeoDataFrame) -> Place:
        """What weekly counts are read against: the areas, former ones and sites of the base."""
        sited = [
            job.mapped.frame
            for job in self.jobs
            if job.mapped is not None and isinstance(job.source, FacilitiesSource)
        ]
        changed = [
            job.mapped.frame
            for job in self.jobs
            if job.mapped is not None and isinstance(job.source, ChangesSource)
        ]
        if self.base_read or self.holdings is None:
            sites, changes = sited, changed
        else:
            sites, changes = [self.holdings.sites()], [self.holdings.changes()]
        successors = Successors(pd.concat(changes)) if changes else NO_CHANGES
        return replace(self._place(areas), sites=SiteIndex.of(sites), successors=successors)

    def _must_read(self, sources: list[Source], context: str) -> bool:
        """Whether anything that the stored rows of these sources depend on is new."""
        self.contexts |= {source.id: context for source in sources}
        return any(
            self.found.news(source.id) or self.stored.get(source.id) != context
            for source in sources
        )

    def _read(self, source: Source, place: Place | None) -> list[Job]:
        """Read a source's files; a new one that is sound replaces that of the same name."""
        jobs: list[Job] = []
        replaced: set[str] = set()
        arrivals = self.found.arrivals[source.id]
        for arrival in (a for a in arrivals if a.new):
            job = self._judge(source, arrival, place)
            if job.fate == "current":
                for other in jobs:
                    if other.arrival.name == arrival.name and other.fate == "current":
                        other.fate = "replaced"
                replaced.add(arrival.name)
            jobs.append(job)
        held = [
            self._judge(source, arrival, place)
            for arrival in arrivals
            if not arrival.new and arrival.name not in replaced
        ]
        gone = [
            Job(source, arrival, Doubts(source.id, arrival.name), fate="replaced")
            for arrival in arrivals
            if not arrival.new and arrival.name in replaced
        ]
        failure = self.found.absent.get(source.id)
        if failure is not None:
            path = self.settings.data / source.file
            nowhere = Arrival(source.id, source.file, "", path, Fingerprint("", 0))
            absent = Job(source, nowhere, Doubts(source.id, source.file), fate="absent")
            absent.doubts.add_failure(failure)
            gone.append(absent)
        self.jobs += [*gone, *held, *jobs]
        in_force = [job for job in (*held, *jobs) if job.fate == "current"]
        by_id = {job.arrival.delivery_id: job for job in in_force if job.arrival.delivery_id}
        for job in in_force:
            mended = by_id.get(job.arrival.returned_for or 0)
            if mended is not None:
                mended.released |= job.releases
        return in_force

    def _judge(self, source: Source, arrival: Arrival, place: Place | None) -> Job:
        self.say(arrival.name, min(len(self.jobs), self.total), self.total)
        job = Job(source, arrival, Doubts(source.id, arrival.name))
        if place is None:
            read_areas(job, self.settings, today=self.today)
        else:
            read_other(job, self.settings, place)
        self.say.rows(job.rows)
        return job

    def _terms(self, sources: list[Source]) -> list[object]:
        """What sources' rows depend on besides their files: mapping, registries, code."""
        config = self.settings.config
        shared = (config.locality, config.codes, config.intake, *config.groups, *config.measures)
        return [
            code_version(),
            [part.model_dump(mode="json") for part in (*shared, *sources)],
            [source.id for source in sources if source.id in self.found.absent],
        ]

    def _in_force(self, sources: list[Source]) -> list[tuple[str, str]]:
        """Name and content of every file that counts."""
        ids = {source.id for source in sources}
        read = {job.source.id for job in self.jobs}
        counting = [
            (job.arrival.name, job.arrival.print.sha256)
            for job in self.jobs
            if job.source.id in ids and job.fate == "current"
        ]
        kept = [
            (arrival.name, arrival.print.sha256)
            for source_id in ids - read
            for arrival in self.found.arrivals[source_id]
        ]
        return sorted(counting + kept)

    def _with_strangers(self, found: Scan) -> Scan:
        """Give files of the drop folder to the one source whose columns they have."""
        arrivals = dict(found.arrivals)
        for stranger in found.strangers:
            fitting = [s for s in self.settings.config.sources if fits(stranger, s)]
            if len(fitting) == 1:
                own = replace(stranger, source_id=fitting[0].id, delivery_id=None)
                arrivals[own.source_id] = (*arrivals[own.source_id], own)
            elif stranger.delivery_id is None:
                self._report_stranger(stranger, [source.id for source in fitting])
        return replace(found, arrivals=arrivals)

    def _report_stranger(self, stranger: Arrival, fitting: list[str]) -> None:
        doubts = Doubts("", stranger.name)
        personal = about_persons(stranger.path)
        if personal is not None:  # says more than that nobody knows the file
            doubts.add_failure(personal)
        else:
            doubts.add("nobodys_file", came=stranger.name, fitting="、".join(fitting) or "—")
        nobody = self.settings.config.sources[0]
        self.jobs.append(Job(nobody, stranger, doubts, fate="failed"))

    def _assemble(self, zones: list[Zones]) -> gpd.GeoDataFrame:
        sources = [s for s in self.settings.config.sources if isinstance(s, AreasSource)]
        if {zone.source.id for zone in zones} < {source.id for source in sources}:
            findings = [finding for job in self.jobs for finding in job.doubts.findings]
            errors = [finding.message("en") for finding in findings if finding.severity == "error"]
            raise IntakeError(
                "boundary files cannot be used, and nothing can be placed without them:\n"
                + "\n".join(f"  - {line}" for line in errors),
                findings,
            )
        return assemble(zones, self.settings.config)

    def _place(self, areas: gpd.GeoDataFrame) -> Place:
        config = self.settings.config
        return Place(
            geography=Geography(areas, config.locality.crs),
            levels={level: self._areas_of(areas, str(level)) for level in LEVELS},
            known=code_beginnings(areas["area_code"]),
            names=frozenset(areas["name"]),
            measures=[measure.code for measure in config.measures],
            today=self.today,
        )

    def _areas_of(self, areas: gpd.GeoDataFrame, level: str) -> Areas:
        own = areas[areas["level"] == level]
        return Areas(
            level=level,
            pattern=getattr(self.settings.config.codes, level),
            codes=np.array(own["area_code"].tolist(), dtype=object),
            names=tuple(own["name"]),
        )

    def _intake(self, areas: gpd.GeoDataFrame) -> Intake:
        order = {source.id: i for i, source in enumerate(self.settings.config.sources)}
        jobs = sorted(self.jobs, key=lambda job: order.get(job.arrival.source_id, len(order)))
        results = tuple(outcome(job) for job in jobs)
        contracts.check_intake(areas, results)
        read = {result.source_id for result in results}
        contexts = {source: context for source, context in self.contexts.items() if source in read}
        return Intake(areas, results, contexts)


def _require_metric(crs: str) -> None:
    wanted = "wanted a projected CRS in metres, such as EPSG:4547"
    try:
        found = pyproj.CRS.from_user_input(crs)
    except CRSError as exc:
        raise ConfigError(f"locality.crs: {crs}: unknown; {wanted}") from exc
    if not found.is_projected or found.axis_info[0].unit_name != "metre":
        raise ConfigError(f"locality.crs: {crs}: {found.name}; {wanted}")


def _is_sited(job: Job) -> bool:
    return isinstance(job.source, FacilitiesSource) and job.mapped is not None


def _digest(parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
