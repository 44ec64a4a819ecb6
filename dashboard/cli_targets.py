"""The command that prints the scorecard: for people, and for machines."""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from dashboard.console import console, print_table

app = typer.Typer()

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]
COLOURS = {"met": "green", "on_track": "cyan", "behind": "red", "short": "yellow"}


@app.command()
def targets(
    folder: Folder,
    *,
    store: Store = None,
    lang: Annotated[str, typer.Option(help="zh-CN or en")] = "zh-CN",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """Print the scorecard: each indicator against its target, and what is missing."""
    from dashboard.scorecard import read_scorecard
    from dashboard.text import LANGUAGES, load
    from etl.settings import load_locality
    from etl.store.reader import Reader

    if lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang!r}: wanted {', '.join(LANGUAGES)}")
    reader = Reader(load_locality(folder, store_url=store).store_url)
    snapshot = reader.current()
    card = read_scorecard(reader, snapshot)
    catalog = load(lang)
    if card is None or card.targets.empty:
        key = "old" if card is None else "title"
        then = "old_next" if card is None else "next"
        if not as_json:
            console.print(escape(catalog.t(f"scorecard.empty.{key}")))
            console.print(escape(catalog.t(f"scorecard.empty.{then}")), highlight=False)
        return
    if as_json:
        for row in card.rows():
            own = card.missing[card.missing["indicator"] == row["indicator"]]
            names = own["name"].tolist()
            record = {"week": snapshot.week, **_plain(row), "missing_names": names}
            typer.echo(json.dumps(record, ensure_ascii=False))
        return
    print_table(_table(card, catalog, date.fromisoformat(str(snapshot.meta["data_date"])[:10])))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row that JSON can hold: what is unknown is null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
        if key != "rank"
    }


def _table(card: Any, catalog: Any, today: date) -> Table:
    from dashboard import scorecard as told

    keys = ("indicator", "progress", "value", "target", "due", "missing", "detail")
    title = told.lead(card, catalog)
    table = Table(*(catalog.t(f"scorecard.column.{key}") for key in keys), title=title)
    for row in card.rows():
        colour = COLOURS.get(row["progress"], "dim")
        table.add_row(
            escape(told.name_of(row, catalog) + told.per_words(row, catalog)),
            f"[{colour}]{told.progress_words(row['progress'], catalog)}[/]",
            told.value_words(row, told.number_of(row["value"])),
            told.limit_words(row, told.number_of(row["target"])),
            told.due_words(row, catalog),
            told.missing_words(row, told.number_of(row["missing"]), catalog),
            escape(told.detail_words(row, catalog, today=today)),
        )
    return table
