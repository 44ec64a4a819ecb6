"""The design tokens of assets/10-tokens.css for Python: figures and slides use the same values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from geo.errors import XintuError

Theme = Literal["light", "dark"]

TOKENS_CSS = Path(__file__).resolve().parents[1] / "assets" / "10-tokens.css"

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLOCK = re.compile(r"(?P<selector>[^{}]+)\{(?P<body>[^{}]*)\}")
_DECLARATION = re.compile(r"--(?P<name>[\w-]+)\s*:\s*(?P<value>[^;]+);")
_SELECTORS: Mapping[Theme, str] = {"light": ":root", "dark": '[data-theme="dark"]'}


class TokenError(XintuError):
    """A token that the stylesheet does not define."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of one theme.

    Parameters
    ----------
    theme : which theme they are of.
    values : token name without its leading dashes, to its value as written.
    """

    theme: Theme
    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """Value of one token, as ``tokens["accent"]``."""
        try:
            return self.values[name]
        except KeyError:
            raise TokenError(f"{TOKENS_CSS.name} defines no --{name} for {self.theme}") from None

    def ramp(self, palette: str) -> tuple[str, ...]:
        """Colours of a class palette, lowest class first.

        Parameters
        ----------
        palette : ``access``, ``gap``, ``sequential``, ``diverging`` or ``tier``.

        Returns
        -------
        One colour a class; ``tier`` starts with the colour of "no warning".
        """
        if palette == "tier":
            return tuple(
                self[f"tier-{tier}"] for tier in ("none", "blue", "yellow", "orange", "red")
            )
        colours: list[str] = []
        while (name := f"{palette}-{len(colours)}") in self.values:
            colours.append(self.values[name])
        if not colours:
            raise TokenError(f"{TOKENS_CSS.name} defines no palette {palette!r}")
        return tuple(colours)

    @property
    def fonts(self) -> tuple[str, ...]:
        """Font families in order of preference."""
        return tuple(family.strip().strip('"') for family in self["font"].split(","))


@cache
def tokens(theme: Theme = "light") -> Tokens:
    """Read the tokens of a theme; dark ones stand on the light ones they do not change.

    Parameters
    ----------
    theme : ``light`` (desk, paper) or ``dark`` (wall).

    Returns
    -------
    The tokens; read once a process.
    """
    found = parse_tokens(TOKENS_CSS.read_text(encoding="utf-8"))
    return Tokens(theme, {**found["light"], **found[theme]})


def parse_tokens(css: str) -> dict[Theme, dict[str, str]]:
    """Custom properties of the two theme blocks of a stylesheet.

    Parameters
    ----------
    css : stylesheet text; blocks inside a media query are not read.

    Returns
    -------
    For each theme: token name to value. A theme without a block gives an empty mapping.
    """
    css = _COMMENT.sub("", css).split("@media", 1)[0]
    found: dict[Theme, dict[str, str]] = {"light": {}, "dark": {}}
    for block in _BLOCK.finditer(css):
        for theme, selector in _SELECTORS.items():
            if block["selector"].strip() == selector:
                found[theme].update(
                    (item["name"], item["value"].strip())
                    for item in _DECLARATION.finditer(block["body"])
                )
    return found
