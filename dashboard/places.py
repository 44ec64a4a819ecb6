"""Places of a snapshot: where a code belongs, what it lies in, what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from etl.store.reader import Cell, Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import Kind, Level, Missing, Tier

# Longer than any chain of levels: a loop in the parents ends here.
_MAX_LEVELS = 8
_ACTING_LEVELS = (Level.VILLAGE, Level.TOWN, Level.COUNTY, Level.GRID)


@dataclass(frozen=True)
class Place:
    """An area with its name and the bounds of its picture."""

    level: str
    area_code: str
    name: str
    parent_code: str
    bounds: tuple[float, float, float, float]


@dataclass(frozen=True)
class Profile:
    """What the panel says of one place.

    Attributes
    ----------
    place : the place; None for the whole locality.
    cells : layer → value of the place.
    county : layer → value of the whole locality; empty where it is not a level of its own.
    warnings : warnings of the place in the week, highest first.
    sites : sites inside it.
    ranked : its row of the gap ranking; None where its level is not ranked.
    around : what it lies in, smallest first: name, and layer → value.
    """

    place: Place | None
    cells: Mapping[str, Cell]
    county: Mapping[str, Cell]
    warnings: pd.DataFrame
    sites: pd.DataFrame
    ranked: Mapping[str, Any] | None = None
    around: Sequence[tuple[str, Mapping[str, Cell]]] = ()

    def value(self, layer: str) -> float | None:
        """Value of a layer where one may be shown; None otherwise."""
        return shown(self.cells.get(layer))

    def wider_value(self, layer: str) -> tuple[str, float] | None:
        """The smallest area around that shows a layer, and its value; None where none does."""
        for name, cells in self.around:
            value = shown(cells.get(layer))
            if value is not None:
                return name, value
        return None

    def county_value(self, layer: str) -> float | None:
        """The whole locality's value where one may be shown; None otherwise."""
        return shown(self.county.get(layer))


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """Rows of a frame as named tuples; their fields are as wide as the frame's."""
    return frame.itertuples(index=False)


def shown(cell: Cell | None) -> float | None:
    """A cell's value if its state lets it be shown."""
    if cell is None or cell.state not in (Missing.OK, Missing.UNRELIABLE):
        return None
    return cell.value


def find_place(reader: Reader, snapshot: Snapshot, area_code: str) -> Place | None:
    """The area with a code, on whichever level it is; None for an empty code.

    Raises
    ------
    NotPublishedError : no level has such an area.
    """
    if not area_code:
        return None
    for entry in reversed(snapshot.meta["levels"]):
        areas = reader.areas(snapshot.snapshot_id, entry["level"])
        found = areas[areas["area_code"] == area_code]
        if len(found):
            row = found.iloc[0]
            bounds = (row["west"], row["south"], row["east"], row["north"])
            west, south, east, north = (float(edge) for edge in bounds)
            return Place(
                level=entry["level"],
                area_code=area_code,
                name=str(row["name"]),
                parent_code=str(row["parent_code"] or ""),
                bounds=(west, south, east, north),
            )
    raise NotPublishedError(f"no area {area_code!r} in snapshot {snapshot.snapshot_id}")


def place_patch(level: str, area_code: str) -> dict[str, str]:
    """What a button sets to choose a place."""
    return {"area": area_code, "area_level": level}


def path_to(reader: Reader, snapshot: Snapshot, place: Place | None) -> list[Place]:
    """The place and what it lies in, largest first; without the locality itself."""
    chain: list[Place] = []
    current = place
    while current is not None and current.level != "county" and len(chain) < _MAX_LEVELS:
        chain.insert(0, current)
        try:
            current = find_place(reader, snapshot, current.parent_code)
        except NotPublishedError:
            current = None
    return chain


def finer_level(snapshot: Snapshot, level: str) -> str | None:
    """The next level down that the snapshot has; None below the finest."""
    levels = [entry["level"] for entry in snapshot.meta["levels"]]
    at = levels.index(level)
    return levels[at - 1] if at > 0 else None


def county_cells(reader: Reader, snapshot: Snapshot, week: str) -> dict[str, Cell]:
    """Values of the whole locality; empty where it is not a level of its own."""
    coarsest = snapshot.meta["levels"][-1]
    if int(coarsest["n"]) != 1:
        return {}
    code = reader.areas(snapshot.snapshot_id, coarsest["level"])["area_code"].iloc[0]
    return reader.profile(snapshot.snapshot_id, coarsest["level"], str(code), week)


