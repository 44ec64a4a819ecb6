"""What has been handed in: which files lie there, which of them are new, what is in force.

A delivery is one file's content for one source. A file of the same name replaces the earlier one
whole; a file of another name adds to it, and where both say a figure the later one counts. Files
lie where `xintu.toml` says, or in the drop folder, where they are told apart by name.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Literal

from etl.findings import Doubts, UnusableFileError
from etl.persons import redact
from etl.raw import RawStore
from etl.returned.marker import ReturnMarker, read_marker
from etl.settings import Settings
from etl.sources.database import fetch
from etl.sources.files import Fingerprint, fingerprint
from etl.sources.settings import Source

State = Literal["current", "replaced", "failed", "withdrawn", "forgotten"]
WILD = frozenset("*?[")
# What other programs leave beside a file while somebody works on it.
_UNFINISHED = ("~$*", ".*", "*.tmp", "*.part", "*.crdownload", "*.swp")
# A file in the drop folder that grew this recently is still being copied.
SETTLE_S = 3.0


@dataclass(frozen=True)
class Logged:
    """A delivery as the store knows it.

    Attributes
    ----------
    name : who replaces whom: relative to the data folder, as if it lay where `xintu.toml` says.
    location : where it lay, relative to the data folder; `sql:` and the source's id for a query.
    returned_for : the delivery whose refused rows it mends.
    """

    delivery_id: int
    source_id: str
    name: str
    location: str
    sha256: str
    size: int
    state: State
    returned_for: int | None = None


@dataclass(frozen=True)
class Arrival:
    """A file to be read: one that is in force, or a new one.

    Attributes
    ----------
    path : where its bytes are now.
    delivery_id : None where the store does not know it yet.
    new : whether it still has to be judged.
    """

    source_id: str
    name: str
    location: str
    path: Path
    print: Fingerprint
    delivery_id: int | None = None
    new: bool = True
    returned_for: int | None = None


@dataclass(frozen=True)
class Scan:
    """What lies there now.

    Attributes
    ----------
    arrivals : by source, each in the order in which they count.
    absent : source → why it has no file.
    strangers : files of the drop folder that belong to no source by name.
    """

    arrivals: dict[str, tuple[Arrival, ...]]
    absent: dict[str, UnusableFileError]
    strangers: tuple[Arrival, ...]

    def news(self, source_id: str) -> bool:
        """Whether a file of the source has never been judged."""
        return any(a.new and a.delivery_id is None for a in self.arrivals[source_id])

    @property
    def any_news(self) -> bool:
        """Whether any file has never been judged."""
        return any(stranger.delivery_id is None for stranger in self.strangers) or any(
            map(self.news, self.arrivals)
        )


def scan(
    settings: Settings, log: Sequence[Logged] = (), *, settle_s: float = 0.0, ask: bool = True
) -> Scan:
    """Look at every place where files may lie, and compare with what is known.

    Parameters
    ----------
    log : all deliveries known, in the order in which they came.
    settle_s : leave files of the drop folder alone that changed so recently.
    ask : whether databases are asked, too.

    Notes
    -----
    Reads every file once, for its hash.
    """
    dropped, strangers = _dropped(settings, log, settle_s=settle_s)
    arrivals: dict[str, tuple[Arrival, ...]] = {}
    absent: dict[str, UnusableFileError] = {}
    for source in settings.config.sources:
        known = [entry for entry in log if entry.source_id == source.id]
        asked = ask or source.url is None
        found, failure = _found(source, settings) if asked else ([], None)
        if failure is not None:
            absent[source.id] = failure
        found += dropped.get(source.id, [])
        held = [_held(entry, settings) for entry in known if _counts(entry, known, settings)]
        arrivals[source.id] = (*held, *_fresh(found, held, known))
    return Scan(arrivals, absent, tuple(strangers))


def waiting(settings: Settings, log: Sequence[Logged]) -> bool:
    """Whether a file has been handed in that is not judged yet; asks no database.

    Departments' databases are asked at the nightly build, not every few minutes.
    """
    return scan(settings, log, settle_s=SETTLE_S, ask=False).any_news


def has_wildcard(path: str) -> bool:
    """Whether a source's path means many files."""
    return bool(WILD & set(path))


def _counts(entry: Logged, known: Sequence[Logged], settings: Settings) -> bool:
    """Whether a delivery is in force, or was until its source's mapping no longer fitted it."""
    if entry.state == "failed":
        later = any(e.name == entry.name and e.state == "current" for e in known)
        return not later and RawStore(settings.raw_folder).path(entry.sha256) is not None
    # A source that xintu.toml left out for a while finds its files again.
    return entry.state in {"current", "forgotten"}


def _fresh(
    found: Sequence[Arrival], held: Sequence[Arrival], known: Sequence[Logged]
) -> list[Arrival]:
    """Files that still have to be judged: the same content counts once, wherever it lies."""
    have = {arrival.print.sha256 for arrival in held}
    fresh = []
    for arrival in found:
        if arrival.print.sha256 not in have and not _is_known(arrival, known):
            have.add(arrival.print.sha256)
            fresh.append(_seen_before(arrival, known))
    return fresh


