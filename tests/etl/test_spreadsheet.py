"""Tables that leave run nothing: what a real spreadsheet makes of them."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.spreadsheet import csv_bytes, neutral, workbook_bytes

ATTACKS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\ufeff=1+1",
    "＝1+1", "＋1+1", "－1+1", "＠SUM(A1)", "\u22121+1", '=HYPERLINK("http://127.0.0.1/","x")',
    "=cmd|'/c calc'!A0", "甲;=1+1", '甲";=1+1;"', "甲\n=1+1", "甲\t=1+1",
)  # fmt: skip
HARMLESS = ("", "-", "—", "=", "柳溪村", "2026-W46", "990101001001", "1-2", "甲=乙", "'=1")


@pytest.mark.parametrize("value", ATTACKS[:16])
def test_what_would_be_calculated_becomes_text(value: str) -> None:
    assert neutral(value) == f"'{value}"
    assert neutral(neutral(value)) == neutral(value)


@pytest.mark.parametrize("value", [*HARMLESS, -1, -2.5, 0, None, True])
def test_the_rest_stays_as_it_is(value: object) -> None:
    assert neutral(value) is value


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=6))
def test_no_field_of_a_csv_begins_like_a_formula(texts: list[str]) -> None:
    content = csv_bytes(pd.DataFrame({"=列": texts, "数": [-1.5] * len(texts)})).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert len(rows) == len(texts) + 1
    assert rows[0][0] == "'=列"
    for text, (cell, number) in zip(texts, rows[1:], strict=True):
        assert cell in {text, f"'{text}"}
        assert not re.match(r"\s*[=+\-@＝＋－＠].", cell, re.DOTALL)
        assert number == "-1.5"


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=6))
def test_no_cell_of_a_workbook_is_a_formula(texts: list[str]) -> None:
    content = workbook_bytes("表", ["=列", "数"], [[text, -1.5] for text in texts])
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    for first, second in sheet.iter_rows():
        assert first.data_type in {"s", "n", "inlineStr"}
        assert first.data_type != "n" or first.value is None
        assert second.data_type == ("s" if second.row == 1 else "n")
        if isinstance(first.value, str) and neutral(first.value) != first.value:
            assert first.quotePrefix


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("scalc") is None, reason="until LibreOffice Calc is installed")
@pytest.mark.parametrize("separators", ["44,34", "59/44,34"])
def test_libreoffice_calculates_nothing(tmp_path: Path, separators: str) -> None:
    texts = [*ATTACKS, *HARMLESS]
    table = pd.DataFrame({"文": texts, "数": [-1.5] * len(texts)})
    (tmp_path / "a.csv").write_bytes(csv_bytes(table))
    rows = [[text, -1.5] for text in texts]
    (tmp_path / "b.xlsx").write_bytes(workbook_bytes("表", ["文", "数"], rows))
    (tmp_path / "out").mkdir()
    for name, how in (("a.csv", [f"--infilter=CSV:{separators},76,1"]), ("b.xlsx", [])):
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        command = [
            "soffice",
            profile,
            "--headless",
            *how,
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
        ]
        subprocess.run(
            [*command, "--outdir", str(tmp_path / "out"), str(tmp_path / name)],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        made = tmp_path / "out" / Path(name).with_suffix(".xlsx").name
        sheet = openpyxl.load_workbook(made).worksheets[0]
        kinds = {cell.data_type for row in sheet.iter_rows() for cell in row}
        assert kinds <= {"s", "n"}, name
        assert sheet.max_row > len(texts)
        assert {cell.value for cell in sheet["B"][1:]} == {-1.5}
