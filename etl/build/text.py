"""Layer specs with their words filled in from the registry and the locality's settings."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from etl.build.layers import Group, LayerSpec, LayerText, Palette
from etl.build.travel import Mode, Travel
from etl.model import Text
from etl.sections import KindSettings, MeasureSettings, ReferralStep
from etl.settings import LocalityConfig, registry

SUPPLY = {
    "staff": Text(zh="服务人员", en="staff"),
    "rooms": Text(zh="咨询室间数", en="rooms"),
    "places": Text(zh="服务名额", en="places"),
}
WAY = {
    "straight_line": Text(zh="直线×{detour}", en="straight line × {detour}"),
    "road": Text(zh="按路网", en="on the road network"),
}
# How times come about, by basis and mode.
TIMES = {
    "straight_line": Text(
        zh="直线距离×{detour}，时速{speed}公里",
        en="straight line × {detour} at {speed} km/h",
    ),
    "road_foot": Text(
        zh="沿道路步行，时速{foot}公里；离路{snap}公里以内按直线×{detour}步行上路，不跨水面；"
        "再远或隔水（无桥）的为无路可达",
        en="along roads at {foot} km/h; up to {snap} km to a road on foot, straight line × "
        "{detour}, across no water; beyond that, or where water bars the way, no way leads there",
    ),
    "road_car": Text(
        zh="沿道路驾车，车速按道路等级（{slow}至{fast}公里/小时），单行路按方向；离路{snap}公里以内"
        "按直线×{detour}步行上路，不跨水面；再远或隔水（无桥）的为无路可达",
        en="along roads by car at {slow} to {fast} km/h by class, one-way streets minded; up to "
        "{snap} km to a road on foot, straight line × {detour}, across no water; beyond that, "
        "or where water bars the way, no way leads there",
    ),
}
MODE = {"foot": Text(zh="步行", en="on foot"), "car": Text(zh="驾车", en="by car")}


@lru_cache(maxsize=1)
def _layers() -> dict[str, Any]:
    return registry("layers")


def _texts(key: str, **words: Text | str | float) -> LayerText:
    """The three texts of a registry entry, each language with its own words."""
    out = {}
    for name, text in _layers()[key].items():
        filled = {}
        for lang in ("zh", "en"):
            own = {k: getattr(w, lang) if isinstance(w, Text) else w for k, w in words.items()}
            filled[lang] = text[lang].format(**own)
        out[name] = Text(**filled)
    return LayerText(**out)


def _sentence(table: str, key: str, **words: Text | str | float) -> Text:
    """One text of a registry table, each language with its own words."""
    entry = _layers()[table][key]
    filled = {}
    for lang in ("zh", "en"):
        own = {k: getattr(w, lang) if isinstance(w, Text) else w for k, w in words.items()}
        filled[lang] = entry[lang].format(**own)
    return Text(**filled)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if np.isfinite(share) else ""


def _number(value: float) -> str:
    return f"{value:g}"


def population_spec(group: str, name: Text) -> LayerSpec:
    """Persons of one group, for words: a total says nothing as a colour."""
    code = "population" if group == "total" else f"population.{group}"
    texts = _texts("population", name=name)
    return LayerSpec(code, "population", "sequential", texts, on_map=False)


def share_spec(group: str, name: Text, breaks: tuple[float, ...]) -> LayerSpec:
    """Share of one group among the residents."""
    return LayerSpec(
        f"share.{group}", "population", "sequential", _texts("share", name=name), breaks=breaks
    )


def way(travel: Travel, mode: Mode) -> Text:
    """How times of a mode come about, in words."""
    settings = travel.settings
    car_kmh = settings.road_kmh.model_dump().values()
    texts = TIMES["straight_line" if travel.basis == "straight_line" else f"road_{mode}"]
    numbers = {
        "detour": _number(settings.detour),
        "speed": _number(travel.speed_kmh(mode)),
        "foot": _number(settings.foot_kmh),
        "snap": _number(settings.snap_m / 1000),
        "slow": _number(min(car_kmh)),
        "fast": _number(max(car_kmh)),
    }
    return Text(zh=texts.zh.format(**numbers), en=texts.en.format(**numbers))


def _kind_spec(
    key: str,
    kind: KindSettings,
    travel: Travel,
    *,
    palette: Palette,
    breaks: tuple[float, ...],
) -> LayerSpec:
    texts = _texts(
        key,
        name=kind.name,
        mode=MODE[kind.mode],
        way=way(travel, kind.mode),
        threshold=_number(kind.threshold_min),
    )
    return LayerSpec(
        f"{key}.{kind.code}", "coverage", palette, texts, breaks=breaks, kind=kind.code.value
    )


def nearest_spec(kind: KindSettings, travel: Travel) -> LayerSpec:
    """Minutes to the nearest open site of a kind; class ends are shares of its threshold."""
    breaks = tuple(round(kind.threshold_min * share, 1) for share in (1 / 3, 2 / 3, 1, 2))
    return _kind_spec("nearest_min", kind, travel, palette="sequential", breaks=breaks)


def covered_spec(kind: KindSettings, travel: Travel) -> LayerSpec:
    """Share of residents within the kind's threshold."""
    return _kind_spec("covered", kind, travel, palette="access", breaks=(0.2, 0.4, 0.6, 0.8))


