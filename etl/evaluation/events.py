"""What really happened, as a locality noted it: a table of measure, area, first and last week."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from etl.build.weeks import iso_week, monday
from etl.findings import UnusableFileError
from etl.inspection import inspect_path
from etl.model import Text
from etl.sources.files import decide_encoding
from geo.errors import Fault, FaultsError, InputError, PersonalDataError

# What departments may call the columns.
HEADERS = {
    "measure": ("measure", "指标"),
    "area_code": ("area_code", "code", "区划代码", "地区代码"),
    "start": ("from", "start", "开始周", "起始周"),
    "end": ("to", "end", "结束周", "截止周"),
}
_WEEK = re.compile(r"\d{4}-W\d{2}")


def read_events(
    path: Path, *, measures: Mapping[str, Text], areas: Collection[str]
) -> pd.DataFrame:
    """Events of a CSV file.

    Parameters
    ----------
    measures : code → name; the file may use either.
    areas : codes of the locality's areas.

    Returns
    -------
    event_id (the row of the file), measure, area_code, start_week, end_week.

    Raises
    ------
    InputError : no such file, no text, or a column is missing.
    PersonalDataError : a column is about persons.
    FaultsError : rows that cannot be used, all of them.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; wanted a CSV with {_wanted()}")
    try:
        personal = inspect_path(path)
        encoding = decide_encoding(path, "auto")
    except UnusableFileError as exc:
        raise InputError(f"{path}: not readable as a text table ({exc.rule})") from exc
    if personal:
        names = ", ".join(sorted({str(one.column) for one in personal}))
        raise PersonalDataError(f"{path}: columns about persons: {names}; leave them out")
    with path.open(encoding=encoding, newline="") as file:
        rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    if not rows:
        raise InputError(f"{path}: no rows; wanted {_wanted()}")
    places = _places(path, rows[0])
    codes = {**{str(text.zh): code for code, text in measures.items()}, **{c: c for c in measures}}
    faults: list[Fault] = []
    found = []
    for number, row in enumerate(rows[1:], start=2):
        cells = {key: row[at].strip() if at < len(row) else "" for key, at in places.items()}
        wrong = list(_row_faults(number, cells, codes, areas))
        faults += wrong
        if not wrong:
            found.append(
                (str(number), codes[cells["measure"]], cells["area_code"], cells["start"],
                 cells["end"])
            )  # fmt: skip
    if faults:
        raise FaultsError(str(path), faults)
    columns = ["event_id", "measure", "area_code", "start_week", "end_week"]
    return pd.DataFrame(found, columns=columns).astype("str")


def _places(path: Path, header: Sequence[str]) -> dict[str, int]:
    given = {name.strip().lstrip("\ufeff").casefold(): at for at, name in enumerate(header)}
    found = {
        key: next((given[name] for name in names if name in given), -1)
        for key, names in HEADERS.items()
    }
    if lacking := [key for key, at in found.items() if at < 0]:
        came = ", ".join(name.strip() for name in header)
        raise InputError(f"{path}: row 1: {came}; no column for {', '.join(lacking)}: {_wanted()}")
    return found


def _row_faults(
    number: int, cells: Mapping[str, str], codes: Mapping[str, str], areas: Collection[str]
) -> list[Fault]:
    found = []
    if cells["measure"] not in codes:
        found.append(Fault(f"row {number}, measure", cells["measure"], "a measure of the locality"))
    if cells["area_code"] not in areas:
        found.append(Fault(f"row {number}, area_code", cells["area_code"], "an area's code"))
    weeks = [cells["start"], cells["end"]]
    for key, week in zip(("from", "to"), weeks, strict=True):
        if not is_week(week):
            found.append(Fault(f"row {number}, {key}", week, "an ISO week such as 2026-W46"))
    if all(is_week(week) for week in weeks) and weeks[1] < weeks[0]:
        found.append(Fault(f"row {number}, to", weeks[1], f"no earlier than from = {weeks[0]}"))
    return found


def is_week(text: str) -> bool:
    """Whether a text is an ISO week that exists."""
    if _WEEK.fullmatch(text) is None:
        return False
    try:
        return iso_week(monday(text)) == text
    except ValueError:
        return False


def _wanted() -> str:
    return "; ".join("/".join(names) for names in HEADERS.values())
