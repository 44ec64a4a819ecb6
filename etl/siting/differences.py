"""Two answers held against each other: sites, towns, groups and figures."""

from __future__ import annotations

from typing import Any

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
_OPEN = ("new", "kept")


def compare(a: Answer, b: Answer) -> dict[str, pd.DataFrame]:
    """What differs between two answers of one locality, `b` less `a`.

    The questions may differ in anything, and the answers may be of two weeks. A town, group or
    figure that one of them does not have is missing there, and so is the difference.

    Returns
    -------
    `sites`: `site_id`, `name`, `kind`, `source`, `lon`, `lat`, `town_name`, `village_name`, `where`
        ("both", "a", "b" or "neither", by where the site is open), `state_a`, `state_b` (new, kept,
        closed; missing where it is none of them), `gain_a`, `gain_b`; all sites that are new or
        closed in either.
    `towns`: `town_code`, `name`, `share_a`, `share_b`, `covered_a`, `covered_b`, `newly_a`,
        `newly_b`, `difference` (of persons covered), `share_difference`; in the order of a.
    `groups`: `part`, `group`, and the same figures.
    `figures`: `figure` (see `FIGURES`, and `worst_town_share`), `a`, `b`, `difference`.

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
        "figures": _figures(a.meta, b.meta),
    }


def _sites(a: Answer, b: Answer) -> pd.DataFrame:
    told = [one.tables["sites"][["site_id", "state", "gain_persons", *_SHOWN]] for one in (a, b)]
    shown = pd.concat(told).drop_duplicates("site_id").set_index("site_id")[_SHOWN]
    found = shown.copy()
    for name, table in zip("ab", told, strict=True):
        own = table.set_index("site_id")
        found[f"state_{name}"] = own["state"].reindex(found.index)
        found[f"gain_{name}"] = own["gain_persons"].reindex(found.index)
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
    columns = ["site_id", *_SHOWN, "where", "state_a", "state_b", "gain_a", "gain_b"]
    return order[columns].reset_index(drop=True)


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


def _figures(a: dict[str, Any], b: dict[str, Any]) -> pd.DataFrame:
    rows = [(name, a.get(name), b.get(name)) for name in FIGURES]
    worst = [(one.get("worst_town_after") or {}).get("share") for one in (a, b)]
    rows.append(("worst_town_share", worst[0], worst[1]))
    table = pd.DataFrame(rows, columns=["figure", "a", "b"])
    table = table.astype({"figure": "str", "a": "float64", "b": "float64"})
    return table.assign(difference=table["b"] - table["a"])
