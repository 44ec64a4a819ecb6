"""Everything behind a proposal as a workbook: the question, every table, assumptions and limits."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from dashboard.report.archive import settled
from dashboard.report.proposal import basis, choice, effects, opening
from dashboard.report.proposal.told import Row, Told, number_of, text_of
from etl.spreadsheet import put

PERSONS, SHARE, MINUTES, PLAIN = "#,##0", "0.0%", "0.0", "General"
A4 = 9  # as the format numbers paper
_HEAD = PatternFill("solid", fgColor="E8EEF4")
# Tables in the order of the sheets: columns, and the header where the column's name says another
# thing in another table.
_TABLES: dict[str, tuple[str, ...]] = {
    "sites": (
        "order", "state", "part", "kind", "name", "source", "town_name", "village_name",
        "gain_persons", "persons_within", "alone_persons", "n_towns_served", "cost", "area_m2",
        "floor", "owner", "hours", "lacks", "lon", "lat", "town_code", "site_id",
    ),
    "curve": ("n_new", "persons", "share", "gain", "bound", "proven", "knee"),
    "towns": (
        "name", "persons", "estimated", "covered_before", "covered_after", "newly", "lost",
        "share_before", "share_after", "sites_before", "sites_after", "town_code",
    ),
    "groups": (
        "part", "group", "persons", "estimated", "covered_before", "covered_after", "newly",
        "lost", "share_before", "share_after",
    ),
    "gaps": ("gap_before", "gap_after", "areas", "persons"),
    "targets": (
        "name", "value_before", "value_after", "required", "unit", "met_before", "met_after",
        "code",
    ),
    "uncovered": (
        "part", "town_name", "village_name", "name", "persons", "nearest_min", "why", "area_code",
    ),
    "candidates": (
        "part", "name", "source", "kind", "town_name", "village_name", "chosen", "forbidden",
        "persons_within", "gain_now", "nearest_open_min", "cost", "area_m2", "floor", "owner",
        "hours", "lacks", "lon", "lat", "town_code", "village_code", "candidate_id",
    ),
    "robustness": (
        "check", "value", "share_same_sites", "share_best", "regret", "kept", "n_new", "proven",
    ),
}  # fmt: skip
_HEADS = {
    ("towns", "name"): "town_name", ("targets", "name"): "indicator", ("uncovered", "name"): "area",
    ("sites", "site_id"): "id", ("candidates", "candidate_id"): "id",
}  # fmt: skip
_WIDTHS = {
    "name": 30, "lacks": 30, "why": 28, "hours": 22, "owner": 14, "id": 18, "town_name": 16,
    "village_name": 16, "source": 14, "area_code": 20, "site_id": 20, "candidate_id": 20,
    "kind": 16, "group": 22, "value": 30, "share_same_sites": 20, "regret": 16,
}  # fmt: skip


_COUNTS = {"newly", "lost", "gain", "bound", "gain_now"}
_CODES = {"source", "state", "why"}


@dataclass(frozen=True)
class _Column:
    title: str
    width: float = 13.0
    form: str = PLAIN


class _Share(float):
    """A share among figures of other units."""


def proposal_workbook(told: Told) -> bytes:
    """The workbook; numbers are numbers, texts are never formulas.

    Persons of an area whose number is withheld are said to be so.
    """
    book = openpyxl.Workbook(write_only=True)
    t = told.t
    cover = [_Column("", 26), _Column("", 100)]
    _sheet(book, t("proposal.sheet.cover"), cover, _cover(told), head=False)
    columns = [_Column(t("proposal.column.item"), 26), _Column(t("proposal.column.said"), 100)]
    asked = [(t(f"proposal.question.{key}"), said) for key, said in opening.question_rows(told)]
    _sheet(book, t("proposal.sheet.question"), columns, iter(asked))
    for table, names in _TABLES.items():
        columns = [_column(told, table, name) for name in names]
        rows = ([_cell(told, table, name, row) for name in names] for row in told.rows(table))
        _sheet(book, t(f"proposal.sheet.{table}"), columns, rows)
    notes = [_Column(t("proposal.column.item"), 18), _Column(t("proposal.column.said"), 110)]
    _sheet(book, t("proposal.sheet.notes"), notes, _notes(told))
    raw = io.BytesIO()
    book.save(raw)
    return settled(raw.getvalue(), at=told.snapshot.published_at_utc)


def _sheet(
    book: openpyxl.Workbook,
    title: str,
    columns: Sequence[_Column],
    rows: Iterator[Sequence[object]],
    *,
    head: bool = True,
) -> None:
    page = book.create_sheet(title)
    # On paper a sheet is as wide as the page, and says on each what its columns are.
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", A4
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_setup.fitToHeight = 0
    for position, column in enumerate(columns, start=1):
        page.column_dimensions[get_column_letter(position)].width = column.width
    if head:
        page.freeze_panes, page.print_title_rows = "A2", "1:1"
        # The stubs do not know this of a sheet that is only written.
        page.auto_filter.ref = f"A1:{get_column_letter(len(columns))}1"
        cells = []
        for column in columns:
            cell = WriteOnlyCell(page)
            put(cell, column.title)
            cell.font, cell.fill = Font(bold=True), _HEAD
            cell.alignment = Alignment(wrap_text=True, vertical="center")
            cells.append(cell)
        page.append(cells)
    for row in rows:
        cells = []
        for column, value in zip(columns, row, strict=True):
            cell = WriteOnlyCell(page)
            put(cell, _plain(value))
            if not isinstance(value, str):
                cell.number_format = SHARE if isinstance(value, _Share) else column.form
            elif column.width >= 100:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
            cells.append(cell)
        page.append(cells)


def _plain(value: object) -> object:
    """A value that a cell can hold; what is not known is empty, never 0."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _cover(told: Told) -> Iterator[tuple[str, str]]:
    t = told.t
    yield t("proposal.title", place=told.place, what=told.what), ""
    yield "", t("proposal.subtitle", day=told.day)
    yield "", t("proposal.internal")
    for sentence in opening.finding(told):
        yield "", sentence
    for fact in opening.facts(told):
        yield fact.label, t("proposal.fact.beside", value=fact.value, detail=fact.detail)
    yield "", choice.source_line(told)