def read_profile(reader: Reader, snapshot: Snapshot, place: Place, week: str) -> Profile:
    """Everything the panel says of one place in one week."""
    warned = reader.warnings(snapshot.snapshot_id, week)
    return Profile(
        place=place,
        cells=reader.profile(snapshot.snapshot_id, place.level, place.area_code, week),
        county=county_cells(reader, snapshot, week),
        warnings=warned[
            (warned["area_code"] == place.area_code) & (warned["level"] == place.level)
        ],
        sites=_sites_in(reader.sites(snapshot.snapshot_id), place),
        ranked=_ranked(reader.table(snapshot.snapshot_id, "gap_ranking"), place),
        around=[
            (one.name, reader.profile(snapshot.snapshot_id, one.level, one.area_code, week))
            for one in reversed(path_to(reader, snapshot, place)[:-1])
        ],
    )


def table_or_none(reader: Reader, snapshot: Snapshot, name: str) -> pd.DataFrame | None:
    """A published table; None in snapshots that do not have it yet."""
    try:
        return reader.table(snapshot.snapshot_id, name)
    except NotPublishedError:
        return None


def _ranked(ranking: pd.DataFrame, place: Place) -> dict[str, Any] | None:
    rows = ranking[
        (ranking["level"] == place.level) & (ranking["area_code"] == place.area_code)
    ].to_dict("records")
    return {str(key): value for key, value in rows[0].items()} if rows else None


def _sites_in(sites: pd.DataFrame, place: Place) -> pd.DataFrame:
    if place.level == "county":
        return sites
    column = {"town": "town_code", "village": "village_code"}.get(place.level)
    if column is None:
        return sites.iloc[:0]
    return sites[sites[column] == place.area_code]


def headline(reader: Reader, snapshot: Snapshot) -> dict[str, tuple[float, float]]:
    """Key figures of the snapshot: key → (value, last week's); NaN where not a number."""
    table = reader.table(snapshot.snapshot_id, "headline")
    values = pd.to_numeric(table["value"], errors="coerce")
    previous = pd.to_numeric(table["previous"], errors="coerce")
    return {
        str(key): (float(value), float(before))
        for key, value, before in zip(table["key"], values, previous, strict=True)
    }


def main_kind(snapshot: Snapshot) -> dict[str, Any] | None:
    """The facility kind that coverage sentences speak of: rooms, or the first that was built."""
    covered = [entry["kind"] for entry in snapshot.meta["layers"] if entry.get("kind")]
    first = Kind.COUNSELLING_ROOM if Kind.COUNSELLING_ROOM in covered else (covered or [None])[0]
    return kind_entry(snapshot, first) if first else None


def supply_key(snapshot: Snapshot) -> str:
    """Text key of what accessibility counts: staff, rooms or places."""
    return f"map.supply.{snapshot.meta.get('access', {}).get('supply', 'staff')}"


def kind_entry(snapshot: Snapshot, code: str) -> dict[str, Any] | None:
    """Entry of a facility kind in `meta`."""
    kinds: list[dict[str, Any]] = snapshot.meta["kinds"]
    return next((kind for kind in kinds if kind["code"] == code), None)


def measure_entry(snapshot: Snapshot, code: str) -> dict[str, Any]:
    """Entry of a measure in `meta`.

    Raises
    ------
    NotPublishedError : the snapshot has no such measure.
    """
    measures: list[dict[str, Any]] = snapshot.meta["measures"]
    for measure in measures:
        if measure["code"] == code:
            return measure
    raise NotPublishedError(f"snapshot {snapshot.snapshot_id} has no measure {code!r}")


def warned_places(warnings: pd.DataFrame) -> pd.DataFrame:
    """One row a warned place, its highest warning, on the level that acts on warnings.

    A village that is warned usually warns its cells and its town as well: that is one place, not
    three. Villages act; where they do not report, towns do, then the county, then cells.
    """
    for level in _ACTING_LEVELS:
        own = warnings[warnings["level"] == level]
        if len(own):
            return own.drop_duplicates("area_code")
    return warnings


def tier_key(tier: float) -> str:
    """Part of a text key or class name for a tier: `red`, `none`, `no_data`."""
    return Tier(int(tier)).name.lower()
