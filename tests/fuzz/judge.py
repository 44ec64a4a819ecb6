"""One file through the product, and everything that must hold of what becomes of it."""

from __future__ import annotations

import io
import logging
import re
import shutil
import sqlite3
import time
import traceback
import warnings
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from etl.deliveries import Arrival
from etl.edge.areas import any_areas
from etl.edge.counting import Wish, count_rows
from etl.edge.export import open_export
from etl.findings import Doubts, UnusableFileError, rules
from etl.ingest import _Intake, ingest
from etl.outcome import DeliveryResult, outcome
from etl.pipeline import take_in
from etl.reading import Job, Place, read_areas, read_other
from etl.settings import Settings
from etl.sources.files import fingerprint
from etl.sources.proposal.block import as_toml
from etl.sources.proposal.mapping import propose
from etl.store import tables as t
from etl.store.engine import open_engine
from etl.store.packed import read_counts
from etl.store.writer import Writer
from geo.errors import XintuError
from tests.fuzz import oracle
from tests.fuzz.forms import Case
from tests.support.locality import NOW, TOWNS, VILLAGES, Folder

STORE_EVERY, WHOLE_EVERY, TWICE_EVERY, PROPOSE_EVERY = 50, 25, 10, 10
_QUIET = {"no_usable_row"}


class FaultError(AssertionError):
    """Something does not hold of what became of a file."""


@dataclass
class Verdict:
    """What became of a file: how it ended, by which rules, and what does not hold of it."""

    number: int
    form: str
    done: list[str]
    end: str = ""
    rules: list[str] = field(default_factory=list)
    judged: bool = False
    figures: int = 0
    seconds: float = 0.0  # of the processor: others may be at work beside
    peak_mb: float = 0.0
    fault: str | None = None


def judge(case: Case, folder: Path) -> Verdict:
    """Hand the file in, and hold what comes out against what it says."""
    verdict = Verdict(case.number, case.form, case.done)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = folder / case.name
    path.write_bytes(case.content)
    for suffix, content in case.beside.items():
        path.with_suffix(suffix).write_bytes(content)
    _forget_peak()
    before, started = _resident_mb(), time.process_time()
    try:
        with _listening() as heard:
            if case.role == "export":
                _aggregate(case, path, verdict)
            else:
                _deliver(case, path, verdict)
            if case.number % PROPOSE_EVERY == 0:
                _propose(case, path)
        _require(not heard.warnings, f"warning: {heard.warnings[:1]}")
        _no_canary(case, heard.log.getvalue(), "log")
    except FaultError as fault:
        verdict.fault = str(fault)
    except BaseException:  # noqa: BLE001 (whatever ends a file in a traceback is what is looked for)
        verdict.fault = "".join(traceback.format_exc()[-2500:])
    verdict.seconds = round(time.process_time() - started, 3)
    verdict.peak_mb = round(_peak_mb() - before, 1)
    return verdict


def as_dict(verdict: Verdict) -> dict[str, Any]:
    return asdict(verdict)


# ------------------------------------------------------------------ the ways in


@cache
def _home() -> tuple[Folder, Settings, Place]:
    """The locality, and what files are read against."""
    import tempfile

    folder = Folder.with_areas(Path(tempfile.mkdtemp(prefix="xintu-fuzz-home-")))
    settings = folder.settings()
    run = _Intake(settings, NOW, _nothing(settings), None, None)
    place = run._place(ingest(settings, now=NOW).areas)
    return folder, settings, place


def _nothing(settings: Settings) -> Any:
    from etl.deliveries import scan

    return scan(settings, ())


def _deliver(case: Case, path: Path, verdict: Verdict) -> None:
    result = _read(case, path)
    _check(case, path, result, verdict)
    if case.number % TWICE_EVERY == 0:
        again = _read(case, path)
        _require(repr(_content(again)) == repr(_content(result)), "the same bytes, another result")
    if case.number % WHOLE_EVERY == 0:
        _whole(case, path, result, store=case.number % STORE_EVERY == 0)


