"""The product's own work on whole cities: what a person waits for, and how much memory it takes.

There is no peer that does the same work; the rows stand beside the targets that we set ourselves.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TAINAN = ROOT / "tests" / "data" / "localities" / "tainan"
TAINAN_DATA = ROOT.parent / "shared" / "data" / "tainan"

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


def _row(work: str, measured: tuple[float, float], target: str) -> dict[str, Any]:
    seconds, megabytes = measured
    return {
        "work": work,
        "ours": f"{seconds:.1f} s, {megabytes:,.0f} MB",
        "peer": f"target: {target}",
        "ratio": "",
        "note": "",
    }


def rows(*, quick: bool) -> list[dict[str, Any]]:
    """Measure the fictional city at two sizes, and the real one where its data are at hand."""
    xintu = str(Path(sys.executable).with_name("xintu"))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        small = f"{folder}/small"
        found.append(
            _row("write a fictional city, 2 400 cells", _measure(xintu, "demo", small), "–")
        )
        found.append(
            _row(
                "ingest, build, publish it", _measure(xintu, "run", small), "15 s (30 s with demo)"
            )
        )
        found.append(_row("run again, nothing changed", _measure(xintu, "run", small), "10 s"))
        if not quick:
            large = f"{folder}/large"
            made = _measure(xintu, "demo", large, "--cells", "100000")
            found.append(_row("write a fictional city, 100 000 cells", made, "–"))
            built = _measure(xintu, "run", large)
            found.append(_row("ingest, build, publish it", built, "–"))
        if TAINAN_DATA.is_dir():
            store = f"sqlite:///{folder}/tainan.db"
            command = (xintu, "run", str(TAINAN), "--data", str(TAINAN_DATA), "--store", store)
            found.append(_row("a real city, 12 774 areas", _measure(*command), "60 s, 3 000 MB"))
    return found


if __name__ == "__main__":
    for row in rows(quick="--quick" in sys.argv):
        print(row["work"], "·", row["ours"], "·", row["peer"])
