"""Where new sites may go, what each place lacks against the standard, and who serves already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.build.levels import Floats
from etl.sections import Siting
from etl.siting.faults import QuestionError, QuestionFault, question_fault
from etl.siting.ground import Ground
from etl.siting.question import CandidateSource, Part, Point, Question
from etl.sources.floors import lowest_floor
from geo.model import Kind, Level, PlaceQuality, SiteStatus
from geo.siting.problem import Objective

COLUMNS = (
    "candidate_id", "source", "kind", "name", "lon", "lat", "x", "y", "town_code", "town_name",
    "village_code", "village_name", "area_m2", "required_m2", "floor", "owner", "hours", "lacks",
    "usable", "excluded", "quality", "category",
)  # fmt: skip
# What a place may lack, in the order in which it is said.
LACKS = (
    "no_place", "excluded", "place_inexact", "area_unknown", "area_small", "hours_unknown",
    "floor_unknown",
    "upper_floor",
)  # fmt: skip
PREFIXES: dict[CandidateSource, str] = {
    "venue": "venue", "school": "school", "primary_care": "care", "suitable": "cell",
    "extra": "extra",
}  # fmt: skip
_KIND_OF: dict[CandidateSource, Kind] = {
    "venue": Kind.HOST_VENUE, "school": Kind.SCHOOL, "primary_care": Kind.PRIMARY_CARE
}  # fmt: skip
_TEXTS = (
    "candidate_id", "source", "kind", "name", "town_code", "town_name", "village_code",
    "village_name", "floor", "owner", "hours", "lacks", "quality", "category",
)  # fmt: skip
_NUMBERS = ("lon", "lat", "x", "y", "area_m2", "required_m2")
# Categories of counselling rooms, of etl/registry/categories.toml.
TOWN_STATION, VILLAGE_ROOM = "town_station", "village_room"
_INEXACT = (PlaceQuality.VILLAGE, PlaceQuality.TOWN)


def list_candidates(ground: Ground, question: Question) -> pd.DataFrame:
    """Every place where a part of the question may build, part by part.

    Host venues, schools and primary care in service; cells of the suitable zones, or where the
    locality has none all peopled cells, without what is excluded; points put on the map. Schools
    that have a room of their own are no candidates for one.

    Returns
    -------
    `COLUMNS`: `kind` is that of the new site, `required_m2` the area asked of it (NaN: nothing is
    asked), `lacks` codes of `LACKS` joined by "|", `usable` whether it has a place to be reckoned
    from, `excluded` whether that lies in an excluded zone or in water: then it is chosen where it
    is locked, and not otherwise; `quality` how exactly the place is known, `category` of the new
    site, where its kind has any that can be told. In the order of the parts, then of the sources,
    then by id.
    """
    found = [
        _of_source(ground, question, part, source)
        for part in question.parts
        for source in part.sources
    ]
    table = pd.concat([one for one in found if len(one)] or found[:1], ignore_index=True)
    return table.astype(dict.fromkeys(_TEXTS, "str") | dict.fromkeys(_NUMBERS, "float64"))


def existing_sites(ground: Ground, part: Part) -> pd.DataFrame:
    """Sites that serve already what a part asks for: open, of its kind, and with a place.

    A school counts where its register says that it has a counselling room.
    """
    sites = ground.sites
    serves = (sites["kind"] == part.kind) & (sites["status"] == SiteStatus.OPEN)
    serves &= sites["x"].notna() & sites["y"].notna()
    if part.kind == Kind.SCHOOL:
        serves &= sites["rooms"] > 0
    return sites[serves].reset_index(drop=True)


def may_be_chosen(candidates: pd.DataFrame, question: Question) -> pd.Series[bool]:
    """Candidates with a place that nobody forbids, and that no zone excludes or somebody locks."""
    codes = candidates["candidate_id"]
    free = ~candidates["excluded"] | codes.isin(question.locked)
    return candidates["usable"] & ~codes.isin(question.forbidden) & free


def check_asked(ground: Ground, question: Question, candidates: pd.DataFrame) -> None:
    """Refuse a question that this ground cannot answer, before anything is solved.

    Raises
    ------
    QuestionError : groups, towns or sites that are not there, nobody to serve, nothing to choose
        from, more new sites than candidates, locked ones beyond the number or the budget; all.
    """
    faults = [*_of_places(ground, question, candidates)]
    if question.weigh_by == "need" and not ground.need.sum() > 0:
        faults.append(question_fault("need_unknown", "weigh_by", question.weigh_by))
    for number, part in enumerate(question.parts):
        where = f"parts.{number}"
        faults += _of_group(ground, part, where)
        faults += _of_number(question, part, candidates, where)
    if faults:
        raise QuestionError(faults)


# ---------------------------------------------------------------- candidates of a source


def _of_source(
    ground: Ground, question: Question, part: Part, source: CandidateSource
) -> pd.DataFrame:
    if source == "suitable":
        rows = _cells(ground)
    elif source == "extra":
        rows = _points(ground, question.points_of(part))
    else:
        rows = _sites(ground, _KIND_OF[source], part)
    rows = rows.assign(source=source, kind=part.kind.value)
    rows["candidate_id"] = f"{PREFIXES[source]}:" + rows["id"].astype("str")
    for level in (Level.TOWN, Level.VILLAGE):
        named = [ground.names.get(code) for code in rows[f"{level}_code"].tolist()]
        rows[f"{level}_name"] = pd.Series(named, index=rows.index, dtype="str")
    rows = _of_standard(ground, rows, part.kind)
    rows["usable"] = rows["x"].notna() & rows["y"].notna()
    xy = rows[["x", "y"]].to_numpy(dtype=np.float64)
    rows["excluded"] = _excluded(ground, xy)
    rows["lacks"] = _lacks(rows)
    if part.towns:
        rows = rows[rows["town_code"].isin(part.towns)]
    return rows.sort_values("candidate_id", ignore_index=True)[list(COLUMNS)]


def _sites(ground: Ground, kind: Kind, part: Part) -> pd.DataFrame:
    sites = ground.sites
    chosen = (sites["kind"] == kind) & (sites["status"] == SiteStatus.OPEN)
    if part.kind == Kind.SCHOOL == kind:
        chosen &= ~(sites["rooms"] > 0)
    rows = sites[chosen].reset_index(drop=True)
    # Snapshots that were published before these were handed in do not have them.
    for name in ("floor", "owner"):
        if name not in rows:
            rows[name] = None
    return rows.assign(id=rows["site_id"], inexact=rows["quality"].isin(_INEXACT))


def _cells(ground: Ground) -> pd.DataFrame:
    cells = ground.cells
    peopled = (ground.persons["total"] > 0).to_numpy()
    zones = ground.zones
    if zones is None:
        chosen = peopled
    else:
        chosen = zones.allows(cells[["x", "y"]].to_numpy(dtype=np.float64))
        chosen = chosen & peopled if zones.suitable is None else chosen
    rows = cells[chosen].reset_index(drop=True)
    return _bare(rows).assign(id=rows["area_code"])


def _points(ground: Ground, points: Sequence[Point]) -> pd.DataFrame:
    lon = np.array([point.lon for point in points], dtype=np.float64)
    lat = np.array([point.lat for point in points], dtype=np.float64)
    cell = ground.positions_at(lon, lat)
    rows = pd.DataFrame(
        {
            "id": [point.id for point in points],
            "name": [point.name for point in points],
            "lon": lon,
            "lat": lat,
        }
    )
    rows[["x", "y"]] = ground.xy(lon, lat)
    for level in (Level.TOWN, Level.VILLAGE):
        # Position -1, in no cell, is no label: the code is missing.
        rows[f"{level}_code"] = ground.cells[f"{level}_code"].reindex(cell).to_numpy(dtype=object)
    return _bare(rows).assign(inexact=False)


def _bare(rows: pd.DataFrame) -> pd.DataFrame:
    """Places where nobody has said what stands there."""
    return rows.assign(
        area_m2=np.nan, floor=None, owner=None, hours=None, inexact=True,
        quality=PlaceQuality.EXACT.value,
    )  # fmt: skip


def _excluded(ground: Ground, xy: Floats) -> npt.NDArray[np.bool_]:
    if ground.zones is None:
        return np.zeros(len(xy), dtype=np.bool_)
    return ground.zones.excludes(xy)


def _of_standard(ground: Ground, rows: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Area that the standard asks of a new site, and whether it is a town's or a village's.

    Both are told of counselling rooms alone.
    """
    if kind != Kind.COUNSELLING_ROOM:
        return rows.assign(required_m2=np.nan, category=None)
    standard = ground.standard
    town = np.array([_is_of_town(str(name), standard) for name in rows["name"]], dtype=np.bool_)
    return rows.assign(
        required_m2=np.where(town, standard.town_area_m2, standard.village_area_m2),
        category=np.where(town, TOWN_STATION, VILLAGE_ROOM),
    )


