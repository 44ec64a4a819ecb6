"""Settings of a source of weekly counts: its week, its measures, long or wide."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from etl.findings import UnusableFileError, listed
from etl.settings import LocalityConfig
from etl.sources import values
from etl.sources.proposal.columns import MOST, Column, File
from etl.sources.proposal.draft import Proposal, choose, choose_codes, known_values, take_column
from etl.sources.proposal.meanings import level_of
from etl.sources.proposal.signs import CERTAIN, LIKELY, is_amount, is_iso_week, known_words, plain

_AREA_NAME = re.compile(r".+[村里社区乡镇道區区]")


def map_counts(
    file: File, named: dict[str, tuple[str, float]], config: LocalityConfig, proposal: Proposal
) -> None:
    """Settings of a table of weekly counts."""
    week = take_column(proposal, file, "week", named, "week")
    if week is None:
        raise UnusableFileError("mapping_unknown", came=listed(c.name for c in file.columns))
    proposal.columns["week"] = week
    style, sure, why = _week_style(file.by_name(week))
    choose(proposal, "week", style, sure, why)
    across = area_columns(file, named)
    if "code" not in named and across:
        _wide(file, across, config, proposal)
        return
    choose_codes(proposal, file, named, config, ours="area")
    counts = {}
    for measure in config.measures:
        if name := take_column(proposal, file, f"counts.{measure.code}", named, measure.code):
            counts[measure.code] = name
    if counts:
        proposal.tables["columns.counts"] = counts
        return
    count = take_column(proposal, file, "count", named, "count")
    if count is None:
        raise UnusableFileError("mapping_unknown", came=listed(c.name for c in file.columns))
    proposal.columns["count"] = count
    known = {measure.code for measure in config.measures}
    if "measure" in named or "kind" in named:
        key = "measure" if "measure" in named else "kind"
        found = known_values(file, named[key][0], known_words()["measures"])
        if found and set(found.values()) <= known:
            proposal.columns["measure"] = take_column(proposal, file, "measure", named, key)
            proposal.tables["measures"] = found
            return
    _one_measure(file, config, proposal)


def _wide(file: File, across: Sequence[Column], config: LocalityConfig, proposal: Proposal) -> None:
    choose(proposal, "shape", "wide", CERTAIN, f"{len(across)} columns that are areas")
    patterns = config.codes.model_dump().values()
    by_code = all(any(re.fullmatch(p, c.lower) for p in patterns) for c in across)
    choose(proposal, "areas_by", "code" if by_code else "name", CERTAIN, "headers")
    level, sure, why = level_of(file, None, config, names=[column.lower for column in across])
    choose(proposal, "level", level, sure, why)
    _one_measure(file, config, proposal)


def _one_measure(file: File, config: LocalityConfig, proposal: Proposal) -> None:
    """The measure of a file that holds one, by the file's name."""
    for measure in config.measures:
        words = known_words()["measures"].get(measure.code, [measure.name.zh])
        if any(len(plain(w)) > 1 and plain(w) in plain(file.path.stem) for w in words):
            choose(proposal, "measure", measure.code, LIKELY, f"“{file.path.stem}”")
            return
    choose(proposal, "measure", config.measures[0].code, 0.1, "no sign of a measure: choose one")


def area_columns(file: File, named: Mapping[str, tuple[str, float]]) -> list[Column]:
    """Columns of figures whose header is an area's name or code."""
    taken = {name for key, (name, _) in named.items() if key == "week"}
    others = [c for c in file.columns if c.name not in taken]
    areas = [
        c for c in others if _AREA_NAME.fullmatch(c.lower) or re.fullmatch(r"[\w-]{6,}", c.lower)
    ]
    areas = [c for c in areas if c.share(is_amount) >= MOST]
    return areas if len(areas) >= max(2, MOST * len(others)) else []


def _week_style(column: Column) -> tuple[str, float, str]:
    if column.share(is_iso_week) >= MOST:
        return "iso", CERTAIN, "values such as 2026-W40"
    days = [day for text in column.texts if (day := values.a_date(text)) is not None]
    weekdays = Counter(day.weekday() for day in days)
    if days and weekdays[0] >= 0.95 * len(days):
        return "monday", CERTAIN, "every date is a Monday"
    if days and weekdays[6] >= 0.95 * len(days):
        return "sunday", CERTAIN, "every date is a Sunday"
    return "date", LIKELY if days else 0.2, "dates on several days of the week"
