"""What tests of pages call: a page's context at a fixed time, and the words of what was drawn."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dashboard.address import Address
from dashboard.pages import PageContext
from dashboard.text import load
from etl.store.reader import Reader

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


def page_context(
    reader: Reader, path: str = "/", *, lang: str = "zh-CN", **choices: str
) -> PageContext:
    """What a page is drawn from, as the router makes it."""
    return PageContext(reader, Address(path, lang, "light", choices), load(lang), "light", NOW)


def words_of(component: Any) -> str:
    """All text of a component tree."""
    if component is None:
        return ""
    if isinstance(component, list | tuple):
        return " ".join(words_of(part) for part in component)
    if hasattr(component, "to_plotly_json"):
        return words_of(getattr(component, "children", None))
    return str(component)
