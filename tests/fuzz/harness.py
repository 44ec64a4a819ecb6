"""Two workers at once, each file with a limit of time and memory; what fails is kept."""

from __future__ import annotations

import json
import queue
import select
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fuzz import bombs
from tests.fuzz.cases import case_of

ROOT = Path(__file__).parents[2]
SECONDS, BOMB_SECONDS = 20.0, 90.0
PEAK_MB = 1536.0
# Seconds are the processor's; on a busy machine a file may wait for it.
_WALL = 5


class Worker:
    """A process with everything loaded, that answers or is ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", str(self._folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT,
        )  # fmt: skip
        if self._answer(180.0) is None:
            raise RuntimeError("no worker starts")

    def judge(self, asked: str) -> dict[str, Any]:
        """The verdict of a file, by its number or the name of a bomb."""
        limit = BOMB_SECONDS if asked in bombs.BOMBS else SECONDS
        assert self._process.stdin is not None
        self._process.stdin.write(f"{asked}\n".encode())
        self._process.stdin.flush()
        verdict = self._answer(_WALL * limit)
        if verdict is None:
            ended = self._process.poll()
            self.close()
            self._start()
            fault = (
                f"killed after {_WALL * limit:g} s" if ended is None else f"worker ended: {ended}"
            )
            return {"number": asked, "form": asked, "done": [], "end": "hang", "rules": [],
                    "judged": False, "figures": 0, "seconds": _WALL * limit, "peak_mb": 0.0,
                    "fault": fault}  # fmt: skip
        verdict["number"] = asked
        if verdict["fault"] is None and verdict["seconds"] > limit:
            verdict["fault"] = f"took {verdict['seconds']} s"
        if verdict["fault"] is None and verdict["peak_mb"] > PEAK_MB:
            verdict["fault"] = f"took {verdict['peak_mb']} MB"
        return verdict

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        line = self._process.stdout.readline() if ready else b""
        return json.loads(line) if line else None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def run(asked: Sequence[str], folder: Path, *, workers: int = 2) -> list[dict[str, Any]]:
    """Verdicts of all these files, in the order asked; faulty ones are written to `folder`."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for one in asked:
        waiting.put(one)
    verdicts: dict[str, dict[str, Any]] = {}

    folder.mkdir(parents=True, exist_ok=True)

    def work(place: int) -> None:
        worker = Worker(folder / f"worker-{place}")
        try:
            while True:
                one = waiting.get_nowait()
                verdicts[one] = worker.judge(one)
                with (folder / "verdicts.jsonl").open("a") as log:
                    log.write(json.dumps(verdicts[one], ensure_ascii=False) + "\n")
                if verdicts[one]["fault"] is not None:
                    keep(verdicts[one], folder / "faults")
        except queue.Empty:
            return
        finally:
            worker.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [verdicts[one] for one in asked]


def keep(verdict: dict[str, Any], folder: Path) -> None:
    """Write a faulty file and its verdict, to be looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    number = str(verdict["number"])
    (folder / f"{number}.json").write_text(json.dumps(verdict, ensure_ascii=False, indent=1))
    if number.isdigit():
        case = case_of(int(number))
        (folder / f"{number}-{case.name}").write_bytes(case.content)
        for suffix, content in case.beside.items():
            (folder / f"{number}-fuzzed{suffix}").write_bytes(content)


def told(verdicts: Sequence[dict[str, Any]]) -> str:
    """What came of all the files, in lines."""
    ends = Counter(v["end"] for v in verdicts)
    forms = Counter((v["form"].split(".")[-1], v["end"]) for v in verdicts)
    refused = Counter(rule for v in verdicts if v["end"] == "refused" for rule in v["rules"])
    slow = sorted(verdicts, key=lambda v: -v["seconds"])[:5]
    large = sorted(verdicts, key=lambda v: -v["peak_mb"])[:5]
    faults = [v for v in verdicts if v["fault"] is not None]
    return "\n".join(
        [
            f"{len(verdicts)} files: {dict(ends.most_common())}",
            f"by form: { {f'{k[0]} {k[1]}': n for k, n in sorted(forms.items())} }",
            f"refused by rule: {dict(refused.most_common())}",
            f"figures held against the file: {sum(v['figures'] for v in verdicts if v['judged'])}",
            f"slowest: {[(v['number'], v['seconds']) for v in slow]}",
            f"largest [MB]: {[(v['number'], v['peak_mb']) for v in large]}",
            f"faults: {len(faults)}",
            *(f"  {v['number']} {v['form']} {v['done']}: {v['fault'][-400:]}" for v in faults[:40]),
        ]
    )
