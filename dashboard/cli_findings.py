"""The command that lists what was doubtful: by file, worst first, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from dashboard.console import console

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer()

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]
SEVERITIES = {"error": ("错误", "red"), "warning": ("存疑", "yellow"), "info": ("说明", "dim")}
FIELDS = (
    "source_id", "file", "sheet", "row", "column", "rule", "severity", "came", "wanted_zh",
    "wanted_en", "action_zh", "action_en", "proposal", "count",
)  # fmt: skip


@app.command()
def findings(
    folder: Folder,
    *,
    store: Store = None,
    severity: Annotated[
        str, typer.Option(help="least serious to list: error, warning or info")
    ] = "info",
    source: Annotated[str | None, typer.Option(help="of this source only")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
    csv: Annotated[Path | None, typer.Option(help="write a CSV that Excel opens")] = None,
) -> None:
    """List what was doubtful in the files in force: where, what came, what to do."""
    from etl.settings import load_locality
    from etl.store.accepted import load_accepted
    from etl.store.engine import open_engine

    if severity not in SEVERITIES:
        raise typer.BadParameter(f"{severity!r}: wanted {', '.join(SEVERITIES)}")
    engine = open_engine(load_locality(folder, store_url=store).store_url, read_only=True)
    every = load_accepted(engine).findings
    chosen = arranged(every, severity=severity, source=source)
    if csv is not None:
        from etl.spreadsheet import csv_bytes

        csv.write_bytes(csv_bytes(chosen))
        console.print(f"{csv}: {len(chosen)}")
    elif as_json:
        for record in json.loads(chosen.to_json(orient="records", force_ascii=False)):
            typer.echo(json.dumps(record, ensure_ascii=False))
    else:
        _print(chosen, hidden=len(every) - len(chosen))


def arranged(findings: pd.DataFrame, *, severity: str, source: str | None) -> pd.DataFrame:
    """The findings asked for: files with the worst first, in a file the worst first.

    Parameters
    ----------
    findings : rows of the store.
    severity : the least serious that is kept.
    """
    ranks = {name: rank for rank, name in enumerate(SEVERITIES)}
    rank = findings["severity"].map(ranks)
    kept = rank <= ranks[severity]
    if source is not None:
        kept &= findings["source_id"] == source
    own = findings.loc[kept, list(FIELDS)].assign(rank=rank[kept]).astype({"row": "Int64"})
    errors = (own["severity"] == "error") * own["count"]
    own["errors"] = errors.groupby(own["file"]).transform("sum")
    own["worst"] = own.groupby("file")["rank"].transform("min")
    own = own.sort_values(
        ["worst", "errors", "file", "rank", "rule", "column", "row"],
        ascending=[True, False, True, True, True, True, True],
        kind="stable",
        ignore_index=True,
    )
    return own[list(FIELDS)]


def _print(findings: pd.DataFrame, *, hidden: int) -> None:
    from etl.findings import rules

    titles = {code: rule.title.zh for code, rule in rules().items()}
    for file, own in findings.groupby("file", sort=False):
        counts = own.groupby("severity")["count"].sum()
        summary = "，".join(
            f"[{colour}]{word} {counts[name]:,}[/]"
            for name, (word, colour) in SEVERITIES.items()
            if name in counts
        )
        console.print(f"[bold]{escape(str(file))}[/]  {summary}", highlight=False)
        for row in own.astype("string").fillna("").to_dict("records"):
            word, colour = SEVERITIES[row["severity"]]
            where = [row["sheet"], row["row"] and f"第 {row['row']} 行", row["column"]]
            title = titles.get(row["rule"], row["rule"])
            came = f"：{row['came']}" if row["came"] else ""
            times = "" if row["count"] == "1" else f"（{row['count']} 处）"
            line = " · ".join([*filter(None, where), f"{title}{came}{times}"])
            console.print(f"  [{colour}]{word}[/]  {escape(line)}", highlight=False)
            advice = f"应为 {row['wanted_zh']}；{row['action_zh']}"
            if row["proposal"]:
                advice += f"；建议改为“{row['proposal']}”"
            console.print(f"        [dim]{escape(advice)}[/]", highlight=False)
        console.print()
    if findings.empty:
        console.print("没有发现问题 Nothing doubtful")
    if hidden:
        console.print(f"[dim]另有 {hidden} 条在筛选之外 {hidden} more filtered out[/]")
