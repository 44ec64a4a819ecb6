"""Why a place has its gap class, in one sentence; and how its shortage holds elsewhere.

Every figure is a published value of the place or of the whole locality.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from dashboard.text import Catalog, words
from etl.store.reader import Cell
from geo.model import GapClass, Missing
from geo.need import NEED_BOUNDS

_BANDS = ("low", "middle", "high")
# Layers of which the one that stands out most is named beside the need index.
_DRIVERS = ("share.elderly", "share.minors", "density")
# What is said of the median resident's class where it is the first or the last.
_MEDIAN = {GapClass.NONE: "most", GapClass.SEVERE: "half"}
# A group's share stands out from that of all residents from here on.
_CLEARLY_MORE = 0.02
_NARROW_NO_BREAK = "\u202f"
_SHOWN = (Missing.OK, Missing.UNRELIABLE)
_M_PER_KM = 1000

Cells = Mapping[str, Cell]


def gap_sentence(
    cells: Cells, county: Cells, meta: Mapping[str, Any], catalog: Catalog, *, level: str
) -> str:
    """The class of a place and what it comes from.

    Parameters
    ----------
    cells : layer → value of the place.
    county : the same of the whole locality; empty where it is not a level of its own.
    meta : of the snapshot.
    level : of the place: above the finest one a class is that of the median resident.
    """
    gap = cells.get("gap")
    need, access = (_shown(cells, code) for code in ("need", "access"))
    if gap is not None and gap.state == Missing.NOT_APPLICABLE:
        return catalog.t("gap.reason.nobody")
    if gap is not None and gap.state == Missing.SUPPRESSED:
        return catalog.t("gap.reason.withheld")
    if gap is None or gap.state not in _SHOWN or not math.isfinite(gap.value):
        lacking = {(True, False): "need", (False, True): "access", (True, True): "both"}
        key = lacking.get((need is None, access is None), "gap")
        return catalog.t(f"gap.reason.unknown_{key}")
    given = GapClass(int(gap.value))
    name = catalog.t(f"common.gap.{given.name.lower()}")
    of_many = level != meta["levels"][0]["level"]
    if of_many:
        name = catalog.t(f"gap.reason.{_MEDIAN.get(given, 'median')}", gap=name)
    clauses = [
        *([] if need is None else [_need(need, cells, county, meta, catalog, banded=not of_many)]),
        *([] if access is None else [_service(access, meta, catalog)]),
    ]
    if not clauses:
        return catalog.t("gap.reason.class_only", gap=name)
    because = clauses[0]
    for clause in clauses[1:]:
        because = catalog.t("gap.reason.and", first=because, second=clause)
    sentence = catalog.t("gap.reason.sentence", gap=name, because=because)
    return sentence.replace(words.THIN_SPACE, _NARROW_NO_BREAK)


def _shown(cells: Cells, code: str) -> float | None:
    cell = cells.get(code)
    if cell is None or cell.state not in _SHOWN or not math.isfinite(cell.value):
        return None
    return cell.value


def _need(
    need: float,
    cells: Cells,
    county: Cells,
    meta: Mapping[str, Any],
    catalog: Catalog,
    *,
    banded: bool,
) -> str:
    """The need index and what stands out beside it; a mean of many cells is not called high."""
    overall = _shown(county, "need")
    figures = _compared(catalog.t("gap.reason.index"), need, overall, words.figure, catalog)
    band = _BANDS[bisect_right(NEED_BOUNDS, need)]
    below = band == "low" if banded else overall is not None and need < overall
    driver = _driver(cells, county, below=below)
    entry = next((entry for entry in meta["layers"] if entry["code"] == driver), None)
    value = None if driver is None else _shown(cells, driver)
    if entry is not None and value is not None:
        name = words.inside(catalog, catalog.pick(entry["name"]))
        named = _compared(
            name, value, _shown(county, entry["code"]), _in_unit(entry, catalog), catalog
        )
        figures = catalog.t("gap.reason.figures", first=figures, second=named)
    return catalog.t(f"gap.reason.need_{band if banded else 'mean'}", figures=figures)


def _in_unit(entry: Mapping[str, Any], catalog: Catalog) -> Callable[[float], str]:
    unit = catalog.pick(entry.get("unit"))
    if unit == "%":
        return words.percent
    return lambda value: catalog.t("map.value.unit", value=words.figure(value), unit=unit)


def _driver(cells: Cells, county: Cells, *, below: bool) -> str | None:
    """The layer that stands out most from the whole locality, in the direction asked for."""
    ratios = {}
    for code in _DRIVERS:
        value, overall = _shown(cells, code), _shown(county, code)
        if value is not None and overall:
            ratios[code] = value / overall
    if not ratios:
        return None
    wanted = min if below else max
    code = wanted(ratios, key=lambda name: ratios[name])
    stands_out = ratios[code] < 1 if below else ratios[code] > 1
    return code if stands_out else None


def _compared(
    name: str,
    value: float,
    overall: float | None,
    said: Callable[[float], str],
    catalog: Catalog,
) -> str:
    if overall is None:
        return catalog.t("gap.reason.figure", name=name, value=said(value))
    return catalog.t(
        "gap.reason.figure_compared", name=name, value=said(value), overall=said(overall)
    )


def _service(access: float, meta: Mapping[str, Any], catalog: Catalog) -> str:
    settings, full = meta.get("access", {}), meta.get("need", {})
    km = words.setting(settings.get("default_catchment_m", 2000) / _M_PER_KM)
    if access == 0:
        return catalog.t("gap.reason.service_none", km=km)
    supply = catalog.t(f"map.supply.{settings.get('supply', 'staff')}")
    said = catalog.t("gap.reason.service", km=km, value=words.figure(access), supply=supply)
    reference = full.get("full_service")
    if not reference:
        return said
    key = "of_mean" if full.get("standard") is None else "of_standard"
    return catalog.t(
        f"gap.reason.{key}",
        service=said,
        share=times(access / reference),
        standard=words.setting(reference),
        supply=supply,
    )


def times(ratio: float) -> str:
    """A ratio as a percentage that may be above 100, without false digits: 12%, 130%, 0.4%."""
    return words.percent(ratio) if ratio < 0.01 else f"{words.number(100 * ratio)}%"


def robust_sentence(row: Mapping[str, Any] | None, catalog: Catalog) -> str | None:
    """How often a village or town is among the worst tenth when borders and radii change."""
    if row is None:
        return None
    worst, share, variants = (number_of(row.get(k)) for k in ("worst", "stays_worst", "variants"))
    if not (math.isfinite(worst) and math.isfinite(share) and variants > 0):
        return None
    stays = round(share * variants)
    if worst == 1:
        return catalog.t("gap.robust.stays", stays=stays, variants=int(variants))
    if 2 * stays >= variants:
        return catalog.t("gap.robust.elsewhere", stays=stays, variants=int(variants))
    return None


def ranking_sentence(
    robustness: pd.DataFrame | None, ranked: str, catalog: Catalog, *, short: bool = False
) -> str | None:
    """How much of the worst tenth of a ranking stays under other borders and radii, on average.

    Parameters
    ----------
    robustness : table `gap_robustness`; None in snapshots without it.
    ranked : level of the ranking.
    short : without what chance would give, for a line of a slide.
    """
    if robustness is None:
        return None
    rows = robustness[(robustness["ranking"] == ranked) & robustness["share_stays"].notna()]
    if rows.empty:
        return None
    return catalog.t(
        f"gap.robust.{'short' if short else 'ranking'}",
        variants=len(rows),
        share=times(float(pd.to_numeric(rows["share_stays"]).mean())),
        chance=times(float(pd.to_numeric(rows["expected"]).mean())),
    )


def group_sentence(
    groups: pd.DataFrame | None, meta: Mapping[str, Any], catalog: Catalog
) -> str | None:
    """The population group of which most live in larger gaps, if clearly more than of all.

    Parameters
    ----------
    groups : table `gap_groups`; None in snapshots without it.
    """
    if groups is None or int(meta["levels"][-1]["n"]) != 1:
        return None
    rows = groups[(groups["level"] == meta["levels"][-1]["level"]) & groups["share"].notna()]
    shares = {str(row["group"]): float(row["share"]) for row in rows.to_dict("records")}
    total = shares.pop("total", None)
    if total is None or not shares:
        return None
    code = max(shares, key=lambda name: (shares[name], name))
    if shares[code] - total < _CLEARLY_MORE:
        return None
    names = {str(group["code"]): catalog.pick(group["name"]) for group in meta["groups"]}
    return catalog.t(
        "gap.group",
        group=names.get(code, code),
        share=words.percent(shares[code]),
        total=words.percent(total),
    )


def number_of(value: Any) -> float:
    """A value of a published table as a number; NaN where there is none."""
    return math.nan if value is None or pd.isna(value) else float(value)
