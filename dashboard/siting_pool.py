"""Candidates as the page shows them, on the map and in the table: never more than can be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboard import siting_map
from dashboard.components import siting_candidates
from dashboard.planner import Answer, Planner
from dashboard.text import Catalog, words

MOST_SHOWN = 400
_SQUARES = 20
_SEARCHED = ("name", "town_name", "village_name", "candidate_id")
# What of a part its candidates hang on.
_ASKED = ("kind", "sources", "towns")


@dataclass(frozen=True)
class Pool:
    """Some of the candidates.

    Attributes
    ----------
    shown : those that are drawn and listed, what they would add first where that is known.
    n_found : how many a search has found; how many there are where nothing is searched for.
    n_all : how many there are.
    lacking : how many of all lack something against the standard.
    search : what is searched for; empty for nothing.
    ranked : whether it is known what each would add.
    """

    shown: pd.DataFrame
    n_found: int
    n_all: int
    lacking: int
    search: str
    ranked: bool

    @classmethod
    def of(cls, table: pd.DataFrame, *, search: str = "", always: Collection[str] = ()) -> Pool:
        """The candidates that fit a search, at most `MOST_SHOWN`, and in any case some of them.

        Those that would add most often crowd in one place: the best of every square of the map come
        before the second best of any.

        Parameters
        ----------
        table : all candidates; those without a place are counted, not shown.
        search : words that names, towns or villages must hold; empty for all.
        always : ids that are shown whatever is searched for.
        """
        placed = table[table["lon"].notna() & table["lat"].notna()]
        ranked = bool(placed["gain_now"].notna().any())
        if ranked:
            placed = placed.sort_values("gain_now", ascending=False, kind="stable")
        found = placed[_holds(placed, search)]
        kept = placed["candidate_id"].isin(list(always))
        first = placed.index.isin(_spread(found).index[:MOST_SHOWN])
        lacking = int(table["lacks"].fillna("").ne("").sum())
        return cls(placed[first | kept], len(found), len(table), lacking, search.strip(), ranked)

    def said(self, catalog: Catalog) -> list[str]:
        """How many there are and are shown; that there are none, and what would help."""
        t = catalog.t
        if not self.n_all:
            return [t("siting.candidates.none_next")]
        counts = {"count": words.number(self.n_all), "lacking": words.number(self.lacking)}
        lines = [t("siting.candidates.count", **counts)]
        if self.search:
            lines.append(t("siting.candidates.found", found=words.number(self.n_found)))
        if self.n_found > MOST_SHOWN:
            key = "best" if self.ranked else "first"
            lines.append(t(f"siting.candidates.{key}", shown=words.number(MOST_SHOWN)))
        return lines

    def to_store(self, catalog: Catalog) -> list[dict[str, Any]]:
        """As the browser draws them, each with its row of the table."""
        return stored(self.shown, catalog)


def stored(table: pd.DataFrame, catalog: Catalog) -> list[dict[str, Any]]:
    """Candidates as the browser holds them."""
    rows = siting_candidates.rows(table, catalog)
    points = [siting_map.candidate_point(row, catalog) for row in table.to_dict("records")]
    return [{**point, "row": row} for point, row in zip(points, rows, strict=True)]


def _spread(table: pd.DataFrame) -> pd.DataFrame:
    """The first row of each of `_SQUARES` x `_SQUARES` squares, then each second one, and so on."""
    places = table[["lon", "lat"]]
    reach = (places.max() - places.min()).replace(0.0, 1.0)
    squares = ((places - places.min()) / reach * _SQUARES).clip(upper=_SQUARES - 1).astype("int64")
    turn = table.groupby([squares["lon"], squares["lat"]]).cumcount()
    return table.loc[turn.sort_values(kind="stable").index]


def _holds(table: pd.DataFrame, search: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows hold every word of a search."""
    found = np.ones(len(table), dtype=np.bool_)
    for word in search.split():
        one = np.zeros(len(table), dtype=np.bool_)
        for column in _SEARCHED:
            one |= table[column].str.contains(word, case=False, regex=False, na=False).to_numpy()
        found &= one
    return found


def candidates_of(
    planner: Planner, answer: Answer, scenario_id: str, catalog: Catalog
) -> pd.DataFrame:
    """Candidates of an answer and the points put on its map."""
    points = points_of(planner, answer, scenario_id, catalog)
    own = answer.tables["candidates"]
    return own if points.empty else pd.concat([points, own], ignore_index=True)


def chosen_of(answer: Answer | None) -> list[str]:
    """Sites of an answer that are new: they stay on the map while one of them is moved."""
    if answer is None:
        return []
    sites = answer.tables["sites"]
    return sites.loc[sites["state"] == "new", "site_id"].tolist()


def points_of(planner: Planner, answer: Answer, scenario_id: str, catalog: Catalog) -> pd.DataFrame:
    """Points put on the map of an answer, each with a name."""
    points = planner.points(scenario_id)
    asked = len(answer.meta["question"].get("extra") or ())
    names = [catalog.t("siting.add.name", place=asked + at) for at in range(1, len(points) + 1)]
    return points.assign(name=pd.Series(names, index=points.index, dtype="str"))


def asks_for_same(question: Mapping[str, Any], answer: Answer) -> bool:
    """Whether a form asks for the candidates that an answer chose from."""
    own = answer.meta["question"]

    def asked(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{name: sorted(one) if isinstance(one := part.get(name) or (), list | tuple) else one
                 for name in _ASKED} for part in parts]  # fmt: skip

    return asked(question["parts"]) == asked(own["parts"])


def names_of(planner: Planner, scenario_id: str, answer: Answer, site_ids: Sequence[str],
             catalog: Catalog) -> list[str]:  # fmt: skip
    """Names of sites tried by hand."""
    wanted = list(site_ids)
    found = [table[table["candidate_id"].isin(wanted)]
             for table in (answer.tables["candidates"],
                           points_of(planner, answer, scenario_id, catalog))]  # fmt: skip
    names = {code: name for table in found
             for code, name in zip(table["candidate_id"], table["name"], strict=True)}  # fmt: skip
    return [str(names.get(code, code)) for code in wanted]


def kind_of(planner: Planner, scenario_id: str, answer: Answer, site_id: str) -> str:
    """Kind of a new site, one of the answer's own or one that was tried."""
    for table in (answer.tables["candidates"], planner.points(scenario_id)):
        found = table.loc[table["candidate_id"] == site_id, "kind"]
        if len(found):
            return str(found.iloc[0])
    return str(answer.meta["question"]["parts"][0]["kind"])
