"""Target indicators that new sites change: the published figure, and what they add to it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from etl.build.layers import LayerBook
from etl.build.levels import LevelFrame
from etl.build.quantities import Figures, Quantities
from etl.build.targets import attain
from etl.policies import AmountQuantity, AreasQuantity, IndicatorSettings, SitesQuantity
from etl.siting.answer import as_table
from etl.siting.ground import Ground
from etl.siting.posed import Posed
from etl.siting.sites_after import sites_after
from etl.siting.standing import PartStanding
from geo.model import LEVELS, Level


def target_table(
    posed: Posed, standings: Sequence[PartStanding], supply: Sequence[dict[str, Any]]
) -> pd.DataFrame:
    """Indicators of sites whose value changes, for the whole locality.

    The published numerator and denominator are taken, and the difference that the sites make to
    each is added. An indicator that is not known is not there; nor is one that asks for a category
    of sites, in a snapshot that was published without categories.
    """
    ground = posed.ground
    if ground.targets.empty:
        return as_table("targets", pd.DataFrame())
    levels = _levels(ground)
    after = sites_after(posed, standings, supply)
    quantities = [
        Quantities(levels, sites, LayerBook(), [ground.week]) for sites in (ground.sites, after)
    ]
    published = {row["indicator"]: row for row in ground.targets.to_dict("records")}
    rows = []
    for indicator in ground.indicators:
        if indicator.code not in published:
            continue
        row = _change(indicator, published[indicator.code], quantities)
        if row is not None:
            rows.append(row)
    return as_table("targets", pd.DataFrame(rows))


def _change(
    indicator: IndicatorSettings, told: Mapping[Hashable, Any], quantities: Sequence[Quantities]
) -> dict[str, Any] | None:
    before = np.array([told["numerator"], told["denominator"]], dtype=np.float64)
    sides = (indicator.numerator, indicator.denominator)
    added = np.array([_difference(side, quantities) for side in sides])
    if np.isnan(before).any() or np.isnan(added).any() or not added.any():
        return None
    target = float(told["target"])
    asked = 0.0 if np.isnan(target) else target
    first, then = (
        attain(indicator, Figures.of(pair[:1]), Figures.of(pair[1:]), asked)
        for pair in (before, before + added)
    )
    per = float(told["per"])
    times = 1.0 if np.isnan(per) else per
    return {
        "code": indicator.code,
        "name_zh": told["name_zh"],
        "name_en": told["name_en"],
        "value_before": float(first.share[0]) * times,
        "value_after": float(then.share[0]) * times,
        "required": target,
        "unit": "share" if np.isnan(per) else f"per_{per:g}",
        "met_before": bool(first.met[0]) and not np.isnan(target),
        "met_after": bool(then.met[0]) and not np.isnan(target),
    }


def _difference(side: object, quantities: Sequence[Quantities]) -> float:
    """What the sites add to a quantity; 0 for one that is none of sites."""
    if not isinstance(side, AreasQuantity | SitesQuantity | AmountQuantity):
        return 0.0
    top = len(quantities[0].levels) - 1
    before, after = (float(one.of_sites(side, top).values[0]) for one in quantities)
    return after - before


def _levels(ground: Ground) -> list[LevelFrame]:
    """Levels with their codes and parents: nothing else of them is asked."""
    present = [level for level in LEVELS if (ground.areas["level"] == level).any()]
    own = [
        ground.areas[ground.areas["level"] == level].sort_values("area_code") for level in present
    ]
    frames = []
    for at, (level, areas) in enumerate(zip(present, own, strict=True)):
        parents = np.full(len(areas), -1, dtype=np.int64)
        if at + 1 < len(own):
            above = pd.Index(own[at + 1]["area_code"])
            parents = above.get_indexer(pd.Index(areas["parent_code"])).astype(np.int64)
        frames.append(_frame(Level(level), areas, parents))
    return frames


def _frame(level: Level, areas: pd.DataFrame, parents: np.ndarray[Any, Any]) -> LevelFrame:
    n = len(areas)
    return LevelFrame(
        level=level,
        codes=areas["area_code"].to_numpy(dtype=object),
        names=areas["name"].to_numpy(dtype=object),
        parent_codes=areas["parent_code"].fillna("").to_numpy(dtype=object),
        parents=parents,
        geometry=gpd.GeoSeries(np.full(n, None, dtype=object)),
        xy=np.full((n, 2), np.nan),
        area_m2=np.full(n, np.nan),
        persons={},
    )
