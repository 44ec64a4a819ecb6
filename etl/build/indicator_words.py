"""Numerators and denominators in words, from the product's registry."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from etl.model import Text
from etl.policies import (
    AmountQuantity,
    AreasQuantity,
    LatestQuantity,
    PersonsQuantity,
    Quantity,
    SitesQuantity,
    SumQuantity,
)
from etl.settings import LocalityConfig, registry

_AND = Text(zh="、", en=", ")
_OR = Text(zh="或", en=" or ")


@lru_cache(maxsize=1)
def _phrases() -> dict[str, Any]:
    return registry("targets")


def _said(key: str, **words: Text | int) -> Text:
    out = {}
    for lang in ("zh", "en"):
        own = {k: getattr(w, lang) if isinstance(w, Text) else w for k, w in words.items()}
        out[lang] = _phrases()[key][lang].format(**own)
    return Text(**out)


def _listed(names: list[Text], between: Text) -> Text:
    """Names in a row; English ones without their capitals, since they stand in a sentence."""
    english = between.en.join(name.en[:1].lower() + name.en[1:] for name in names)
    return Text(zh=between.zh.join(name.zh for name in names), en=english)


def _amounts(codes: tuple[str, ...]) -> Text:
    return _listed([Text(**_phrases()["amounts"][code]) for code in codes], _OR)


SiteQuantity = AreasQuantity | SitesQuantity | AmountQuantity


def _places(quantity: SiteQuantity, config: LocalityConfig) -> Text:
    """Kinds of sites, or their categories where only some count."""
    if quantity.categories:
        entries = {e["code"]: Text(**e["name"]) for e in registry("categories")["categories"]}
        return _listed([entries[code] for code in quantity.categories], _AND)
    kinds = quantity.sites if isinstance(quantity, SitesQuantity) else quantity.kinds
    return _listed([config.kind(kind).name for kind in kinds], _AND)


def quantity_words(quantity: Quantity, config: LocalityConfig) -> Text:
    """What a quantity counts."""
    if isinstance(quantity, PersonsQuantity):
        name = next(group.name for group in config.groups if group.code == quantity.persons)
        return _said("persons", name=name)
    if isinstance(quantity, LatestQuantity):
        return _said("latest", name=config.measure(quantity.latest).name)
    if isinstance(quantity, SumQuantity):
        return _said("sum", name=config.measure(quantity.sum).name, weeks=quantity.weeks)
    return _site_words(quantity, config)


def _site_words(quantity: SiteQuantity, config: LocalityConfig) -> Text:
    words: dict[str, Text] = {}
    if isinstance(quantity, AreasQuantity):
        words["level"] = Text(**_phrases()["levels"][quantity.areas])
        key = "areas_with" if quantity.kinds else "areas"
    elif isinstance(quantity, SitesQuantity):
        key = "sites_with" if quantity.has else "sites"
        words["has"] = _amounts(quantity.has)
    else:
        key = "amount"
        words["amount"] = _amounts((quantity.amount,))
    return _said(key, kinds=_places(quantity, config), **words)


def unit_words(quantity: Quantity, config: LocalityConfig) -> Text:
    """What a quantity is counted in."""
    if isinstance(quantity, LatestQuantity):
        return config.measure(quantity.latest).unit
    if isinstance(quantity, SumQuantity):
        return config.measure(quantity.sum).unit
    key = "persons"
    if isinstance(quantity, AreasQuantity):
        key = "areas"
    elif isinstance(quantity, SitesQuantity):
        key = "sites"
    elif isinstance(quantity, AmountQuantity):
        key = quantity.amount
    return Text(**_phrases()["units"][key])
