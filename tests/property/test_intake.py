"""Intake under mutation: every row ends somewhere, and no good row pays for a bad one."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.findings import Doubts, UnusableFileError
from etl.persons import has_identity_number, redact
from etl.sources.mapping import Areas, Mapped
from etl.sources.observations import map_observations
from etl.sources.settings import ObservationsSource
from etl.sources.tabular import read_table

CODES = tuple(f"99010100100{i}" for i in range(1, 7))
WEEKS = tuple(f"2026-W{week}" for week in range(30, 36))
HEADER = ["周", "代码", "咨询", "热线"]
AREAS = Areas("village", r"\d{12}", np.array(CODES, dtype=object), CODES)
TODAY = date(2026, 11, 18)

good_row = st.tuples(
    st.sampled_from(WEEKS),
    st.sampled_from(CODES),
    st.integers(0, 99).map(str),
    st.integers(0, 99).map(str),
)
table = st.lists(good_row, min_size=1, max_size=25, unique_by=lambda row: row[:2])
odd_cell = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "-1",
            "3.5",
            "合计",
            "小计",
            "x",
            "99010100100",
            "2026-W60",
            "2027-W01",
            "-",
            "1,0",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
)
mutation = st.tuples(st.integers(0, 24), st.integers(0, 5), odd_cell)


def source(*, absent: str = "no_data") -> ObservationsSource:
    return ObservationsSource.model_validate(
        {
            "id": "weekly",
            "role": "observations",
            "path": "weekly.csv",
            "level": "village",
            "absent": absent,
            "columns": {
                "week": "周",
                "area": "代码",
                "counts": {"consult_visits": "咨询", "hotline_calls": "热线"},
            },
        }
    )


def read(content: bytes, given: ObservationsSource) -> tuple[Mapped, Doubts]:
    doubts = Doubts("weekly", "weekly.csv")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weekly.csv"
        path.write_bytes(content)
        wanted = ["周", "代码", "咨询", "热线"]
        found = read_table(path, given, wanted, doubts)
    return map_observations(found, given, AREAS, doubts, measures=[], today=TODAY), doubts


def written(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([HEADER, *rows])
    return text.getvalue().encode("utf-8", "replace")


def figures(frame: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    keys = zip(*(frame[name].astype(str) for name in ("area_code", "week", "measure")), strict=True)
    known = dict(zip(keys, frame["count"].tolist(), strict=True))
    return {key: count for key, count in known.items() if not np.isnan(count)}


@given(table, st.lists(mutation, max_size=12), st.sampled_from(["no_data", "zero"]))
@settings(max_examples=100)
def test_every_row_ends_somewhere(
    rows: list[tuple[str, ...]], mutations: list[tuple[int, int, str]], absent: str
) -> None:
    cells = [list(row) for row in rows]
    for at, column, text in mutations:
        row = cells[at % len(cells)]
        row[min(column, len(row)) : column + 1] = [text]
    content = written(cells)
    records = csv.reader(io.StringIO(content.decode(), newline=""))
    n_rows = sum(any(cell.strip() for cell in record) for record in records) - 1
    if not n_rows:
        with pytest.raises(UnusableFileError, match="No rows"):
            read(content, source(absent=absent))
        return
    mapped, doubts = read(content, source(absent=absent))
    quarantine = mapped.ledger.quarantine()
    assert mapped.accepted + mapped.quarantined + mapped.set_aside == n_rows
    assert len(quarantine) == mapped.quarantined
    assert quarantine["rules"].str.len().gt(0).all()
    # Whoever is refused is told: each quarantined row stands in a finding or is counted by one.
    told = {finding.row for finding in doubts.findings}
    assert set(quarantine["row"]) <= told or any(f.count > 1 for f in doubts.findings)
    frame = mapped.frame
    assert not frame.duplicated(["area_code", "week", "measure"]).any()
    assert not (frame["count"] < 0).any()


@given(table, st.data())
@settings(max_examples=60)
def test_one_bad_row_costs_no_other(rows: list[tuple[str, ...]], data: st.DataObject) -> None:
    cells = [list(row) for row in rows]
    at = data.draw(st.integers(0, len(cells) - 1))
    before = figures(read(written(cells), source())[0].frame)
    week, code, *_ = cells[at]
    cells[at] = data.draw(st.sampled_from([[week, code, "-1", "x"], [week, code[:-1], "1", "2"]]))
    after = figures(read(written(cells), source())[0].frame)
    own = {(code, week, measure) for measure in ("consult_visits", "hotline_calls")}
    assert after == {key: count for key, count in before.items() if key not in own}


@given(table, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_row_order_does_not_matter(rows: list[tuple[str, ...]], random: object) -> None:
    cells = [list(row) for row in rows] + [
        [WEEKS[0], CODES[0], "-3", "1"],
        [WEEKS[1], "", "1", "1"],
    ]
    first = read(written(cells), source(absent="zero"))[0]
    random.shuffle(cells)  # type: ignore[attr-defined]
    second = read(written(cells), source(absent="zero"))[0]
    pd.testing.assert_frame_equal(
        first.frame.drop(columns="source_row"), second.frame.drop(columns="source_row")
    )
    assert first.quarantined == second.quarantined


@given(table)
@settings(max_examples=40)
def test_figures_are_those_of_the_file(rows: list[tuple[str, ...]]) -> None:
    mapped, doubts = read(written([list(row) for row in rows]), source())
    assert figures(mapped.frame) == {
        (code, week, measure): float(count)
        for week, code, *counts in rows
        for measure, count in zip(("consult_visits", "hotline_calls"), counts, strict=True)
    }
    assert doubts.findings == []


@given(st.binary(max_size=400), st.integers(0, 60))
@settings(max_examples=100)
def test_bytes_end_in_a_finding_or_a_clean_table(noise: bytes, at: int) -> None:
    content = written([[WEEKS[0], CODES[0], "1", "2"], [WEEKS[1], CODES[1], "3", "4"]])
    damaged = content[:at] + noise + content[at:]
    try:
        mapped, _ = read(damaged, source())
    except UnusableFileError:
        return
    assert mapped.accepted + mapped.quarantined == len(mapped.ledger.rows)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    for row in [HEADER, [WEEKS[0], CODES[0], 1, 2], [WEEKS[1], CODES[1], 3, 4]]:
        book.worksheets[0].append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


OLD = (Path(__file__).parents[1] / "data" / "files" / "weekly.xls").read_bytes()


@given(
    st.sampled_from([workbook(), OLD]),
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=8)), min_size=1, max_size=4),
    st.integers(0, 40),
)
@settings(max_examples=80)
def test_damaged_workbooks_end_in_a_finding_or_a_clean_table(
    content: bytes, cuts: list[tuple[int, bytes]], lost: int
) -> None:
    for at, noise in cuts:
        place = at % len(content)
        content = content[:place] + noise + content[place + lost :]
    try:
        mapped, _ = read(content, source())
    except UnusableFileError:
        return
    assert mapped.accepted + mapped.quarantined == len(mapped.ledger.rows)


@given(st.integers(0, 10**14), st.integers(1, 12), st.integers(1, 28))
@settings(max_examples=50)
def test_an_identity_number_never_survives_redaction(seed: int, month: int, day: int) -> None:
    first = f"{100000 + seed % 899999}19{seed % 100:02d}{month:02d}{day:02d}{seed % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(int(d) * w for d, w in zip(first, weights, strict=True)) % 11]
    assert has_identity_number(first + check)
    assert first not in redact(f"身份证{first}{check}号")


@pytest.mark.parametrize("n_rows", [0, 1])
def test_smallest_files(n_rows: int) -> None:
    content = written([[WEEKS[0], CODES[0], "1", "2"]] * n_rows)
    if n_rows:
        assert read(content, source())[0].accepted == 1
    else:
        with pytest.raises(UnusableFileError):
            read(content, source())
