"""The fictional city's `xintu.toml`, from the template beside this module."""

from __future__ import annotations

from importlib import resources
from string import Template

from etl.demo.plan import CITY_ZH, COUNTY6, TOWNS

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
        offices=_offices(),
    )


def _offices() -> str:
    """The city's centre, and a station in each town."""
    centre = (
        "centre",
        f"{CITY_ZH}社会心理服务指导中心",
        "City centre",
        "county",
        f"{COUNTY6}000000",
    )
    stations = [
        (
            f"town-{t.part}",
            f"{t.name}社会心理服务站",
            f"Station {t.part}",
            "town",
            t.code,
        )
        for t in TOWNS
    ]
    return "\n".join(
        f'[[response.offices]]\ncode = "{code}"\nname = {{ zh = "{zh}", en = "{en}" }}\n'
        f'level = "{level}"\narea_code = "{area}"\n'
        for code, zh, en, level, area in (centre, *stations)
    )
