"""Two scenarios of siting as a workbook: what each is, what keeps them apart, all differences."""

from __future__ import annotations

from collections.abc import Sequence

import flask

from dashboard.errors import page_state
from dashboard.planner import Planner
from dashboard.report.scenarios_workbook import attachment, catalog_asked
from dashboard.siting_compare import (
    Comparison,
    data_apart,
    finding,
    question_apart,
    read_comparison,
    stopped_apart,
)
from dashboard.siting_differences import Line, Table
from dashboard.siting_question import Names, sentence
from dashboard.text import Catalog, words
from etl.spreadsheet import Sheet, sheets_bytes
from etl.store.reader import Reader
from geo.errors import NotPublishedError, XintuError


def names_of(both: Comparison, reader: Reader, catalog: Catalog) -> Names:
    """Names of the newest snapshot that the two rest on."""
    snapshots = [side.snapshot for side in (both.a, both.b) if side.snapshot is not None]
    newest = max(snapshots, key=lambda one: one.week, default=reader.current())
    return Names.read(reader, newest, catalog)


def compare_workbook(both: Comparison, reader: Reader, catalog: Catalog) -> bytes:
    """A cover and the table; numbers are numbers, what is unknown is empty.

    Raises
    ------
    NotPublishedError : one of the two has no answer.
    """
    if not both.both:
        asked = ", ".join(side.asked_for or "–" for side in (both.a, both.b))
        raise NotPublishedError(f"scenarios {asked}: no two answers to compare")
    names = names_of(both, reader, catalog)
    lines = Table(both, names, catalog).lines()
    return sheets_bytes([_cover(both, reader, names, catalog), _table(lines, catalog)])


def _cover(both: Comparison, reader: Reader, names: Names, catalog: Catalog) -> Sheet:
    t = catalog.t
    rows: list[tuple[object, ...]] = []
    scenarios = [side.scenario for side in (both.a, both.b) if side.scenario is not None]
    for key, said in (
        ("name", [one.name for one in scenarios]),
        ("data", [words.week_label(catalog, one.week) for one in scenarios]),
        ("asked", [sentence(one.question, names, catalog) for one in scenarios]),
        ("id", [one.scenario_id for one in scenarios]),
    ):
        rows.append((t(f"compare.sheet.{key}"), *said))
    if not both.same_measure:
        rows.append((t("compare.note.measure"), t("compare.note.measure_next")))
    apart = (
        *stopped_apart(both, catalog),
        *data_apart(both, catalog),
        *question_apart(both, reader, catalog),
    )
    rows += [(one.label, one.a, one.b) for one in apart]
    head = [finding(both, catalog), t("compare.sheet.a"), t("compare.sheet.b")]
    return Sheet(t("compare.sheet.cover"), head, rows)


def _table(lines: Sequence[Line], catalog: Catalog) -> Sheet:
    t = catalog.t
    columns = [
        t("compare.sheet.section"), t("compare.column.what"), t("compare.sheet.hint"),
        t("compare.sheet.a"), t("compare.sheet.b"), t("compare.column.more"),
        t("compare.sheet.number_a"), t("compare.sheet.number_b"),
    ]  # fmt: skip
    rows = [
        (t(f"compare.section.{line.section}"), line.label, line.hint, line.a, line.b, line.more,
         *line.raw)
        for line in lines
    ]  # fmt: skip
    return Sheet(t("compare.sheet.table"), columns, rows)


def register_workbook(server: flask.Flask, reader: Reader, planner: Planner) -> None:
    """Serve the workbook: ``/siting/compare.xlsx?a=<id>&b=<id>&lang=zh-CN``."""

    @server.get("/siting/compare.xlsx")
    def comparison_file() -> flask.Response:
        catalog = catalog_asked()
        asked = flask.request.args
        try:
            both = read_comparison(planner, reader, asked.get("a", ""), asked.get("b", ""))
            content = compare_workbook(both, reader, catalog)
            locality = catalog.pick(reader.current().meta["locality"]["name"])
        except XintuError as error:
            return flask.Response(f"{error}\n", page_state(error).status, mimetype="text/plain")
        return attachment(content, catalog.t("compare.sheet.file", locality=locality))
