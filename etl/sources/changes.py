"""Areas that merged or split: the figures of former areas follow to those of today.

A file of changes says which area followed which, since when, and with what share. Figures are kept
as they came, under the code of their time; `follow` hands them on where series are put together.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.findings import BoolArray, Doubts, IntArray, Ledger
from etl.sources import values
from etl.sources.headers import nearest
from etl.sources.mapping import Areas, Body, Mapped, open_body
from etl.sources.settings import ChangesSource
from etl.sources.tabular import Table
from etl.sources.values import Amount
from geo.cells import crosswalk

CHANGE_COLUMNS = ("level", "old_code", "new_code", "since", "weight", "source_row")
TOLERANCE = 1e-6
# Old and new boundaries are never drawn quite alike.
SLIVER = 0.01
FloatArray = npt.NDArray[np.float64]


def map_changes(
    table: Table,
    source: ChangesSource,
    areas: Areas,
    doubts: Doubts,
    *,
    persons: Mapping[str, float] | None = None,
) -> Mapped:
    """Changes of the areas of one level; an old area counts whole or waits whole.

    Parameters
    ----------
    areas : the areas of today.
    persons : population of today's areas: shares of a split that has no weights.

    Returns
    -------
    Mapped, its frame: level, old_code, new_code, since (ISO date), weight (>= 0; those of an old
    area and date sum to 1), source_row; sorted. An old area may be its own successor, where it only
    gave something away.
    """
    columns = source.columns
    body = open_body(table, doubts, key=columns.old, figures=[])
    ledger, old_name = body.ledger, body.found[columns.old]
    old, new = (_codes(body, name, source) for name in (columns.old, columns.new))
    since = _dates(body, columns.since)
    weight, blank = _weights(body, columns.weight)
    own = pd.DataFrame({"old": old, "new": new, "since": since, "weight": weight, "blank": blank})
    _reject_repeated(ledger, own, column=old_name)
    _reject_unknown(ledger, own, areas, column=body.found[columns.new])
    _fill_weights(ledger, own, persons or {}, column=old_name)
    _reject_cycles(ledger, own, column=old_name)
    # What is left of an old area whose other row waits would hand on too little.
    _reject_rest(ledger, own, areas, column=old_name)
    kept = own[ledger.accepted]
    frame = pd.DataFrame(
        {
            "level": np.repeat(str(source.level), len(kept)),
            "old_code": kept["old"].to_numpy(),
            "new_code": kept["new"].to_numpy(),
            "since": kept["since"].to_numpy(),
            "weight": kept["weight"].to_numpy(dtype=np.float64),
            "source_row": ledger.rows[ledger.accepted],
        }
    ).astype(dict.fromkeys(("level", "old_code", "new_code", "since"), "str"))
    order = ["old_code", "since", "new_code"]
    return Mapped(frame.sort_values(order, ignore_index=True), ledger, body.set_aside)


def _codes(body: Body, wanted: str, source: ChangesSource) -> list[str]:
    codes = values.codes(body.column(wanted), source.code)
    blank = values.matches(codes, lambda text: not text)
    body.ledger.reject("missing_value", blank, column=body.found[wanted])
    return [str(code) for code in codes]


def _dates(body: Body, wanted: str) -> list[str]:
    column, name = body.column(wanted), body.found[wanted]
    days = [values.a_date(str(text)) for text in column]
    blank = values.is_blank(column)
    bad = np.array([day is None for day in days], dtype=np.bool_)
    body.ledger.reject("missing_value", blank, column=name)
    body.ledger.reject("malformed_since", bad & ~blank, column=name)
    return ["" if day is None else day.isoformat() for day in days]


def _weights(body: Body, wanted: str | None) -> tuple[FloatArray, BoolArray]:
    n_rows = len(body.cells)
    if wanted is None:
        return np.full(n_rows, np.nan), np.ones(n_rows, dtype=np.bool_)
    read = values.amounts(body.column(wanted), integer=False)
    blank: BoolArray = read.faults == Amount.BLANK
    bad = ~blank & ~((read.values >= 0) & (read.values <= 1 + TOLERANCE))
    body.ledger.reject("bad_weight", bad, column=body.found[wanted])
    return read.values, blank


def _groups(ledger: Ledger, own: pd.DataFrame) -> list[IntArray]:
    """Positions of the rows of each old area and date that are still good."""
    good = np.flatnonzero(ledger.accepted)
    keys = zip(own["old"].to_numpy()[good], own["since"].to_numpy()[good], strict=True)
    groups: dict[tuple[str, str], list[int]] = {}
    for position, key in zip(good.tolist(), keys, strict=True):
        groups.setdefault(key, []).append(position)
    return [np.array(group, dtype=np.int64) for group in groups.values()]


def _mask(n_rows: int, positions: Iterable[int]) -> BoolArray:
    mask: BoolArray = np.zeros(n_rows, dtype=np.bool_)
    mask[list(positions)] = True
    return mask


def _reject_repeated(ledger: Ledger, own: pd.DataFrame, *, column: str) -> None:
    """One row for an old area, a date and a successor."""
    good = ledger.accepted
    same = own[good].duplicated(["old", "new", "since", "weight"]).to_numpy()
    identical = np.zeros(len(own), dtype=np.bool_)
    identical[np.flatnonzero(good)[same]] = True
    ledger.reject("duplicate_identical", identical, column=column)
    good = ledger.accepted
    conflict = np.zeros(len(own), dtype=np.bool_)
    double = own[good].duplicated(["old", "new", "since"], keep=False).to_numpy()
    conflict[np.flatnonzero(good)[double]] = True
    ledger.reject("duplicate_conflict", conflict, column=column)


def _reject_unknown(ledger: Ledger, own: pd.DataFrame, areas: Areas, *, column: str) -> None:
    """A successor is an area of today, or was followed itself."""
    known = areas.by_code.keys() | set(own["old"][ledger.accepted])
    unknown = np.array([code not in known for code in own["new"]], dtype=np.bool_)
    unknown &= ledger.accepted
    close = [nearest(code, areas.codes.tolist()) for code in own["new"].to_numpy()[unknown]]
    ledger.reject("unknown_area", unknown, column=column, level=areas.level, nearest=close)


def _fill_weights(
    ledger: Ledger, own: pd.DataFrame, persons: Mapping[str, float], *, column: str
) -> None:
    """Weights that the file leaves out; those of an old area must sum to 1."""
    weight = own["weight"].to_numpy(dtype=np.float64, copy=True)
    blank, new = own["blank"].to_numpy(), own["new"].to_numpy()
    wrong: dict[int, str] = {}
    without: list[int] = []
    by_people: dict[int, str] = {}
    for rows in _groups(ledger, own):
        if blank[rows].all() and len(rows) == 1:
            weight[rows] = 1.0
        elif blank[rows].all():
            shares = np.array([persons.get(code, np.nan) for code in new[rows]])
            if not shares.sum() > 0:
                without += rows.tolist()
                continue
            kept = shares > 0
            weight[rows] = shares / shares.sum()
            by_people |= {int(row): f"{new[row]} {weight[row]:.3f}" for row in rows[kept].tolist()}
        total = weight[rows].sum()
        if not abs(total - 1) <= TOLERANCE:
            told = f"{np.nansum(weight[rows]):.6g}"
            wrong |= {int(row): told for row in rows}
        else:
            weight[rows] /= total
    own["weight"] = weight
    n_rows = len(own)
    ledger.reject("weights_missing", _mask(n_rows, without), column=column)
    sums = [wrong[row] for row in sorted(wrong)]
    ledger.reject("weights_not_one", _mask(n_rows, wrong), column=column, sum=sums)
    shares_told = [by_people[row] for row in sorted(by_people)]
    ledger.note("weights_by_population", _mask(n_rows, by_people), column=column, share=shares_told)


def _reject_cycles(ledger: Ledger, own: pd.DataFrame, *, column: str) -> None:
    """No area follows itself by way of others."""
    good = np.flatnonzero(ledger.accepted)
    old, new = own["old"].to_numpy(), own["new"].to_numpy()
    after: dict[str, set[str]] = {}
    for i in good.tolist():
        if old[i] != new[i]:
            after.setdefault(old[i], set()).add(new[i])
    caught = [i for i in good.tolist() if old[i] != new[i] and old[i] in _reached(new[i], after)]
    ledger.reject("change_cycle", _mask(len(own), caught), column=column)


def _reached(start: str, after: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    ahead = list(after.get(start, ()))
    while ahead:
        code = ahead.pop()
        if code not in seen:
            seen.add(code)
            ahead += after.get(code, ())
    return seen


def _reject_rest(ledger: Ledger, own: pd.DataFrame, areas: Areas, *, column: str) -> None:
    old, new = own["old"].to_numpy(), own["new"].to_numpy()
    weight = own["weight"].to_numpy(dtype=np.float64)
    while True:
        # A repeated row is no loss: the one that stays says the same, and the sum is 1.
        rest = {
            i
            for rows in _groups(ledger, own)
            if not abs(weight[rows].sum() - 1) <= TOLERANCE
            for i in rows.tolist()
        }
        known = areas.by_code.keys() | set(old[ledger.accepted])
        rest |= {i for i in np.flatnonzero(ledger.accepted).tolist() if new[i] not in known}
        if not rest:
            return
        ledger.reject("change_incomplete", _mask(len(own), rest), column=column)


def overlay_changes(
    former: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    *,
    level: str,
    crs: str,
    people: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """Changes as the boundaries of then and now show them, where no file says them.

    Parameters
    ----------
    former : area_code, since, geometry, as in `Zones.former`.
    areas : area_code and geometry of the areas of today, of the same level.
    crs : a metric CRS.
    people : points with a column `weight` [persons]; without them shares are shares of the area.

    Returns
    -------
    As the frame of `map_changes`; source_row 0. Slivers below one in a hundred are taken for noise
    of drawing and left out; the rest sums to 1. An area that nothing follows has no row.

    Notes
    -----
    Dasymetric weights through `geo.cells.crosswalk`.
    """
    metric = areas[["area_code", "geometry"]].to_crs(crs)
    points = None if people is None else people.to_crs(crs)
    parts = []
    for since in sorted(set(former["since"])):
        own = former.loc[former["since"] == since, ["area_code", "geometry"]].to_crs(crs)
        shares = crosswalk(own, metric, weights=points).dropna(subset="to_code")
        shares = shares[shares["weight"] >= SLIVER]
        total = shares.groupby("from_code")["weight"].transform("sum")
        parts.append(
            pd.DataFrame(
                {
                    "level": level,
                    "old_code": shares["from_code"].to_numpy(),
                    "new_code": shares["to_code"].to_numpy(),
                    "since": str(since),
                    "weight": (shares["weight"] / total).to_numpy(np.float64),
                    "source_row": np.zeros(len(shares), dtype=np.int64),
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=list(CHANGE_COLUMNS))
    found = pd.concat(parts, ignore_index=True)
    return found.sort_values(["old_code", "since", "new_code"], ignore_index=True)


# ------------------------------------------------------------------ who follows whom


@dataclass(frozen=True)
class _Event:
    """What became of an area on a day."""

    since: int
    shares: tuple[tuple[str, float], ...]
    stays: bool


class Successors:
    """Which areas of today follow a former one, week by week, chains composed.

    Parameters
    ----------
    changes : frames of `map_changes`, one after another; where two speak of one area and day, the
        later one counts.

    Examples
    --------
    >>> changes = pd.DataFrame([["village", "a", "b", "2020-01-06", 1.0, 2],
    ...     ["village", "b", "c", "2022-01-03", 0.25, 3],
    ...     ["village", "b", "d", "2022-01-03", 0.75, 4]], columns=list(CHANGE_COLUMNS))
    >>> Successors(changes).shares("village", "a", date(2019, 1, 7).toordinal())
    {'c': 0.25, 'd': 0.75}
    """

    def __init__(self, changes: pd.DataFrame) -> None:
        grouped: dict[tuple[str, str], dict[int, dict[str, float]]] = {}
        columns = ("level", "old_code", "new_code", "since", "weight")
        for level, old, new, since, weight in zip(*(changes[c] for c in columns), strict=True):
            day = date.fromisoformat(str(since)).toordinal()
            weights = grouped.setdefault((str(level), str(old)), {}).setdefault(day, {})
            if sum(weights.values()) + weight > 1 + TOLERANCE:
                weights.clear()  # of several files the last one counts, whole
            if weight > 0:
                weights[str(new)] = float(weight)
        self._events = {
            key: tuple(
                _Event(day, tuple(sorted(shares.items())), stays=key[1] in shares)
                for day, shares in sorted(events.items())
            )
            for key, events in grouped.items()
        }
        self._began: dict[tuple[str, str], int] = {}
        for (level, old), events in self._events.items():
            for one in events:
                for new, _ in one.shares:
                    if new != old:
                        first = self._began.get((level, new), one.since)
                        self._began[level, new] = min(first, one.since)

    def __bool__(self) -> bool:
        return bool(self._events)

    def former(self, level: str) -> dict[str, int]:
        """Areas of a level that are no more → ordinal of the first day without them."""
        return {
            code: events[-1].since
            for (of, code), events in self._events.items()
            if of == level and not events[-1].stays
        }

    def changed(self, level: str) -> dict[str, tuple[int, ...]]:
        """Areas of a level that gave something away → the days on which they did."""
        return {
            code: tuple(event.since for event in events)
            for (of, code), events in self._events.items()
            if of == level
        }

    def began(self, level: str) -> dict[str, int]:
        """Areas of a level that took something over → ordinal of the first such day."""
        return {code: day for (of, code), day in self._began.items() if of == level}

    def shares(self, level: str, code: str, day: int) -> dict[str, float]:
        """Areas of today that follow an area of a day, with their shares, which sum to 1.

        Parameters
        ----------
        day : ordinal of the Monday of a week. A week belongs to the areas of its Monday.
        """
        events = self._events.get((level, code), ())
        at = bisect_right([event.since for event in events], day)
        if at == len(events):
            if not events or events[-1].stays:
                return {code: 1.0}
            at -= 1  # a code that is used after its end follows all the same
        event = events[at]
        found: dict[str, float] = {}
        for new, weight in event.shares:
            # The successor's own later changes count; earlier ones were before it took this over.
            for last, share in self.shares(level, new, max(event.since, day)).items():
                found[last] = found.get(last, 0.0) + weight * share
        return found

    def with_former(self, areas: Areas) -> Areas:
        """The areas of a level with those that are no more after them, known by code."""
        known = areas.by_code
        gone = [code for code in sorted(self.former(areas.level)) if code not in known]
        if not gone:
            return areas
        codes = np.array([*areas.codes.tolist(), *gone], dtype=object)
        return replace(areas, codes=codes, names=(*areas.names, *gone))


NO_CHANGES = Successors(pd.DataFrame(columns=list(CHANGE_COLUMNS)))


# ------------------------------------------------------------------ figures that follow


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