def _read(case: Case, path: Path) -> DeliveryResult:
    """One file by itself, as the intake reads it."""
    place = _home()[2]
    own = _settings(case, path.parent)
    source = own.config.sources[-1]
    arrival = Arrival(source.id, path.name, path.name, path, fingerprint(path))
    job = Job(source, arrival, Doubts(source.id, path.name))
    if case.role == "areas":
        read_areas(job, own, today=place.today)
    else:
        read_other(job, own, place)
    return outcome(job)


def _settings(case: Case, path: Path) -> Settings:
    folder = Folder.with_areas(path / "home")
    if case.role == "areas":
        folder.sources.pop()
        folder.path = path
        shutil.copy(path / "home" / "towns.geojson", path)
    else:
        folder.path = path
        for name in ("towns.geojson", "villages.geojson"):
            shutil.copy(path / "home" / name, path)
    folder.sources.append(case.source)
    if case.number % STORE_EVERY == 0:
        folder.store_url = f"sqlite:///{path / '.xintu' / 'xintu.db'}"
    return folder.settings()


def _whole(case: Case, path: Path, alone: DeliveryResult, *, store: bool) -> None:
    """The file as one of a locality's, into a store where `store` says so."""
    settings = _settings(case, path.parent)
    writer = Writer(settings.store_url) if store else None
    try:
        if writer is None:
            intake = ingest(settings, now=NOW)
        else:
            intake, _ = take_in(settings, writer, now=NOW)
    except XintuError as error:
        _require(case.role == "areas", f"intake refused: {error}")
        _no_canary(case, str(error), "error")
        return
    own = [result for result in intake.results if result.source_id == case.source["id"]]
    _require(len(own) == 1 and own[0].failed == alone.failed, "alone it ends in another way")
    _require(own[0].rows_read == alone.rows_read, "alone it has other rows")
    _no_canary(case, _words(own[0]), "findings")
    if writer is not None:
        _stored(settings, own[0])
        again, _ = take_in(settings, writer, now=NOW)
        _require(again.results == (), "the second time something is news")


def _stored(settings: Settings, result: DeliveryResult) -> None:
    """What the store holds is what was accepted, and its rows add up."""
    engine = open_engine(settings.store_url)
    with engine.connect() as connection:
        log = pd.read_sql_query(select(t.intake_delivery), connection)
        held = pd.read_sql_query(select(t.intake_quarantine), connection)
        n_counts = sum(int(row.said.sum()) for row in read_counts(connection))
    engine.dispose()
    ends = log[["accepted", "superseded", "quarantined", "set_aside"]].sum(axis=1)
    _require(ends.tolist() == log["rows_read"].tolist(), "the log does not add up")
    _require(len(held) == int(log["quarantined"].sum()), "the quarantine is not what the log says")
    if result.role == "observations":
        _require(n_counts == len(result.frame), "the store holds other figures")
    with closing(sqlite3.connect(settings.store_url.removeprefix("sqlite:///"))) as db:
        _require(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "store damaged")


def _propose(case: Case, path: Path) -> None:
    config = _home()[1].config
    try:
        proposal = propose(path, config)
    except UnusableFileError as error:
        doubts = Doubts("", path.name)
        doubts.add_failure(error)
        _no_canary(case, doubts.findings[0].message("zh"), "refusal")
        return
    as_toml(proposal)
    _no_canary(case, as_toml(proposal) + repr(proposal), "proposal")


