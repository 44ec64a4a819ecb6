"""What an address says: the page, the language, the theme, and the choices of the page.

The address alone reproduces a screen. Language and theme that it leaves out come from what the
browser remembers, then from the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES

THEMES = ("light", "dark")
LANGUAGE_COOKIE = "xintu-lang"
THEME_COOKIE = "xintu-theme"


@dataclass(frozen=True)
class Address:
    """A page's address, read and checked.

    Attributes
    ----------
    path : path of the page, without a slash at the end.
    lang : one of `dashboard.text.LANGUAGES`.
    theme : one of `THEMES`; None follows the reader's system.
    choices : every other parameter as it came; a page checks its own.
    """

    path: str = "/"
    lang: str = DEFAULT_LANGUAGE
    theme: str | None = None
    choices: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls, path: str | None, query: str | None, *, remembered: Mapping[str, str] | None = None
    ) -> Address:
        """Read a path and a query string; values nobody knows are left out, never an error."""
        given = dict(parse_qsl((query or "").lstrip("?")))
        kept = remembered or {}
        lang = given.pop("lang", None) or kept.get(LANGUAGE_COOKIE)
        theme = given.pop("theme", None) or kept.get(THEME_COOKIE)
        return cls(
            path="/" + (path or "/").strip("/"),
            lang=lang if lang in LANGUAGES else DEFAULT_LANGUAGE,
            theme=theme if theme in THEMES else None,
            choices=given,
        )
