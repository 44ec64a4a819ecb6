"""Every visible string, in each language: `Catalog.t("map.week.label", ...)`.

The first part of a key is the file, the rest are its tables: ``text/zh-CN/map.toml``,
``[week] label = ...``. Names of measures, kinds, groups and layers are not here: they come with
the snapshot, as ``{"zh": ..., "en": ...}``, and `Catalog.pick` takes the right one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("zh-CN", "en")
DEFAULT_LANGUAGE = "zh-CN"


@dataclass(frozen=True)
class Catalog:
    """The strings of one language.

    Attributes
    ----------
    lang : BCP 47 tag, as in the address and in `<html lang>`.
    strings : text by key.
    """

    lang: str
    strings: Mapping[str, str]

    def t(self, key: str, /, **values: object) -> str:
        """Text of `key` with `{name}` fields filled in.

        Raises
        ------
        KeyError : no such key in this language, or a field without a value.
        """
        text = self.strings[key]
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Whether there is a text for `key`."""
        return key in self.strings

    def pick(self, label: Mapping[str, str] | None) -> str:
        """The right one of a label's two names; empty for no label."""
        if not label:
            return ""
        short = self.lang.partition("-")[0]
        return label.get(short) or next(iter(label.values()), "")


def _flatten(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}.{name}")
        else:
            yield f"{prefix}.{name}", str(value)


@cache
def load(lang: str) -> Catalog:
    """Catalog of a language, read once.

    Raises
    ------
    KeyError : `lang` is not one of `LANGUAGES`.
    """
    if lang not in LANGUAGES:
        raise KeyError(lang)
    strings: dict[str, str] = {}
    folder = resources.files("dashboard.text").joinpath(lang)
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            strings.update(_flatten(table, file.name.removesuffix(".toml")))
    return Catalog(lang, strings)
