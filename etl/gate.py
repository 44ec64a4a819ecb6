"""The gate: files about persons are refused whole, before a row of them is mapped or kept.

The product holds figures by area. A file with person-level columns is recognised by its header
and by its values (identity numbers with a valid check digit, mobile numbers); the refusal names
columns and counts and never repeats a value. In facility files an institution's telephone is fine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

Reason = Literal["header", "identity_number", "mobile_number"]

# GB 11643-1999: weights of the first 17 digits, and the check character by remainder mod 11.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_IDENTITY = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"[0-9]{3}[0-9Xx](?![0-9])"
)
_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
# "In many cells": a single 11-digit number may be a slip, a column of them is a list of people.
_MOBILE_CELLS = 3
_MOBILE_SHARE = 0.05
_MOBILE_ALWAYS = 20

# Headers that end in a word of counting are figures, whatever they count: 个案数, 来电人次.
_COUNTED = re.compile(r"(数|数量|人数|人次|次数|例数|件数|起数|户数|量|率|比例|占比|合计|小计)$")
_NEVER = (
    r"身份证|证件号|公民身份|护照号|社保卡?号|医保卡?号|病历号|病案号|住院号|门诊号|就诊卡"
    r"|个案(编?号|名|id|档案)|案件编号|档案编?号|患者(编?号|id)"
    r"|(患者|病人|学生|儿童|老人|当事人|对象|监护人|家长|家属|本人)姓?名|^姓名$|^名字$"
    r"|出生(日期|年月|时间)|^生日$|(家庭|居住|户籍|现住?|常住)(住址|地址|详址)|^住址$"
)
_OUTSIDE_FACILITIES = (
    r"姓名|联系电话|联系方式|手机|移动电话|^(联系)?电话(号码?)?$|(本人|家庭|家长|家属|监护人)电话"
    r"|住址|详细地址|门牌号|微信号?$|^qq号?$|电子邮箱|^邮箱$"
)
_NEVER_EN = (
    r"^(id|identity|national id|citizen id)( card)?( no| number| num)$|^id card$|^passport"
    r"|^(patient|student|person|client|full|first|last|given|family) ?name$|^surname$|^patient id$"
    r"|^(date of birth|birth ?date|birthday|dob)$|^(home|residential) address$"
    r"|^(case|medical record|patient|admission) ?(no|number|id|file)$|^mrn$"
)
_OUTSIDE_FACILITIES_EN = r"^(mobile|cell|phone|telephone)( ?phone)?( no| number)?$|^e ?mail$|wechat"


@dataclass(frozen=True)
class PersonalColumn:
    """A column that carries persons: its name, how that shows, and in how many cells."""

    column: str
    reason: Reason
    cells: int

    def __str__(self) -> str:
        return self.column if self.reason == "header" else f"{self.column} ({self.cells})"


def personal_columns(
    cells: pd.DataFrame,
    *,
    facilities: bool,
    code_columns: Collection[str] = (),
    known: frozenset[str] = frozenset(),
) -> tuple[PersonalColumn, ...]:
    """Columns of a table that carry persons, by header or by value.

    Parameters
    ----------
    cells : every column of the file as categories of text.
    facilities : whether the rows are institutions, whose names and telephones are no one's own.
    code_columns : mapped area codes: digits there are codes when they begin like one.
    known : what the locality's own area codes begin with (`code_beginnings`).

    Returns
    -------
    Columns in the order of the file; empty if the file may pass.
    """
    found = []
    for name in cells.columns:
        header = str(name)
        if is_personal_header(header, facilities=facilities):
            found.append(PersonalColumn(header, "header", len(cells)))
            continue
        exempt = known if header in code_columns else frozenset()
        if hit := _by_value(cells[name], known=exempt, facilities=facilities):
            found.append(PersonalColumn(header, *hit))
    return tuple(found)


def code_beginnings(codes: Iterable[str]) -> frozenset[str]:
    """What area codes begin with: their first six characters, the county's part."""
    return frozenset(code[:6] for code in codes)


def is_personal_header(header: str, *, facilities: bool) -> bool:
    """Whether a column of this name holds persons.

    Examples
    --------
    >>> is_personal_header("联系电话", facilities=False)
    True
    >>> is_personal_header("联系电话", facilities=True)
    False
    >>> is_personal_header("在册患者数", facilities=False)
    False
    """
    plain = unicodedata.normalize("NFKC", header).casefold()
    return any(_is_personal(part, facilities=facilities) for part in (plain, *plain.split("/")))


def _is_personal(plain: str, *, facilities: bool) -> bool:
    chinese = re.sub(r"[\s_\-·*:]|\(.*?\)", "", plain)
    if _COUNTED.search(chinese):
        return False
    english = " ".join(re.sub(r"[^a-z0-9]+", " ", plain).split())
    if re.search(_NEVER, chinese) or re.search(_NEVER_EN, english):
        return True
    if facilities:
        return False
    return bool(
        re.search(_OUTSIDE_FACILITIES, chinese) or re.search(_OUTSIDE_FACILITIES_EN, english)
    )


def has_identity_number(text: str) -> bool:
    """Whether a text holds an 18-digit identity number with a valid check digit."""
    return any(_checks(match.group()) for match in _IDENTITY.finditer(text))


def redact(text: str, *, known: Collection[str] = ()) -> str:
    """Text without identity and mobile numbers, for findings and quarantine.

    An area code that lost a digit is not a telephone: `known` holds what the codes begin with.
    """
    if len(text) < 11:  # the shortest of them
        return text
    plain = unicodedata.normalize("NFKC", text)
    masked = _IDENTITY.sub(lambda m: "●" * 18 if _checks(m.group()) else m.group(), plain)
    masked = _MOBILE.sub(lambda m: m.group() if m.group()[:6] in known else "●" * 11, masked)
    return text if masked == plain else masked


def _by_value(
    column: pd.Series, *, known: frozenset[str], facilities: bool
) -> tuple[Reason, int] | None:
    """The reason to refuse a column for its values, and in how many cells."""
    texts = [unicodedata.normalize("NFKC", str(text)) for text in column.cat.categories]
    codes = column.cat.codes.to_numpy()
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    identity = mobile = filled = 0
    for text, count in zip(texts, counts.tolist(), strict=True):
        if not text.strip():
            continue
        filled += count
        if len(text) < 11 or text[:6] in known:
            continue
        if has_identity_number(text):
            identity += count
        elif not facilities and _MOBILE.search(text):
            mobile += count
    if identity:
        return "identity_number", identity
    many = mobile >= _MOBILE_CELLS and mobile >= _MOBILE_SHARE * filled
    if many or mobile >= _MOBILE_ALWAYS:
        return "mobile_number", mobile
    return None


def _checks(number: str) -> bool:
    remainder = sum(int(d) * w for d, w in zip(number[:17], _WEIGHTS, strict=True)) % 11
    return number[17].upper() == _CHECKS[remainder]
