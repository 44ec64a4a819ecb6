"""The gate over many tables: persons never pass, figures always do, nothing is repeated."""

from __future__ import annotations

import contextlib
import csv
import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from etl.findings import UnusableFileError
from etl.gate import personal_columns
from etl.inspection import inspect_path
from etl.persons import redact
from etl.spreadsheet import workbook_bytes
from tests.support.persons import (
    IDENTITY_FORMS,
    MOBILE_FORMS,
    identity_numbers,
    mobile_numbers,
    names,
    old_identity_numbers,
)

VILLAGES = tuple(
    f"420106{town:03d}{village:03d}" for town in (1, 12, 101, 205) for village in range(1, 40)
)
remark = st.text(
    st.characters(codec="utf-8", categories=("Lo", "Ll", "Nd"), exclude_characters="\x1e"),
    max_size=8,
)
figures = st.lists(st.integers(0, 10**7).map(str), min_size=3, max_size=12)
# What the columns of honest files hold.
codes = {
    "village": st.sampled_from(VILLAGES),
    "grid with dash": st.builds("{}-{:03d}".format, st.sampled_from(VILLAGES), st.integers(1, 400)),
    "grid of 15": st.builds("{}{:03d}".format, st.sampled_from(VILLAGES), st.integers(1, 400)),
    "grid of 18": st.builds("{}{:06d}".format, st.sampled_from(VILLAGES), st.integers(1, 400)),
    "county": st.integers(110000, 659999).map(str),
    "site": st.builds(lambda n: f"XL{n:06d}", st.integers(0, 10**6 - 1)),
    "credit code": st.builds(lambda n: f"12420106{n:09d}", st.integers(4 * 10**8, 5 * 10**8)),
    "landline": st.builds(lambda n: f"027-{n:08d}", st.integers(10**7, 10**8 - 1)),
    "longitude": st.floats(73, 135, allow_nan=False).map(str),
    "projected": st.floats(3e5, 4e6, allow_nan=False).map(lambda x: f"{x:.4f}"),
    "count": st.integers(0, 10**9).map(str),
    "monday": st.dates().map(str).filter(lambda d: d > "2000"),
    "week": st.builds(lambda y, w: f"{y}-W{w:02d}", st.integers(2015, 2030), st.integers(1, 52)),
    "moment": st.datetimes().map(lambda t: f"{t:%Y%m%d%H%M%S}"),
    "share": st.floats(0, 1, allow_nan=False).map(str),
}  # fmt: skip


def table(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Categorical(texts) for name, texts in columns.items()})


def refused(cells: pd.DataFrame, *, facilities: bool = False) -> bool:
    return bool(personal_columns(cells, facilities=facilities))


@given(
    st.lists(identity_numbers, min_size=3, max_size=8),
    st.sampled_from(sorted(IDENTITY_FORMS)),
    st.booleans(),
)
@settings(max_examples=200)
def test_identity_numbers_never_pass(numbers: list[str], form: str, facilities: bool) -> None:
    texts = [IDENTITY_FORMS[form](number) for number in numbers]
    cells = table(代码=["990101001001"] * len(texts), 其他=texts, 人次=["3"] * len(texts))
    (found,) = personal_columns(cells, facilities=facilities)
    assert (found.column, found.reason, found.cells) == ("其他", "identity_number", len(texts))
    for text, number in zip(texts, numbers, strict=True):
        assert number not in redact(text)
        assert number[6:14] not in redact(text)


@given(st.lists(old_identity_numbers, min_size=3, max_size=8, unique=True))
@settings(max_examples=100)
def test_numbers_of_15_digits_never_pass(numbers: list[str]) -> None:
    assert refused(table(代码=["990101001001"] * len(numbers), 其他=numbers))


@given(st.lists(mobile_numbers, min_size=3, max_size=8), st.sampled_from(sorted(MOBILE_FORMS)))
@settings(max_examples=200)
def test_mobile_numbers_pass_only_in_facility_files(numbers: list[str], form: str) -> None:
    texts = [MOBILE_FORMS[form](number) for number in numbers]
    cells = table(代码=["990101001001"] * len(texts), 其他=texts)
    assert [c.reason for c in personal_columns(cells, facilities=False)] == ["mobile_number"]
    assert not refused(cells, facilities=True)
    for text, number in zip(texts, numbers, strict=True):
        assert number[3:] not in redact(text)


