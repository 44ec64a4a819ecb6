"""The scorecard as a workbook: indicators, areas, what is missing by name, trend."""

from __future__ import annotations

import math
from datetime import date

from dashboard import scorecard as told
from dashboard.scorecard import Row, Scorecard
from dashboard.text import Catalog
from etl.spreadsheet import Sheet, sheets_bytes
from etl.store.reader import Snapshot


def scorecard_workbook(card: Scorecard, snapshot: Snapshot, catalog: Catalog) -> bytes:
    """Four sheets; numbers are numbers, and what is not known is said in words.

    Parameters
    ----------
    card : the published tables.
    snapshot : what they are of.
    catalog : language of headers and words.
    """
    today = date.fromisoformat(str(snapshot.meta["data_date"])[:10])
    names = {row["indicator"]: told.name_of(row, catalog) for row in card.rows()}
    return sheets_bytes(
        [
            _targets(card, catalog, today),
            _areas(card, catalog, names),
            _missing(card, catalog, names),
            _trend(card, catalog, names),
        ]
    )


def _columns(catalog: Catalog, *keys: str) -> list[str]:
    return [catalog.t(f"scorecard.column.{key}") for key in keys]


def _number(value: object) -> float | None:
    number = told.number_of(value)
    return number if math.isfinite(number) else None


def _targets(card: Scorecard, catalog: Catalog, today: date) -> Sheet:
    columns = _columns(
        catalog, "indicator", "progress", "detail", "value", "numerator", "denominator", "target",
        "due", "missing", "forecast", "low", "high", "how", "source",
    )  # fmt: skip
    rows = [
        (
            told.name_of(row, catalog) + told.per_words(row, catalog),
            told.progress_words(row["progress"], catalog),
            told.detail_words(row, catalog, today=today),
            *(_number(row[key]) for key in ("value", "numerator", "denominator", "target")),
            told.day_of(row["due"]) or told.due_words(row, catalog),
            _number(row["missing"]),
            told.day_of(row["forecast"]),
            _number(row["low"]),
            _number(row["high"]),
            told.how_words(row, catalog),
            told.picked(row, "source", catalog),
        )
        for row in card.rows()
    ]
    return Sheet(catalog.t("scorecard.sheet.targets"), columns, rows)


def _areas(card: Scorecard, catalog: Catalog, names: dict[str, str]) -> Sheet:
    columns = _columns(
        catalog, "indicator", "level", "code", "area", "progress", "value", "numerator",
        "denominator", "missing",
    )  # fmt: skip

    def cells(row: Row) -> tuple[object, ...]:
        return (
            names[row["indicator"]],
            catalog.t(f"scorecard.level.{row['level']}"),
            row["area_code"],
            row["name"],
            told.progress_words(told.local_progress(row).value, catalog),
            *(_number(row[key]) for key in ("value", "numerator", "denominator", "missing")),
        )

    rows = [cells(row) for row in told.records(card.areas)]
    return Sheet(catalog.t("scorecard.sheet.areas"), columns, rows)


def _missing(card: Scorecard, catalog: Catalog, names: dict[str, str]) -> Sheet:
    columns = _columns(catalog, "indicator", "town", "area", "code", "reason")
    rows = [
        (
            names[row["indicator"]],
            row["town_name"],
            row["name"],
            row["area_code"],
            catalog.t(f"scorecard.reason.{row['reason']}"),
        )
        for row in told.records(card.missing)
    ]
    return Sheet(catalog.t("scorecard.sheet.missing"), columns, rows)


def _trend(card: Scorecard, catalog: Catalog, names: dict[str, str]) -> Sheet:
    columns = _columns(catalog, "indicator", "week", "value", "basis")
    rows = [
        (
            names[row["indicator"]],
            row["week"],
            _number(row["value"]),
            catalog.t(f"scorecard.basis.{row['basis']}"),
        )
        for row in told.records(card.trend)
    ]
    return Sheet(catalog.t("scorecard.sheet.trend"), columns, rows)
