"""What a snapshot expects of a place in the weeks to come, or why it expects nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard import places
from dashboard.text import Catalog, words
from etl.store.reader import Reader, Snapshot
from geo.model import Level

_COLUMNS = ["week", "expected", "low80", "high80", "low95", "high95"]


@dataclass(frozen=True)
class Expected:
    """The forecast of one area and measure.

    Attributes
    ----------
    weeks : week, expected, low80, high80, low95, high95; empty where nothing is expected.
    reason : why nothing is: `short`, `silent`, `withheld`, `small`, `level`; empty where it is.
    method : how it was made.
    error : mean absolute error of the same forecasts in the past.
    inside : share of counts that lay in their 80 % intervals.
    """

    weeks: pd.DataFrame
    reason: str
    method: str = ""
    error: float = float("nan")
    inside: float = float("nan")


def read_expected(
    reader: Reader, snapshot: Snapshot, *, level: str, area_code: str, measure: dict[str, Any]
) -> Expected | None:
    """The forecast of one area and measure; None where the snapshot knows of none at all."""
    code = str(measure["code"])
    areas = places.table_or_none(reader, snapshot, "forecast_areas")
    if areas is None or areas.empty or measure["stock"]:
        return None
    none = pd.DataFrame(columns=_COLUMNS)
    if not (areas["level"] == level).any():
        return Expected(none, "level")
    own = areas[(areas["area_code"] == area_code) & (areas["measure"] == code)]
    own = own[own["level"] == level]
    if own.empty:
        return None
    said = own.iloc[0]
    if said["reason"]:
        return Expected(none, str(said["reason"]))
    rows = reader.table(snapshot.snapshot_id, "forecast")
    picked = (rows["area_code"] == area_code) & (rows["measure"] == code)
    weeks = rows.loc[picked & (rows["level"] == level), _COLUMNS].reset_index(drop=True)
    return Expected(weeks, "", str(said["method"]), float(said["mae"]), float(said["inside80"]))


def sentence(found: Expected, unit: str, catalog: Catalog) -> str:
    """The forecast in words with how right it has been, or why there is none."""
    if found.reason:
        return catalog.t(f"map.chart.expected_{found.reason}")
    low, high = found.weeks["low80"].min(), found.weeks["high80"].max()
    return catalog.t(
        "map.chart.expected",
        weeks=len(found.weeks),
        low=words.number(low),
        high=words.number(high),
        unit=unit,
        error=words.number(found.error, digits=1 if found.error < 100 else 0),
        inside=f"{found.inside:.0%}",
    )


def outlook(reader: Reader, snapshot: Snapshot, subtitle: str, catalog: Catalog) -> str:
    """A subtitle with what the whole area expects of the measure that is warned of most."""
    warned = reader.warnings(snapshot.snapshot_id)
    if warned.empty:
        return subtitle
    measure = places.measure_entry(snapshot, str(warned["measure"].iloc[0]))
    found = read_expected(
        reader, snapshot, level=Level.COUNTY, area_code=snapshot.meta["locality"]["code"],
        measure=measure,
    )  # fmt: skip
    if found is None or found.reason:
        return subtitle
    low, high = found.weeks["low80"].min(), found.weeks["high80"].max()
    return catalog.t(
        "report.slide.outlook",
        subtitle=subtitle,
        measure=catalog.pick(measure["name"]),
        weeks=len(found.weeks),
        low=words.number(low),
        high=words.number(high),
        unit=catalog.pick(measure["unit"]),
    )


def how(found: Expected, catalog: Catalog) -> str:
    """How it was made, in a few words."""
    return catalog.t("map.chart.expected_how", method=catalog.t(f"map.method.{found.method}"))
