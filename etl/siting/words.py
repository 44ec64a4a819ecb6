"""What a job of sites says, in both languages: why it failed, or why nothing meets what is asked.

Pages, the command line and papers say it with the same sentences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from etl.model import Text
from etl.policies import registry_toml

MOST_NAMES = 5


def sentence(group: str, code: str, **filled: object) -> Text:
    """A sentence of the registry; `filled` goes into its braces, a `Text` in its own language."""
    words = _sentences()[group][code]
    return Text(
        zh=words["zh"].format(**{key: _in("zh", value) for key, value in filled.items()}),
        en=words["en"].format(**{key: _in("en", value) for key, value in filled.items()}),
    )


def why_infeasible(infeasible: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Text:
    """Why nothing meets what is asked, and what would.

    Parameters
    ----------
    infeasible : `geo.siting.Infeasibility` as in an answer's `meta["infeasible"]`; what is not
        known there is None, NaN or -1.
    names : of areas and sites by code; the code stands where there is none.
    """
    cause, called = str(infeasible["cause"]), names or {}
    said = sentence(
        "causes",
        cause,
        areas=len(infeasible.get("demand") or ()),
        examples=_named(infeasible.get("demand"), called, "for_example"),
        sites=_named(infeasible.get("sites"), called, "these"),
        towns=_named(infeasible.get("towns"), called, "these"),
    )
    advice = list(_advice(infeasible, cause))
    return Text(
        zh="".join([said.zh, *(one.zh for one in advice)]),
        en=" ".join([said.en, *(one.en for one in advice)]),
    )


def _advice(infeasible: Mapping[str, Any], cause: str) -> list[Text]:
    found: list[Text] = []
    radius = _number(infeasible.get("radius_needed"))
    if radius is not None:
        found.append(sentence("advice", "radius", radius=_upwards(radius)))
    elif cause == "unreached_demand":
        found.append(sentence("advice", "no_radius"))
    p = _number(infeasible.get("p_needed"))
    if p is not None and p >= 0:
        found.append(sentence("advice", "p", p=int(p)))
    budget = _number(infeasible.get("budget_needed"))
    if budget is not None:
        found.append(sentence("advice", "budget", budget=_upwards(budget)))
    return found


def _named(codes: Sequence[str] | None, names: Mapping[str, str], how: str) -> Text:
    """Some of them by name, in brackets; nothing where there are none."""
    if not codes:
        return Text(zh="", en="")
    some = [str(names.get(code, code)) for code in codes[:MOST_NAMES]]
    more = len(codes) > MOST_NAMES
    return sentence(
        "advice",
        how,
        names=Text(
            zh="、".join(some) + ("等" if more and how == "these" else ""),
            en=", ".join(some) + (", …" if more and how == "these" else ""),
        ),
    )


def _in(lang: str, value: object) -> object:
    return getattr(value, lang) if isinstance(value, Text) else value


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _upwards(value: float) -> str:
    """With one decimal, never less than it is: less would not do."""
    return f"{math.ceil(round(value * 10, 6)) / 10:,.10g}"


@cache
def _sentences() -> dict[str, dict[str, dict[str, str]]]:
    return registry_toml("siting_words.toml")
