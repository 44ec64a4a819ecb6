"""Reading, checking and storing what departments hand in, beside the libraries one would take.

Both sides of a row run here, one after the other, and give equal answers. A million rows are
2 500 areas × 100 weeks × 4 measures, one count in twenty missing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
from sqlalchemy import Column, Double, Engine, Integer, MetaData, Table, Text, insert, select

from etl.findings import Doubts
from etl.gate import personal_columns
from etl.sources.mapping import Areas
from etl.sources.observations import map_observations
from etl.sources.settings import ObservationsSource
from etl.sources.tabular import read_table
from etl.store.accepted import load_counts
from etl.store.engine import open_engine
from etl.store.packed import KEYS, insert_counts, pack, unpack
from etl.store.tables import intake_count, intake_count_area
from tests.bench.bench_product import _measure
from tests.support import postgres

HEADER = ("周", "代码", "类别", "人次")
CODES = {"来电": "calls", "门诊": "visits", "危机": "crises", "随访": "follow_ups"}
MEASURES = sorted(CODES.values())
TODAY = date(2026, 11, 22)
FIRST, LAST = "2000-W01", "2030-W01"
# What one would take without packing: a row a figure.
ROWS = Table(
    "rows",
    MetaData(),
    Column("delivery_id", Integer),
    *(Column(name, Text) for name in KEYS),
    Column("count", Double),
)

NOTES = """
Counts are stored as an array a measure and week (`etl.store.packed`); rows of other tables go in
as before. Choices behind those, tried once each with a million rows. SQLite: a statement a
row 1.65 s, 10 rows a statement 1.0 s, 50 rows 0.95 s, 1 000 rows 0.86 s, SQLAlchemy Core 7.9 s;
150 are used, which every build of SQLite takes. PostgreSQL: the driver's own COPY 2.1 s, text
blocks made by hand 1.4 and 2.0 s, binary blocks 1.4 and 1.5 s, SQLAlchemy Core 28 s; the driver's
is kept, as the simplest.

With PostGIS, a publication of 40 layers takes 0.13 s more at 2 400 cells and 2.5 s more at 100
000; when boundaries are new, 0.5 s and 13 s (one run each on generated hexagons, beside other
work).
"""


def _areas(n: int) -> list[str]:
    return [f"4201{i:08d}" for i in range(n)]


def _weeks(n: int) -> list[str]:
    mondays = [date(2024, 12, 2) + timedelta(weeks=i) for i in range(n)]
    return [f"{day.isocalendar().year}-W{day.isocalendar().week:02d}" for day in mondays]


def _counts(n_areas: int, n_weeks: int) -> pd.DataFrame:
    """Canonical rows, sorted by their key, in the types of the pipeline."""
    rng = np.random.default_rng(5)
    keys = pd.MultiIndex.from_product(
        [["village"], _areas(n_areas), _weeks(n_weeks), MEASURES], names=KEYS
    )
    counts = rng.poisson(4, len(keys)).astype(np.float64)
    counts[rng.random(len(keys)) < 0.05] = np.nan
    frame = keys.to_frame(index=False).astype(dict.fromkeys(KEYS, "category"))
    return frame.assign(count=counts)


def _handed_in(counts: pd.DataFrame) -> pd.DataFrame:
    """The same as a department would write it down, in another order."""
    words = {code: word for word, code in CODES.items()}
    rows = pd.DataFrame(
        {
            "周": counts["week"].astype(str),
            "代码": counts["area_code"].astype(str),
            "类别": counts["measure"].map(words).astype(str),
            "人次": counts["count"].map(lambda n: "" if np.isnan(n) else f"{n:.0f}"),
        }
    )
    return rows.sample(frac=1, random_state=1)


def _timed(work: Callable[[], Any], repeat: int = 1) -> tuple[Any, float]:
    best, result = float("inf"), None
    for _ in range(repeat):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return result, best


def _row(work: str, ours: float, peer: str, theirs: float | None, note: str) -> dict[str, Any]:
    beside = peer if theirs is None else f"{peer} {theirs:.2f} s"
    ratio = "" if theirs is None else f"{theirs / ours:.1f}×"
    return {"work": work, "ours": f"{ours:.2f} s", "peer": beside, "ratio": ratio, "note": note}


def _same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Equal rows, whatever their order; a category may also be one that no row has."""
    plain = [
        frame[[*KEYS, "count"]]
        .sort_values(list(KEYS), ignore_index=True)
        .astype(dict.fromkeys(KEYS, "str"))
        for frame in (ours, theirs)
    ]
    pd.testing.assert_frame_equal(*plain)


