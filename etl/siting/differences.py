"""Two answers held against each other: figures, sites, towns, groups, gap classes, indicators."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from etl.siting.answer import Answer
from geo.errors import InputError

# Figures of `meta` that are numbers of one unit in both answers.
FIGURES = (
    "n_candidates", "n_existing", "n_closed", "n_new", "persons", "covered_before",
    "covered_after", "share_before", "share_after", "mean_min_before", "mean_min_after", "knee",
    "gap", "seconds",
)  # fmt: skip
_SHOWN = ["name", "kind", "source", "lon", "lat", "town_name", "village_name"]
_SIDED = {"state": "state", "order": "order", "gain_persons": "gain"}
_OPEN = ("new", "kept")


def compare(a: Answer, b: Answer) -> dict[str, pd.DataFrame]:
    """What differs between two answers of one locality, `b` less `a`.

    The questions may differ in anything, and the answers may be of two weeks. A town, group or
    figure that one of them does not have is missing there, and so is the difference.

    Returns
    -------
    `sites`: `site_id`, `name`, `kind`, `source`, `lon`, `lat`, `town_name`, `village_name`, `where`
        ("both", "a", "b" or "neither", by where the site is open), `state_a`, `state_b` (new, kept,
        closed; missing where it is none of them), `order_a`, `order_b`, `gain_a`, `gain_b`; all
        sites that are new or closed in either.
    `towns`: `town_code`, `name`, `share_a`, `share_b`, `covered_a`, `covered_b`, `newly_a`,
        `newly_b`, `difference` (of persons covered), `share_difference`; in the order of a.
    `groups`: `part`, `group`, and the same figures.
    `gaps`: `gap_class` (0 the slightest), `persons_a`, `persons_b`, `difference`: residents by the
        gap class of their area after what is built; classes that either has.
    `targets`: `code`, `name_zh`, `name_en`, `unit`, `required`, `value_a`, `value_b`, `met_a`,
        `met_b`, `difference`: indicators that either changes, as they then are. One that an answer
        does not change is missing there.
    `figures`: `figure` (see `FIGURES`; `worst_town_share`; `cost`, the sum over the new sites,
        missing where one has no cost), `a`, `b`, `difference`.

    Raises
    ------
    InputError : the answers have no town in common: they are of two localities.
    """
    towns = [set(one.tables["towns"]["town_code"]) for one in (a, b)]
    if all(towns) and not towns[0] & towns[1]:
        raise InputError(
            "the two answers have no town in common; only answers of one locality can be compared"
        )
    return {
        "sites": _sites(a, b),
        "towns": _changed(a.tables["towns"], b.tables["towns"], ["town_code"], ["name"]),
        "groups": _changed(a.tables["groups"], b.tables["groups"], ["part", "group"], []),
        "gaps": _gaps(a, b),
        "targets": _targets(a, b),
        "figures": _figures(a, b),
    }


def _sites(a: Answer, b: Answer) -> pd.DataFrame:
    columns = ["site_id", *_SIDED, *_SHOWN]
    told = [one.tables["sites"][columns] for one in (a, b)]
    shown = pd.concat(told).drop_duplicates("site_id").set_index("site_id")[_SHOWN]
    found = shown.copy()
    for name, table in zip("ab", told, strict=True):
        own = table.set_index("site_id")
        for column, short in _SIDED.items():
            found[f"{short}_{name}"] = own[column].reindex(found.index)
    in_a, in_b = (found[f"state_{name}"].isin(_OPEN) for name in "ab")
    found["where"] = "neither"
    found.loc[in_a & in_b, "where"] = "both"
    found.loc[in_a & ~in_b, "where"] = "a"
    found.loc[in_b & ~in_a, "where"] = "b"
    moved = found["state_a"].isin(["new", "closed"]) | found["state_b"].isin(["new", "closed"])
    # A site in service that only one of two weeks knows differs, too.
    found = found[moved | (in_a != in_b)].reset_index()
    rank = found["where"].map({"both": 0, "a": 1, "b": 2, "neither": 3})
    gain = found["gain_a"].fillna(found["gain_b"])
    order = found.assign(rank=rank, gain=gain).sort_values(
        ["rank", "gain", "site_id"], ascending=[True, False, True]
    )
    sided = [f"{short}_{name}" for short in _SIDED.values() for name in "ab"]
    return order[["site_id", *_SHOWN, "where", *sided]].reset_index(drop=True)


def _changed(a: pd.DataFrame, b: pd.DataFrame, keys: list[str], named: list[str]) -> pd.DataFrame:
    figures = {"share_after": "share", "covered_after": "covered", "newly": "newly"}
    sides = [
        one[[*keys, *named, *figures]].rename(
            columns={old: f"{new}_{side}" for old, new in figures.items()}
        )
        for one, side in ((a, "a"), (b, "b"))
    ]
    both = sides[0].merge(sides[1], on=keys, how="outer", sort=False, suffixes=("", "_other"))
    for name in named:
        both[name] = both[name].fillna(both.pop(f"{name}_other"))
    order = {key: at for at, key in enumerate(map(tuple, sides[0][keys].to_numpy(dtype=object)))}
    place = [order.get(key, len(order)) for key in map(tuple, both[keys].to_numpy(dtype=object))]
    both = both.assign(place=place).sort_values(["place", *keys], ignore_index=True)
    both["difference"] = both["covered_b"] - both["covered_a"]
    both["share_difference"] = both["share_b"] - both["share_a"]
    return both.drop(columns="place")


def _gaps(a: Answer, b: Answer) -> pd.DataFrame:
    sides = [
        one.tables["gaps"].dropna(subset="gap_after").groupby("gap_after")["persons"].sum()
        for one in (a, b)
    ]
    both = pd.concat(sides, axis=1, keys=["persons_a", "persons_b"]).fillna(0.0).sort_index()
    both = both.rename_axis("gap_class").reset_index().astype({"gap_class": "int64"})
    return both.assign(difference=both["persons_b"] - both["persons_a"])


def _targets(a: Answer, b: Answer) -> pd.DataFrame:
    named = ["code", "name_zh", "name_en", "unit", "required"]
    told = [one.tables["targets"].set_index("code") for one in (a, b)]
    shown = pd.concat([one.tables["targets"][named] for one in (a, b)], ignore_index=True)
    shown = shown.drop_duplicates("code", ignore_index=True)
    for name, own in zip("ab", told, strict=True):
        shown[f"value_{name}"] = own["value_after"].reindex(shown["code"]).to_numpy()
        shown[f"met_{name}"] = own["met_after"].reindex(shown["code"]).to_numpy(dtype=object)
    return shown.assign(difference=shown["value_b"] - shown["value_a"])


def _figures(a: Answer, b: Answer) -> pd.DataFrame:
    rows: list[tuple[str, Sequence[float | None]]] = [
        (name, [one.meta.get(name) for one in (a, b)]) for name in FIGURES
    ]
    worst = [(one.meta.get("worst_town_after") or {}).get("share") for one in (a, b)]
    rows += [("worst_town_share", worst), ("cost", [_cost(one) for one in (a, b)])]
    table = pd.DataFrame([(name, *pair) for name, pair in rows], columns=["figure", "a", "b"])
    table = table.astype({"figure": "str", "a": "float64", "b": "float64"})
    return table.assign(difference=table["b"] - table["a"])


def _cost(answer: Answer) -> float:
    """Sum of what the new sites cost."""
    costs = answer.tables["sites"].query("state == 'new'")["cost"]
    return float(costs.sum()) if len(costs) and costs.notna().all() else math.nan
