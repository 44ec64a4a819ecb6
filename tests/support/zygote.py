"""Runs that can be killed: a process with everything loaded, which forks one for each run.

`python -m tests.support.zygote` reads a JSON line a run (folder, store, week, file_bytes) and
answers with two lines: the pid at once, and how the run ended: its snapshot, or the error.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)


class Run:
    """A run under way in a process of its own."""

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self._zygote, self.pid = zygote, pid

    def kill(self) -> None:
        """kill -9, at whatever it is; nothing, if it has ended by itself."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> dict[str, Any]:
        """How it ended: `snapshot`, `error`, or `killed`."""
        return self._zygote.read()


class Zygote:
    """The process that forks runs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.zygote"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert self.read() == {"ready": True}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def read(self) -> dict[str, Any]:
        """The next answer."""
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def start(self, folder: Path, store: str, **options: object) -> Run:
        """Start a run of a locality."""
        assert self._process.stdin is not None
        wanted = {"folder": str(folder), "store": store, **options}
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return Run(self, int(self.read()["pid"]))

    def run(self, folder: Path, store: str, **options: object) -> dict[str, Any]:
        """Run a locality to its end."""
        return self.start(folder, store, **options).end()


def _child(wanted: dict[str, Any], pipe: int) -> None:
    from etl.pipeline import run
    from etl.settings import load_locality
    from geo.errors import XintuError

    if wanted.get("file_bytes"):
        # Writing beyond it fails as on a full disk, with an error and not with a signal.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = int(wanted["file_bytes"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    settings = load_locality(Path(wanted["folder"]), store_url=wanted["store"])
    try:
        result = run(settings, now=NOW, week=wanted.get("week"))
        answer = {"snapshot": result.snapshot_id, "fresh": result.fresh}
    except XintuError as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    os.write(pipe, json.dumps(answer).encode())


def _serve() -> None:
    import etl.pipeline  # noqa: F401
    from etl.fingerprint import code_version

    code_version()  # once for all runs

    def say(answer: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()

    say({"ready": True})
    for line in iter(sys.stdin.readline, ""):
        out, into = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(out)
            try:
                _child(json.loads(line), into)
            finally:
                os._exit(0)
        os.close(into)
        say({"pid": pid})
        with os.fdopen(out, "rb") as pipe:
            told = pipe.read()
        os.waitpid(pid, 0)
        say(json.loads(told) if told else {"killed": True})


if __name__ == "__main__":
    _serve()
