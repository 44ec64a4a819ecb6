"""The command that writes the resource map as a workbook."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dashboard.console import console
from geo.errors import ConfigError

app = typer.Typer()

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]


@app.command()
def export(
    folder: Folder,
    store: Store = None,
    week: Annotated[str | None, typer.Option(help="ISO week; the newest if unset")] = None,
    out: Annotated[Path | None, typer.Option(help="the workbook to write")] = None,
    lang: Annotated[str, typer.Option(help="zh-CN or en")] = "zh-CN",
) -> None:
    """Write the resource map as a workbook: every level, every layer, sites, definitions."""
    from dashboard.export import file_name, resource_workbook
    from dashboard.text import LANGUAGES, load
    from etl.settings import load_locality
    from etl.store.reader import Reader

    if lang not in LANGUAGES:
        raise ConfigError(f"--lang {lang}: wanted {' or '.join(LANGUAGES)}")
    reader, catalog = Reader(load_locality(folder, store_url=store).store_url), load(lang)
    snapshot = reader.current()
    chosen = week or snapshot.week
    target = out or folder / "reports" / file_name(snapshot, chosen, catalog)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(
        resource_workbook(reader, snapshot, week=chosen, catalog=catalog, now_utc=datetime.now(UTC))
    )
    console.print(str(target))
