"""Takes the pictures of docs/intake.md, from a small city of its own: intake_pictures.py FOLDER."""

from __future__ import annotations

import html
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from openpyxl import load_workbook
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text
from screenshots import shrink

from dashboard.report import chromium as chromiums
from dashboard.report.capture import READY
from dashboard.report.pack import served
from etl.settings import load_locality
from etl.store.reader import Reader

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet
    from playwright.sync_api import Browser

WORKBOOK = "退回_卫健委_心理服务周报_2026.xlsx"
MENDED = "退回_妇联_家暴求助周报.xlsx"
BODY_PT = 11  # the size a workbook starts with
STYLE = """
html { height: 0; }
body { margin: 0; padding: 16px; width: max-content; background: #fff; color: #1b2430;
       font: 14px "Noto Sans SC", "Noto Sans CJK SC", sans-serif; }
table { border-collapse: collapse; }
td, th { padding: 3px 7px; }
.grid td { border: 1px solid #d9dee5; max-width: 250px; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.grid th { background: #f1f3f5; border: 1px solid #d9dee5; color: #5a6675; font-weight: 400; }
.grid .beside { border: 0; max-width: none; }
.grid .head { background: #f6f7f9; font-weight: 600; }
.gap td { border: 0; color: #5a6675; text-align: center; line-height: 8px; }
.note { display: inline-block; background: #fffbe6; border: 1px solid #c9b458; padding: 6px 9px;
        font-size: 12.5px; line-height: 1.55; white-space: pre-line; width: 300px; }
.cover td { vertical-align: middle; line-height: 1.45; }
pre { margin: 0; font: 14px/1.5 "Noto Sans Mono CJK SC", monospace; }
"""


