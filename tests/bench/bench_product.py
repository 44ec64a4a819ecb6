"""The product's own work on whole cities: what a person waits for, and how much memory it takes.

There is no peer that does the same work; the rows stand beside the targets that we set ourselves.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import Any

MEASURES = 20
XINTU = str(Path(sys.executable).with_name("xintu"))
ROOT = Path(__file__).parents[2]
TAINAN = ROOT / "tests" / "data" / "localities" / "tainan"
TAINAN_DATA = ROOT.parent / "shared" / "data" / "tainan"

NOTES = """
Each row from the start of a process to its end. The city hands in four measures by cell, for its
last twelve weeks; for the build of 100 000 cells sixteen others get copies of their counts,
straight in the store.
"""

TAKE_IN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from etl.pipeline import take_in
from etl.settings import load_locality
from etl.store.writer import Writer
settings = load_locality(Path(sys.argv[1]))
take_in(settings, Writer(settings.store_url), now=datetime.now(UTC))
"""
# Runs a command in a process of its own, so that its peak memory is its own too.
WRAPPER = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": code, "seconds": time.perf_counter() - start, "kb": used.ru_maxrss}))
"""


def _measure(*command: str) -> tuple[float, float]:
    """Wall seconds and peak memory [MB] of a command."""
    done = subprocess.run(
        [sys.executable, "-c", WRAPPER, *command], capture_output=True, text=True, check=True
    )
    result = json.loads(done.stdout.splitlines()[-1])
    if result["code"] != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {result['code']}\n{done.stderr}")
    return result["seconds"], result["kb"] / 1000


def _row(
    work: str, measured: tuple[float, float], *, within_s: float = 0.0, within_mb: float = 0.0
) -> dict[str, Any]:
    seconds, megabytes = measured
    limits = [f"{within_s:g} s"] * bool(within_s) + [f"{within_mb:,.0f} MB"] * bool(within_mb)
    met = seconds <= (within_s or seconds) and megabytes <= (within_mb or megabytes)
    return {
        "work": work,
        "ours": f"{seconds:.1f} s, {megabytes:,.0f} MB",
        "peer": "–",
        "ratio": "",
        "note": f"target {', '.join(limits)} {'met' if met else 'MISSED'}" if limits else "",
    }


def _small(folder: str, cells: int) -> list[dict[str, Any]]:
    """A city of usual size, from nothing to its first snapshot and again."""
    city = f"{folder}/small"
    made = _measure(XINTU, "demo", city, "--cells", str(cells))
    run, again = _measure(XINTU, "run", city), _measure(XINTU, "run", city)
    both = (made[0] + run[0], max(made[1], run[1]))
    name = f"{cells:,} cells"
    return [
        _row(f"write a fictional city, {name}", made),
        _row(f"take in, build, publish it, {name}", run, within_s=15),
        _row(f"both, {name}", both, within_s=30),
        _row(f"run again, nothing changed, {name}", again, within_s=10),
    ]


def _large(folder: str, cells: int) -> list[dict[str, Any]]:
    """A large city, taken in first, then built with 20 measures by cell."""
    city = f"{folder}/large"
    made = _measure(XINTU, "demo", city, "--cells", str(cells))
    taken_in = _measure(sys.executable, "-c", TAKE_IN, city)
    measures, counts = _report_by_cell(f"{city}/.xintu/xintu.db")
    built = _measure(XINTU, "run", city)
    name = f"{cells:,} cells"
    return [
        _row(f"write a fictional city, {name}", made),
        _row(f"take in its files, {name}", taken_in),
        _row(
            f"build and publish, {name} × {measures} measures by cell and week, {counts:,} counts",
            built,
            within_s=60,
            within_mb=4_000,
        ),
    ]


def _report_by_cell(store: str) -> tuple[int, int]:
    """Let 20 measures be reported by cell: those that are not get the counts of one that is.

    Returns the number of measures by cell and of all counts.
    """
    with closing(sqlite3.connect(store)) as connection, connection:
        measures: dict[bool, list[str]] = {
            by_cell: [
                code
                for (code,) in connection.execute(
                    "SELECT measure FROM intake_count GROUP BY measure "
                    "HAVING sum(level = 'grid') > 0 IS ? ORDER BY measure",
                    (by_cell,),
                )
            ]
            for by_cell in (True, False)
        }
        own, others = measures[True], measures[False][: MEASURES - len(measures[True])]
        for like, code in zip(cycle(own), others, strict=False):
            connection.execute(
                "INSERT INTO intake_count SELECT delivery_id, level, ?, week, known, figures "
                "FROM intake_count WHERE level = 'grid' AND measure = ?",
                (code, like),
            )
        (counts,) = connection.execute("SELECT sum(known) FROM intake_count").fetchone()
    return len(own) + len(others), counts


def rows(*, quick: bool) -> list[dict[str, Any]]:
    """Measure the fictional city at two sizes, and the real one where its data are at hand."""
    with tempfile.TemporaryDirectory() as folder:
        if quick:
            return _small(folder, 400)
        found = _small(folder, 2_400) + _large(folder, 100_000)
        if TAINAN_DATA.is_dir():
            store = f"sqlite:///{folder}/tainan.db"
            command = (XINTU, "run", str(TAINAN), "--data", str(TAINAN_DATA), "--store", store)
            name = "take in, build, publish a real city, 12 774 areas"
            found.append(_row(name, _measure(*command), within_s=60, within_mb=3_000))
    return found


if __name__ == "__main__":
    for row in rows(quick="--quick" in sys.argv):
        print(row["work"], "·", row["ours"], "·", row["note"])
