"""The whole proposal: which role a file has, and the settings of that role."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from etl.findings import UnusableFileError, listed
from etl.inspection import inspect_path
from etl.settings import LocalityConfig
from etl.sources.proposal.columns import File, read_columns
from etl.sources.proposal.counts import area_columns, map_counts
from etl.sources.proposal.draft import Choice, Proposal
from etl.sources.proposal.meanings import named_columns
from etl.sources.proposal.places import (
    ATTRIBUTES,
    map_areas,
    map_context,
    map_facilities,
    map_population,
    theme_of,
)
from etl.sources.proposal.signs import CERTAIN, LIKELY


def propose(path: Path, config: LocalityConfig, *, name: str | None = None) -> Proposal:
    """Propose how a file is mapped.

    Parameters
    ----------
    config : the locality: its code patterns, measures, groups and the sources it has.
    name : the path to write, if another than the file's name.

    Returns
    -------
    The proposal; `confidence` says how sure its weakest part is.

    Raises
    ------
    UnusableFileError : the file cannot be read, holds persons, or shows no mapping at all.
    """
    file = read_columns(path)
    proposal = Proposal(_source_id(path, config), name or path.name)
    named = named_columns(file, config)
    role, sure, why = _role_of(file, named, config)
    proposal.choices.append(Choice("role", role, sure, why))
    # Institutions have names and telephones; everything else about persons refuses the file.
    personal = inspect_path(path, facilities=role == "facilities")
    if personal:
        raise UnusableFileError(
            "personal_data",
            column=listed(column.column for column in personal),
            columns=listed(str(column) for column in personal),
        )
    proposal.role = role
    if file.sheet is not None:
        proposal.settings["sheet"] = file.sheet
    if role == "areas":
        map_areas(file, named, config, proposal)
    elif role == "context":
        map_context(file, named, proposal)
    elif role == "facilities":
        map_facilities(file, named, proposal)
    elif role == "population":
        map_population(file, named, config, proposal)
    else:
        map_counts(file, named, config, proposal)
    return proposal


def _role_of(
    file: File, named: Mapping[str, tuple[str, float]], config: LocalityConfig
) -> tuple[str, float, str]:
    groups = [group.code for group in config.groups if group.code in named]
    measures = [measure.code for measure in config.measures if measure.code in named]
    if file.shapes:
        return _role_of_map(file, named)
    if "week" in named and ("code" in named or measures):
        return "observations", CERTAIN, "a week and areas"
    if "name" in named and ("lon" in named or any(name in named for name in ATTRIBUTES)):
        return "facilities", CERTAIN, "names with places or attributes"
    if "week" in named and len(area_columns(file, named)) >= 2:
        return "observations", CERTAIN, "a week, and a column an area"
    if groups and "code" in named:
        return "population", CERTAIN, f"groups: {listed(groups)}"
    seen = listed(column.name for column in file.columns)
    raise UnusableFileError("mapping_unknown", came=seen)


def _role_of_map(file: File, named: Mapping[str, tuple[str, float]]) -> tuple[str, float, str]:
    if theme_of(file.path) is not None and ("code" not in named or "rank" in named):
        return "context", LIKELY, f"“{file.path.stem}”"
    if file.shapes & {3, 6}:
        return "areas", CERTAIN, "polygons"
    if file.shapes <= {0, 4}:
        return "facilities", LIKELY, "points"
    return "context", LIKELY, "lines"


def _source_id(path: Path, config: LocalityConfig) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", path.stem.casefold()).strip("-") or "source"
    taken = {source.id for source in config.sources}
    number = 1
    while (name := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return name
