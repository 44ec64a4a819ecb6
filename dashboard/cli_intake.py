"""Commands about what departments hand in: what came, what it changed, what goes back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.box import SIMPLE
from rich.table import Column, Table

from dashboard.console import console
from geo.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer()

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]
SourceId = Annotated[str | None, typer.Option("--source", help="of this source only")]
FATES = {"accepted": "采用", "superseded": "被取代", "quarantined": "隔离", "set_aside": "搁置"}
SIDES = ("before", "after")
STATES = {"current": "在用", "replaced": "已被替换", "failed": "未能使用", "withdrawn": "已撤回",
          "forgotten": "来源已删"}  # fmt: skip


@app.command()
def deliveries(
    folder: Folder,
    store: Store = None,
    source: SourceId = None,
    changes: Annotated[
        int | None, typer.Option(help="what this delivery changed, figure by figure")
    ] = None,
    withdraw: Annotated[
        int | None, typer.Option(help="take this delivery out of force; the next run does without")
    ] = None,
) -> None:
    """List every file handed in, where its rows ended and what it changed."""
    from etl.settings import load_locality
    from etl.store.engine import open_engine

    settings = load_locality(folder, store_url=store)
    if withdraw is not None:
        from etl.store.writer import Writer

        source_id = Writer(settings.store_url).withdraw(withdraw)
        if source_id is None:
            raise ConfigError(
                f"交件 {withdraw} 不在用；xintu deliveries {folder} 列出全部 (not in force)"
            )
        console.print(f"{withdraw}：已从 {source_id} 撤回 withdrawn；接着运行 xintu run {folder}")
        return
    engine = open_engine(settings.store_url, read_only=True)
    if changes is not None:
        _print_changes(engine, changes)
    else:
        _print_log(engine, source, ZoneInfo(settings.config.locality.timezone))


@app.command()
def returns(
    folder: Folder,
    store: Store = None,
    source: SourceId = None,
    out: Annotated[
        Path | None, typer.Option(help="folder for the workbooks; 退回 in the data folder if unset")
    ] = None,
) -> None:
    """Write the workbooks in which departments mend their refused rows."""
    from etl.giveback import give_back
    from etl.settings import load_locality
    from etl.store.engine import open_engine

    settings = load_locality(folder, store_url=store)
    engine = open_engine(settings.store_url, read_only=True)
    paths = give_back(settings, engine, source_id=source, out=out)
    for path in paths:
        console.print(str(path))
    if not paths:
        console.print("没有退回的行 No row waits")


def _print_log(engine: Engine, source: str | None, zone: ZoneInfo) -> None:
    from etl.store.history import load_log

    name = Column("文件", overflow="fold", ratio=3)
    ends_of_rows = Column("各行去向", overflow="fold", ratio=2)
    table = Table("#", name, "收到", "状态", ends_of_rows, "改动", box=SIMPLE, expand=True)
    for entry in load_log(engine).to_dict("records"):
        if source is None or entry["source_id"] == source:
            ends = [f"{word} {entry[fate]:,}" for fate, word in FATES.items() if entry[fate]]
            kinds = (("+", "added"), ("~", "changed"), ("−", "removed"))
            changes = [f"{sign}{entry[kind]:,}" for sign, kind in kinds if entry[kind]]
            table.add_row(
                str(entry["delivery_id"]),
                entry["name"],
                f"{entry['received_at_utc'].astimezone(zone):%m-%d %H:%M}",
                STATES[entry["state"]],
                "，".join(ends),
                " ".join(changes),
            )
    console.print(table)
    console.print("[dim]改动：+ 新增的数字，~ 改变的，− 去掉的[/]")


def _print_changes(engine: Engine, delivery_id: int) -> None:
    from etl.store.history import load_changes

    table = Table("层级", "代码", "周", "指标", "原数", "现数")
    for row in load_changes(engine, delivery_id).to_dict("records"):
        figures = ["—" if math.isnan(row[side]) else f"{row[side]:g}" for side in SIDES]
        table.add_row(row["level"], row["code"], row["week"], row["figure"], *figures)
    console.print(table)
