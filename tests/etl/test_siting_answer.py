"""What is answered to a question of sites: kept and read again, and its figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from etl.siting.answer import COLUMNS, Answer, as_table, empty_tables
from geo.errors import InputError


def _kept() -> Answer:
    tables = empty_tables()
    tables["gaps"] = as_table(
        "gaps",
        pd.DataFrame(
            {"gap_before": [3.0, np.nan], "gap_after": [1.0, np.nan], "areas": 2, "persons": 9.5}
        ),
    )
    tables["targets"] = as_table(
        "targets",
        pd.DataFrame(
            {
                "code": ["rooms_village", "beds"], "name_zh": ["村室", None], "name_en": "rooms",
                "value_before": 0.5, "value_after": 0.75, "required": [0.8, np.nan], "unit": "",
                "met_before": False, "met_after": [False, True],
            }
        ),
    )  # fmt: skip
    cells = {
        "state": np.array([0, 2, 5], dtype=np.uint8),
        "minutes_after": np.array([np.nan, 3.5, 20.25], dtype=np.float32),
        "pair_start": np.array([0, 2], dtype=np.int64),
    }
    return Answer({"week": "2026-W47", "gap": float("inf"), "share_after": 0.5}, tables, cells)


def test_an_answer_is_read_as_it_was_kept() -> None:
    kept = _kept()
    data = kept.to_bytes()
    read = Answer.from_bytes(data)
    # What is not finite is no JSON: it is not known.
    assert read.meta == {"week": "2026-W47", "gap": None, "share_after": 0.5}
    assert list(read.tables) == list(COLUMNS)
    for name, frame in kept.tables.items():
        pd.testing.assert_frame_equal(read.tables[name], frame)
    assert list(read.cells) == list(kept.cells)
    for name, values in kept.cells.items():
        assert read.cells[name].dtype == values.dtype
        np.testing.assert_array_equal(read.cells[name], values)
    assert kept.to_bytes() == data


@pytest.mark.parametrize("spoilt", [b"", b"PK\x03\x04 no archive", None])
def test_what_is_no_answer_is_refused(spoilt: bytes | None) -> None:
    data = _kept().to_bytes()
    with pytest.raises(InputError, match="no answer can be read from these"):
        Answer.from_bytes(data[: len(data) // 2] if spoilt is None else spoilt)


def test_an_answer_of_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.siting.answer.FORMAT", 7)
    data = _kept().to_bytes()
    monkeypatch.undo()
    with pytest.raises(InputError, match="the answer has format 7; wanted 1: ask again"):
        Answer.from_bytes(data)