def _aggregate(case: Case, path: Path, verdict: Verdict) -> None:
    """`xintu aggregate`: no more events than rows that have their day, and no person."""
    try:
        export = open_export(path, wanted=["社区代码", "咨询日期"])
        wish = Wish(area="社区代码", day="咨询日期", measure="consult_visits")
        counted = count_rows(export, wish, any_areas(), today=date(2026, 11, 18))
    except UnusableFileError as error:
        doubts = Doubts("", path.name)
        doubts.add_failure(error)
        verdict.end, verdict.rules = "refused", [error.rule]
        _no_canary(case, doubts.findings[0].message("zh"), "refusal")
        return
    except XintuError as error:
        verdict.end, verdict.rules = "refused", [type(error).__name__]
        _no_canary(case, str(error), "refusal")
        return
    frame = counted.frame
    _no_canary(case, frame.to_csv(), "counts")
    verdict.end = "clean" if counted.counted == counted.rows else "findings"
    wanted: Counter[tuple[str, str]] = Counter()
    tables = oracle.tables_of(case, path, export.encoding, export.sheet)
    verdict.judged, verdict.figures = bool(tables), len(frame)
    ok = not tables
    for rows in tables:
        wanted.clear()
        read = oracle.Read(rows, rows)
        for n, row in rows.items():
            days = read.columns("咨询日期", n), read.columns("社区代码", n)
            for week in {w for text in oracle.cells(row, days[0]) for w in oracle.weeks(text)}:
                for text in oracle.cells(row, days[1]):
                    wanted[re.sub(r"\.0+$", "", oracle.plain(text)), week] += 1
        figures = zip(frame["area_code"], frame["week"], frame["count"], strict=True)
        ok |= all(wanted[str(code), str(week)] >= int(count) for code, week, count in figures)
    _require(ok, f"counts that do not stand there: {frame.to_csv(index=False)[:300]}")


# ------------------------------------------------------------------ what must hold


def _check(case: Case, path: Path, result: DeliveryResult, verdict: Verdict) -> None:
    verdict.rules = sorted({finding.rule for finding in result.findings})
    told = [finding for finding in result.findings if finding.severity != "info"]
    verdict.end = (
        "refused" if result.failed
        else "quarantined" if result.quarantined
        else "findings" if told
        else "clean"
    )  # fmt: skip
    for finding in result.findings:
        _require(finding.rule in rules(), f"unknown rule {finding.rule}")
        _require(finding.file == case.name, f"{finding.rule}: names no file")
        _require("{" not in finding.wanted.zh, f"{finding.rule}: {finding.wanted.zh}")
    if result.failed:
        _require(any(f.severity == "error" for f in result.findings), "refused without a word")
        _require(result.frame.empty and not len(result.quarantine), "of a refused file rows remain")
    _no_canary(case, _words(result), "findings")
    _accounted(result)
    _refused_where_needed(case, path, result)
    if not result.failed:
        _figures(case, path, result, verdict)


def _accounted(result: DeliveryResult) -> None:
    ends = result.accepted + result.superseded + result.quarantined + result.set_aside
    _require(result.rows_read == ends, "rows do not add up")
    _require(len(result.quarantine) == result.quarantined, "quarantine is not what it says")
    _require(bool(result.quarantine["row"].is_unique), "a row waits twice")
    for name in ("accepted", "superseded", "quarantined", "set_aside"):
        _require(getattr(result, name) >= 0, f"{name} below 0")


# Fewer mobile numbers than these may be anybody's; one identity number is a person.
_MANY = 12


def _refused_where_needed(case: Case, path: Path, result: DeliveryResult) -> None:
    """A list of persons, or a sheet that says two things, is never taken in part."""
    if result.failed:
        return
    if path.suffix == ".xlsx":
        _require(not oracle.contradicts(case.content), "a contradiction read in one way")
    if not case.canaries or case.grid is None:
        return
    is_identity = len(case.canaries[0]) == 18
    if case.role == "facilities" and not is_identity:
        return  # telephones of institutions
    tables = oracle.tables_of(case, path, result.encoding, result.sheet)
    found = [oracle.persons_in(rows, case.canaries) for rows in tables]
    _require(max(found, default=0) < (1 if is_identity else _MANY), "a list of persons taken in")


_STANDS = {
    "observations": (oracle.stands_count, "count"),
    "population": (oracle.stands_persons, "persons"),
    "facilities": (oracle.stands_site, "name"),
}