def xintu(*words: str) -> str:
    """What the command says."""
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.cli", *words],
        env=os.environ | {"COLUMNS": "118", "FORCE_COLOR": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def look_of(cell: Cell) -> str:
    """Fill, border, weight and size of a cell as CSS."""
    css = []
    if cell.fill.fill_type == "solid":
        css.append(f"background:#{cell.fill.fgColor.rgb[-6:]}")
    for side in ("left", "right", "top", "bottom"):
        line = getattr(cell.border, side)
        if line is not None and line.style:
            kind = "dashed" if "ash" in line.style else "solid"
            width = 1 if line.style in {"thin", "hair"} else 2
            colour = line.color.rgb[-6:] if line.color is not None else "d9dee5"
            css.append(f"border-{side}:{width}px {kind} #{colour}")
    if cell.font.b:
        css.append("font-weight:600")
    if cell.font.sz and cell.font.sz != BODY_PT:
        css.append(f"font-size:{cell.font.sz * 1.3:.0f}px")
    if cell.font.color is not None and isinstance(cell.font.color.rgb, str):
        css.append(f"color:#{cell.font.color.rgb[-6:]}")
    if cell.alignment.horizontal:
        css.append(f"text-align:{cell.alignment.horizontal}")
    return ";".join(css)


def spans(sheet: Worksheet) -> tuple[dict[tuple[int, int], tuple[int, int]], set[tuple[int, int]]]:
    """Rows and columns that a merged cell covers, by its first; and the others."""
    first, covered = {}, set()
    for area in sheet.merged_cells.ranges:
        first[area.min_row, area.min_col] = (
            area.max_row - area.min_row + 1,
            area.max_col - area.min_col + 1,
        )
        covered |= set(_cells(area))
    return first, covered - set(first)


def _cells(area: Any) -> list[tuple[int, int]]:
    return [
        (row, column)
        for row in range(area.min_row, area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
    ]


def row_of(sheet: Worksheet, row: int, columns: int, *, css: str = "", start: int = 1) -> str:
    """The cells of a row as HTML."""
    first, covered = spans(sheet)
    parts = []
    for column in range(start, columns + 1):
        if (row, column) in covered:
            continue
        cell = sheet.cell(row, column)
        down, across = first.get((row, column), (1, 1))
        across = min(across, columns - column + 1)
        text = html.escape("" if cell.value is None else str(cell.value))
        kind = "number" if isinstance(cell.value, int | float) else css
        parts.append(
            f'<td class="{kind}" rowspan="{down}" colspan="{across}" style="{look_of(cell)}">'
            f"{text}</td>"
        )
    return "".join(parts)


def sheet_page(path: Path) -> str:
    """The department's own sheet: headers, and the first rows that came back, with their notes."""
    sheet = load_workbook(path).worksheets[1]
    columns = sheet.max_column
    noted: dict[int, Cell] = {}
    for cells in sheet.iter_rows(min_row=4):
        for cell in cells:
            if cell.comment is not None and cell.column < columns - 1:
                noted.setdefault(cell.row, cell)
    letters = "".join(f"<th>{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[i]}</th>" for i in range(columns))
    lines = [f"<tr><th></th>{letters}<td style='border:0'></td></tr>"]
    lines += [f"<tr><th>{r}</th>{row_of(sheet, r, columns, css='head')}</tr>" for r in (1, 2, 3)]
    for row in sorted(noted)[:4]:
        lines.append(f'<tr class="gap"><td colspan="{columns + 1}">⋯</td></tr>')
        for near in range(row - 1, row + 2):
            own = near == row - 1
            said = html.escape(noted[row].comment.text)
            place = f"<b>{noted[row].coordinate}</b> "
            note = (
                f'<td rowspan="3" class="beside"><span class="note">{place}{said}</span></td>'
                if own
                else ""
            )
            lines.append(f"<tr><th>{near}</th>{row_of(sheet, near, columns)}{note}</tr>")
    return f'<table class="grid">{"".join(lines)}</table>'


def cover_page(path: Path) -> str:
    """The first sheet."""
    sheet = load_workbook(path).worksheets[0]
    widths = "".join(
        f'<col style="width:{sheet.column_dimensions[letter].width * 7.6:.0f}px">'
        for letter in "BCDEFG"
    )
    rows = "".join(
        f'<tr style="height:{sheet.row_dimensions[row].height or 12}px">'
        f"{row_of(sheet, row, 7, start=2)}</tr>"
        for row in range(2, sheet.max_row + 1)
    )
    return (
        f'<table class="cover" style="table-layout:fixed;width:1160px">'
        f"<colgroup>{widths}</colgroup>{rows}</table>"
    )


def terminal_page(ansi: str, lines: int) -> str:
    """What a command said, in its colours."""
    console = Console(record=True, width=130, file=StringIO())
    console.print(Text.from_ansi("\n".join(ansi.splitlines()[:lines])), soft_wrap=True)
    return f"<pre>{console.export_html(inline_styles=True, code_format='{code}')}</pre>"


def draw(browser: Browser, body: str, target: Path) -> None:
    """A picture of a page of our own."""
    page = browser.new_page(viewport={"width": 1900, "height": 20}, device_scale_factor=1.5)
    page.set_content(f'<meta charset="utf-8"><style>{STYLE}</style><body>{body}')
    raw = target.with_suffix(".raw.png")
    page.locator("body").screenshot(path=raw)
    finish(raw, target)
    page.close()


def finish(raw: Path, target: Path) -> None:
    """Make it small, and say so."""
    print(f"{target}  {shrink(raw, target) / 1000:.0f} kB")
    raw.unlink()


def main(folder: str) -> None:
    """Take every picture."""
    out = Path(folder)
    program = chromiums.find()
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        city = Path(place) / "云汐市"
        xintu("demo", str(city), "--cells", "300", "--weeks", "60")
        xintu("run", str(city))
        xintu("returns", str(city))
        browser = playwright.chromium.launch(
            executable_path=program, args=list(chromiums.ARGUMENTS)
        )
        back = city / "退回"
        draw(browser, cover_page(back / WORKBOOK), out / "intake-cover.png")
        draw(browser, sheet_page(back / WORKBOOK), out / "intake-sheet.png")
        said = xintu("findings", str(city), "--source", "health", "--severity", "warning")
        draw(browser, terminal_page(said, 15), out / "intake-findings.png")
        mend(back / MENDED, city / "收件箱")
        xintu("run", str(city))
        with served(Reader(load_locality(city).store_url)) as url:
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.goto(f"{url}/data?lang=zh-CN")
            page.wait_for_function(READY)
            raw = out / "intake-data.raw.png"
            box = page.locator("section", has_text="最近交来的文件").last.bounding_box() or {}
            around = {"x": box["x"] - 16, "y": box["y"] - 16,
                      "width": box["width"] + 32, "height": box["height"] + 32}  # fmt: skip
            page.screenshot(path=raw, clip=around, full_page=True)
            finish(raw, out / "intake-data.png")
        browser.close()


def mend(source: Path, drop: Path) -> None:
    """What a clerk does: correct the coloured cells, and put the workbook into the drop folder."""
    book = load_workbook(source)
    sheet = book.worksheets[1]
    for cells in sheet.iter_rows(min_row=2):
        for cell in cells[:-2]:
            if cell.comment is not None:
                above = sheet.cell(cell.row - 1, cell.column).value
                cell.value = above if cell.column == 1 else 1
    drop.mkdir()
    book.save(drop / "家暴求助周报_已改正.xlsx")


if __name__ == "__main__":
    main(*sys.argv[1:])
