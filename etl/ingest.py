"""Every file of a locality, read, checked and mapped: the one way in.

Areas come first, since all else is placed in them. A file that cannot be used fails alone and
says why, and what its department handed in before stays in force; without boundaries nothing can
be built, so their failure ends the intake. What has not changed since it was stored is not read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pyproj
from pyproj.exceptions import CRSError

from etl import contracts
from etl.deliveries import Arrival, Logged, Scan, scan
from etl.findings import Doubts, IntakeError
from etl.fingerprint import code_version
from etl.gate import code_beginnings
from etl.outcome import DeliveryResult, outcome
from etl.precedence import Share, settle_figures, settle_sites
from etl.reading import Job, Place, fits, read_areas, read_other
from etl.settings import Settings
from etl.sources import overlaps, values
from etl.sources.boundaries import Zones, assemble
from etl.sources.files import Fingerprint
from etl.sources.geography import Geography
from etl.sources.mapping import Areas
from etl.sources.settings import AreasSource, FacilitiesSource, ObservationsSource, Source
from geo.errors import ConfigError
from geo.model import LEVELS

Progress = Callable[[str, int, int], None]


class Holdings(Protocol):
    """What the store has already: so much need not be read again."""

    def log(self) -> tuple[Logged, ...]:
        """All deliveries, in the order in which they came."""

    def contexts(self) -> Mapping[str, str]:
        """Source → hash of all that its stored rows depend on."""

    def areas(self) -> gpd.GeoDataFrame:
        """Stored areas, as `Intake.areas`."""


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
    on_progress: Progress | None = None,
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
        on_progress: Progress | None,
    ) -> None:
        self.settings = settings
        self.today = now.astimezone(ZoneInfo(settings.config.locality.timezone)).date()
        self.holdings = holdings
        self.stored = {} if holdings is None else holdings.contexts()
        self.contexts: dict[str, str] = {}
        self.jobs: list[Job] = []
        self.say = on_progress or (lambda _label, _done, _total: None)
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
        for cluster in _clusters(weekly):
            terms = [self._terms(cluster), ground, values.monday_of(self.today)]
            if not self._must_read(cluster, _digest(terms)):
                continue
            place = place or self._place(areas)
            own = [job for source in cluster for job in self._read(source, place)]
            _settle(own, "observations", figure="count")
        self.say("", self.total, self.total)
        return self._intake(areas)

    def _read_base(self, base: list[Source]) -> gpd.GeoDataFrame:
        """Boundaries, population, facilities and context; the stored areas if nothing is new."""
        day = self.today.isoformat() if any(map(_is_dated, base)) else ""
        if not self._must_read(base, _digest([self._terms(base), day])) and self.holdings:
            return self.holdings.areas()
        drawn = [job for s in base if isinstance(s, AreasSource) for job in self._read(s, None)]
        zones = [job.zones for job in drawn if job.zones is not None and len(job.zones.areas)]
        areas = self._assemble(zones)
        place = self._place(areas)
        placed = [
            job for s in base if not isinstance(s, AreasSource) for job in self._read(s, place)
        ]
        order = {source.id: i for i, source in enumerate(base)}
        own = sorted([*drawn, *placed], key=lambda job: order[job.source.id])
        _settle(own, "population", figure="persons")
        _settle_sites(own, place.geography)
        return areas

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
            read_areas(job, self.settings)
        else:
            read_other(job, self.settings, place)
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


def _is_dated(source: Source) -> bool:
    """Whether what a source says depends on the day."""
    if isinstance(source, FacilitiesSource):
        return bool(source.columns.opened_on or source.columns.closed_on)
    if isinstance(source, AreasSource):
        return bool(source.columns.valid_from or source.columns.valid_to)
    return False


def _clusters(sources: list[ObservationsSource]) -> list[list[Source]]:
    """Sources of weekly counts that may say the same, by their levels and measures."""
    clusters: list[tuple[set[tuple[str, str]], list[Source]]] = []
    for source in sources:
        measures = {source.measure} if source.measure else set(source.measures.values())
        # Without a list of measures the file may name any; "" then meets every other.
        measures |= set(source.columns.counts) or (set() if measures else {""})
        mine = {(str(source.level), str(measure)) for measure in measures}
        touching = [c for c in clusters if _meet(c[0], mine)]
        clusters = [c for c in clusters if not _meet(c[0], mine)]
        subjects = mine.union(*(c[0] for c in touching))
        clusters.append((subjects, [*(s for c in touching for s in c[1]), source]))
    return [members for _, members in clusters]


def _meet(some: set[tuple[str, str]], others: set[tuple[str, str]]) -> bool:
    open_levels = {level for level, measure in some | others if not measure}
    levels = {level for level, _ in some} & {level for level, _ in others}
    return bool(some & others) or bool(open_levels & levels)


def _settle(jobs: list[Job], role: str, *, figure: str) -> None:
    """Let each figure count once where files overlap."""
    shares = []
    for job in jobs:
        frame = job.figures(role)
        if frame is not None:
            shares.append((job, Share(frame, job.doubts)))
    settle_figures([share for _, share in shares], figure=figure)
    for job, share in shares:
        job.take(role, share)


def _settle_sites(jobs: list[Job], geography: Geography) -> None:
    """Let each site count once: within a source the later file's, between sources the first's."""
    sited = [job for job in jobs if isinstance(job.source, FacilitiesSource) and job.mapped]
    for source_id in dict.fromkeys(job.source.id for job in sited):
        own = [job for job in sited if job.source.id == source_id]
        shares = [Share(job.mapped.frame, job.doubts) for job in own if job.mapped]
        settle_sites(shares, geography)
        for job, share in zip(own, shares, strict=True):
            job.take("facilities", share)
    mapped = [job.mapped for job in sited if job.mapped]
    claims = [
        overlaps.Share(job.source.id, before.frame, job.doubts)
        for job, before in zip(sited, mapped, strict=True)
    ]
    overlaps.reject_repeated_sites(claims, [before.ledger for before in mapped], geography)
    for job, before, claim in zip(sited, mapped, claims, strict=True):
        job.mapped = replace(before, frame=claim.frame)


def _digest(parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
