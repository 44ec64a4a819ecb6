"""The `xintu` command: the one place where all rooms meet.

Heavy imports stand inside the commands, so that `xintu --help` and a second `make run` are quick.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from dashboard import (
    cli_aggregate,
    cli_evaluate,
    cli_export,
    cli_findings,
    cli_intake,
    cli_map,
    cli_notices,
    cli_site,
    cli_targets,
    cli_warnings,
)
from dashboard.compiled import keep_compiled
from dashboard.console import (
    Output,
    console,
    errors,
    forecast_record,
    forecast_table,
    output,
    print_table,
    talk,
)
from geo.errors import BusyError, ConfigError, NotPublishedError, StoreError, XintuError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from dashboard.report.pack import ReportResult
    from etl.progress import Progress
    from etl.schedule import Job
    from etl.settings import Settings
    from etl.store.runs import Runs

app = typer.Typer(
    name="xintu",
    help="心图 Xintu: map of social psychological services, with area-level warnings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(cli_aggregate.app)
app.add_typer(cli_evaluate.app)
app.add_typer(cli_export.app)
app.add_typer(cli_findings.app)
app.add_typer(cli_intake.app)
app.add_typer(cli_map.app)
app.add_typer(cli_notices.app)
app.add_typer(cli_site.app)
app.add_typer(cli_targets.app)
app.add_typer(cli_warnings.app, name="warnings")
logger = logging.getLogger(__name__)

Folder = Annotated[Path, typer.Argument(help="locality folder that holds xintu.toml")]
Data = Annotated[
    Path | None, typer.Option(help="folder of the departments' files; the locality's own if unset")
]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the store; SQLite in the locality if unset")
]
Week = Annotated[str | None, typer.Option(help="ISO week such as 2026-W46; the newest if unset")]


@app.callback()
def common(
    as_json: Annotated[
        bool, typer.Option("--json", help="logs and progress as one JSON object a line")
    ] = False,
) -> None:
    """Options of every command."""
    talk(Output(as_json=as_json))


def _load(folder: Path, data: Path | None = None, store: str | None = None) -> Settings:
    from etl.settings import load_locality

    return load_locality(folder, data=data, store_url=store)


@app.command()
def init(folder: Folder) -> None:
    """Write a commented xintu.toml to start from."""
    from etl.template import write_template

    path = write_template(folder)
    console.print(f"{path}：填好来源后运行 fill in the sources, then: xintu run {folder}")


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
    with output().progress() as say:
        write_demo(folder, seed=seed, cells=cells, weeks=weeks, end_week=end_week, on_progress=say)
    console.print(f"{folder}：虚构城市已写好 city written，{weeks} 周，至 {end_week}")


@app.command()
def run(
    folder: Folder,
    data: Data = None,
    store: Store = None,
    week: Week = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="end with code 4 while another run is at work")
    ] = False,
) -> None:
    """Read the departments' files, build the week, publish it."""
    from etl.build.weeks import last_complete_week
    from etl.fingerprint import nothing_new

    settings = _load(folder, data, store)
    started = datetime.now(UTC)
    until = week or last_complete_week(started, timezone=settings.config.locality.timezone)
    # Looked up before the science is loaded, so that a run with nothing to do ends at once.
    published = nothing_new(settings, until=until)
    if published is not None:
        console.print(f"{published.snapshot_id}：没有变化 nothing has changed")
        cli_notices.tell_after_run(settings)
        return
    keep_compiled(folder)
    from etl.pipeline import run as run_pipeline

    with output().progress() as say:
        result = run_pipeline(
            settings,
            now=started,
            week=week,
            wait=not no_wait,
            on_wait=lambda holder: logger.warning("等待另一次运行 waiting for: %s", holder),
            on_progress=say,
        )
    seconds = (datetime.now(UTC) - started).total_seconds()
    console.print(
        f"{result.snapshot_id} 已发布 published in {seconds:.1f} s：读入 {result.rows_read:,} 行，"
        f"采用 accepted {result.accepted:,}，隔离 quarantined {result.quarantined:,}"
    )
    if result.quarantined:
        errors.print(f"有行等待改正 rows wait: xintu returns {folder}")
    for name in result.strangers:
        errors.print(f"[bold]{escape(name)}[/]：不属于任何来源 of no source")
    for source_id in result.failed_sources:
        errors.print(f"[bold]{source_id}[/]：文件未采用 file not used: xintu findings {folder}")
    cli_notices.tell_after_run(settings)


@app.command()
def serve(
    folder: Folder,
    *,
    store: Store = None,
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes that answer")] = 2,
    plan: Annotated[
        bool, typer.Option(help="answer planners' questions too; else `xintu plan` does")
    ] = True,
) -> None:
    """Show the published map on http://127.0.0.1:8050."""
    from dashboard.server import serve_forever
    from etl.settings import Overrides
    from etl.siting.keeper import Keeper

    settings = _load(folder, store=store)
    chosen = Overrides()
    serve_forever(
        settings,
        host=host or chosen.host,
        port=port or chosen.port,
        workers=workers,
        announce=console.print,
        beside=Keeper(_planning(folder, store)) if plan else None,
    )