def standard_of(ground: Ground, question: Question) -> dict[str, float] | None:
    """Areas that the standard asks of new sites [m²]; None where it asks nothing of their kinds."""
    if all(part.kind != Kind.COUNSELLING_ROOM for part in question.parts):
        return None
    return {name: getattr(ground.standard, name) for name in ("town_area_m2", "village_area_m2")}


def _is_of_town(name: str, standard: Siting) -> bool:
    """Whether the last word of a level in a name is a town's; of two from one place the longer."""
    towns, villages = standard.town_words, standard.village_words
    found = [(name.rfind(word), len(word), word) for word in (*towns, *villages) if word in name]
    return max(found, default=(0, 0, ""))[2] in towns


def _lacks(rows: pd.DataFrame) -> list[str]:
    floors = [
        lowest_floor(text) if isinstance(text, str) else None for text in rows["floor"].tolist()
    ]
    area = rows["area_m2"].to_numpy(dtype=np.float64)
    placed = rows["usable"].to_numpy(dtype=np.bool_)
    found = {
        "no_place": ~placed,
        "excluded": rows["excluded"].to_numpy(dtype=np.bool_),
        "place_inexact": placed & rows["inexact"].to_numpy(dtype=np.bool_),
        "area_unknown": np.isnan(area),
        "area_small": area < rows["required_m2"].to_numpy(dtype=np.float64),
        "hours_unknown": rows["hours"].isna().to_numpy(),
        "floor_unknown": np.array([one is None for one in floors], dtype=np.bool_),
        "upper_floor": np.array([one is not None and one > 1 for one in floors], dtype=np.bool_),
    }
    return ["|".join(code for code in LACKS if found[code][i]) for i in range(len(rows))]


