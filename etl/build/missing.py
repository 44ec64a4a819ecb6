"""What is missing by name: areas without a site, sites without what is asked. Never persons."""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.build.levels import Floats, LevelFrame
from etl.build.quantities import Chosen, Flags, Quantities
from etl.policies import AmountQuantity, AreasQuantity, IndicatorSettings, SitesQuantity
from geo.model import Level, Missing, SiteStatus

NONE, PLANNED, CLOSED, NOT_REPORTED, TOO_FEW = "none", "planned", "closed", "unreported", "few"


def missing_places(found: Quantities, indicator: IndicatorSettings) -> pd.DataFrame:
    """Places that an indicator still misses, those with most residents first.

    Parameters
    ----------
    found : evaluates quantities.
    indicator : one that counts areas or sites; any other has nothing by name.

    Returns
    -------
    indicator, level, area_code, name, town_code, town_name, site_id, reason, persons. An area has
    no site id; `persons` are its published residents, NaN where withheld or unknown.
    """
    built, required = indicator.numerator, indicator.denominator
    if isinstance(built, AreasQuantity) and built.kinds:
        return _areas(found, indicator, built)
    if isinstance(built, SitesQuantity) and isinstance(required, SitesQuantity):
        return _sites(found, indicator, built, required)
    if (
        isinstance(built, AmountQuantity)
        and isinstance(required, AmountQuantity)
        and (built.kinds, built.categories) == (required.kinds, required.categories)
    ):
        return _below(found, indicator, built, required)
    return pd.DataFrame()


def _areas(
    found: Quantities, indicator: IndicatorSettings, quantity: AreasQuantity
) -> pd.DataFrame:
    at = next((i for i, f in enumerate(found.levels) if f.level == quantity.areas), None)
    chosen = found.choose(quantity)
    if at is None or chosen is None:
        return pd.DataFrame()
    frame = found.levels[at]
    places = found.positions(at)
    own = np.zeros(len(frame), dtype=np.bool_)
    own[places[chosen.good & (places >= 0)]] = True
    lacking = np.flatnonzero(~own)
    towns = {c: n for f in found.levels if f.level == Level.TOWN for c, n in _names(f)}
    parents = frame.parent_codes[lacking] if frame.level == Level.VILLAGE else [""] * len(lacking)
    reason = _area_reasons(found, quantity, at)
    persons = _residents(found, at)
    rows = pd.DataFrame(
        {
            "indicator": indicator.code,
            "level": frame.level.value,
            "area_code": frame.codes[lacking],
            "name": frame.names[lacking],
            "town_code": parents,
            "town_name": [towns.get(code, "") for code in parents],
            "site_id": None,
            "reason": reason[lacking],
            "persons": persons[lacking],
        }
    )
    return rows.sort_values(["persons", "area_code"], ascending=[False, True])


def _names(frame: LevelFrame) -> list[tuple[str, str]]:
    return list(zip(frame.codes, frame.names, strict=True))


def _area_reasons(
    found: Quantities, quantity: AreasQuantity, at: int
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Why an area has none: nothing there, one planned, one closed."""
    reasons = np.full(len(found.levels[at]), NONE, dtype=object)
    kinds = found.sites["kind"].isin([kind.value for kind in quantity.kinds]).to_numpy()
    places = found.positions(at)
    for status, word in ((SiteStatus.CLOSED, CLOSED), (SiteStatus.PLANNED, PLANNED)):
        of_status = kinds & (found.sites["status"] == status).to_numpy() & (places >= 0)
        reasons[places[of_status]] = word
    return reasons


def _residents(found: Quantities, at: int) -> Floats:
    """Published residents of each area."""
    level = found.levels[at].level.value
    for row in found.book:
        if row.layer == "population" and row.level == level:
            return np.where(row.states == Missing.OK, row.values, np.nan)
    return np.full(len(found.levels[at]), np.nan)


def _sites(
    found: Quantities,
    indicator: IndicatorSettings,
    built: SitesQuantity,
    required: SitesQuantity,
) -> pd.DataFrame:
    chosen, wanted = found.choose(built), found.choose(required)
    if chosen is None or wanted is None:
        return pd.DataFrame()
    reasons = np.where(chosen.unreported, NOT_REPORTED, NONE)
    return _site_rows(found, indicator, wanted.mask & ~chosen.good, reasons)


def _below(
    found: Quantities,
    indicator: IndicatorSettings,
    built: AmountQuantity,
    required: AmountQuantity,
) -> pd.DataFrame:
    """Sites whose own ratio is below the target."""
    some: Chosen | None = found.choose(built)
    if some is None or not indicator.targets:
        return pd.DataFrame()
    have, need = (
        found.sites[quantity.amount].to_numpy(dtype=np.float64) for quantity in (built, required)
    )
    target = indicator.targets[-1].target / (indicator.per or 1)
    at_least = indicator.direction == "at_least"
    # A comparison with NaN is false; what is unknown follows by itself.
    short = have < target * need * (1 - 1e-9) if at_least else have > target * need * (1 + 1e-9)
    unknown = some.mask & (np.isnan(have) | np.isnan(need))
    reasons = np.where(unknown, NOT_REPORTED, TOO_FEW)
    return _site_rows(found, indicator, some.mask & (short | unknown), reasons)


def _site_rows(
    found: Quantities, indicator: IndicatorSettings, lacking: Flags, reasons: object
) -> pd.DataFrame:
    towns = {c: n for f in found.levels if f.level == Level.TOWN for c, n in _names(f)}
    own = found.sites[lacking]
    code = own["village_code"].where(own["village_code"].notna(), own["town_code"])
    rows = pd.DataFrame(
        {
            "indicator": indicator.code,
            "level": np.where(own["village_code"].notna(), "village", "town"),
            "area_code": code.to_numpy(dtype=object),
            "name": own["name"].to_numpy(dtype=object),
            "town_code": own["town_code"].to_numpy(dtype=object),
            "town_name": [towns.get(str(town), "") for town in own["town_code"]],
            "site_id": own["site_id"].to_numpy(dtype=object),
            "reason": np.asarray(reasons)[lacking],
            "persons": np.nan,
        }
    )
    return rows.sort_values(["town_code", "name"])
