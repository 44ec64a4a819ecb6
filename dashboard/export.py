"""The resource map as one workbook: every published figure by area, for those who plan in Excel."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import flask
import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from dashboard import export_warnings
from dashboard.components.controls import data_day, source_parts
from dashboard.response import Board, read_board
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES, Catalog, load, words
from etl.spreadsheet import put
from etl.store.reader import LayerData, Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import GapClass, Missing, Tier

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A level of more figures is left out of the workbook, and said: Excel would take minutes over it.
MAX_FIGURES = 2_000_000
_KEYS = ("area_code", "name", "parent", "parent_code")
_SITE_COLUMNS = (
    "site_id", "kind", "name", "status", "town_code", "village_code", "staff", "rooms", "area_m2",
    "beds", "places", "pupils", "hours", "floor", "owner", "quality", "lon", "lat",
)  # fmt: skip
_HEAD = PatternFill("solid", fgColor="E8EEF4")
# By the unit's English name.
_FORMATS = {"%": "0.0%", "persons": "#,##0", "min": "0.0"}
_SAID = (Missing.OK, Missing.UNRELIABLE)


def resource_workbook(
    reader: Reader,
    snapshot: Snapshot,
    *,
    week: str,
    catalog: Catalog,
    now_utc: datetime | None = None,
) -> bytes:
    """Every level's areas with all their layers, the sites, and what each figure means.

    Parameters
    ----------
    week : week of the weekly layers. Live warnings stand in the workbook of the newest one.
    now_utc : when it is made, for what is overdue; the hour of publication by default.

    Raises
    ------
    NotPublishedError : the snapshot has no such week.
    """
    if week not in snapshot.meta["weeks"]:
        raise NotPublishedError(f"snapshot {snapshot.snapshot_id} has no week {week!r}")
    book = openpyxl.Workbook(write_only=True)
    this = _Export(reader, snapshot, week, catalog)
    cover = _Sheet(book, catalog.t("export.sheet.cover"), (24, 90))
    left_out = [
        entry["level"] for entry in snapshot.meta["levels"] if not this.fits(entry["level"])
    ]
    for line in this.cover(left_out):
        cover.row(line, bold=line[1:] == ("",))
    for entry in reversed(snapshot.meta["levels"]):
        if entry["level"] not in left_out:
            this.add_level(book, entry["level"])
    this.add_sites(book)
    if week == snapshot.week:
        this.add_warnings(
            book, read_board(reader, snapshot, now_utc=now_utc or snapshot.published_at_utc)
        )
    this.add_definitions(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


class _Sheet:
    """A sheet that is written from the top down."""

    def __init__(self, book: openpyxl.Workbook, title: str, widths: Sequence[float]) -> None:
        self._page: WriteOnlyWorksheet = book.create_sheet(title)
        for position, width in enumerate(widths, start=1):
            self._page.column_dimensions[get_column_letter(position)].width = width

    def head(self, names: Sequence[str], *, fixed: int) -> None:
        """The header row, always in sight with the first columns, ready to be filtered."""
        self._page.freeze_panes = f"{get_column_letter(fixed + 1)}2"
        # The stubs do not know these of a sheet that is only written.
        self._page.auto_filter.ref = f"A1:{get_column_letter(len(names))}1"  # type: ignore[attr-defined]
        self._page.row_dimensions[1].height = 48  # type: ignore[attr-defined]
        cells = []
        for name in names:
            cell = self._cell(name)
            cell.font, cell.fill = Font(bold=True), _HEAD
            cell.alignment = Alignment(wrap_text=True, vertical="center")
            cells.append(cell)
        self._page.append(cells)

    def row(
        self,
        values: Sequence[object],
        *,
        formats: Sequence[str] = (),
        doubtful: Sequence[bool] = (),
        bold: bool = False,
    ) -> None:
        """A row; a doubtful figure stands in italics."""
        cells = []
        for position, value in enumerate(values):
            cell = self._cell(value)
            if formats and not isinstance(value, str):
                cell.number_format = formats[position]
            if bold or (doubtful and doubtful[position]):
                cell.font = Font(bold=bold, italic=not bold)
            cells.append(cell)
        self._page.append(cells)

    def _cell(self, value: object) -> Any:
        cell = WriteOnlyCell(self._page)
        put(cell, value)
        return cell


@dataclass(frozen=True)
class _Export:
    reader: Reader
    snapshot: Snapshot
    week: str
    catalog: Catalog

    @property
    def layers(self) -> list[dict[str, Any]]:
        """Layers in the order in which they are published."""
        found: list[dict[str, Any]] = self.snapshot.meta["layers"]
        return found

    def on(self, level: str) -> list[dict[str, Any]]:
        """Layers of a level."""
        return [entry for entry in self.layers if level in entry["levels"]]

    def fits(self, level: str) -> bool:
        """Whether a level is small enough for a sheet."""
        figures = int(self.snapshot.level(level)["n"]) * len(self.on(level))
        return figures <= MAX_FIGURES

    def cover(self, left_out: Sequence[str]) -> Iterator[tuple[str, str]]:
        """What this is, of when, from what, and how to read it."""
        t, meta = self.catalog.t, self.snapshot.meta
        yield self.catalog.pick(meta["locality"]["name"]) + t("export.title"), ""
        yield t("export.cover.week"), words.week_label(self.catalog, self.week)
        yield t("export.cover.day"), data_day(self.snapshot, self.catalog)
        for part in source_parts(self.snapshot, self.catalog):
            yield "", part
        yield t("export.cover.reading"), ""
        for state in ("no_data", "suppressed", "unreachable", "not_applicable", "unreliable"):
            yield self._state(Missing[state.upper()]), t(f"export.state.{state}", k=meta["k"])
        for level in left_out:
            yield t(f"map.level.{level}"), t("export.cover.left_out")

    def add_level(self, book: openpyxl.Workbook, level: str) -> None:
        """One row an area: code, name, where it lies, and every layer."""
        t, entries = self.catalog.t, self.on(level)
        areas = self.reader.areas(self.snapshot.snapshot_id, level)
        names = self._names()
        columns = [self._column(level, entry) for entry in entries]
        sheet = _Sheet(
            book, t(f"map.level.{level}"), [18.0, 22.0, 18.0, 18.0] + [13.0] * len(entries)
        )
        heads = [t(f"export.column.{key}") for key in _KEYS]
        sheet.head([*heads, *(self._title(entry) for entry in entries)], fixed=2)
        formats = ["General"] * len(_KEYS) + [_format(entry) for entry in entries]
        for position, row in enumerate(areas.itertuples(index=False)):
            parent = str(row.parent_code or "")
            cells = [column[position] for column in columns]
            sheet.row(
                [str(row.area_code), str(row.name), names.get(parent, ""), parent]
                + [value for value, _ in cells],
                formats=formats,
                doubtful=[False] * len(_KEYS) + [doubtful for _, doubtful in cells],
            )

    def _names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for entry in self.snapshot.meta["levels"]:
            areas = self.reader.areas(self.snapshot.snapshot_id, entry["level"])
            names |= dict(zip(areas["area_code"], areas["name"], strict=True))
        return names

    def _column(self, level: str, entry: Mapping[str, Any]) -> list[tuple[object, bool]]:
        """A layer's values as a person reads them, and whether each is unstable."""
        found: LayerData = self.reader.layer(
            self.snapshot.snapshot_id, level, entry["code"], self.week if entry["weekly"] else ""
        )
        said = {state: self._state(state) for state in Missing if state not in _SAID}
        classes = self._classes(entry)
        return [
            (
                said.get(Missing(state))
                or (classes[int(value)] if classes else _rounded(float(value), entry)),
                state == Missing.UNRELIABLE,
            )
            for value, state in zip(found.values, found.states.tolist(), strict=True)
        ]

    def _classes(self, entry: Mapping[str, Any]) -> dict[int, str]:
        """Words of a layer whose values are classes."""
        if entry["breaks"] or not entry["on_map"]:
            return {}
        if entry.get("labels"):
            return {i: self.catalog.pick(label) for i, label in enumerate(entry["labels"])}
        kinds: dict[str, type[GapClass] | type[Tier]] = {"gap": GapClass, "tier": Tier}
        known = kinds.get(entry["palette"])
        return {
            int(one): self.catalog.t(f"common.{entry['palette']}.{one.name.lower()}")
            for one in known or ()
        }

    def _state(self, state: Missing) -> str:
        key = f"common.state.{state.name.lower()}"
        return self.catalog.t(key, k=self.snapshot.meta["k"])

    def _title(self, entry: Mapping[str, Any]) -> str:
        name, unit = self.catalog.pick(entry["name"]), self.catalog.pick(entry["unit"])
        if entry["palette"] in ("gap", "tier") or not unit:
            return name
        return self.catalog.t("export.column.measured", name=name, unit=unit)

    def add_sites(self, book: openpyxl.Workbook) -> None:
        """One row a site, as published."""
        t, sites = self.catalog.t, self.reader.sites(self.snapshot.snapshot_id)
        kinds = {
            kind["code"]: self.catalog.pick(kind["name"]) for kind in self.snapshot.meta["kinds"]
        }
        sheet = _Sheet(book, t("map.rail.sites"), [16, 18, 32, 8, 15, 15, *([9] * 9)])
        sheet.head([t(f"export.column.{name}") for name in _SITE_COLUMNS], fixed=3)
        known = sites[list(_SITE_COLUMNS)].astype(object)
        for row in known.where(known.notna(), None).to_dict("records"):
            row["kind"] = kinds.get(row["kind"], row["kind"])
            row["status"] = t(f"export.status.{row['status']}")
            row["quality"] = t(f"export.quality.{row['quality']}")
            sheet.row(list(row.values()))

    def add_warnings(self, book: openpyxl.Workbook, board: Board) -> None:
        """Live warnings with who is on each, and the shares answered in time."""
        t = self.catalog.t
        sheet = _Sheet(book, t("export.sheet.warnings"), export_warnings.LIVE_WIDTHS)
        heads = [t(f"export.warning.{name}") for name in export_warnings.LIVE_COLUMNS]
        sheet.head(heads, fixed=2)
        for row in export_warnings.live_rows(board, self.catalog):
            sheet.row(row)
        if not board.followed:
            return
        sheet = _Sheet(book, t("export.sheet.in_time"), export_warnings.SHARE_WIDTHS)
        sheet.head([t(f"export.warning.{name}") for name in export_warnings.SHARE_COLUMNS], fixed=2)
        formats = ["General"] * 4 + ["0.0%"]
        for row in export_warnings.share_rows(board, self.catalog):
            sheet.row(row, formats=formats)

    def add_definitions(self, book: openpyxl.Workbook) -> None:
        """What each figure is, in the words of the map."""
        t = self.catalog.t
        sheet = _Sheet(book, t("export.sheet.definitions"), (16, 34, 18, 110))
        heads = ("group", "figure", "unit", "definition")
        sheet.head([t(f"export.column.{name}") for name in heads], fixed=2)
        for entry in self.layers:
            said = (self.catalog.pick(entry[name]) for name in ("name", "unit", "definition"))
            group = entry["group"]
            sheet.row([t(f"map.rail.group_{'population' if group == 'need' else group}"), *said])


