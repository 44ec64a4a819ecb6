"""Floors as written → the lowest storey. What cannot be read for certain is not read."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SAME = str.maketrans(
    {"层": "楼", "層": "楼", "樓": "楼", "f": "楼"} | dict.fromkeys("~—–至到", "-")
)
_DIGITS = {digit: i for i, digit in enumerate("〇一二三四五六七八九")} | {"首": 1, "底": 1, "两": 2}
_STOREY = re.compile(
    r"(?P<below>地下|负|b|-)?第?(?P<number>\d{1,2}|[一二三四五六七八九]?十[一二三四五六七八九]?"
    r"|[一二三四五六七八九两首底])楼?"
)
_GROUND = {"平房", "地面", "g", "g楼"}


@lru_cache(maxsize=4096)
def lowest_floor(text: str) -> int | None:
    """Lowest storey that a text says for certain, as they are counted in China: 1 is the ground.

    Parameters
    ----------
    text : such as 1层, 二楼, 1-3F, 首层, 负一层, 平房.

    Returns
    -------
    1 for the ground floor, negative below it; None where the text is blank or cannot be read.
    """
    plain = re.sub(r"\s|\(.*?\)", "", unicodedata.normalize("NFKC", text).casefold())
    plain = plain.translate(_SAME)
    if plain in _GROUND:
        return 1
    found: list[int] = []
    for part in re.split(r"[、,/及和]|(?<=[\d一二三四五六七八九十首底楼])-+", plain):
        match = _STOREY.fullmatch(part)
        if match is None or not (number := _number(match["number"])):
            return None
        found.append(-number if match["below"] else number)
    return min(found)


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    if "十" not in text:
        return _DIGITS[text]
    tens, units = text.split("十")
    return 10 * (_DIGITS[tens] if tens else 1) + (_DIGITS[units] if units else 0)
