"""Files that nobody should send: refused with a reason, or read without a wrong figure.

`make fuzz` takes 10 000 and the bombs; every run of the tests takes some hundred of the same.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fuzz import bombs, forms, harness
from tests.fuzz.cases import case_of

FILES = int(os.environ.get("XINTU_FUZZ", "0"))
SHORT = 40
# Each of these once ended in a traceback, a hang or a wrong figure.
ONCE_WRONG = (
    6, 63, 633, 732, 885, 1110, 1172, 1546, 2118, 2161, 2476, 2550, 2742, 2940, 3113, 3297,
    1950, 5689, 6663,
)  # fmt: skip

pytestmark = pytest.mark.slow


def test_a_number_is_the_same_file_whenever_it_is_made() -> None:
    numbers = range(40)
    once = [case_of(number) for number in numbers]
    forms._files.cache_clear()
    time.sleep(2.1)  # archives count in steps of two seconds
    for number, first in zip(numbers, once, strict=True):
        again = case_of(number)
        assert again.content == first.content, (number, first.form, first.done)
        assert (again.beside, again.source) == (first.beside, first.source)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Of the files and the bombs, by the same workers."""
    numbers = (
        range(FILES) if FILES else np.random.default_rng(7).choice(10_000, SHORT, replace=False)
    )
    asked = dict.fromkeys(map(str, [*ONCE_WRONG, *numbers]))
    given = os.environ.get("XINTU_FUZZ_FOLDER")
    folder = Path(given) if given else tmp_path_factory.mktemp("fuzz")
    found = harness.run([*asked, *(bombs.BOMBS if FILES else bombs.SMALL)], folder)
    if FILES:
        (folder / "report.txt").write_text(harness.told(found))
    return found


def test_no_file_ends_in_a_traceback_a_hang_or_a_wrong_figure(
    verdicts: list[dict[str, Any]],
) -> None:
    files = [v for v in verdicts if v["number"].isdigit()]
    report = harness.told(files)
    assert not [v for v in files if v["fault"] is not None], report
    assert sum(v["end"] in {"clean", "findings"} for v in files) > len(files) / 8, report
    assert sum(v["figures"] for v in files if v["judged"]) > 2 * len(files), report


def test_bombs_are_refused_before_they_go_off(verdicts: list[dict[str, Any]]) -> None:
    exploded = [v for v in verdicts if not v["number"].isdigit()]
    assert len(exploded) >= len(bombs.SMALL)
    assert not [v for v in exploded if v["fault"] is not None], harness.told(exploded)
    assert all(v["figures"] == 0 for v in exploded)