# ------------------------------------------------------------------ reading


def _read_ours(file: Path, areas: list[str]) -> pd.DataFrame:
    source = ObservationsSource.model_validate(
        {
            "id": "weekly",
            "role": "observations",
            "path": file.name,
            "level": "village",
            "measures": CODES,
            "columns": dict(zip(("week", "area", "measure", "count"), HEADER, strict=True)),
        }
    )
    doubts = Doubts("weekly", file.name)
    table = read_table(file, source, HEADER, doubts)
    known = Areas("village", r"\d{12}", np.array(areas, dtype=object), tuple(areas))
    mapped = map_observations(table, source, known, doubts, measures=MEASURES, today=TODAY)
    if mapped.quarantined:
        raise AssertionError("rows that are all good were refused")
    return mapped.frame


def _checked(rows: pd.DataFrame, areas: list[str]) -> pd.DataFrame:
    """The checks of one's own script: codes, weeks, measures, counts, duplicates; then sorted."""
    if not rows["代码"].isin(areas).all() or not rows["类别"].isin(CODES).all():
        raise AssertionError("unknown area or measure")
    if not rows["周"].str.fullmatch(r"\d{4}-W\d{2}").all():
        raise AssertionError("no week")
    counts = pd.to_numeric(rows["人次"].where(rows["人次"] != ""), errors="raise")
    if (counts < 0).any() or (counts % 1 > 0).any():
        raise AssertionError("no count")
    if rows.duplicated(["代码", "周", "类别"]).any():
        raise AssertionError("the same twice")
    frame = pd.DataFrame(
        {
            "level": "village",
            "area_code": rows["代码"],
            "week": rows["周"],
            "measure": rows["类别"].map(CODES),
            "count": counts.astype("float64"),
        }
    ).astype(dict.fromkeys(KEYS, "category"))
    return frame.sort_values(["area_code", "week", "measure"], ignore_index=True)


def _csv_rows(folder: Path, handed_in: pd.DataFrame, areas: list[str]) -> Iterator[dict[str, Any]]:
    for encoding in ("utf-8", "gb18030"):
        file = folder / f"{encoding}.csv"
        handed_in.to_csv(file, index=False, encoding=encoding)

        def theirs(file: Path = file, encoding: str = encoding) -> pd.DataFrame:
            rows = pd.read_csv(file, dtype=str, keep_default_na=False, encoding=encoding)
            return _checked(rows, areas)

        ours, seconds = _timed(lambda file=file: _read_ours(file, areas))  # type: ignore[misc]
        peer, peer_seconds = _timed(theirs)
        _same(ours, peer)
        work = f"CSV of {len(ours):,} rows, {encoding.upper()}, to canonical rows"
        note = "the peer is told the encoding, and stops at the first fault without a place"
        yield _row(work, seconds, "pandas.read_csv and checks", peer_seconds, note)


def _xlsx_rows(folder: Path, handed_in: pd.DataFrame, areas: list[str]) -> Iterator[dict[str, Any]]:
    file = folder / "weekly.xlsx"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADER)
    for cells in handed_in.itertuples(index=False):
        sheet.append([None if cell == "" else cell for cell in cells])
    book.save(file)

    n = len(HEADER)

    def stream() -> pd.DataFrame:
        opened = openpyxl.load_workbook(file, read_only=True, data_only=True)
        rows = opened.worksheets[0].iter_rows(values_only=True)
        head, *body = (row[:n] + (None,) * (n - len(row)) for row in rows)
        opened.close()
        return pd.DataFrame(body, columns=head).fillna("").astype(str)

    def frame() -> pd.DataFrame:
        return pd.read_excel(file, engine="openpyxl", dtype=str, keep_default_na=False)

    ours, seconds = _timed(lambda: _read_ours(file, areas))
    for name, read in (("openpyxl read_only", stream), ("pandas.read_excel", frame)):
        peer, peer_seconds = _timed(lambda read=read: _checked(read(), areas))  # type: ignore[misc]
        _same(ours, peer)
        work = f"XLSX of {len(ours):,} rows to canonical rows"
        yield _row(work, seconds, f"{name} and checks", peer_seconds, "")


