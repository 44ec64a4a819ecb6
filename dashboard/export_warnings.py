"""Sheets of the workbook about warnings: what is live with who is on it, and the shares in time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

from dashboard import response_words as said_of
from dashboard.places import tier_key
from dashboard.response import Board, Live
from dashboard.text import Catalog, words

LIVE_COLUMNS = (
    "tier", "place", "town", "area_code", "measure", "reason", "phase", "weeks", "since",
    "provisional", "state", "office", "deadline", "remaining",
)  # fmt: skip
LIVE_WIDTHS = (8, 20, 16, 16, 18, 60, 10, 8, 10, 10, 12, 26, 24, 14)
SHARE_COLUMNS = ("by", "name", "due", "in_time", "share")
SHARE_WIDTHS = (16, 22, 10, 10, 14)


def live_rows(board: Board, catalog: Catalog) -> Iterator[list[object]]:
    """One row a live warning, most serious first, in the order of `LIVE_COLUMNS`."""
    for one in board.live:
        yield [
            catalog.t(f"common.tier.{tier_key(one.tier)}"),
            one.name,
            one.town,
            one.area_code,
            said_of.measure_name(board.snapshot, one.measure, catalog),
            catalog.pick(one.reason),
            catalog.t(f"warnings.phase.{one.phase}") if one.phase else "",
            one.weeks,
            words.week_short(catalog, one.since_week),
            catalog.t("warnings.list.provisional") if one.provisional else "",
            *_answer(one, board, catalog),
        ]


def _answer(one: Live, board: Board, catalog: Catalog) -> Sequence[object]:
    if not one.state:
        return ["", "", "", ""]
    zone = str(board.snapshot.meta["locality"]["timezone"])
    due: datetime | None = one.due_at
    return [
        catalog.t(f"warnings.state.{one.state}"),
        said_of.office_name(board.snapshot, one.office, catalog) if one.taken else "",
        words.moment(catalog, due, zone) if due else "",
        said_of.deadline(one, board, catalog),
    ]


def share_rows(board: Board, catalog: Catalog) -> Iterator[list[object]]:
    """Tiers, towns and weeks in the order of `SHARE_COLUMNS`; where none was due, that is said."""
    for by, rows in board.shares.items():
        for share in rows:
            value: object = share.value
            if math.isnan(share.value):
                value = catalog.t("warnings.share.not_due")
            yield [
                catalog.t(f"warnings.share.{by}"),
                said_of.share_name(share, by, catalog),
                share.due,
                share.in_time,
                value,
            ]