def _notes(told: Told) -> Iterator[tuple[str, str]]:
    t = told.t
    parts: list[tuple[str, Callable[[Told], Iterator[str]]]] = [
        ("assumptions", basis.assumed), ("limits", basis.limited), ("method", basis.methods),
    ]  # fmt: skip
    for key, said in parts:
        for sentence in said(told):
            yield t(f"proposal.section.{key}"), sentence
    yield t("proposal.section.sites"), choice.sites_note(told)
    yield t("proposal.section.curve"), t("proposal.curve.note")


def _column(told: Told, table: str, name: str) -> _Column:
    key = _HEADS.get((table, name), name)
    form = PLAIN
    if name.startswith("share") or name == "regret":
        form = SHARE
    elif name in _COUNTS or "persons" in name or name.startswith("covered"):
        form = PERSONS
    elif name.endswith("_min"):
        form = MINUTES
    return _Column(told.t(f"proposal.column.{key}"), _WIDTHS.get(name, 13.0), form)


def _cell(told: Told, table: str, name: str, row: Row) -> object:
    """A value as a person reads it; codes become words."""
    if (table, name) in _SAID:
        return _SAID[table, name](told, row)
    value = row[name]
    if name in _WORDS:
        return _WORDS[name](told, value)
    if name in _CODES:
        return told.t(f"proposal.{name}.{value}")
    if isinstance(value, bool | np.bool_):
        return told.t(f"proposal.sheet.{'yes' if value else 'no'}")
    return text_of(value) if isinstance(value, str) or value is None else value


def _indicator(told: Told, row: Row) -> str:
    return text_of(row["name_zh" if told.catalog.lang.startswith("zh") else "name_en"])


def _measure(name: str) -> Callable[[Told, Row], object]:
    def said(_: Told, row: Row) -> object:
        value = number_of(row[name])
        return _Share(value) if row["unit"] == "share" else value

    return said


def _unit(told: Told, row: Row) -> str:
    if row["unit"] == "share":
        return told.t("proposal.sheet.unit_share")
    return told.t("proposal.sheet.unit_per", per=text_of(row["unit"]).removeprefix("per_"))


def _check(told: Told, row: Row) -> str:
    return told.t(f"proposal.robust.{row['check']}")


def _persons(told: Told, row: Row) -> object:
    return told.t("proposal.rest.withheld") if row["withheld"] else row["persons"]


# Values that are said in words: by column, and where the rest of the row has a part in it.
_WORDS: dict[str, Callable[[Told, Any], object]] = {
    "kind": lambda told, code: told.kind(str(code), inside=False),
    "group": lambda told, code: told.group(str(code), inside=False),
    "lacks": lambda told, codes: told.lacks(codes),
    "gap_before": effects.gap_name,
    "gap_after": effects.gap_name,
    "part": lambda _, number: int(number) + 1,
}
_SAID: dict[tuple[str, str], Callable[[Told, Row], object]] = {
    ("targets", "name"): _indicator,
    **{("targets", name): _measure(name) for name in ("value_before", "value_after", "required")},
    ("targets", "unit"): _unit,
    ("robustness", "check"): _check,
    ("robustness", "value"): basis.condition,
    ("uncovered", "persons"): _persons,
}