def _format(entry: Mapping[str, Any]) -> str:
    return _FORMATS.get(entry["unit"]["en"], "0.00")


def _rounded(value: float, entry: Mapping[str, Any]) -> float:
    """Without digits that nobody has: the sheet shows two at most."""
    return round(value, 4 if entry["unit"]["en"] == "%" else 3)


def register_routes(server: flask.Flask, reader: Reader, now: Callable[[], datetime]) -> None:
    """Serve the workbook: ``/published/<snapshot>/<week>.xlsx?lang=zh-CN``."""

    @server.get("/published/<snapshot_id>/<week>.xlsx")
    def published_workbook(snapshot_id: str, week: str) -> flask.Response:
        asked = flask.request.args.get("lang", DEFAULT_LANGUAGE)
        catalog = load(asked if asked in LANGUAGES else DEFAULT_LANGUAGE)
        try:
            snapshot = reader.snapshot(snapshot_id)
            content = resource_workbook(reader, snapshot, week=week, catalog=catalog, now_utc=now())
        except NotPublishedError as error:
            return flask.Response(f"{error}\n", 404, mimetype="text/plain")
        name = quote(file_name(snapshot, week, catalog))
        return flask.Response(
            content,
            mimetype=MIME,
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
        )


def file_name(snapshot: Snapshot, week: str, catalog: Catalog) -> str:
    """Name of the file, in the reader's language."""
    place = catalog.pick(snapshot.meta["locality"]["name"])
    return catalog.t("export.file", place=place, week=week)