def _figures(case: Case, path: Path, result: DeliveryResult, verdict: Verdict) -> None:
    """Every accepted figure stands in the file, and no row of it went nowhere."""
    if case.role == "areas":
        _map_figures(case, path, result, verdict)
        return
    if case.grid is None and path.suffix != ".xls":
        return
    tables = oracle.tables_of(case, path, result.encoding, result.sheet)
    verdict.judged = bool(tables)
    if not tables:
        return
    stands, name = _STANDS[case.role]
    frame = result.frame
    _require(not frame.duplicated(_keys(frame)).any(), "a figure stands twice")
    # A cell that several rows speak of, or none, is no data.
    figures = [f for f in frame.itertuples() if f.source_row > 0 and not _missing(getattr(f, name))]
    _require(
        all(_missing(getattr(f, name)) for f in frame.itertuples() if f.source_row <= 0),
        "a figure without a row",
    )
    verdict.figures = len(figures)
    wrong: list[Any] = []
    fault: FaultError | None = None
    for rows in tables:
        keys = oracle.merged_down(case.content, rows) if path.suffix == ".xlsx" else rows
        read = oracle.Read(rows, keys)
        wrong = [f for f in figures if not stands(read, case.source, f)]
        if not wrong:
            try:
                _rows_accounted(case, rows, result)
            except FaultError as error:  # with another delimiter the rows may be others
                fault = fault or error
            else:
                return
    if fault is not None:
        raise fault
    raise FaultError(f"{len(wrong)} figures do not stand there, as {wrong[0]}")


def _rows_accounted(case: Case, rows: oracle.Rows, result: DeliveryResult) -> None:
    filled = {n for n, row in rows.items() if any(str(cell).strip() for cell in row)}
    _require(
        any(result.rows_read == len(filled) - n for n in (1, 2, 3)),
        f"{len(filled)} rows, {result.rows_read} accounted for",
    )
    waiting = set(result.quarantine["row"].tolist())
    _require(waiting <= filled, "a row waits that the file has not")
    if case.role == "observations" and case.source.get("shape") != "wide":
        good = oracle.clean_rows(rows, case.source)
        lost = good & waiting
        _require(not lost, f"good rows wait: {sorted(lost)[:5]}")
        gone = (
            good - set(result.frame["source_row"].tolist()) if "merge" not in case.done else set()
        )
        _require(not gone, f"good rows are gone: {sorted(gone)[:5]}")


def _map_figures(case: Case, path: Path, result: DeliveryResult, verdict: Verdict) -> None:
    people = result.population
    records = oracle.records_of(case, path)
    verdict.judged = records is not None
    if people is None:
        return
    _require(set(people["area_code"]) <= {*VILLAGES, *TOWNS} or case.done != [], "unknown areas")
    if records is None:
        return
    figures = [f for f in people.itertuples() if not _missing(f.persons)]
    verdict.figures = len(figures)
    wrong = [f for f in figures if not oracle.stands_in_records(records, case.source, f)]
    _require(not wrong, f"{len(wrong)} figures do not stand there, as {wrong[:1]}")


def _keys(frame: pd.DataFrame) -> list[str]:
    return [n for n in ("area_code", "week", "measure", "group", "site_id") if n in frame]


def _missing(value: object) -> bool:
    return isinstance(value, float) and bool(np.isnan(value))


def _words(result: DeliveryResult) -> str:
    said = [f.message(tongue) for f in result.findings for tongue in ("zh", "en")]
    return "\n".join([*said, *(c for n in ("raw", "marks") if n in result.quarantine
                               for c in result.quarantine[n].astype(str))])  # fmt: skip


def _content(result: DeliveryResult) -> list[object]:
    parts: list[object] = [result.findings, result.rows_read, result.accepted, result.set_aside]
    frames = (result.frame, result.quarantine, result.population)
    return parts + [pd.DataFrame(frame).to_csv() for frame in frames if frame is not None]


def _no_canary(case: Case, text: str, where: str) -> None:
    for canary in case.canaries:
        _require(canary not in text, f"a person's number in {where}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise FaultError(message)


# ------------------------------------------------------------------ listening and measuring


class _Heard:
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.log = io.StringIO()


@contextmanager
def _listening() -> Any:
    """Python's warnings, and whatever is logged."""
    heard = _Heard()
    handler = logging.StreamHandler(heard.log)
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield heard
        # A file that a garbage collector closed is not the intake's remark.
        heard.warnings = [
            f"{w.category.__name__}: {w.message} ({w.filename}:{w.lineno})" for w in caught
        ]
    finally:
        logging.getLogger().removeHandler(handler)


def _status(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def _resident_mb() -> float:
    return _status("VmRSS")


def _peak_mb() -> float:
    return _status("VmHWM")


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")
