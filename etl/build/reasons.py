"""Why a warning stands, in one sentence for a person without statistics, in both languages.

It is made of what is published: a count that is withheld is called so and not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from etl.model import Text
from etl.sections import MeasureSettings
from etl.settings import registry
from geo.model import Colours, Level, Missing, Tier

LANGUAGES = ("zh", "en")
Filled = dict[str, Text | str | int]
Rule = Literal["persistence", "spread", "upstream", "gap"]


@dataclass(frozen=True)
class Figure:
    """A published count, or why there is none."""

    value: float
    state: int = int(Missing.OK)

    @property
    def key(self) -> str:
        """Which words say it: `known`, `withheld` or `no_data`."""
        if self.state == Missing.SUPPRESSED:
            return "withheld"
        known = self.state in {Missing.OK, Missing.UNRELIABLE} and np.isfinite(self.value)
        return "known" if known else "no_data"


@dataclass(frozen=True)
class Facts:
    """What is known of one warning in one week.

    Attributes
    ----------
    name, level, measure : where and what.
    tier, base : as they are shown, and by score and size alone.
    count : of the week.
    expected : count that the past leads to expect; NaN where unknown.
    method : what the week was held against, "farrington" or "ears".
    look : what stood out, a `Look` in small letters.
    reach : areas in it, the area itself included.
    raised_by : rules that raised the tier.
    held : the tier is that of earlier weeks.
    provisional : reports of the week may still come.
    weeks_high : weeks in a row with a tier of the score.
    neighbours_high : neighbours with a tier; None where they are not counted.
    upstream : highest level of the alerts from above.
    far : the nearest counselling room is beyond its threshold.
    earlier : counts of the weeks before, oldest first.
    colours : in how many tiers are shown.
    """

    name: str
    level: Level
    measure: MeasureSettings
    tier: Tier
    base: Tier
    count: Figure
    expected: float
    method: str
    look: str = "own_week"
    reach: int = 1
    raised_by: Sequence[Rule] = ()
    held: bool = False
    provisional: bool = False
    weeks_high: int = 1
    neighbours_high: int | None = None
    upstream: Tier = Tier.NONE
    far: bool = False
    earlier: Sequence[Figure] = ()
    colours: Colours = Colours.FOUR


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    return registry("warnings")


def _said(table: str, key: str, **filled: Text | str | int) -> Text:
    entry: Mapping[str, str] = _words()[table][key]
    out = {}
    for lang in LANGUAGES:
        own = {k: getattr(v, lang) if isinstance(v, Text) else v for k, v in filled.items()}
        out[lang] = entry[lang].format(**own)
    return Text(**out)


def _plural(text: Text, n: int) -> Text:
    """English in the singular or plural, where it has both."""
    forms = text.en.split("|")
    return Text(zh=text.zh, en=forms[0] if n == 1 else forms[-1])


def _counted(key: str, n: int) -> Text:
    return _plural(_said("count", key, n=n), n)


def _level(level: Level, n: int) -> Text:
    return _plural(_said("levels", level.value), n)


def _joined(key: str, texts: Sequence[Text]) -> Text:
    between = _said("join", key)
    return Text(
        zh=between.zh.join(text.zh for text in texts), en=between.en.join(t.en for t in texts)
    )


def _sentences(texts: Sequence[Text]) -> Text:
    """Whole sentences in a row, each with its full stop."""
    stop = _said("join", "end")
    return Text(
        zh="".join(text.zh + stop.zh for text in texts),
        en="".join(text.en + stop.en for text in texts).rstrip(),
    )


def tier_name(tier: Tier, colours: Colours) -> Text:
    """What a tier, as it is shown, is called in four colours or in three."""
    return Text(**_words()["tiers"][colours.value][tier.name.lower()])


def warning_reason(facts: Facts) -> Text:
    """Why a warning stands: the figure, the usual, what speaks for it, what is asked, what was.

    For example 「柳溪镇家暴求助本周18起，往年同期约7起，已连续3周偏多；需要加强服务。」
    """
    ask = "serve" if facts.tier >= Tier.YELLOW or "gap" in facts.raised_by else "watch"
    asked = _said("ask", "held" if facts.held else ask, tier=tier_name(facts.tier, facts.colours))
    texts = [_joined("part", [_joined("clause", _clauses(facts)), asked])]
    if facts.earlier:
        texts.append(_earlier(facts.earlier))
    if facts.provisional:
        texts.append(_said("note", "provisional"))
    return _sentences(texts)


def _clauses(facts: Facts) -> list[Text]:
    words: Filled = {"name": facts.name, "measure": facts.measure.name, "unit": facts.measure.unit}
    key = facts.count.key
    count = f"{facts.count.value:.0f}" if key == "known" else ""
    clauses = [_said("head", key, count=count, **words)]
    if key == "known" and np.isfinite(facts.expected) and facts.method in {"farrington", "ears"}:
        usual = facts.method if round(facts.expected) >= 1 else f"{facts.method}_below_one"
        clauses.append(_said("usual", usual, expected=f"{facts.expected:.0f}", **words))
    if facts.held:
        return clauses
    others = facts.reach - 1
    look = facts.look
    if look.startswith("neighbours") and not others:
        look = "own_weeks" if look.endswith("weeks") else "own_week"
    if look != "own_week":
        clauses.append(_said("look", look, n=others, level=_level(facts.level, others)))
    return clauses + _rules(facts)


def _rules(facts: Facts) -> list[Text]:
    clauses = []
    if facts.weeks_high > 1:
        clauses.append(_said("rule", "persistence", weeks=_counted("weeks", facts.weeks_high)))
    if "spread" in facts.raised_by:
        n = facts.neighbours_high
        key = "spread" if n else "spread_many"
        clauses.append(_said("rule", key, n=n or 0, level=_level(facts.level, n or 0)))
    if "upstream" in facts.raised_by:
        # Those above speak in four colours, whatever is shown here.
        level = tier_name(facts.upstream, Colours.FOUR)
        clauses.append(_said("rule", "upstream", tier=level))
    if "gap" in facts.raised_by:
        clauses.append(_said("rule", "far" if facts.far else "gap"))
    if facts.raised_by:
        names: Filled = {
            "base": tier_name(facts.base, facts.colours),
            "tier": tier_name(facts.tier, facts.colours),
        }
        clauses.append(_said("rule", "raised", **names))
    return clauses


def _earlier(figures: Sequence[Figure]) -> Text:
    weeks = _counted("weeks", len(figures))
    keys = {figure.key for figure in figures}
    if len(keys) == 1 and (key := keys.pop()) != "known":
        return _said("earlier", key, weeks=weeks)
    counts = [
        Text(zh=f"{figure.value:.0f}", en=f"{figure.value:.0f}")
        if figure.key == "known"
        else _said("figure", figure.key)
        for figure in figures
    ]
    return _said("earlier", "listed", weeks=weeks, counts=_joined("item", counts))


def episode_reason(
    place: Text | None,
    *,
    name: str,
    measure: MeasureSettings,
    tier: Tier,
    phase: str,
    weeks: int,
    n_areas: int,
    withheld: bool = False,
) -> Text:
    """Why a warning stands that is followed through the weeks, and how it goes on.

    Parameters
    ----------
    place : `warning_reason` of its place this week; None where its place has no tier.
    name, measure, tier, phase, weeks, n_areas : of `geo.detect.episodes`.
    withheld : its place has no tier because this week's count is withheld.
    """
    if phase == "ended" and tier >= Tier.BLUE:
        return _sentences([_said("phase", "merged")])
    silent = place is None and tier == Tier.NO_DATA
    key = "unknown" if silent and phase != "ended" else phase
    told = _said("phase", key, weeks=_counted("weeks", weeks), areas=_counted("areas", n_areas))
    if place is None:
        here: Filled = {"name": name, "measure": measure.name}
        unseen = _said("head", "withheld" if withheld else "no_data", **here)
        first = unseen if silent else _said("phase", "quiet", **here)
        return _sentences([first, told])
    after = _sentences([told])
    return Text(zh=place.zh + after.zh, en=f"{place.en} {after.en}")