# ---------------------------------------------------------------- what cannot be answered


def _of_places(
    ground: Ground, question: Question, candidates: pd.DataFrame
) -> Iterator[QuestionFault]:
    known = set(candidates["candidate_id"])
    if strangers := [code for code in question.locked if code not in known]:
        yield question_fault("locked_stranger", "locked", ", ".join(strangers))
    nowhere = set(candidates.loc[~candidates["usable"], "candidate_id"])
    if unplaced := [code for code in question.locked if code in nowhere]:
        yield question_fault("locked_unplaced", "locked", ", ".join(unplaced))
    serving = {code for part in question.parts for code in existing_sites(ground, part)["site_id"]}
    if strangers := [code for code in question.closable if code not in serving]:
        yield question_fault("closable_stranger", "closable", ", ".join(strangers))
    if question.budget is not None:
        costs = {part.kind.value: part.cost_new or 0.0 for part in question.parts}
        locked = candidates.loc[candidates["candidate_id"].isin(question.locked), "kind"]
        needed = float(sum(costs[kind] for kind in locked))
        if needed > question.budget:
            most = f"{question.budget:g}"
            yield question_fault("locked_over_budget", "budget", f"{needed:g}", most=most)


def _of_group(ground: Ground, part: Part, where: str) -> Iterator[QuestionFault]:
    towns = ground.areas.loc[ground.areas["level"] == Level.TOWN, "area_code"]
    if strangers := sorted(set(part.towns) - set(towns)):
        yield question_fault("unknown_town", f"{where}.towns", ", ".join(strangers))
    if part.group not in ground.persons:
        known = ", ".join(str(name) for name in ground.persons.columns)
        yield question_fault("unknown_group", f"{where}.group", part.group, known=known)
    elif not ground.persons[part.group].sum() > 0:
        yield question_fault("nobody", f"{where}.group", part.group)


def _of_number(
    question: Question, part: Part, candidates: pd.DataFrame, where: str
) -> Iterator[QuestionFault]:
    own = candidates[candidates["kind"] == part.kind]
    usable = own[may_be_chosen(own, question)]
    locked = int(own["candidate_id"].isin(question.locked).sum())
    wanted = part.p_new
    if wanted is not None and wanted <= 0 and not locked:
        return
    if own.empty:
        yield question_fault("no_venues", f"{where}.sources", ", ".join(part.sources))
    elif not own["usable"].any():
        yield question_fault("none_placed", f"{where}.sources", ", ".join(part.sources))
    elif own.loc[own["usable"], "excluded"].all() and not locked:
        yield question_fault("all_excluded", f"{where}.sources", ", ".join(part.sources))
    elif wanted is not None and wanted > len(usable):
        yield question_fault("more_than_candidates", f"{where}.p_new", wanted, most=len(usable))
    if wanted is not None and locked > wanted and question.objective != Objective.SET_COVER:
        yield question_fault("locked_over_number", f"{where}.p_new", locked, most=wanted)
