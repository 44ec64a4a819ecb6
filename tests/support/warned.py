"""News of warnings for tests of notices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from etl.model import Text
from etl.notices.message import Place
from etl.notices.news import News
from etl.notices.settings import Subscription

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # Monday, nine in the morning in Shanghai
ZONE = "Asia/Shanghai"
PLACE = Place("990101000000", Text(zh="云汐市", en="Yunxi"), ZONE)
PARENTS: dict[str, str | None] = {
    "990101100001": "990101100000",
    "990101100002": "990101100000",
    "990101101001": "990101101000",
    "990101100000": "990101000000",
    "990101101000": "990101000000",
    "990101000000": None,
}
_NEWS = News(
    warning_id="hotline_calls.990101100001.2026-W46",
    event="new",
    occasion="",
    happened_at=NOW,
    tier=3,
    measure="hotline_calls",
    measure_zh="热线来电",
    measure_en="Hotline calls",
    level="village",
    area_code="990101100001",
    areas=("990101100001",),
    places=("柳溪镇", "柳岸村"),
    week="2026-W46",
    reason_zh="本周21次，往常约9次，已连续2周偏多。",
    reason_en="21 this week where about 9 are usual, the second week in a row.",
    answer_by=datetime(2026, 11, 19, 1, 0, tzinfo=UTC),
    service_zh="县中心派出辅导小组",
    service_en="the county centre sends a counselling team",
)


def news(number: int = 1, **changes: Any) -> News:
    """One event; another number is another warning."""
    return replace(_NEWS, **{"warning_id": f"hotline_calls.{number}.2026-W46", **changes})


def by_mail(**changes: Any) -> Subscription:
    """A subscription by mail."""
    given = {
        "id": "office", "title": {"zh": "联席办", "en": "Joint office"}, "via": "mail",
        "to": ("office@example.org",),
    }  # fmt: skip
    return Subscription.model_validate(given | changes)


def by_hook(url: str, **changes: Any) -> Subscription:
    """A subscription by webhook."""
    given = {"id": "hook", "title": {"zh": "平台", "en": "Platform"}, "via": "webhook", "url": url}
    return Subscription.model_validate(given | changes)
