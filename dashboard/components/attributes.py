"""Attributes that Dash takes only with hyphens: `**attrs(aria_label=..., data_set=...)`."""

from __future__ import annotations

from typing import Any


def attrs(**named: object) -> dict[str, Any]:
    """Attributes with hyphens for underscores, without those that are None."""
    return {name.replace("_", "-"): value for name, value in named.items() if value is not None}
