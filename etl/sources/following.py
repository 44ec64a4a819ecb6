"""Figures of areas that merged or split, handed on to the areas that follow them.

Figures are kept as they came, under the code of their time; `follow` hands them on where series are
put together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from etl.findings import BoolArray, Doubts
from etl.sources.successors import Successors


@dataclass(frozen=True)
class Followed:
    """Figures under the areas of today.

    Attributes
    ----------
    frame : as it came, former areas replaced by their successors.
    handed_on : (level, old code, new code) → figures that were handed on.
    unknown : figures that are no data because a part of the area did not report.
    """

    frame: pd.DataFrame
    handed_on: dict[tuple[str, str, str], int]
    unknown: int


def follow(
    frame: pd.DataFrame, successors: Successors, *, figure: str, day: date | None = None
) -> Followed:
    """Hand the figures of former areas to those that followed them.

    Parameters
    ----------
    frame : canonical population or observations, all files of a level together.
    figure : "persons" or "count".
    day : the day that figures without a week are of; without it they are of today's areas but for
        the codes that are no more.

    Returns
    -------
    Followed. The sum over areas stays the same. What merges is added; where one of the parts that
    existed in a week has no figure, the sum is no data. Persons are split by weight. Counts stay
    whole: each part is its share rounded up or down, so that parts add up to the whole and are
    right on average (controlled rounding, Cox 1987), always the same for the same area, week and
    measure.

    Notes
    -----
    O(n rows); only rows of areas that changed are touched. A file that already restates the past
    under the new codes, without a row of the old ones, stays as it is.
    """
    if not successors or frame.empty:
        return Followed(frame, {}, 0)
    handed: dict[tuple[str, str, str], int] = {}
    unknown = 0
    parts = []
    untouched: BoolArray = np.ones(len(frame), dtype=np.bool_)
    levels = frame["level"].astype("category")
    for level in levels.cat.categories:
        changed, began = successors.changed(str(level)), successors.began(str(level))
        own = np.flatnonzero(
            (levels == level).to_numpy() & _among(frame["area_code"], {*changed, *began})
        )
        if not _among(frame["area_code"].iloc[own], set(changed)).any():
            continue
        part, missing = _follow_level(
            frame.iloc[own], str(level), successors, figure=figure, day=day, handed=handed
        )
        untouched[own] = False
        parts.append(part)
        unknown += missing
    if not parts:
        return Followed(frame, {}, 0)
    together = _joined([frame[untouched], *parts], frame)
    return Followed(together, handed, unknown)


def _follow_level(
    frame: pd.DataFrame,
    level: str,
    successors: Successors,
    *,
    figure: str,
    day: date | None,
    handed: dict[tuple[str, str, str], int],
) -> tuple[pd.DataFrame, int]:
    """Rows of one level's changed areas, handed on; and how many sums lack a part."""
    other = "measure" if figure == "count" else "group"
    codes, kinds = (frame[name].astype("str").tolist() for name in ("area_code", other))
    weeks: list[str] = [""] * len(frame)
    if figure == "count":
        weeks = frame["week"].astype("str").tolist()
    days = _days(weeks, day)
    figures = frame[figure].to_numpy(np.float64).tolist()
    rows: list[int] = frame["source_row"].tolist()
    sums: dict[tuple[str, str, str], list[float]] = {}
    first: dict[tuple[str, str, str], int] = {}
    shares: dict[tuple[str, int], dict[str, float]] = {}
    reported: dict[tuple[str, str], set[str]] = {}
    for code, kind, week, value, row in zip(codes, kinds, weeks, figures, rows, strict=True):
        reported.setdefault((code, kind), set()).add(week)
        of = shares.get((code, days[week]))
        if of is None:
            of = shares[code, days[week]] = successors.shares(level, code, days[week])
        for new, amount in _portions(value, of, figure, (level, code, kind, week)):
            key = (kind, week, new)
            sums.setdefault(key, []).append(amount)
            before = first.get(key, 0)
            first[key] = min(before, row) if before and row else before or row
            if new != code:
                handed[level, code, new] = handed.get((level, code, new), 0) + 1
    missing = _blank_incomplete(sums, reported, level, successors, days)
    keys = sorted(sums)
    part = pd.DataFrame(
        {
            "level": level,
            "area_code": [new for _, _, new in keys],
            **({"week": [week for _, week, _ in keys]} if figure == "count" else {}),
            other: [kind for kind, _, _ in keys],
            figure: [float(np.sum(sums[key])) for key in keys],
            "source_row": np.array([first[key] for key in keys], dtype=np.int64),
        }
    )
    return part, missing


def _days(weeks: Sequence[str], day: date | None) -> dict[str, int]:
    """The Monday of each week as an ordinal; of no week the day given, else the end of time."""
    none = date.max.toordinal() if day is None else day.toordinal()
    return {
        week: date.fromisocalendar(int(week[:4]), int(week[6:]), 1).toordinal() if week else none
        for week in set(weeks)
    }


