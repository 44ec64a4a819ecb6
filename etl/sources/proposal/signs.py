"""What a header's words and the form of a text say, each by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from etl.settings import registry
from etl.sources import headers, values

CERTAIN, LIKELY, FROM_VALUES = 0.95, 0.75, 0.6
# Characters of headers that the two scripts write differently.
_SIMPLIFIED = str.maketrans(
    "碼區滿歲過經緯數類別點稱機構員開時間週統計編號醫學養殘疾獨兒婦產諮詢務級狀態備註鄉鎮裡總",
    "码区满岁过经纬数类别点称机构员开时间周统计编号医学养残疾独儿妇产咨询务级状态备注乡镇里总",
)
# The same few words are compared with every header.
plain = lru_cache(maxsize=65_536)(headers.plain)


@cache
def known_words() -> dict[str, dict[str, list[str]]]:
    """Words of headers for what we know, from the registry."""
    return registry("headers")


@lru_cache(maxsize=65_536)
def best_meaning(name: str) -> tuple[float, str]:
    """The best known meaning of a header anywhere in the registry, and how sure."""
    return max(
        (fit_of(name, words), f"{kind}.{code}")
        for kind in ("columns", "groups", "measures")
        for code, words in known_words()[kind].items()
    )


def fit_of(name: str, words: Sequence[str]) -> float:
    """How well a header fits one of several words: whole, at its end or beginning, or not."""
    own = bare(name.rpartition("/")[2])
    best = 0.0
    for word in words:
        key = bare(word)
        if own == key or plain(name) == plain(word):
            return CERTAIN
        # The longer the part that fits, the surer; one character says nothing.
        if len(key) > 1 and (own.endswith(key) or own.startswith(key)):
            best = max(best, LIKELY * min(1.0, 0.5 + len(key) / (2 * len(own))))
    return best


@lru_cache(maxsize=65_536)
def bare(name: str) -> str:
    """A header without what stands in brackets, in simplified characters."""
    simple = plain(name).translate(_SIMPLIFIED)
    return re.sub(r"\(.*?\)", "", simple) or simple


def word_in(words: Mapping[str, Sequence[str]], text: str) -> str | None:
    """Whose word stands in a text; the longest word counts."""
    found = [(len(w), code) for code, own in words.items() for w in own if bare(w) in bare(text)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    return re.fullmatch(r"[+-]?[\d,]+(\.\d+)?", values.half_width(text)) is not None


def is_iso_week(text: str) -> bool:
    """Whether a text may be a week by its number."""
    return re.fullmatch(r"\d{4}[-年]?(w|第)?\d{1,2}周?", plain(text)) is not None and len(text) < 12


def says_week(text: str) -> bool:
    """Whether it says so itself."""
    return is_iso_week(text) and re.search(r"w|周", plain(text)) is not None


def is_date(text: str) -> bool:
    """Whether a text is a date."""
    return values.a_date(text) is not None


def is_amount(text: str) -> bool:
    """Whether a text is a number, or what stands for none."""
    return is_number(text) or values.half_width(text).casefold() in {"", "-", "/", "nan"}


def is_within(text: str, bounds: tuple[float, float]) -> bool:
    """Whether a text is a number within bounds."""
    return is_number(text) and bounds[0] <= float(text.replace(",", "")) <= bounds[1]
