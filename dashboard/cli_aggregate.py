"""`xintu aggregate`: what a department runs on its own machine, asked for what is missing."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from dashboard.console import console, errors, output
from geo.errors import ConfigError, InputError

if TYPE_CHECKING:
    from etl.edge.areas import Areas
    from etl.edge.export import Export

app = typer.Typer()

ROLES = {"area": ("区域列", "--area"), "date": ("日期列", "--date")}
DAY = "YYYY-MM-DD"


@app.command()
def aggregate(
    file: Annotated[Path, typer.Argument(help="逐人导出的 CSV、XLSX、XLS (row-level export)")],
    *,
    measure: Annotated[str, typer.Option(help="指标代码、名称，或含指标的列 (measure or column)")],
    area: Annotated[str | None, typer.Option(help="区域列 (column of areas)")] = None,
    day: Annotated[str | None, typer.Option("--date", help="事件日期列 (column of dates)")] = None,
    areas: Annotated[
        Path | None, typer.Option(help="区域名单：含代码和名称 (table or GeoJSON of areas)")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="地区文件夹：取其区域和指标 (locality folder)")
    ] = None,
    distinct: Annotated[
        str | None, typer.Option(help="每人每周只计一次的列，只在内存中 (count persons once)")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="工作表 (sheet)")] = None,
    start: Annotated[str | None, typer.Option("--from", help=f"起 (first day) {DAY}")] = None,
    end: Annotated[str | None, typer.Option("--to", help=f"止 (last day) {DAY}")] = None,
    k: Annotated[int, typer.Option(help="小于 k 的数标为“是” (smaller counts are marked)")] = 10,
    withhold_small: Annotated[
        bool, typer.Option("--withhold-small", help="小数留空 (blank small counts)")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="结果 .csv 或 .xlsx (result)")] = None,
) -> None:
    """逐人记录 → 按区域、按周的数，个人信息不出本机 (persons in, weekly counts by area out)."""
    from etl.edge.counting import REASONS, Wish, count_rows
    from etl.edge.export import open_export
    from etl.edge.record import write
    from etl.findings import Doubts, UnusableFileError

    now = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai"))
    try:
        given = [name for name in (area, day, distinct) if name]
        export = open_export(file, sheet=sheet, wanted=given)
        area, day = _columns(export, area, day)
        wish = Wish(
            area=area,
            day=day,
            measure=measure,
            distinct=distinct,
            k=k,
            withhold_small=withhold_small,
            start=_date("--from", start),
            end=_date("--to", end),
        )
        known = _areas(areas, config)
        with output().progress("aggregate") as progress:
            progress.step(file.name, 0, 1)
            outcome = count_rows(
                export,
                wish,
                known,
                today=now.date(),
                measures=_measures(config),
                on_rows=progress.rows,
            )
    except UnusableFileError as exc:
        doubts = Doubts("", file.name)
        doubts.add_failure(exc)
        raise InputError(doubts.findings[0].message("zh")) from exc
    target = out or file.with_name(f"{file.stem}_周统计.csv")
    for written in write(export, wish, outcome, target, now=now):
        console.print(escape(str(written)))
    left = outcome.rows - outcome.counted
    console.print(f"读入 {outcome.rows:,} 行：计入 {outcome.counted:,} 行，未计入 {left:,} 行")
    for reason, rows in outcome.left_out.items():
        console.print(f"  {REASONS[reason]}：{len(rows):,} 行")


def _areas(areas: Path | None, config: Path | None) -> Areas:
    from etl.edge.areas import any_areas, read_areas

    path = areas or config
    return any_areas() if path is None else read_areas(path)


def _measures(config: Path | None) -> dict[str, str]:
    from etl.edge.counting import named_measures, own_measures
    from etl.settings import load_locality

    if config is None:
        return own_measures()
    entries = load_locality(config).config.measures
    return named_measures((entry.code, entry.name.zh, entry.name.en) for entry in entries)


def _columns(export: Export, area: str | None, day: str | None) -> tuple[str, str]:
    """The columns asked for, and those proposed that the person agrees to."""
    chosen = {"area": area, "date": day}
    proposed = {} if area and day else export.proposed()
    for role, (what, option) in ROLES.items():
        if chosen[role]:
            continue
        if role not in proposed:
            raise ConfigError(f"请写明{what}：{option} (name the column)")
        name = proposed[role]
        if not sys.stdin.isatty():
            raise ConfigError(
                f"请写明{what}，看来是：{option} {name} (name it; this one is likely)"
            )
        errors.print(f"{what} ({role})：[bold]{escape(name)}[/]")
        if not typer.confirm("用这一列吗？Use it?", default=True, err=True):
            raise ConfigError(f"请写明{what}：{option} (name the column)")
        chosen[role] = name
    return str(chosen["area"]), str(chosen["date"])


def _date(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise ConfigError(f"{option} {text}：应为 {DAY} (wanted {DAY})") from exc