def _portions(
    value: float, shares: Mapping[str, float], figure: str, key: tuple[str, ...]
) -> list[tuple[str, float]]:
    """A figure divided among its successors; counts in whole numbers."""
    if len(shares) == 1 or np.isnan(value):
        return [(new, value) for new in shares]
    if figure != "count" or value != np.floor(value):
        return [(new, value * share) for new, share in shares.items()]
    digest = hashlib.blake2b("|".join(key).encode(), digest_size=7).digest()
    offset = int.from_bytes(digest, "big") / 2**56
    # Nearly whole shares are whole: 0.3 x 10 is 3. The last end is the whole figure.
    ends = np.floor(np.cumsum(list(shares.values())) * value + offset + 1e-9)
    ends = np.minimum(ends, value)
    ends[-1] = value
    return list(zip(shares, np.diff(ends, prepend=0.0).tolist(), strict=True))


def _blank_incomplete(
    sums: dict[tuple[str, str, str], list[float]],
    reported: Mapping[tuple[str, str], set[str]],
    level: str,
    successors: Successors,
    days: Mapping[str, int],
) -> int:
    """Make a sum no data where a part of it that existed in its week has no figure."""
    changed, began = successors.changed(level), successors.began(level)
    formers = {week: _formers(level, successors, day) for week, day in days.items()}
    spoken = {kind: {code for code in changed if (code, kind) in reported} for kind, _, _ in sums}

    def existed(code: str, kind: str, week: str) -> bool:
        """Whether an area was there in a week; before it took anything over, if it reported."""
        if code not in began or days[week] >= began[code]:
            return True
        return any(days[other] < began[code] for other in reported.get((code, kind), ()))

    asked: dict[tuple[str, str, bool], bool] = {}
    missing = 0
    for (kind, week, new), parts in sums.items():
        own = formers[week].get(new, ())
        # Where no former area is spoken of at all, the figures are in today's areas already.
        if np.isnan(parts).any() or not any(code in spoken[kind] for code in own):
            continue
        for code in (*own, new):
            if week in reported.get((code, kind), ()):
                continue
            late = code not in began or days[week] >= began[code]
            key = (code, kind, late)
            if key not in asked:
                asked[key] = existed(code, kind, week)
            if asked[key]:
                sums[kind, week, new] = [np.nan]
                missing += 1
                break
    return missing


def _formers(level: str, successors: Successors, day: int) -> dict[str, list[str]]:
    """Areas of today → those of a day, besides themselves, whose figures come to them."""
    found: dict[str, list[str]] = {}
    for code, dates in successors.changed(level).items():
        if day < dates[-1]:
            for new in successors.shares(level, code, day):
                if new != code:
                    found.setdefault(new, []).append(code)
    return found


def _among(column: pd.Series[str], codes: set[str]) -> BoolArray:
    """Rows whose text is one of some; each distinct text is looked at once."""
    texts = column.astype("category").cat
    hits = np.array([str(text) in codes for text in texts.categories] + [False], dtype=np.bool_)
    found: BoolArray = hits[texts.codes.to_numpy()]
    return found


def _joined(parts: Sequence[pd.DataFrame], like: pd.DataFrame) -> pd.DataFrame:
    """Rows together, with the columns and dtypes of a canonical frame, sorted by its keys."""
    names = [name for name in like.columns if name in parts[-1].columns]
    by = ["area_code", "week", "measure"] if "week" in names else ["group", "area_code"]
    keys = []
    columns: dict[str, object] = {}
    for name in names:
        own = [part[name] for part in parts]
        if name not in {"level", *by}:
            columns[name] = np.concatenate([one.to_numpy() for one in own])
            continue
        texts = [one.astype("category").cat for one in own]
        every = sorted({str(text) for one in texts for text in one.categories})
        place = {text: i for i, text in enumerate(every)}
        codes = np.concatenate(
            [
                np.array([place[str(t)] for t in one.categories] or [0])[one.codes.to_numpy()]
                for one in texts
            ]
        )
        joined = pd.Categorical.from_codes(codes, categories=pd.Index(every, dtype="str"))
        columns[name] = joined if like[name].dtype == "category" else joined.astype("str")
        keys.append((["level", *by].index(name), codes))
    order = np.lexsort([codes for _, codes in sorted(keys, key=lambda key: -key[0])])
    return pd.DataFrame(columns).iloc[order].reset_index(drop=True)


def say_followed(followed: Followed, doubts: Doubts) -> None:
    """Tell which areas' figures went where, and how many sums lack a part."""
    for (_, old, new), count in sorted(followed.handed_on.items()):
        doubts.add("followed", came=old, count=count, new=new)
    if followed.unknown:
        doubts.add("part_missing", count=followed.unknown)
