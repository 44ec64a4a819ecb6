"""Returned workbooks under any table: nothing is lost on the way back, and mending mends."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import openpyxl
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.findings import Doubts
from etl.persons import redact
from etl.returned.marker import RETURN_COLUMNS, read_marker, released_rows
from etl.returns import Handed, write_return
from etl.sources.mapping import Areas, Mapped
from etl.sources.observations import map_observations
from etl.sources.settings import ObservationsSource
from etl.sources.tabular import Table, read_table

CODES = ("990101001001", "990101002013", "990101103027", "990101204052")
AREAS = Areas("village", r"\d{12}", np.array(CODES, dtype=object), CODES)
HEADER = ["周", "代码", "咨询", "热线", "说明"]
WANTED = HEADER[:4]
TODAY = date(2026, 11, 18)
SOURCE = ObservationsSource.model_validate(
    {
        "id": "weekly",
        "role": "observations",
        "path": "weekly.csv",
        "level": "village",
        "columns": {
            "week": "周",
            "area": "代码",
            "counts": {"consult_visits": "咨询", "hotline_calls": "热线"},
        },
    }
)

# XML knows no control characters, and a cell's line breaks are not the matter here.
text = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn", "Zl", "Zp")),
    max_size=8,
)
figure = st.one_of(
    st.integers(0, 99).map(str),
    st.sampled_from(["5人", "12 人次", "-1", "3.5", "", "x", "=1+1", "1,204", "７"]),
    text,
)
week = st.one_of(
    st.sampled_from(["2026-W30", "2026-W31", "2026W32", "2026/7/20", "2026-W60", "", "2099-W01"]),
    text,
)
code = st.one_of(
    st.sampled_from([*CODES, CODES[0][1:], CODES[1][:5] + CODES[1][6:], "13800138000", ""]), text
)
rows = st.lists(st.tuples(week, code, figure, figure, text), min_size=1, max_size=15)


def read(path: Path) -> tuple[Table, Mapped, Doubts]:
    doubts = Doubts("weekly", path.name)
    table = read_table(path, SOURCE, WANTED, doubts)
    doubts.findings.clear()
    return table, map_observations(table, SOURCE, AREAS, doubts, measures=[], today=TODAY), doubts


def hand_in(folder: Path, table: list[tuple[str, ...]]) -> Path | None:
    """The table as CSV; None where no row of it holds anything."""
    if not any(cell.strip() for row in table for cell in row):
        return None
    content = io.StringIO(newline="")
    csv.writer(content, lineterminator="\n").writerows([HEADER, *table])
    path = folder / "weekly.csv"
    path.write_bytes(content.getvalue().encode())
    return path


def give_back(path: Path) -> Path | None:
    table, mapped, doubts = read(path)
    info = Handed(
        "weekly", 3, "aa", path.name, rows_read=len(table.cells), accepted=mapped.accepted,
        sheet=table.sheet, encoding=table.encoding,
    )  # fmt: skip
    return write_return(
        path.with_name("back.xlsx"),
        path,
        SOURCE,
        info,
        mapped.ledger.quarantine(),
        findings=doubts.findings,
        noted=mapped.ledger.noted(),
    )


def own_cells(table: Table) -> list[list[str]]:
    kept = [name for name in table.cells.columns if name not in RETURN_COLUMNS]
    return [[redact(str(cell)) for cell in row] for row in table.cells[kept].to_numpy().tolist()]


@given(rows)
@settings(max_examples=60, deadline=None)
def test_the_same_rows_come_back(table: list[tuple[str, ...]]) -> None:
    with TemporaryDirectory() as folder:
        path = hand_in(Path(folder), table)
        back = None if path is None else give_back(path)
        if path is None or back is None:
            return
        before, mapped, _ = read(path)
        after, again, _ = read(back)
        assert own_cells(after) == own_cells(before)
        assert after.cells["原行号"].astype(int).tolist() == before.cells.index.tolist()
        marker = read_marker(back)
        assert marker is not None
        assert (marker.source_id, marker.delivery_id, marker.sheet) == ("weekly", 3, after.sheet)
        # Handed in again as it is, nothing more is accepted, and nothing less.
        good = mapped.ledger.rows[mapped.ledger.accepted]
        used = again.ledger.rows[again.ledger.accepted]
        assert released_rows(after, used).tolist() == good.tolist()
        # Whatever is refused is coloured and told of.
        sheet = openpyxl.load_workbook(back)[marker.sheet]
        noted = {cell.row for line in sheet.iter_rows() for cell in line if cell.comment}
        assert set(mapped.ledger.quarantine()["row"]) <= noted


def proposals(mapped: Mapped) -> list[tuple[int, str, str, str]]:
    frames = [mapped.ledger.quarantine(), mapped.ledger.noted()]
    every = pd.concat([frame[["row", "marks"]] for frame in frames])
    return [
        (int(row), column, rule, proposal)
        for row, marks in zip(every["row"], every["marks"], strict=True)
        for column, rule, *_, proposal in json.loads(marks)
        if proposal is not None
    ]


@given(rows)
@settings(max_examples=60, deadline=None)
def test_what_is_mended_as_proposed_is_not_doubted_again(table: list[tuple[str, ...]]) -> None:
    with TemporaryDirectory() as folder:
        path = hand_in(Path(folder), table)
        back = None if path is None else give_back(path)
        if path is None or back is None:
            return
        _, mapped, _ = read(path)
        book = openpyxl.load_workbook(back)
        sheet = book.worksheets[1]
        wanted = proposals(mapped)
        for row, column, _, proposal in wanted:
            sheet.cell(row, HEADER.index(column) + 1).value = proposal
        book.save(back)
        _, again, doubts = read(back)
        told = {(f.row, f.column, f.rule) for f in doubts.findings}
        assert not {(row, column, rule) for row, column, rule, _ in wanted} & told
        assert read_marker(back) is not None
        assert again.accepted + again.quarantined == len(again.ledger.rows)
