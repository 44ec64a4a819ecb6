"""Measure the skill of the detectors and write docs/detection.md.

`python -m tests.evaluate` measures all, `python -m tests.evaluate temporal city` these sections only and
keeps the others; `--quick` takes few replicates and prints, without writing.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tests.evaluate import city, page, spatial, temporal

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "detection.md"
SECTIONS = ("temporal", "spatial", "city")
SEED = 20_261_123


def tainan() -> Path | None:
    """Folder with the real data, which is not part of the repository."""
    folder = Path(os.environ.get("XINTU_TAINAN", ROOT.parent / "shared" / "data" / "tainan"))
    return folder if folder.is_dir() else None


def measure(name: str, *, quick: bool, replicates: int) -> str | None:
    """One section; None where its data is missing."""
    folder = tainan()
    if name == "temporal":
        n = 2 if quick else replicates
        return page.temporal_section(temporal.simulate(n, SEED), replicates=n, seed=SEED)
    if name == "spatial":
        zonings = [(spatial.generated(6), 3)] if quick else [(spatial.generated(), 2 * replicates)]
        if folder is not None and not quick:
            zonings.append((spatial.real(folder), replicates))
        rows = [
            row for zoning, n in zonings for row in spatial.compare(zoning, replicates=n, seed=SEED)
        ]
        return page.spatial_section(rows, seed=SEED)
    return None if folder is None else page.city_section(*city.run(folder))


def main() -> None:
    """Measure, print, and renew the page where the cases were the full ones."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluate", description=__doc__)
    # No choices=: argparse would refuse the empty list.
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="few replicates, printed only")
    parser.add_argument("--replicates", type=int, default=20, help="for each scenario and size")
    asked = parser.parse_args()
    if unknown := [name for name in asked.sections if name not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    for name in asked.sections or SECTIONS:
        text = measure(name, quick=asked.quick, replicates=asked.replicates)
        if text is None:
            print(f"\n{name}: no folder with the Tainan data; XINTU_TAINAN names it", flush=True)
            continue
        print(f"\n{text}", flush=True)
        if not asked.quick:
            old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
            new = page.assemble(old, {text.partition("\n")[0]: text})
            PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
