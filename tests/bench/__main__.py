"""Run every benchmark and write what was measured to docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import bench_geo, bench_intake, bench_map, bench_product

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
COLUMNS = ("work", "ours", "peer", "ratio", "note")
PARTS = {
    "Science, beside peers (equal answers, checked in the same run)": bench_geo,
    "Reading and loading (equal answers, checked in the same run)": bench_intake,
    "The map in headless Chromium on software rendering, beside plotly's choroplethmap": bench_map,
    "Whole cities, beside our own targets": bench_product,
}


def _table(rows: list[dict[str, Any]]) -> list[str]:
    head = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    body = [f"| {' | '.join(str(row.get(name, '')) for name in COLUMNS)} |" for row in rows]
    return head + body


def main() -> None:
    """Measure, print, and keep the page when the run was a full one."""
    quick = "--quick" in sys.argv
    today = datetime.now(UTC).date().isoformat()
    lines = [
        "# Benchmarks",
        "",
        (
            f"`make bench`, {today}, {platform.machine()}, {os.cpu_count()} cores, "
            f"Python {platform.python_version()}. Compare by ratio; both sides ran in one run."
        ),
    ]
    for title, part in PARTS.items():
        rows = part.rows(quick=quick)
        lines += ["", f"## {title}", "", *_table(rows)]
        print("\n".join(lines[-len(rows) - 4 :]), flush=True)
    if not quick:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
