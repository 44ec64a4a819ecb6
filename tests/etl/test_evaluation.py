"""A locality's past replayed: what was known when, what happened, what warnings were worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.evaluation.events import read_events
from etl.evaluation.known import known_at
from etl.evaluation.verdict import NOTHING, OPEN, RIGHT, judge
from etl.model import Text
from etl.store.packed import KEYS, WeekCounts, pack, unpack
from geo.errors import FaultsError, InputError, PersonalDataError

MEASURES = {"hotline_calls": Text(zh="热线来电", en="hotline calls")}
AREAS = {"330101001001", "330101001000"}
COLUMNS = ["warning_id", "measure", "areas", "start", "end"]
RELATED = {
    "V1": frozenset({"V1", "T"}),
    "V2": frozenset({"V2", "T"}),
    "T": frozenset({"T", "V1", "V2"}),
    "C": frozenset({"C"}),
}


def warned(*rows: tuple[str, str, str, int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Warnings, and where they stood: all the time in all their areas."""
    warnings = pd.DataFrame(rows, columns=COLUMNS).assign(tier=2)
    spells = [
        (w, area, start, end) for w, _, areas, start, end in rows for area in areas.split("|")
    ]
    return warnings, pd.DataFrame(spells, columns=["warning_id", "area_code", "start", "end"])


