"""`python -m tests.fuzz.worker FOLDER`: numbers or names of bombs in, verdicts out, a line each."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from tests.fuzz import bombs
from tests.fuzz.cases import case_of
from tests.fuzz.judge import as_dict, judge
from tests.support import network

# Far beyond what any file may take: allocation fails, and the file with it.
_HARD_BYTES = 6 << 30


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    network.close_network()
    resource.setrlimit(resource.RLIMIT_DATA, (_HARD_BYTES, _HARD_BYTES))
    folder = Path(sys.argv[1])
    judge(case_of(1), folder / "case")  # loads and compiles what is loaded and compiled once
    answers.write('{"ready": true}\n')
    for line in sys.stdin:
        asked = line.strip()
        case = case_of(int(asked)) if asked.isdigit() else bombs.bomb(asked)
        verdict = judge(case, folder / "case")
        answers.write(json.dumps(as_dict(verdict), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
