"""Keeps the planner's process alive beside a server: starts it, and again when it has died."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Sequence

WAITS_S = (1.0, 2.0, 5.0, 15.0, 60.0)
STEADY_S = 60.0  # a process that has lived so long starts anew with the shortest wait
LOOK_EVERY_S = 0.5
END_WITHIN_S = 8.0

logger = logging.getLogger(__name__)


class Keeper:
    """One process, watched by a thread.

    Parameters
    ----------
    command : what to run; it is expected to end by itself when its parent is gone.
    waits_s : before each start after a death, the last one again and again [s].
    """

    def __init__(self, command: Sequence[str], *, waits_s: Sequence[float] = WAITS_S) -> None:
        self._command, self._waits_s = list(command), tuple(waits_s)
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs; None where none does."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the process and watch it; returns at once."""
        self._thread = threading.Thread(target=self._keep, name="planner's keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the process end in peace; one that does not is ended."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(END_WITHIN_S + 4)
            self._thread = None

    def _keep(self) -> None:
        deaths = 0
        while not self._ended.is_set():
            began = time.monotonic()
            # A session of its own: Ctrl-C is for the server, which ends it in its own time.
            self._process = subprocess.Popen(  # noqa: S603
                self._command, stdin=subprocess.DEVNULL, start_new_session=True
            )
            while self._process.poll() is None and not self._ended.wait(LOOK_EVERY_S):
                pass
            if self._ended.is_set():
                self._end(self._process)
                return
            deaths = 1 if time.monotonic() - began > STEADY_S else deaths + 1
            wait = self._waits_s[min(deaths, len(self._waits_s)) - 1]
            logger.warning(
                "the planner's process ended (code %s); started again in %.0f s",
                self._process.returncode, wait,
            )  # fmt: skip
            self._ended.wait(wait)

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
