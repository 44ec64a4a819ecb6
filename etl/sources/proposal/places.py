"""Settings of sources of areas, facilities, residents and maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from etl.settings import LocalityConfig, registry
from etl.sources.proposal.columns import MOST, Column, File
from etl.sources.proposal.draft import (
    Choice,
    Proposal,
    choose,
    choose_codes,
    known_values,
    take_column,
)
from etl.sources.proposal.meanings import code_edit
from etl.sources.proposal.signs import (
    CERTAIN,
    FROM_VALUES,
    LIKELY,
    fit_of,
    is_number,
    known_words,
    plain,
    word_in,
)

# A column of categories says one of at least so many sites; others of its kinds have none.
_SOME = 0.3
ATTRIBUTES = (
    "site_id", "kind", "status", "staff", "rooms", "area_m2", "beds", "places", "pupils", "hours",
    "floor", "owner", "opened_on", "closed_on", "quality",
)  # fmt: skip
_DATUM_WORDS = {"GCJ02": ("高德", "腾讯", "gcj"), "BD09": ("百度", "bd09", "bd-09")}


def theme_of(path: Path) -> str | None:
    """The theme that the name of a map says."""
    return word_in(known_words()["themes"], path.stem)


def map_areas(
    file: File, named: dict[str, tuple[str, float]], config: LocalityConfig, proposal: Proposal
) -> None:
    """Settings of a file of areas."""
    # Of several columns of codes the finest is the area's own.
    coded = [c for c in file.columns if code_edit(c, config)[1] >= MOST]
    if coded:
        finest = max(
            coded,
            key=lambda c: (len(set(c.texts)), fit_of(c.name, known_words()["columns"]["code"])),
        )
        named["code"] = finest.name, max(FROM_VALUES, named.get("code", ("", 0.0))[1])
        parents = [
            c
            for c in coded
            if c is not finest and fit_of(c.name, known_words()["columns"]["parent"])
        ]
        if parents:
            named["parent"] = parents[0].name, LIKELY
        else:
            named.pop("parent", None)
    choose_codes(proposal, file, named, config, ours="code")
    # Names of the areas themselves differ most; those of the level above repeat.
    titled = [
        c for c in file.columns if fit_of(c.name, known_words()["columns"]["name"]) >= CERTAIN
    ]
    if titled:
        own = max(titled, key=lambda c: len(set(c.texts)))
        named["name"] = own.name, CERTAIN
    for ours in ("name", "parent"):
        if name := take_column(proposal, file, ours, named, ours):
            proposal.columns[ours] = name
    if "parent" in proposal.columns:
        choose(proposal, "parents", "column", LIKELY, "a column with codes of the level above")


def map_context(file: File, named: Mapping[str, tuple[str, float]], proposal: Proposal) -> None:
    """Settings of a map."""
    theme = theme_of(file.path) or "road"
    choose(proposal, "theme", theme, LIKELY if theme_of(file.path) else 0.3, "file name")
    for ours in ("rank", "name"):
        if name := take_column(proposal, file, ours, named, ours):
            proposal.settings[ours] = name
    if theme == "road":
        for ours in ("road_class", "one_way", "speed_kmh"):
            # A header such as 方向 says little by itself: the values must be words of roads.
            if ours in named and _says_of_roads(file.by_name(named[ours][0]), ours):
                proposal.settings[ours] = take_column(proposal, file, ours, named, ours)


def _says_of_roads(column: Column, ours: str) -> bool:
    if ours == "speed_kmh":
        return column.share(is_number) >= MOST
    words = registry("roads")["classes" if ours == "road_class" else "directions"]
    known = {plain(word) for word in words}
    parts = [word for word in known if not word.isascii()] if ours == "road_class" else []
    return column.share(lambda t: plain(t) in known or any(p in plain(t) for p in parts)) >= MOST


def map_facilities(file: File, named: Mapping[str, tuple[str, float]], proposal: Proposal) -> None:
    """Settings of a list of facilities."""
    for ours in ("site_id", "name", "kind", "lon", "lat"):
        if name := take_column(proposal, file, ours, named, ours):
            proposal.columns[ours] = name
    if name := take_column(proposal, file, "area_code", named, "code"):
        proposal.columns["area_code"] = name
    for ours in (*ATTRIBUTES[2:],):
        if name := take_column(proposal, file, ours, named, ours):
            proposal.columns[ours] = name
    named_so = " ".join(column.name for column in file.columns)
    for datum, words in _DATUM_WORDS.items():
        if any(word in plain(named_so + file.path.stem) for word in words):
            choose(proposal, "datum", datum, LIKELY, "header names the map it was taken from")
            break
    else:
        if "lon" in proposal.columns:
            # No value shows a datum; whoever made the file knows it.
            choose(proposal, "datum", "CGCS2000", 0.4, "not to be seen; ask whoever took them")
    _kinds(file, proposal)
    _categories(file, proposal)
    if "status" in proposal.columns:
        found = known_values(file, str(proposal.columns["status"]), known_words()["statuses"])
        proposal.tables["statuses"] = found


def _kinds(file: File, proposal: Proposal) -> None:
    words = known_words()["kinds"]
    column = proposal.columns.get("kind")
    found = known_values(file, str(column), words) if column else {}
    by_file = word_in(words, file.path.stem)
    usual = Counter(found.values()).most_common(1)
    if by_file:
        choose(proposal, "kind", by_file, LIKELY, f"“{file.path.stem}”")
    elif usual:
        choose(proposal, "kind", usual[0][0], FROM_VALUES, "most of its rows")
    else:
        choose(proposal, "kind", "service_org", 0.2, "no sign of a kind")
    if len(set(found.values()) | {str(proposal.settings["kind"])}) > 1:
        proposal.tables["kinds"] = found
    elif column:
        del proposal.columns["kind"]
        proposal.choices = [c for c in proposal.choices if c.ours != "columns.kind"]


def _categories(file: File, proposal: Proposal) -> None:
    """The column that says most often what a site of these kinds is more exactly."""
    kinds = {str(proposal.settings["kind"]), *proposal.tables.get("kinds", {}).values()}
    of_kind = {entry["code"]: entry["kind"] for entry in registry("categories")["categories"]}
    words = {
        code: own for code, own in known_words()["categories"].items() if of_kind[code] in kinds
    }
    if not words:
        return
    taken = {name for key, name in proposal.columns.items() if key != "kind"}
    offered = [column for column in file.columns if column.name not in taken]
    share, column = max(
        ((c.share(lambda t: word_in(words, t) is not None), c) for c in offered),
        key=lambda pair: pair[0],
        default=(0.0, None),
    )
    if column is None or share <= _SOME:
        return
    proposal.columns["category"] = column.name
    proposal.tables["categories"] = known_values(file, column.name, words)
    sure = LIKELY if share >= MOST else FROM_VALUES
    proposal.choices.append(Choice("columns.category", column.name, sure, "values"))


def map_population(
    file: File, named: Mapping[str, tuple[str, float]], config: LocalityConfig, proposal: Proposal
) -> None:
    """Settings of a table of residents."""
    choose_codes(proposal, file, named, config, ours="code")
    groups = {}
    for group in config.groups:
        if name := take_column(proposal, file, f"groups.{group.code}", named, group.code):
            groups[group.code] = name
    proposal.tables["columns.groups"] = groups
