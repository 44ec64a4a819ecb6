"""What was planted, for tests and training: written beside the files, never read by the product."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

TRUTH_NAME = "planted_truth.json"


@dataclass(frozen=True)
class Place:
    """An area with its residents."""

    area_code: str
    name: str
    persons: int


@dataclass(frozen=True)
class PlantedGap:
    """Neighbouring villages that no open counselling room reaches within 15 minutes on foot."""

    id: str
    town_code: str
    town_name: str
    villages: tuple[Place, ...]
    persons: int
    kind: str
    threshold_min: float
    story: str


@dataclass(frozen=True)
class PlantedOutbreak:
    """A rise of one measure: in neighbouring villages, or all over a town.

    Parameters
    ----------
    expected, counts : by village, a figure a week: without and with the outbreak.
    tier : what the newest week is meant to reach under default settings; '' when it is over.
    """

    id: str
    measure: str
    town_code: str
    town_name: str
    villages: tuple[Place, ...]
    weeks: tuple[str, ...]
    start_week: str
    end_week: str
    active: bool
    tier: str
    factor: float
    expected: tuple[tuple[int, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    story: str


@dataclass(frozen=True)
class PlantedDelay:
    """Weeks that a town has not reported to a source: no data, not zero."""

    source_id: str
    town_code: str
    town_name: str
    weeks: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class PlantedFault:
    """A faulty cell or row.

    Parameters
    ----------
    row : as a person counts it, from 1, titles and headers included.
    came : what stands in the file.
    was : what it should have been; '' for a row that should not be there.
    usable : whether a reader is expected to use the row all the same.
    """

    source_id: str
    file: str
    sheet: str
    row: int
    column: str
    fault: str
    came: str
    was: str
    usable: bool
    area_code: str = ""
    week: str = ""


@dataclass(frozen=True)
class DemoTruth:
    """Everything that was planted, and the totals of the city.

    Parameters
    ----------
    outbreaks : rises in a few villages, seen there.
    rises : rises all over a town, seen in the town and hardly in a village by itself.
    """

    county_code: str
    county_name: str
    seed: int
    end_week: str
    weeks: int
    grid_weeks: int
    areas: dict[str, int]
    population: dict[str, int]
    sites: dict[str, int]
    open_rooms: int
    gaps: tuple[PlantedGap, ...] = ()
    outbreaks: tuple[PlantedOutbreak, ...] = ()
    rises: tuple[PlantedOutbreak, ...] = ()
    delays: tuple[PlantedDelay, ...] = ()
    faults: tuple[PlantedFault, ...] = field(default=())

    def write(self, folder: Path) -> None:
        """Write `planted_truth.json`."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        (folder / TRUTH_NAME).write_text(text + "\n", encoding="utf-8")
