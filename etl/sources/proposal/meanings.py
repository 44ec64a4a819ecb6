"""What each column of a file means, by header and values together; codes and levels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from etl.settings import LocalityConfig
from etl.sources import values
from etl.sources.proposal.columns import MOST, Column, File
from etl.sources.proposal.signs import (
    CERTAIN,
    FROM_VALUES,
    LIKELY,
    fit_of,
    is_amount,
    is_date,
    is_iso_week,
    is_number,
    is_within,
    known_words,
    plain,
    says_week,
)
from etl.sources.settings import CodeEdit


def named_columns(file: File, config: LocalityConfig) -> dict[str, tuple[str, float]]:
    """Meaning → column and confidence, each column given to the meaning it fits best."""
    pairs = []
    for column in file.columns:
        for kind in ("columns", "groups", "measures"):
            for code, words in known_words()[kind].items():
                fit = fit_of(column.name, words)
                if fit:
                    pairs.append((fit * _plausible(code, column, config), code, column))
    pairs.sort(key=lambda pair: (-pair[0], pair[2].position))
    named: dict[str, tuple[str, float]] = {}
    taken: set[str] = set()
    for fit, code, column in pairs:
        if fit > 0.3 and code not in named and column.name not in taken:
            named[code] = column.name, fit
            taken.add(column.name)
    _from_values(file, named, taken, config)
    return named


def _plausible(code: str, column: Column, config: LocalityConfig) -> float:
    """How well the values of a column agree with a meaning: 1 if they say nothing against it."""
    fit: float | None = None
    if code in {"code", "parent"}:
        fit = code_edit(column, config)[1]
    elif code == "week":
        fit = max(column.share(is_iso_week), column.share(is_date))
    elif code in {"lon", "lat"}:
        fit = column.share(lambda t: is_within(t, (-180, 180) if code == "lon" else (-90, 90)))
    elif code in known_words()["measures"] or code in known_words()["groups"] or code == "count":
        fit = column.share(is_amount)
    elif code in {"name", "kind", "hours", "address", "owner"}:
        fit = 1.0 - column.share(is_number)
    if fit is None or not any(text.strip() for text in column.texts):
        return 1.0
    return 1.0 if fit >= MOST else fit * 0.5


def _from_values(
    file: File, named: dict[str, tuple[str, float]], taken: set[str], config: LocalityConfig
) -> None:
    """Meanings that no header gave, where values leave no doubt."""
    for column in file.columns:
        if column.name in taken:
            continue
        # Without a header's word only what writes "W" or 周 is a week: 2015-08 is a month.
        if "week" not in named and column.share(says_week) >= MOST:
            named["week"] = column.name, FROM_VALUES
        elif "code" not in named and code_edit(column, config)[1] >= MOST:
            named["code"] = column.name, FROM_VALUES
        else:
            continue
        taken.add(column.name)


def _level_shares(column: Column, config: LocalityConfig, edit: CodeEdit) -> dict[str, float]:
    codes = Counter(values.code_text(text, edit) for text in column.texts if text.strip())
    total = sum(codes.values())
    return {
        level: sum(n for code, n in codes.items() if re.fullmatch(pattern, code)) / total
        for level, pattern in config.codes.model_dump().items()
    } if total else {}  # fmt: skip


def code_edit(column: Column, config: LocalityConfig) -> tuple[CodeEdit, float]:
    """The edit under which most values are codes: none, or without their dashes."""
    best = CodeEdit(), max(_level_shares(column, config, CodeEdit()).values(), default=0.0)
    if best[1] < MOST and any("-" in text for text in column.texts[:50]):
        edit = CodeEdit(remove="-")
        share = max(_level_shares(column, config, edit).values(), default=0.0)
        if share > best[1]:
            return edit, share
    return best


def level_of(
    file: File, column: Column | None, config: LocalityConfig, names: Sequence[str] = ()
) -> tuple[str, float, str]:
    """Level of the areas, how sure, and why."""
    words = known_words()["levels"]
    if column is not None:
        shares = _level_shares(column, config, code_edit(column, config)[0])
        fitting = [level for level, share in shares.items() if share >= MOST]
        if len(fitting) == 1:
            return fitting[0], CERTAIN, f"codes match [codes] {fitting[0]}"
        if len(fitting) > 1 and not any(fit_of(column.name, words[level]) for level in fitting):
            # Codes of a town are those of a village that end in zeros.
            county = config.locality.code
            if all(values.code_text(t, CodeEdit()) == county for t in column.texts if t.strip()):
                return "county", LIKELY, "the locality's own code"
    for text in (column.name if column else "", *names[:5], file.path.stem):
        for level in ("grid", "village", "town", "county"):
            if any(plain(word) in plain(text) for word in words[level]):
                return level, LIKELY, f"“{text}”"
    return "village", 0.3, "no sign of a level"
