"""The fictional city's `xintu.toml`, from the template beside this module."""

from __future__ import annotations

from importlib import resources
from string import Template

_SOURCE = "[[sources]]"


def locality_text(*, first_year: int, last_year: int, history: bool) -> str:
    """`xintu.toml` of the city.

    Parameters
    ----------
    first_year, last_year : ISO years of the weekly figures.
    history : whether health figures of earlier years are in a file of their own.
    """
    file = resources.files("etl").joinpath("demo", "locality.toml")
    parts = file.read_text(encoding="utf-8").split(_SOURCE)
    if not history:
        parts = [part for part in parts if 'id = "health-history"' not in part]
    return Template(_SOURCE.join(parts)).substitute(
        first_year=first_year,
        last_year=last_year,
        previous_year=last_year - 1,
        next_year=last_year + 1,
    )