def _is_known(arrival: Arrival, known: Sequence[Logged]) -> bool:
    """Whether the newest delivery from the same place was this content, and was judged for good."""
    before = [entry for entry in known if entry.location == arrival.location]
    return (
        bool(before)
        and before[-1].sha256 == arrival.print.sha256
        and (before[-1].state != "failed")
    )


def _seen_before(arrival: Arrival, known: Sequence[Logged]) -> Arrival:
    """The same, with the number under which its failure is known."""
    newest = next((entry for entry in reversed(known) if entry.location == arrival.location), None)
    if newest is None or newest.sha256 != arrival.print.sha256 or newest.state != "failed":
        return arrival
    return replace(arrival, delivery_id=newest.delivery_id)


def _held(entry: Logged, settings: Settings) -> Arrival:
    path = RawStore(settings.raw_folder).path(entry.sha256)
    if path is None:
        # Somebody cleared the folder of kept files; the one that was handed in may still be there.
        path = settings.data / entry.location
    return Arrival(
        source_id=entry.source_id,
        name=entry.name,
        location=entry.location,
        path=path,
        print=Fingerprint(entry.sha256, entry.size),
        delivery_id=entry.delivery_id,
        new=False,
        returned_for=entry.returned_for,
    )


def _found(source: Source, settings: Settings) -> tuple[list[Arrival], UnusableFileError | None]:
    """Files of a source where `xintu.toml` says, and why there is none."""
    try:
        if source.url is not None:
            settings.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = fetch(source, settings.incoming, Doubts(source.id, source.file))
            return [_arrival(source.id, path, source.file, f"sql:{source.id}")], None
        if not has_wildcard(source.path):
            path = settings.data / source.path
            return [_arrival(source.id, path, source.path, source.path)], None
        paths = [path for path in sorted(settings.data.glob(source.path)) if _is_whole(path)]
        if not paths:
            return [], UnusableFileError("missing_file", came=source.path)
        return [_arrival(source.id, path, *_relative(path, settings)) for path in paths], None
    except UnusableFileError as error:
        return [], error


def _relative(path: Path, settings: Settings) -> tuple[str, str]:
    location = path.relative_to(settings.data).as_posix()
    return location, location


def _arrival(source_id: str, path: Path, name: str, location: str) -> Arrival:
    # A name is told and stored: a number of a person in it is not.
    return Arrival(source_id, redact(name), redact(location), path, fingerprint(path))


def _dropped(
    settings: Settings, log: Sequence[Logged], *, settle_s: float
) -> tuple[dict[str, list[Arrival]], list[Arrival]]:
    """Files of the drop folder by source, and those that no source claims."""
    folder = settings.data / settings.config.intake.drop
    routed: dict[str, list[Arrival]] = {}
    strangers: list[Arrival] = []
    if not folder.is_dir():
        return routed, strangers
    for path in sorted(p for p in folder.rglob("*") if _is_whole(p)):
        if _is_part(path) or abs(time.time() - path.stat().st_mtime) < settle_s:
            continue
        location = path.relative_to(settings.data).as_posix()
        arrival = _route(_arrival("", path, location, location), settings, log)
        if arrival.source_id:
            routed.setdefault(arrival.source_id, []).append(arrival)
        else:
            strangers.append(arrival)
    unknown = [entry for entry in log if not entry.source_id]
    return routed, [_seen_before(stranger, unknown) for stranger in strangers]


def _route(arrival: Arrival, settings: Settings, log: Sequence[Logged]) -> Arrival:
    """A dropped file with its source: by our own mark in it, by its name, by what was settled."""
    ids = {source.id for source in settings.config.sources}
    marker = _marker(arrival.path)
    if marker is not None and marker.source_id in ids:
        known = {entry.delivery_id for entry in log if entry.source_id == marker.source_id}
        mends = marker.delivery_id if marker.delivery_id in known else None
        # Workbooks that mend other files are other files, though called the same every week.
        own = f"{arrival.name}#{marker.delivery_id}"
        return replace(arrival, source_id=marker.source_id, name=own, returned_for=mends)
    claimed = [
        replace(arrival, source_id=source.id, name=name)
        for source in settings.config.sources
        if (name := _name_under(source, arrival.path.name)) is not None
    ]
    if len(claimed) == 1:
        return claimed[0]
    for entry in reversed(log):
        if entry.location == arrival.location and entry.source_id in ids:
            return replace(arrival, source_id=entry.source_id, name=entry.name)
    return arrival


def _name_under(source: Source, file_name: str) -> str | None:
    """The name that a dropped file has within a source; None if it is not the source's."""
    if not source.path:
        return None
    pattern = PurePosixPath(source.path)
    if not fnmatch(file_name.casefold(), pattern.name.casefold()):
        return None
    if not has_wildcard(source.path):
        return source.path
    parent = pattern.parent.as_posix()
    return file_name if has_wildcard(parent) or parent == "." else f"{parent}/{file_name}"


def _marker(path: Path) -> ReturnMarker | None:
    return read_marker(path) if path.suffix.lower() == ".xlsx" else None


def _is_part(path: Path) -> bool:
    """Whether a file belongs to a shapefile beside it."""
    others = {p.suffix.lower() for p in path.parent.glob(f"{path.stem}.*")}
    return ".shp" in others and path.suffix.lower() != ".shp"


def _is_whole(path: Path) -> bool:
    return path.is_file() and not any(fnmatch(path.name, p) for p in _UNFINISHED)