@given(st.lists(names.filter(lambda n: len(n) == 3), min_size=6, max_size=30, unique=True))
@settings(max_examples=100)
def test_lists_of_names_never_pass(every: list[str]) -> None:
    assert refused(table(其他=every))
    assert refused(table(其他=[f" {name[0]} {name[1:]} " for name in every]))


@given(st.data(), st.lists(st.sampled_from(sorted(codes)), min_size=1, max_size=5, unique=True))
@settings(max_examples=300)
def test_figures_and_codes_always_pass(data: st.DataObject, kinds: list[str]) -> None:
    n_rows = data.draw(st.integers(3, 12))
    columns = {
        f"列{i}": data.draw(st.lists(codes[kind], min_size=n_rows, max_size=n_rows))
        for i, kind in enumerate(kinds)
    }
    assert not refused(table(**columns))
    assert not refused(table(**columns), facilities=True)


@given(
    st.lists(st.tuples(names, identity_numbers, mobile_numbers, remark), min_size=3, max_size=8),
    st.booleans(),
    st.sampled_from(["utf-8-sig", "gb18030", "utf-16"]),
    st.sampled_from([",", "\t", ";"]),
)
@settings(max_examples=100, deadline=None)
def test_a_refusal_repeats_nothing(
    persons: list[tuple[str, str, str, str]], headed: bool, encoding: str, delimiter: str
) -> None:
    head = [["对象", "号码", "联络", "备注"]] if headed else []
    content = io.StringIO(newline="")
    csv.writer(content, delimiter=delimiter).writerows([*head, *persons])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        path.write_bytes(content.getvalue().encode(encoding))
        found = inspect_path(path)
    said = "、".join(map(str, found))
    assert found
    for cell in (cell for person in persons for cell in person):
        assert len(cell) < 4 or cell not in said
    for name, *_ in persons:
        assert name not in said


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=100)
def test_redaction_is_steady(before: str, after: str) -> None:
    once = redact(f"{before}13800138000{after}")
    assume(once != before + "13800138000" + after)
    assert redact(once) == once


@pytest.mark.parametrize("form", sorted(IDENTITY_FORMS))
def test_a_single_number_is_enough(form: str) -> None:
    rows = ["无"] * 500 + [IDENTITY_FORMS[form]("11010519491231002X")]
    assert refused(table(备注=rows))


GEOJSON = (
    '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"名称":"甲","n":1},'
    '"geometry":{"type":"Point","coordinates":[113.9,31.4]}}]}'
).encode()


def archive(inner: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("a.geojson", inner)
    return content.getvalue()


def workbook() -> bytes:
    return workbook_bytes("周报", ["周", "代码", "人次"], [["2026-W10", "990101001001", 3]] * 5)


WHOLE = {
    "a.csv": "周,代码,人次\n2026-W10,990101001001,3\n".encode(),
    "a.xlsx": workbook(),
    "a.xls": (Path(__file__).parents[1] / "data" / "files" / "weekly.xls").read_bytes(),
    "a.geojson": GEOJSON,
    "a.kml": b"<kml><Document><Placemark><name>a</name></Placemark></Document></kml>",
    "a.zip": archive(GEOJSON),
    "a.kmz": archive(b"<kml/>"),
    "a.gpkg": b"SQLite format 3\x00",
    "a.shp": b"\x00\x00\x27\x0a",
}


@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=8)), max_size=4),
    st.integers(0, 40),
)
@settings(max_examples=300, deadline=None)
def test_damaged_files_end_in_an_error_made_for_people(
    name: str, cuts: list[tuple[int, bytes]], lost: int
) -> None:
    content = WHOLE[name]
    for at, noise in cuts:
        place = at % len(content)
        content = content[:place] + noise + content[place + lost :] or b"\n"
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        with contextlib.suppress(UnusableFileError):
            inspect_path(path)