def happened(*rows: tuple[str, str, str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["event_id", "measure", "area_code", "start", "end"])


def test_an_event_counts_its_earliest_warning_and_a_warning_of_nothing_is_in_vain() -> None:
    warnings = warned(
        ("late", "m", "V1", 12, 14), ("early", "m", "T", 11, 13), ("vain", "m", "V2", 30, 31)
    )
    found = judge(*warnings, happened(("e", "m", "V1", 10, 15)), RELATED, n_weeks=52)
    assert found.warnings.set_index("warning_id")["verdict"].to_dict() == {
        "early": RIGHT, "late": RIGHT, "vain": NOTHING,
    }  # fmt: skip
    (event,) = found.events.itertuples()
    assert (event.warning_id, event.delay_weeks) == ("early", 1.0)
    summary = found.summary(n_weeks=52)
    assert (summary["found"], summary["nothing"], summary["median_delay"]) == (1, 1, 1.0)
    assert summary["nothing_yellow"] == 1
    assert summary["nothing_share"] == pytest.approx(1 / 3)
    assert summary["found_low"] < summary["found_share"] <= summary["found_high"]


@pytest.mark.parametrize(
    ("warning", "is_of_it"),
    [
        (("w", "m", "V1", 8, 8), True),
        (("w", "m", "V1", 7, 7), False),
        (("w", "m", "V1", 16, 17), False),
        (("w", "m", "V1|V2", 15, 20), True),
        (("w", "m", "V2", 11, 12), False),
        (("w", "other", "V1", 11, 12), False),
        (("w", "m", "T", 2, 40), True),
        (("w", "m", "C", 2, 40), False),
    ],
)
def test_what_makes_a_warning_one_of_an_event(
    warning: tuple[str, str, str, int, int], is_of_it: bool
) -> None:
    found = judge(*warned(warning), happened(("e", "m", "V1", 10, 15)), RELATED, n_weeks=52)
    assert (found.events["warning_id"].iloc[0] == "w") is is_of_it
    assert (found.warnings["verdict"].iloc[0] == RIGHT) is is_of_it


def test_a_warning_tells_of_an_area_only_from_when_it_stood_there() -> None:
    warnings, spells = warned(("w", "m", "V2|V1", 2, 20))
    spells.loc[spells["area_code"] == "V1", "start"] = 13
    found = judge(warnings, spells, happened(("e", "m", "V1", 10, 15)), RELATED, n_weeks=52)
    assert found.events["delay_weeks"].tolist() == [3.0]
    long = judge(
        *warned(("w", "m", "V1", 2, 40)), happened(("e", "m", "V1", 10, 15)), RELATED, n_weeks=52
    )
    assert long.events["delay_weeks"].tolist() == [0.0]


def test_the_newest_warnings_are_still_open_and_nothing_is_divided_by_nothing() -> None:
    none = happened()
    found = judge(*warned(("w", "m", "V1", 50, 51)), none, RELATED, n_weeks=52)
    assert found.warnings["verdict"].tolist() == [OPEN]
    summary = found.summary(n_weeks=52)
    assert np.isnan([summary["found_share"], summary["nothing_share"]]).all()
    assert np.isnan(summary["median_delay"])
    quiet = judge(*warned(), none, RELATED, n_weeks=52).summary(n_weeks=52)
    assert quiet["warnings"] == quiet["events"] == 0


T0 = datetime(2025, 3, 1, tzinfo=UTC)


def packed(figures: dict[tuple[str, str], float]) -> list[WeekCounts]:
    """Counts by area and week, of one measure on one level."""
    rows = [("village", area, week, "m", count) for (area, week), count in figures.items()]
    frame = pd.DataFrame(rows, columns=[*KEYS, "count"])
    return list(pack(frame.astype(dict.fromkeys(KEYS, "category"))))


def plain(rows: list[WeekCounts]) -> dict[tuple[str, str], float]:
    frame = unpack(rows)
    return dict(
        zip(zip(frame["area_code"], frame["week"], strict=True), frame["count"], strict=True)
    )


@given(
    st.lists(
        st.dictionaries(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["2025-W01", "2025-W02"])),
            st.integers(0, 9),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_earlier_state_comes_back_from_the_changes(
    states: list[dict[tuple[str, str], float]],
) -> None:
    """Each state follows the one before by a file at its own time; the log keeps the one before."""
    log = []
    for number, (before, after) in enumerate(pairwise(states), start=1):
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                area, week = key
                log.append(("village", area, week, "m", T0 + timedelta(days=number),
                            before.get(key, np.nan)))  # fmt: skip
    names = ["level", "area_code", "week", "measure", "changed_at_utc", "count"]
    changes = pd.DataFrame(log, columns=names)
    now = packed(states[-1]) if states[-1] else []
    weeks = {"2025-W01", "2025-W02"}
    for number, state in enumerate(states):
        wanted = {key: float(count) for key, count in state.items()}
        came = plain(list(known_at(now, changes, T0 + timedelta(days=number), weeks=weeks)))
        assert came == wanted


def events_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "events.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_events_are_read_in_chinese_and_in_gbk(tmp_path: Path) -> None:
    text = "指标,区划代码,开始周,结束周\n热线来电,330101001001,2025-W10,2025-W14\n"
    for encoding in ("utf-8-sig", "gb18030"):
        path = events_file(tmp_path, text, encoding)
        found = read_events(path, measures=MEASURES, areas=AREAS)
        assert found.to_dict("records") == [
            {"event_id": "2", "measure": "hotline_calls", "area_code": "330101001001",
             "start_week": "2025-W10", "end_week": "2025-W14"}
        ]  # fmt: skip


def test_all_that_is_wrong_with_events_is_said_at_once(tmp_path: Path) -> None:
    path = events_file(
        tmp_path,
        "measure,area_code,from,to\nrain,330101001001,2025-W10,2025-W09\n"
        "hotline_calls,99,2025-W54,2025-W60\n",
    )
    with pytest.raises(FaultsError) as caught:
        read_events(path, measures=MEASURES, areas=AREAS)
    said = str(caught.value)
    for part in ("row 2, measure: rain", "row 2, to: 2025-W09", "row 3, area_code: 99",
                 "row 3, from: 2025-W54", "row 3, to: 2025-W60"):  # fmt: skip
        assert part in said


def test_events_without_a_column_or_about_persons_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column for end"):
        read_events(
            events_file(tmp_path, "measure,area_code,from\nx,y,z\n"), measures=MEASURES, areas=AREAS
        )
    with pytest.raises(InputError, match="no such file"):
        read_events(tmp_path / "none.csv", measures=MEASURES, areas=AREAS)
    path = events_file(
        tmp_path,
        "姓名,身份证号,指标,区划代码,开始周,结束周\n"
        "某某,11010519491231002X,热线来电,330101001001,2025-W10,2025-W14\n",
    )
    with pytest.raises(PersonalDataError) as caught:
        read_events(path, measures=MEASURES, areas=AREAS)
    assert "11010519491231002X" not in str(caught.value)