def access_words(
    config: LocalityConfig, basis: str, counts: pd.DataFrame, sensitivity: pd.DataFrame
) -> dict[str, Text | str | float]:
    """What the definition of access says beside the catchment: method, supply, how far to trust it.

    Parameters
    ----------
    counts : `access_supply`.
    sensitivity : `access_sensitivity`, finest level first.
    """
    settings, detour = config.access, _number(config.travel.detour)
    kinds = [config.kind(kind).name for kind in settings.kinds]
    units = [
        SUPPLY[unit]
        for unit in dict.fromkeys(
            settings.supply_by_kind.get(k, settings.supply) for k in settings.kinds
        )
    ]
    words: dict[str, Text | str | float] = {
        "supply": Text(zh="/".join(u.zh for u in units), en="/".join(u.en for u in units)),
        "kinds": Text(
            zh="、".join(name.zh for name in kinds), en=", ".join(name.en for name in kinds)
        ),
        "way": Text(zh=WAY[basis].zh.format(detour=detour), en=WAY[basis].en.format(detour=detour)),
    }
    total = counts.drop(columns="kind").sum()
    finest = sensitivity.reindex([0]).iloc[0]
    numbers: dict[str, Text | str | float] = {
        "counted": int(total["counted"]),
        "unreported": int(total["unreported"]),
        "without": int(total["without"]),
        "full": _number(settings.full_week_hours),
        "hours_unknown": int(total["sites_open"] - total["hours_known"]),
        "exponent": _number(settings.gravity_exponent),
        "least": _number(settings.gravity_least_m),
        "tau": _number(settings.raam_tau_min),
        "same": _percent(finest["same_class"]),
        "stays": _percent(finest["worst_stays"]),
    }
    keys = ["counted", *(["hours"] if settings.hours else [])]
    if np.isfinite(finest["same_class"]) and np.isfinite(finest["worst_stays"]):
        keys.append("sensitivity")
    notes = [_sentence("access_notes", key, **words, **numbers) for key in keys]
    words["notes"] = Text(zh="".join(n.zh for n in notes), en=" ".join(n.en for n in notes))
    return {"how": f"m{settings.method}", **words, **numbers}


def access_spec(
    code: str, catchment_m: float, said: dict[str, Text | str | float], breaks: tuple[float, ...]
) -> LayerSpec:
    """Accessibility for one catchment; `said` is of `access_words`."""
    words = {**said, "km": _number(catchment_m / 1000)}
    method = _sentence("access_methods", str(words.pop("how")), **words)
    texts = _texts("access", method=method, **words)
    return LayerSpec(code, "access", "access", texts, breaks=breaks)


def referral_spec(step: ReferralStep, travel: Travel) -> LayerSpec:
    """Minutes to one step of the referral chain; class ends are shares of its threshold."""
    texts = _texts(
        "referral",
        name=step.name,
        mode=MODE[step.mode],
        way=way(travel, step.mode),
        threshold=_number(step.threshold_min),
    )
    breaks = tuple(round(step.threshold_min * share, 1) for share in (1 / 3, 2 / 3, 1, 2))
    return LayerSpec(f"referral.{step.code}", "access", "sequential", texts, breaks=breaks)


def referral_broken_spec(config: LocalityConfig) -> LayerSpec:
    """Where the referral chain breaks first; the class is 0 where it is whole."""
    steps = config.referral.steps
    ways = [
        Text(
            zh=f"{step.name.zh}{MODE[step.mode].zh}{_number(step.threshold_min)}分钟",
            en=f"{step.name.en} {_number(step.threshold_min)} min {MODE[step.mode].en}",
        )
        for step in steps
    ]
    texts = _texts(
        "referral_broken",
        steps=Text(zh="、".join(way.zh for way in ways), en=", ".join(way.en for way in ways)),
    )
    labels = [_sentence("referral_labels", "whole")]
    labels += [_sentence("referral_labels", "broken", name=step.name) for step in reversed(steps)]
    return LayerSpec("referral.broken", "access", "sequential", texts, labels=tuple(labels))


def plain_spec(
    code: str,
    group: Group,
    palette: Palette,
    *,
    breaks: tuple[float, ...] = (),
    weekly: bool = False,
    **words: Text | str | float,
) -> LayerSpec:
    """A layer whose registry key is its code."""
    return LayerSpec(code, group, palette, _texts(code, **words), breaks=breaks, weekly=weekly)


def shortage_spec(code: str, ends: tuple[float, ...], **words: Text | str | float) -> LayerSpec:
    """The shortage score on the map; its parts, and on how much it rests, in words."""
    key = "shortage_part" if code.startswith("shortage.") else code
    texts = _texts(key, **words)
    return LayerSpec(code, "gap", "sequential", texts, breaks=ends, on_map=code == "shortage")


def measure_spec(
    key: str,
    group: Group,
    palette: Palette,
    measure: MeasureSettings,
    *,
    breaks: tuple[float, ...] = (),
    on_map: bool = True,
    **words: Text | str | float,
) -> LayerSpec:
    """A weekly layer of one measure: `count`, `rate` or `tier_measure`."""
    code = f"{key.removesuffix('_measure')}.{measure.code}"
    texts = _texts(key, name=measure.name, unit=measure.unit, **words)
    return LayerSpec(
        code,
        group,
        palette,
        texts,
        breaks=breaks,
        weekly=True,
        measure=measure.code,
        on_map=on_map,
    )
