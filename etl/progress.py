"""Word of what is under way, for anything over a second: to a terminal, a log file or a machine.

A job is given a `Progress` and says `step(label, done, total)` where it begins something and
`rows(n)` as rows go by. Both are safe points: a job that has been asked to stop ends there, and
since whatever a job writes is whole or not there at all, it leaves the last snapshot as it was.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from geo.errors import XintuError

# What a function that reports progress takes; a `Progress` is one, a plain function too.
OnProgress = Callable[[str, int, int], None]
PLAIN_EVERY_S = 3.0
# Identity numbers (their middle is a date of birth) and mobile numbers, wherever they stand.
_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z])(?:\d{6}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
    r"|(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?![0-9A-Za-z])"
)
_KEYS = ("job", "source", "done", "total", "rows", "rows_per_s", "seconds")


class Stopped(BaseException):
    """A job was asked to stop and is at a safe point."""


class Progress:
    """Counts what goes by; a child shows it.

    Attributes
    ----------
    label, done, total : of the present step.
    read : rows of the present step.
    """

    def __init__(self, *, stopping: Callable[[], bool] = lambda: False) -> None:
        self.label, self.done, self.total, self.read = "", 0, 0, 0
        self._stopping = stopping
        self._began = time.monotonic()

    def __call__(self, label: str, done: int, total: int) -> None:
        """Take a step; a `Progress` stands wherever a plain function is wanted."""
        self.step(label, done, total)

    def step(self, label: str, done: int, total: int) -> None:
        """Begin something: `done` of `total` things are behind it.

        Raises
        ------
        Stopped : somebody asked for it.
        """
        if label != self.label:
            self.read, self._began = 0, time.monotonic()
        self.label, self.done, self.total = label, done, total
        self._safe_point()
        self.show()

    def rows(self, n: int) -> None:
        """Say that `n` more rows of the present step have been read or written.

        Raises
        ------
        Stopped : somebody asked for it.
        """
        self.read += n
        self._safe_point()
        self.show()

    @property
    def seconds(self) -> float:
        """How long the present step has taken."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Rows a second of the present step; 0 before its first row."""
        return self.read / max(self.seconds, 1e-3) if self.read else 0.0

    def show(self) -> None:
        """Tell; the base tells nobody."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the display away."""

    def _safe_point(self) -> None:
        if self._stopping():
            raise Stopped


class _Relay(Progress):
    """A plain function as a `Progress`; rows are not told to it."""

    def __init__(self, told: OnProgress) -> None:
        super().__init__()
        self._told = told

    def step(self, label: str, done: int, total: int) -> None:
        self._told(label, done, total)


def as_progress(on_progress: OnProgress | None) -> Progress:
    """Whatever a caller gave as a `Progress`; nothing tells nobody."""
    if isinstance(on_progress, Progress):
        return on_progress
    return _Relay(on_progress) if on_progress is not None else Progress()


class Lines(Progress):
    """A line every few seconds, for where no bar can be drawn.

    Parameters
    ----------
    out : text stream.
    every_s : not more often than this, but for the first line [s].
    stopping : whether the job should end at the next safe point.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        every_s: float = PLAIN_EVERY_S,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(stopping=stopping)
        self._out, self._every_s = out, every_s
        self._told_at = time.monotonic()

    def show(self) -> None:
        """Write a line if the last one is old enough."""
        now = time.monotonic()
        if now - self._told_at < self._every_s:
            return
        self._told_at = now
        self._out.write(redact(f"{line(self)}\n"))
        self._out.flush()


class Records(Progress):
    """Each step, and rows every few seconds, as records of the log: one JSON object a line."""

    def __init__(
        self,
        *,
        job: str = "",
        every_s: float = PLAIN_EVERY_S,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(stopping=stopping)
        self._job, self._every_s = job, every_s
        self._told = ("", 0, 0, 0)
        self._told_at = 0.0
        self._log = logging.getLogger(__name__)

    def step(self, label: str, done: int, total: int) -> None:
        """Log how the last step ended, and the new one."""
        if label != self.label:
            self.close()
        super().step(label, done, total)

    def close(self) -> None:
        """Log rows that are not logged yet."""
        if self.read and self.read != self._told[3]:
            self._emit()

    def show(self) -> None:
        """Log the state of the present step, the first time and then at times."""
        same = self._told[:3] == (self.label, self.done, self.total)
        if not same or time.monotonic() - self._told_at >= self._every_s:
            self._emit()

    def _emit(self) -> None:
        self._told = (self.label, self.done, self.total, self.read)
        self._told_at = time.monotonic()
        facts: dict[str, Any] = {
            "job": self._job or None,
            "source": self.label,
            "done": self.done,
            "total": self.total,
            "rows": self.read,
            "rows_per_s": round(self.rate),
            "seconds": round(self.seconds, 3),
        }
        self._log.info("progress", extra={key: v for key, v in facts.items() if v is not None})


def line(progress: Progress) -> str:
    """The present step in a line: what, how much of the whole, rows and rows a second."""
    said = f"{progress.done}/{progress.total} {progress.label}"
    if progress.read:
        said += f": {progress.read:,} rows, {progress.rate:,.0f} rows/s"
    return said


def redact(text: str) -> str:
    """A text without identity and mobile numbers, whatever file or error they came from."""
    return _PERSONAL.sub("[redacted]", text)


def describe(error: BaseException) -> str:
    """An error in words that hold no row of anybody's file.

    Our own messages never repeat a personal value. Of anything else only its kind and place are
    told, since its message may quote what it choked on.
    """
    kind = type(error).__name__
    orig = getattr(error, "orig", None)
    if orig is not None:  # of SQLAlchemy, whose own text quotes statement and parameters
        first = str(orig).strip().partition("\n")[0]
        return redact(f"{kind}: {first}")
    if isinstance(error, XintuError):
        return redact(f"{kind}: {error}")
    if isinstance(error, OSError):
        name = f": {error.filename}" if error.filename else ""
        return redact(f"{kind}: {error.strerror or 'failed'}{name}")
    frames = traceback.extract_tb(error.__traceback__)
    return f"{kind} in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else kind


class JsonFormatter(logging.Formatter):
    """A log record as one JSON object: time (UTC), level, event, logger, and what it carries."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC)
        found: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": redact(record.getMessage()),
            "logger": record.name,
        }
        for key in _KEYS:
            if key in record.__dict__:
                value = record.__dict__[key]
                found[key] = redact(value) if isinstance(value, str) else value
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            found["error"] = describe(error)
        return json.dumps(found, ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """A log record as a line for people; of an error the way it took, never a value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines with the way of an error."""
        return redact(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        """Where it happened, and the error in words that hold no row."""
        way = "".join(traceback.format_tb(ei[2])).rstrip()
        return f"{way}\n{describe(ei[1])}"


def configure_logging(out: TextIO, *, as_json: bool) -> None:
    """Send every log record to `out`, redacted; libraries only when they warn."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # A look at the drop folder that falls due during a long build is left out, and no news.
    for name, level in (("alembic", "WARNING"), ("apscheduler", "WARNING"),
                        ("apscheduler.scheduler", "ERROR")):  # fmt: skip
        logging.getLogger(name).setLevel(level)


class StopFlag:
    """Set by a signal, read at safe points."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        """Ask for the end."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Whether the end was asked for within so many seconds."""
        return self._event.wait(seconds)
