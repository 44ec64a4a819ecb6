"""The terminal: where words go, how progress is shown there, or to a machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich import progress as rich
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from etl.progress import Lines, Progress, Records, configure_logging

if TYPE_CHECKING:
    from etl.store.runs import Forecast

# A path or an address is never broken over two lines, wherever the output goes.
console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)
PIPE_WIDTH = 200

# What the steps of a run, the jobs of the clock and their outcomes are called to a person.
STEPS = {
    "compile": "准备计算程序",
    "levels": "整理各级区域",
    "counts": "汇总周报",
    "coverage": "计算覆盖和可达",
    "gaps": "判定缺口",
    "history": "整理往年数字",
    "warnings": "比对预警",
    "forecast": "预计未来几周",
    "publish": "发布",
    "store": "入库",
    "sources": "检查来源",
    "notices": "发送通知",
    "aggregate": "汇总",
    "queue": "排队",
    "ground": "读取已发布数据",
    "ways": "计算路程",
    "choose": "选址",
    "curve": "计算逐点增益",
    "people": "统计覆盖人群",
    "robustness": "检验稳健性",
}
JOBS = {
    "drop": "收件箱",
    "build": "夜间更新",
    "publish_week": "每周发布",
    "watch": "来源值守",
    "notify": "发送通知",
}
OUTCOMES = {"ok": "完成", "failed": "失败", "interrupted": "中断", "running": "进行中"}


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Output:
    """How one command talks.

    Attributes
    ----------
    as_json : logs and progress as one JSON object a line, for machines.
    """

    as_json: bool = False

    def progress(self, job: str = "", stopping: Callable[[], bool] = _never) -> Progress:
        """Display of a job: records for a machine, a bar on a terminal, else a line at times."""
        if self.as_json:
            return Records(job=job, stopping=stopping)
        if errors.is_terminal:
            return Bar(stopping=stopping)
        return Lines(sys.stderr, stopping=stopping)


_TALK: ContextVar[Output] = ContextVar("output")


def output() -> Output:
    """How the command under way talks."""
    return _TALK.get(Output())


def talk(out: Output) -> Output:
    """Let the command under way talk so, its logs too."""
    _TALK.set(out)
    configure_logging(sys.stderr, as_json=out.as_json)
    return out


class Bar(Progress):
    """A bar on the terminal: what is under way, how much of it, rows and rows a second."""

    def __init__(self, *, stopping: Callable[[], bool] = _never) -> None:
        super().__init__(stopping=stopping)
        self._bar = rich.Progress(
            rich.SpinnerColumn(),
            rich.TextColumn("{task.description}"),
            rich.BarColumn(),
            rich.TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            rich.TextColumn("{task.fields[rows]}"),
            rich.TimeElapsedColumn(),
            console=errors,
            transient=True,
        )
        self._task = self._bar.add_task("…", total=1, rows="")

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def show(self) -> None:
        """Draw the present state."""
        rows = f"{self.read:,} 行，每秒 {self.rate:,.0f} 行" if self.read else ""
        self._bar.update(
            self._task,
            description=escape(STEPS.get(self.label, self.label)),
            completed=self.done,
            total=max(self.total, 1),
            rows=rows,
        )

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal; where there is none, a row stays a line."""
    # A width that is asked for when printing is cut to the console's own, 80 without a terminal.
    wide = console if console.is_terminal else Console(soft_wrap=True, width=PIPE_WIDTH)
    wide.print(table)


def forecast_table(forecasts: Sequence[Forecast], *, timezone: str) -> Table:
    """Next runs and last outcomes, in the locality's time."""
    zone = ZoneInfo(timezone)
    table = Table(box=None)
    for title in ("下次", "任务", "上次", "结果"):
        table.add_column(title, no_wrap=True)
    table.add_column("说明")
    for one in forecasts:
        last, outcome, note = "–", "–", ""
        if one.last is not None:
            last = f"{one.last.started_at.astimezone(zone):%Y-%m-%d %H:%M}"
            outcome = OUTCOMES.get(one.last.outcome or "running", one.last.outcome or "")
            outcome += f" ({one.last.attempt})" if one.last.attempt > 1 else ""
            note = one.last.note or ""
        table.add_row(
            f"{one.next_at.astimezone(zone):%Y-%m-%d %H:%M}",
            JOBS.get(one.code, one.code),
            last,
            outcome,
            escape(note),
        )
    return table


def forecast_record(one: Forecast) -> dict[str, Any]:
    """The same of one job for a machine; times in UTC."""
    found: dict[str, Any] = {"job": one.code, "next_at": one.next_at.isoformat(), "last": None}
    if one.last is not None:
        last = one.last
        found["last"] = {
            "due_at": last.due_at.isoformat() if last.due_at else None,
            "started_at": last.started_at.isoformat(),
            "ended_at": last.ended_at.isoformat() if last.ended_at else None,
            "attempt": last.attempt,
            "outcome": last.outcome,
            "note": last.note,
        }
    return found