def _gate_row(n: int) -> dict[str, Any]:
    rng = np.random.default_rng(6)
    cells = pd.DataFrame(
        {
            f"列{i}": pd.Categorical.from_codes(
                rng.integers(0, 10_000, n), [f"{i}{v:05d}" for v in range(10_000)]
            )
            for i in range(10)
        }
    )
    found, seconds = _timed(lambda: personal_columns(cells, facilities=False))
    if found:
        raise AssertionError("plain numbers were taken for persons")
    return _row(f"gate, {n:,} rows × 10 columns", seconds, "–", None, "10 000 texts a column")


# ------------------------------------------------------------------ storing


def _by_core(engine: Engine, counts: pd.DataFrame) -> None:
    rows = counts.assign(delivery_id=1).astype(object)
    with engine.begin() as connection:
        records = rows.where(rows.notna(), None).to_dict("records")
        connection.execute(insert(ROWS), records)


def _by_us(engine: Engine, counts: pd.DataFrame) -> None:
    with engine.begin() as connection:
        insert_counts(connection, pack(counts), delivery_id=1)


def _read_by_us(engine: Engine) -> pd.DataFrame:
    return unpack(load_counts(engine, since=FIRST, until=LAST))


def _read_by_pandas(engine: Engine) -> pd.DataFrame:
    columns = [ROWS.c[name] for name in (*KEYS, "count")]
    week = ROWS.c.week
    with engine.connect() as connection:
        query = select(*columns).where(week.between(FIRST, LAST))
        frame = pd.read_sql_query(query, connection)
    return frame.astype(dict.fromkeys(KEYS, "category"))


def _store_rows(
    name: str, ours: Engine, theirs: Engine, counts: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    for table in (intake_count, intake_count_area):
        table.create(ours)
    ROWS.create(theirs)
    _, seconds = _timed(lambda: _by_us(ours, counts))
    _, peer_seconds = _timed(lambda: _by_core(theirs, counts))
    work = f"{len(counts):,} counts into {name}"
    note = "an array a measure and week against a row a figure"
    yield _row(work, seconds, "SQLAlchemy Core, list of dicts", peer_seconds, note)
    back, seconds = _timed(lambda: _read_by_us(ours), repeat=2)
    peer, peer_seconds = _timed(lambda: _read_by_pandas(theirs), repeat=2)
    _same(back, peer)
    _same(back, counts)
    work = f"{len(counts):,} counts out of {name} as categories"
    yield _row(work, seconds, "pandas.read_sql_query", peer_seconds, "")


@contextmanager
def _engines(url: Callable[[str], str]) -> Iterator[tuple[Engine, Engine]]:
    engines = open_engine(url("ours")), open_engine(url("theirs"))
    try:
        yield engines
    finally:
        for engine in engines:
            engine.dispose()


# Reads and stores all files of a locality, and builds nothing.
INGEST = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from etl.pipeline import take_in
from etl.settings import load_locality
from etl.store.writer import Writer
settings = load_locality(Path(sys.argv[1]))
take_in(settings, Writer(settings.store_url), now=datetime.now(UTC))
"""


def _ingest_row(folder: Path) -> dict[str, Any]:
    city = str(folder / "city")
    _measure(str(Path(sys.executable).with_name("xintu")), "demo", city)
    seconds, megabytes = _measure(sys.executable, "-c", INGEST, city)
    work = "ingest of the fictional city, 2 400 cells"
    return _row(work, seconds, "–", None, f"{megabytes:,.0f} MB, from the start of the process")


def rows(*, quick: bool) -> list[dict[str, Any]]:
    """Measure; `quick` takes a fiftieth of the rows and leaves the city out."""
    n_areas = 50 if quick else 2_500
    areas, counts = _areas(n_areas), _counts(n_areas, 100)
    handed_in = _handed_in(counts)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found += _csv_rows(folder, handed_in, areas)
        found += _xlsx_rows(folder, handed_in.head(2_000 if quick else 100_000), areas)
        found.append(_gate_row(20_000 if quick else 1_000_000))
        with _engines(lambda side: f"sqlite:///{folder / side}.db") as engines:
            found += _store_rows("SQLite", *engines, counts)
        try:
            cluster = postgres.Cluster()
        except postgres.ServerMissingError as error:
            print(f"PostgreSQL not measured: {error}")
        else:
            with cluster, _engines(lambda _: cluster.url(cluster.create_database())) as engines:
                found += _store_rows("PostgreSQL", *engines, counts)
        if not quick:
            found.append(_ingest_row(folder))
    return found


if __name__ == "__main__":
    for row in rows(quick="--quick" in sys.argv):
        print(" · ".join(str(value) for value in row.values()), flush=True)
