"""The `xintu` command: the one place where all rooms meet.

Heavy imports stand inside the commands, so that `xintu --help` and a second `make run` are quick.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from geo.errors import ConfigError, NotPublishedError, XintuError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from etl.settings import Settings

app = typer.Typer(
    name="xintu",
    help="心图 Xintu: map of social psychological services, with area-level warnings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
# A path or an address is never broken over two lines, wherever the output goes.
console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
Data = Annotated[
    Path | None, typer.Option(help="folder of the departments' files; the locality's own if unset")
]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]
Week = Annotated[str | None, typer.Option(help="ISO week such as 2026-W46; the newest if unset")]


class Bar:
    """A progress bar for callbacks of (label, done, total)."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
        )
        self._task = self._progress.add_task("…", total=1)

    def __enter__(self) -> Callable[[str, int, int], None]:
        self._progress.start()
        return self._say

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def _say(self, label: str, done: int, total: int) -> None:
        self._progress.update(self._task, description=label, completed=done, total=max(total, 1))


def _load(folder: Path, data: Path | None = None, store: str | None = None) -> Settings:
    from etl.settings import load_locality

    return load_locality(folder, data=data, store_url=store)


@app.command()
def init(folder: Folder) -> None:
    """Write a commented xintu.toml to start from."""
    from etl.template import write_template

    path = write_template(folder)
    console.print(f"{path}: fill in the sources, then run: xintu run {folder}")


@app.command()
def demo(
    folder: Folder,
    seed: Annotated[int, typer.Option(help="another seed, another city")] = 2026,
    cells: Annotated[int, typer.Option(min=200, help="grid cells")] = 2400,
    weeks: Annotated[int, typer.Option(min=20, help="weeks of figures")] = 260,
    if_absent: Annotated[bool, typer.Option(help="leave a city that is already there")] = False,
) -> None:
    """Write the files of a whole fictional city, as departments would hand them in."""
    from etl.settings import CONFIG_NAME

    if (folder / CONFIG_NAME).exists():
        if if_absent:
            return
        raise ConfigError(f"{folder}: already holds a locality; choose another folder")
    from etl.build.weeks import last_complete_week
    from etl.demo import write_demo

    end_week = last_complete_week(datetime.now(UTC), timezone="Asia/Shanghai")
    with Bar() as say:
        write_demo(folder, seed=seed, cells=cells, weeks=weeks, end_week=end_week, on_progress=say)
    console.print(f"{folder}: fictional city written, {weeks} weeks to {end_week}")


@app.command()
def run(folder: Folder, data: Data = None, store: Store = None, week: Week = None) -> None:
    """Read the departments' files, build the week, publish it."""
    from etl.build.weeks import last_complete_week
    from etl.fingerprint import nothing_new

    settings = _load(folder, data, store)
    started = datetime.now(UTC)
    until = week or last_complete_week(started, timezone=settings.config.locality.timezone)
    # Looked up before the science is loaded, so that a run with nothing to do ends at once.
    published = nothing_new(settings, until=until)
    if published is not None:
        console.print(f"{published.snapshot_id}: nothing has changed since it was published")
        return
    from etl.pipeline import run as run_pipeline

    with Bar() as say:
        result = run_pipeline(settings, now=started, week=week, on_progress=say)
    seconds = (datetime.now(UTC) - started).total_seconds()
    console.print(
        f"{result.snapshot_id} published in {seconds:.1f} s: {result.rows_read:,} rows read, "
        f"{result.accepted:,} accepted, {result.quarantined:,} quarantined"
    )
    for source_id in result.failed_sources:
        errors.print(f"[bold]{source_id}[/]: file not used; `xintu findings {folder}` says why")


@app.command()
def findings(folder: Folder, store: Store = None) -> None:
    """List what was doubtful in the files of the last run: where, what came, what to do."""
    from etl.store.accepted import load_accepted
    from etl.store.engine import open_engine

    engine = open_engine(_load(folder, store=store).store_url, read_only=True)
    columns = ["file", "sheet", "row", "column", "came", "wanted_zh", "action_zh", "count"]
    rows = load_accepted(engine).findings[columns].astype({"row": "Int64"}).astype("string")
    table = Table("文件", "工作表", "行", "列", "来值", "应为", "怎么办", "次数")
    for row in rows.fillna("").itertuples(index=False):
        table.add_row(*row)
    console.print(table)


@app.command()
def serve(
    folder: Folder,
    store: Store = None,
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes that answer")] = 2,
) -> None:
    """Show the published map on http://127.0.0.1:8050."""
    from dashboard.server import serve_forever
    from etl.settings import Overrides

    settings = _load(folder, store=store)
    chosen = Overrides()
    serve_forever(
        settings.store_url,
        host=host or chosen.host,
        port=port or chosen.port,
        workers=workers,
        announce=console.print,
    )


@app.command()
def report(
    folder: Folder,
    store: Store = None,
    week: Week = None,
    out: Annotated[Path | None, typer.Option(help="folder for the pack")] = None,
    lang: Annotated[str, typer.Option(help="zh-CN or en")] = "zh-CN",
) -> None:
    """Draw the weekly pack: pictures of the pages and slides of maps and tables."""
    settings = _load(folder, store=store)
    _report(settings, out=out, week=week, lang=lang)


def _report(settings: Settings, *, out: Path | None, week: str | None, lang: str) -> None:
    from dashboard.report.pack import make_report

    with Bar() as say:
        result = make_report(
            settings.store_url,
            out or settings.folder / "reports",
            week=week,
            lang=lang,
            on_progress=say,
        )
    for path in result.paths:
        console.print(str(path))
    for warning in result.warnings:
        errors.print(warning)


@app.command()
def schedule(
    folder: Folder,
    data: Data = None,
    store: Store = None,
    listing: Annotated[bool, typer.Option("--list", help="print the next runs and end")] = False,
) -> None:
    """Stay and work by the clock: build nightly, publish and report on Monday mornings."""
    from etl.pipeline import run as run_pipeline
    from etl.schedule import Journal, build_scheduler, next_runs, usual_jobs

    settings = _load(folder, data, store)
    timezone = settings.config.locality.timezone

    def build() -> None:
        run_pipeline(settings, now=datetime.now(UTC))

    def publish_week() -> None:
        build()
        _report(settings, out=None, week=None, lang="zh-CN")

    jobs = usual_jobs(build, publish_week)
    for run in next_runs(jobs, timezone=timezone, now=datetime.now(UTC)):
        console.print(f"{run.at:%Y-%m-%d %H:%M} {run.code}")
    if listing:
        return
    journal = Journal(settings.folder / ".xintu" / "schedule.json")
    with journal.hold():
        build_scheduler(jobs, timezone=timezone, journal=journal).start()


@app.command()
def doctor(folder: Annotated[Path | None, typer.Argument()] = None) -> None:
    """Say what this machine has and lacks: browser, fonts, WebGL, database, room on disk."""
    from dashboard.doctor import examine

    marks = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}
    table = Table("", "检查 Check", "现状 Found", "怎么办 Remedy")
    checks = examine(_load(folder) if folder else None)
    for check in checks:
        table.add_row(marks[check.status], check.name, check.found, check.remedy)
    console.print(table)
    if any(check.status == "fail" for check in checks):
        raise typer.Exit(1)


def main() -> None:
    """Run the command; an error made for people is printed as such, without a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        app()
    except NotPublishedError as exc:
        errors.print(f"{exc}")
        raise SystemExit(3) from exc
    except XintuError as exc:
        errors.print(f"[bold red]×[/] {exc}")
        raise SystemExit(2) from exc


if __name__ == "__main__":
    main()
