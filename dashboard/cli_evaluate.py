"""The command that replays a locality's past: what would have been warned, and was it right."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from dashboard.console import console, output, print_table
from geo.errors import ConfigError

if TYPE_CHECKING:
    from etl.evaluation.report import Report

app = typer.Typer()

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]


@app.command()
def evaluate(
    folder: Folder,
    *,
    store: Store = None,
    since: Annotated[
        str | None, typer.Option("--from", help="first ISO week; a year before the last if unset")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="last ISO week; the newest with figures if unset")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(help="a second warning policy to hold beside: its name, or a .toml file"),
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="CSV of what really happened: measure, area, from, to")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="write a workbook (.xlsx) with all rows")] = None,
    lang: Annotated[str, typer.Option(help="zh-CN or en")] = "zh-CN",
    as_json: Annotated[bool, typer.Option("--json", help="figures as one JSON object")] = False,
) -> None:
    """Replay past weeks as they were known then: what was warned, how early, how often in vain."""
    from dashboard.compiled import keep_compiled
    from dashboard.text import LANGUAGES, load
    from etl.settings import load_locality

    if lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang!r}: wanted {', '.join(LANGUAGES)}")
    if out is not None and out.suffix.lower() != ".xlsx":
        raise ConfigError(f"{out}: wanted the name of a workbook, ending in .xlsx")
    settings = load_locality(folder, store_url=store)
    keep_compiled(folder)
    from etl.evaluation.run import evaluate_locality

    with output().progress() as say:
        report = evaluate_locality(
            settings, since=since, until=until, policy=policy, events=events, on_progress=say
        )
    catalog = load(lang)
    if out is not None:
        from dashboard.evaluation import evaluation_workbook

        out.write_bytes(evaluation_workbook(report, catalog))
    if as_json:
        typer.echo(json.dumps(_record(report), ensure_ascii=False))
        return
    from dashboard.evaluation import figure_rows, policy_heads, reading

    table = Table(*policy_heads(report, catalog), title=f"{report.weeks[0]} – {report.weeks[-1]}")
    for row in figure_rows(report, catalog):
        table.add_row(*(escape(cell) for cell in row))
    print_table(table)
    for line in reading(report, catalog):
        console.print(escape(line), highlight=False)
    if out is not None:
        console.print(f"{out}：已写好 written", highlight=False)


def _record(report: Report) -> dict[str, object]:
    def plain(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        "weeks": [report.weeks[0], report.weeks[-1]],
        "known_from": report.known_from,
        "events_file": report.events_file or None,
        "policies": {
            one.policy: {key: plain(float(value)) for key, value in one.summary.items()}
            for one in report.outcomes
        },
    }