def _planning(folder: Path, store: str | None) -> list[str]:
    """The command of the planner's process of this one."""
    command = [sys.executable, "-m", "dashboard.cli", *(["--json"] if output().as_json else [])]
    command += ["plan", str(folder.resolve()), "--parent", str(os.getpid())]
    return [*command, *(["--store", store] if store else [])]


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
    with output().progress() as say:
        result = _make_pack(settings, say, out=out, week=week, lang=lang)
    for path in result.paths:
        console.print(str(path))
    for warning in result.warnings:
        errors.print(warning)


def _make_pack(
    settings: Settings,
    progress: Progress,
    *,
    out: Path | None = None,
    week: str | None = None,
    lang: str = "zh-CN",
) -> ReportResult:
    from dashboard.report.pack import make_report

    folder = out or settings.folder / "reports"
    return make_report(settings.store_url, folder, week=week, lang=lang, on_progress=progress)


@app.command()
def schedule(
    folder: Folder,
    data: Data = None,
    store: Store = None,
    listing: Annotated[
        bool, typer.Option("--list", help="print next runs and last outcomes, and end")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the list, or the log, as JSON")] = False,
) -> None:
    """Stay and work by the clock: drop folder, nightly build, weekly pack, sources, notices."""
    from etl.progress import StopFlag
    from etl.schedule import Scheduler, forecasts, stopping_on_signals
    from etl.store.writer import Writer

    keep_compiled(folder)
    settings = _load(folder, data, store)
    out = talk(Output(as_json=as_json or output().as_json))
    jobs = _jobs(settings, lambda: _load(folder, data, store))
    found = forecasts(jobs, _past_runs(settings), now=datetime.now(UTC))
    if not out.as_json:
        table = forecast_table(found, timezone=settings.config.locality.timezone)
        print_table(table)
    elif listing:
        for one in found:
            typer.echo(json.dumps(forecast_record(one), ensure_ascii=False))
    if listing:
        return
    stop = StopFlag()
    with stopping_on_signals(stop) as came:
        Scheduler(
            jobs,
            engine=Writer(settings.store_url).engine,
            settings=settings.config.schedule,
            progress=out.progress,
            on_standby=lambda holder: logger.warning("standing by; at work is %s", holder),
            stop=stop,
        ).serve()
    if signal.SIGINT in came:
        raise typer.Exit(130)


def _past_runs(settings: Settings) -> Runs | None:
    """The record of runs; None where there is no store of this version."""
    from etl.store import migrate
    from etl.store.engine import open_engine
    from etl.store.runs import Runs

    try:
        engine = open_engine(settings.store_url, read_only=True)
        migrate.check(engine)
    except StoreError:
        return None
    return Runs(engine)


def _jobs(settings: Settings, load: Callable[[], Settings]) -> tuple[Job, ...]:
    """What the clock does; each job reads the configuration anew."""
    from zoneinfo import ZoneInfo

    from etl.deliveries import SETTLE_S, waiting
    from etl.pipeline import run as run_pipeline
    from etl.schedule import KEPT, usual_jobs
    from etl.store.engine import open_engine
    from etl.store.log import read_log
    from etl.store.outbox import Outbox
    from etl.store.runs import Runs
    from etl.watchdog import watch

    def build(progress: Progress) -> str | None:
        while True:
            try:
                done = run_pipeline(
                    load(),
                    now=datetime.now(UTC),
                    wait=False,
                    settle_s=SETTLE_S,
                    on_progress=progress,
                )
            except BusyError as exc:
                progress.step(str(exc), 0, 1)
                time.sleep(1)
            else:
                return done.snapshot_id if done.fresh else None

    def look(progress: Progress) -> str | None:
        current = load()
        if waiting(current, read_log(open_engine(current.store_url))):
            return build(progress)
        return None

    def publish_week(progress: Progress) -> str | None:
        build(progress)
        return str(_make_pack(load(), progress).paths[0])

    def look_after(progress: Progress) -> str | None:
        progress.step("sources", 0, 1)
        current, now = load(), datetime.now(UTC)
        engine = open_engine(current.store_url)
        Runs(engine).tidy(before=now - KEPT)
        Outbox(engine).tidy(before=now - KEPT)
        zone = ZoneInfo(current.config.locality.timezone)
        return watch(engine, today=now.astimezone(zone).date())

    def notify(progress: Progress) -> str | None:
        progress.step("notices", 0, 1)
        return cli_notices.queue_and_send(load())

    return usual_jobs(
        settings.config.schedule,
        settings.config.locality.timezone,
        look=look,
        build=build,
        publish_week=publish_week,
        watch=look_after,
        notify=notify,
    )


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


class _Interrupted(BaseException):
    """Ctrl-C, as something that no library answers in its own way."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise _Interrupted


def main() -> None:
    """Run the command; an error made for people is printed as such, without a traceback."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except _Interrupted as exc:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is under way is put away in peace
        errors.print(
            "已中断：没有留下半成品，上一期快照不变；同一命令再运行一次即可继续 "
            "interrupted: the last snapshot stands; give the same command again to go on"
        )
        raise SystemExit(130) from exc
    except NotPublishedError as exc:
        errors.print(escape(str(exc)))
        raise SystemExit(3) from exc
    except BusyError as exc:
        errors.print(escape(str(exc)))
        raise SystemExit(4) from exc
    except XintuError as exc:
        errors.print(f"[bold red]×[/] {escape(str(exc))}")
        raise SystemExit(2) from exc


if __name__ == "__main__":
    main()
