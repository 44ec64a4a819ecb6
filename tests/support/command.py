"""The `xintu` command given in this process, where what it loads is loaded once."""

from __future__ import annotations

import signal
import sys

from dashboard import cli


def give(*words: object) -> int:
    """Give the command; its exit code. What it says is read with `capsys`."""
    arguments, interrupted = sys.argv, signal.getsignal(signal.SIGINT)
    sys.argv = ["xintu", *map(str, words)]
    try:
        cli.main()
    except SystemExit as exc:
        return int(exc.code or 0)
    finally:
        sys.argv = arguments
        signal.signal(signal.SIGINT, interrupted)
    return 0
