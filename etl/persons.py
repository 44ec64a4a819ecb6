"""What in a text points at a person: numbers with their check digits, addresses, accounts.

Texts are looked at many at a time: joined into one string, each pattern goes over it once. Forms
as people write them: full-width digits, blanks and dashes between, country codes before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Sign = Literal[
    "identity_number",
    "old_identity_number",
    "masked_number",
    "permit_number",
    "mobile_number",
    "taiwan_mobile_number",
    "e_mail",
    "chat_id",
    "home_address",
    "bank_card",
    "passport",
]

# GB 11643-1999: weights of the first 17 digits, and the check character by remainder mod 11. It
# holds for citizens, for residents from Hong Kong, Macau and Taiwan (81, 82, 83) and for
# foreigners (9).
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
# First two digits of the 15-digit numbers of before 1999: provinces of GB/T 2260.
_PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66))
)
# Area A of Taiwan's number is 10 and so on, in the order in which the counties were lettered.
_TAIWAN = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
# One blank or dash between digits; normalised before, so that the ideographic blank is one too.
_GAP = r"[ \-\t\u2010-\u2015\u2212]?"
_START = r"(?<![0-9])(?<![0-9]\.)"
_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_MOST_GAPS = 6
_PART = "\x1e"

_IDENTITY = re.compile(rf"{_START}(?=([1-9](?:{_GAP}[0-9]){{16}}{_GAP}[0-9Xx])(?![0-9]))")
_BORN = re.compile(rf"[0-9]{{6}}(?:19|20)[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}[0-9Xx]")
_OLD_IDENTITY = re.compile(
    rf"{_START}[1-6][0-9]{{5}}{_GAP}[0-9]{{2}}{_MONTH_DAY}{_GAP}[0-9]{{3}}(?![0-9])"
)
# 110105********002X, 138****8000: a person's own number, though not all of it.
_MASKED = re.compile(
    r"(?<![0-9])(?:[1-9][0-9]{3,9}[*xX●○•]{4,}[0-9]{2,4}[0-9Xx]?|1[3-9][0-9][*xX●○•]{4}[0-9]{4})"
    r"(?![0-9])"
)
# Begins with its first digit, which is quick to look for; what stands before is tested then.
_MOBILE = re.compile(rf"1[3-9][0-9]({_GAP})[0-9]{{4}}\1[0-9]{{4}}(?![0-9]|\.[0-9]*[1-9])")
_COUNTRY = re.compile(r"(?:^|[^0-9])(?:00)?86$")
# Without its dash or blank it may be any number.
_TAIWAN_MOBILE = re.compile(r"09[0-9]{2}[ \-][0-9]{3}[ \-]?[0-9]{3}(?![0-9])")
_PERMIT = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z][1289A-Da-d][0-9]{8}|[A-Za-z]{1,2}[0-9]{6} ?\([0-9Aa]\)"
    r"|[A-Z]{3}[0-9]{12})(?![A-Za-z0-9])"
)
_MAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}")
_OFFICE_MAIL = re.compile(r"\.(?:gov|edu|org)(?:\.[a-z]{2})?$")
_CHAT = re.compile(
    r"wxid_[A-Za-z0-9]{6,}|(?:微信|wechat|qq)(?:号|id)?[: ]{1,2}[A-Za-z0-9_\-]{5,}", re.IGNORECASE
)
_NUMERAL = r"(?<![0-9A-Za-z])(?:[0-9A-Za-z]{1,4}|[一二三四五六七八九十甲乙丙丁东西南北]{1,3})"
_ADDRESS = re.compile(
    rf"{_NUMERAL}(?:号楼|号院|栋|幢|号|弄|座|楼){_GAP}{_NUMERAL}(?:单元|门|栋|幢|楼|号|层)"
    rf"[^\x1e]{{0,4}}?[0-9]{{1,4}}(?:室|户|号房|房)?|{_NUMERAL}单元{_GAP}[0-9]{{2,4}}"
    rf"|{_NUMERAL}(?:号楼|栋|幢|弄){_GAP}[0-9]{{1,4}}(?:室|户)"
    rf"|{_NUMERAL}(?:村民)?[组队社][0-9]{{1,4}}号|{_NUMERAL}(?:号|弄)[0-9]{{1,4}}室"
)
_CARD = re.compile(rf"{_START}(?=([3-6](?:{_GAP}[0-9]){{15,18}})(?![0-9]))")
_PASSPORT = re.compile(
    r"(?<![A-Za-z0-9])(?:[EGDSP][A-Z]?[0-9]{7,8}|[HM][0-9]{8}(?:[0-9]{2})?)(?![0-9])"
)


@dataclass(frozen=True)
class Texts:
    """Many texts as one, half-width, so that a pattern goes over all of them at once.

    Attributes
    ----------
    parts : the texts, normalised.
    joined : the texts, with a mark before, between and after them.
    starts : where each begins in `joined`.
    """

    parts: list[str]
    joined: str
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """These texts."""
        joined = _PART.join(texts)
        if joined.count(_PART) != max(len(texts) - 1, 0):
            joined = _PART.join(text.replace(_PART, " ") for text in texts)
        if not joined.isascii():
            joined = unicodedata.normalize("NFKC", joined)
        parts = joined.split(_PART) if texts else []
        lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
        starts = np.cumsum(lengths + 1) - lengths
        return cls(parts, f"{_PART}{joined}{_PART}", starts)

    def matching(
        self, pattern: re.Pattern[str], test: Callable[[re.Match[str]], bool] | None = None
    ) -> npt.NDArray[np.int64]:
        """Positions of the texts in which a pattern stands, ascending."""
        places = [m.start() for m in pattern.finditer(self.joined) if test is None or test(m)]
        found = np.searchsorted(self.starts, np.array(places, dtype=np.int64), side="right") - 1
        return np.unique(found)


def signs(texts: Texts) -> dict[Sign, npt.NDArray[np.int64]]:
    """Texts that carry a sign of a person, by the sign; signs that none carries are left out."""
    longest = max(map(len, texts.parts), default=0)
    joined = texts.joined
    found = {
        sign: texts.matching(*search)
        for sign, search in _SEARCHES.items()
        if longest >= _LEAST[sign] and _ONE_OF[sign](joined)
    }
    return {sign: places for sign, places in found.items() if len(places)}


def has_identity_number(text: str) -> bool:
    """Whether a text holds an 18-digit identity number with a valid check digit.

    Examples
    --------
    >>> has_identity_number("证号１１０１０５ 19491231 002X")
    True
    >>> has_identity_number("110105194912310021")
    False
    """
    plain = unicodedata.normalize("NFKC", text)
    return any(_is_identity(match) for match in _IDENTITY.finditer(plain))


def redact(text: str, *, known: Collection[str] = ()) -> str:
    """Text without the numbers, addresses and accounts of persons, for findings and quarantine.

    An area code that lost a digit is not a telephone: `known` holds what the codes begin with.

    Examples
    --------
    >>> redact("找 +86 138-0013-8000")
    '找 +86 ●●●●●●●●●●●'
    """
    if len(text) < 7:  # the shortest of them
        return text
    plain = unicodedata.normalize("NFKC", text)
    masked = _mask_identities(plain)
    for sign, length in _MASKS.items():
        pattern, test = _SEARCHES[sign]

        def mask(
            match: re.Match[str],
            test: Callable[[re.Match[str]], bool] | None = test,
            length: int = length,
        ) -> str:
            whole = match.group()
            keep = whole[:6] in known or (test is not None and not test(match))
            return whole if keep else "●" * length

        masked = pattern.sub(mask, masked)
    return text if masked == plain else masked


def luhn(number: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    digits = [int(digit) for digit in reversed(number)]
    return sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0


def _mask_identities(plain: str) -> str:
    """The 18-digit ones, which the pattern finds by looking ahead."""
    kept, end = [], 0
    for match in _IDENTITY.finditer(plain):
        if match.start() >= end and _is_identity(match):
            kept += [plain[end : match.start()], "●" * 18]
            end = match.end(1)
    return "".join([*kept, plain[end:]])


def _digits(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", text)


def _is_identity(match: re.Match[str]) -> bool:
    number = _digits(match.group(1))
    if len(match.group(1)) - 18 > _MOST_GAPS or not _BORN.fullmatch(number):
        return False
    remainder = sum(int(d) * w for d, w in zip(number[:17], _WEIGHTS, strict=True)) % 11
    return number[17].upper() == _CHECKS[remainder]


def _is_old_identity(match: re.Match[str]) -> bool:
    number = _digits(match.group())
    # Whoever has such a number was born in the last century: grid codes, which may look like it,
    # hold a town's number there, mostly below 400.
    return int(number[:2]) in _PROVINCES and int(number[6:8]) >= 40


def _is_permit(match: re.Match[str]) -> bool:
    number = _digits(match.group()).upper()
    if len(number) == 15:  # foreigners with permanent residence: ICAO 9303 weights
        values = [int(c) if c.isdigit() else ord(c) - 55 for c in number]
        weights = (7, 3, 1)
        total = sum(v * weights[i % 3] for i, v in enumerate(values[:14]))
        return total % 10 == values[14]
    if "(" in match.group():  # Hong Kong
        letters, rest = number[:-7], number[-7:]
        values = [ord(c) - 55 for c in letters.rjust(2, "[")]  # "[" is 36: a blank
        values += [int(c) if c.isdigit() else 10 for c in rest]
        return sum(v * (9 - i) for i, v in enumerate(values)) % 11 == 0
    area = _TAIWAN.index(number[0]) + 10
    second = int(number[1]) if number[1].isdigit() else ord(number[1]) - 65
    values = [area // 10, area % 10, second, *map(int, number[2:])]
    return (
        sum(v * w for v, w in zip(values, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0
    )


def _stands_alone(match: re.Match[str]) -> bool:
    """Whether a telephone is no part of a longer number, but for the country before it."""
    before = match.string[max(0, match.start() - 6) : match.start()]
    if before[-1:].isdigit():
        return _COUNTRY.search(before) is not None
    return not re.search(r"[0-9]\.$", before)


def _is_private_mail(match: re.Match[str]) -> bool:
    return _OFFICE_MAIL.search(match.group().casefold()) is None


def _is_card(match: re.Match[str]) -> bool:
    number = _digits(match.group(1))
    return 16 <= len(number) <= 19 and luhn(number)


_SEARCHES: dict[Sign, tuple[re.Pattern[str], Callable[[re.Match[str]], bool] | None]] = {
    "identity_number": (_IDENTITY, _is_identity),
    "old_identity_number": (_OLD_IDENTITY, _is_old_identity),
    "masked_number": (_MASKED, None),
    "permit_number": (_PERMIT, _is_permit),
    "mobile_number": (_MOBILE, _stands_alone),
    "taiwan_mobile_number": (_TAIWAN_MOBILE, _stands_alone),
    "e_mail": (_MAIL, _is_private_mail),
    "chat_id": (_CHAT, None),
    "home_address": (_ADDRESS, None),
    "bank_card": (_CARD, _is_card),
    "passport": (_PASSPORT, None),
}
# Nothing shorter carries it, and nothing without such a character: a million counts are passed by.
_LEAST: dict[Sign, int] = {
    "identity_number": 18,
    "old_identity_number": 15,
    "masked_number": 8,
    "permit_number": 9,
    "mobile_number": 11,
    "taiwan_mobile_number": 11,
    "e_mail": 6,
    "chat_id": 6,
    "home_address": 4,
    "bank_card": 16,
    "passport": 8,
}
_HIDDEN = tuple(4 * mark for mark in "*xX●○•")
_ADDRESS_WORDS = ("单元", "号楼", "栋", "幢", "弄", "室", "户", "房", "组", "队", "社")
_CHAT_WORDS = ("wxid_", "微信", "wechat", "qq")


def _always(_joined: str) -> bool:
    return True


def _lettered(joined: str) -> bool:
    return joined.lower() != joined.upper()


_ONE_OF: dict[Sign, Callable[[str], bool]] = {
    "identity_number": _always,
    "old_identity_number": _always,
    "masked_number": lambda joined: any(four in joined for four in _HIDDEN),
    "permit_number": _lettered,
    "mobile_number": _always,
    "taiwan_mobile_number": _always,
    "e_mail": lambda joined: "@" in joined,
    "chat_id": lambda joined: any(word in joined.casefold() for word in _CHAT_WORDS),
    "home_address": lambda joined: any(word in joined for word in _ADDRESS_WORDS),
    "bank_card": _always,
    "passport": _lettered,
}
# What stands in place of it.
_MASKS: dict[Sign, int] = {
    "old_identity_number": 15,
    "permit_number": 10,
    "mobile_number": 11,
    "taiwan_mobile_number": 11,
    "e_mail": 8,
    "chat_id": 8,
    "home_address": 8,
}
