"""Takes the pictures of the read-me: screenshots.py (LOCALITY | URL) FOLDER."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

from dashboard.report.capture import Shot, capture
from dashboard.report.pack import served
from etl.response.desk import Desk
from etl.settings import load_locality
from etl.siting.desk import SitingDesk
from etl.store.engine import open_engine
from etl.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 300_000
LIMIT_S = 90


def shots_of(area: str, scenario_id: str = "") -> dict[str, tuple[Shot, ...]]:
    """For each language the pictures, by the names under which documents show them."""
    chosen = {"area": area} if area else {}
    scenario = {"scenario": scenario_id} if scenario_id else {}
    return {
        "zh-CN": (
            Shot("map", "/", {"layer": "access", **chosen}),
            Shot("board", "/warnings"),
            Shot("siting", "/siting", scenario),
            Shot("scorecard", "/scorecard"),
            Shot("wall", "/wall", {"pause": "1"}, theme="dark"),
            Shot("map-dark", "/", {"layer": "gap"}, theme="dark"),
        ),
        "en": (Shot("map-en", "/", {"layer": "access", **chosen}),),
    }


@contextmanager
def opened(place: str) -> Iterator[tuple[str, str, str]]:
    """Address of a server, the town that needs most, and the newest scenario of siting.

    A running server tells neither.
    """
    if place.startswith("http"):
        yield place, "", ""
        return
    settings = load_locality(Path(place))
    reader = Reader(settings.store_url)
    engine = open_engine(settings.store_url)
    planner = SitingDesk(engine, settings, reader)
    scenarios = planner.scenarios()
    done = scenarios.loc[scenarios["state"] == "done", "scenario_id"]
    ranked = reader.table(reader.current().snapshot_id, "gap_ranking")
    towns = ranked[ranked["level"] == "town"].sort_values("uncovered_persons")
    with served(reader, desk=Desk(engine, settings), planner=planner) as url:
        area = "" if towns.empty else str(towns["area_code"].iloc[-1])
        yield url, area, "" if done.empty else str(done.iloc[0])


def shrink(source: Path, target: Path) -> int:
    """Write the picture with as many colours as let it stay small; its size in bytes."""
    with Image.open(source) as image:
        plain = image.convert("RGB")
    for colours in (256, 128, 64, 32):
        # Coverage keeps what is rare and bright, such as the mark of a tier; without dithering,
        # text stays sharp and flat areas stay flat.
        few = plain.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(target, optimize=True)
        if target.stat().st_size <= MAX_BYTES:
            break
    return target.stat().st_size


def main(place: str, folder: str) -> None:
    """Take every picture."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with opened(place) as (url, area, scenario), TemporaryDirectory() as raw:
        for lang, shots in shots_of(area, scenario).items():
            for picture in capture(
                url, Path(raw), shots=shots, lang=lang, limit_s=LIMIT_S, progress=print
            ):
                size = shrink(picture.path, target / f"{picture.name}.png")
                late = ", drawn late" if picture.late else ""
                print(f"{target / picture.name}.png  {size / 1000:.0f} kB{late}")
                for said in picture.complaints:
                    print(f"  {said}")


if __name__ == "__main__":
    main(*sys.argv[1:])
