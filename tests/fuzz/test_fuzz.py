"""Files that nobody should send: refused with a reason, or read without a wrong figure.

`make fuzz` takes 10 000 and the bombs; every run of the tests takes some hundred of the same.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import bombs, harness
from tests.fuzz.cases import case_of

FILES = int(os.environ.get("XINTU_FUZZ", "0"))
SHORT = 60
# Each of these once ended in a traceback, a hang or a wrong figure.
ONCE_WRONG = (
    6, 63, 633, 732, 885, 1110, 1172, 1546, 2118, 2161, 2476, 2550, 3113,
)  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fuzz")]


def test_a_number_is_always_the_same_file() -> None:
    for number in range(40):
        once, again = case_of(number), case_of(number)
        assert (once.content, once.beside, once.source) == (
            again.content,
            again.beside,
            again.source,
        )


def test_no_file_ends_in_a_traceback_a_hang_or_a_wrong_figure(tmp_path: Path) -> None:
    numbers = (
        range(FILES) if FILES else np.random.default_rng(7).choice(10_000, SHORT, replace=False)
    )
    asked = dict.fromkeys(map(str, [*ONCE_WRONG, *numbers]))
    folder = Path(os.environ.get("XINTU_FUZZ_FOLDER", tmp_path))
    verdicts = harness.run([*asked], folder)
    report = harness.told(verdicts)
    if FILES:
        (folder / "report.txt").write_text(report)
    assert not [v for v in verdicts if v["fault"] is not None], report
    assert sum(v["end"] in {"clean", "findings"} for v in verdicts) > len(verdicts) / 6, report
    assert sum(v["figures"] for v in verdicts if v["judged"]) > 2 * len(verdicts), report


def test_bombs_are_refused_before_they_go_off(tmp_path: Path) -> None:
    asked = [*bombs.BOMBS] if FILES else [*bombs.SMALL]
    verdicts = harness.run(asked, tmp_path)
    assert not [v for v in verdicts if v["fault"] is not None], harness.told(verdicts)
    assert all(v["figures"] == 0 for v in verdicts)
