"""Run benchmarks and write what was measured to docs/benchmarks.md.

`python -m tests.bench` measures every part, `python -m tests.bench geo product` these parts only
and keeps the others on the page; `--quick` takes small cases and prints, without writing.
"""

from __future__ import annotations

import argparse
import os
import platform
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from tests.bench.page import renew, section

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "benchmarks.md"
# Part → title; `tests/bench/bench_<part>.py` has `rows(quick)` and may have `NOTES`.
PARTS = {
    "geo": "Science, beside peers (equal answers, checked in the same run)",
    "access": "Access by other methods, beside pysal access (equal answers)",
    "travel": "Travel on roads, beside peers (equal answers)",
    "detect": "Detectors, beside peers (equal answers)",
    "forecast": "Forecasts, beside statsmodels (equal answers)",
    "disclosure": "Disclosure control",
    "siting": "Choice of sites, beside spopt (equal optima)",
    "intake": "Reading and loading (equal answers, checked in the same run)",
    "siting_moves": "Sites moved by hand, beside sums by pandas (equal answers)",
    "map": "The map in headless Chromium on software rendering, beside plotly's choroplethmap [s]",
    "product": "Whole cities, beside our own targets",
}


def _measured() -> str:
    return (
        f"Measured {datetime.now(UTC).date().isoformat()}: {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load {os.getloadavg()[1]:.1f} before."
    )


def main() -> None:
    """Measure, print, and renew the page part by part when the cases were the full ones."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    # No choices=: argparse would refuse the empty list.
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="small cases, printed only")
    asked = parser.parse_args()
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    present = [part for part in PARTS if (HERE / f"bench_{part}.py").exists()]
    for part in asked.parts or present:
        module, measured = import_module(f"tests.bench.bench_{part}"), _measured()
        rows = module.rows(quick=asked.quick)
        notes = getattr(module, "NOTES", "")
        text = section(PARTS[part], rows, measured=measured, notes=notes)
        print(f"\n{text}", flush=True)
        if not asked.quick:
            old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
            new = renew(old, list(PARTS.values()), {PARTS[part]: text})
            PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
