"""The map of a choice of sites: which cells are covered before and after, and which sites do it.

`answer_view` is a view for `mapview.map_component`; the bytes it names are served by
`register_routes`. A cell's fill says its state, newly covered cells also carry a hatch, so that no
state is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol
from urllib.parse import quote

import flask
import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard import mapview
from dashboard.choices import LayerBook
from dashboard.errors import page_state
from dashboard.maproutes import PublishedReader, kept_answer
from dashboard.siting_words import lacks_of
from dashboard.text import Catalog, words
from dashboard.tokens import Theme
from etl.store.reader import Snapshot
from geo.errors import XintuError
from geo.model import Level, Missing

Side = Literal["before", "after"]
Bytes = npt.NDArray[np.uint8]

# States of an answer's cells.
NOBODY, COVERED, NEW, UNCOVERED, LOST, UNKNOWN = range(6)
# How the map draws each: state * 16 + class, as for published layers; 15 is a true zero.
_FILLS = np.array(
    [15, 0, 16 * Missing.UNRELIABLE + 1, 2, 3, 16 * Missing.SUPPRESSED], dtype=np.uint8
)
_STATE_KEYS = ("nobody", "covered", "new", "uncovered", "lost", "unknown")
# What a cell is called that was, or was not, covered before anything was built.
_BEFORE = np.array([NOBODY, COVERED, UNCOVERED, UNCOVERED, COVERED, UNKNOWN], dtype=np.uint8)


class Cells(Protocol):
    """What the map needs of an answer; `etl.siting.answer.Answer` has more."""

    @property
    def meta(self) -> Mapping[str, Any]:
        """What was asked and found."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """`sites` and `candidates`."""

    def array(self, name: str, part: int = 0) -> npt.NDArray[Any]:
        """`state`, `minutes_before` and `minutes_after` of a part, in the order of the grid."""


class Moved(Protocol):
    """What other sites would give."""

    @property
    def states(self) -> Sequence[Bytes]:
        """State of each cell, by part of the question."""


class Results(Protocol):
    """The part of a planner that holds answers."""

    def result(self, scenario_id: str) -> Cells:
        """Answer of a scenario that is done."""

    def try_sites(self, scenario_id: str, site_ids: Sequence[str]) -> Moved:
        """What these sites would give."""


# ---------------------------------------------------------------- the view


def answer_view(
    snapshot: Snapshot,
    catalog: Catalog,
    answer: Cells,
    *,
    scenario_id: str,
    side: Side = "after",
    sites: Sequence[str] = (),
    candidates: bool = False,
    theme: Theme = "light",
    base: str = "/",
) -> dict[str, Any]:
    """What the map shows of an answer.

    Parameters
    ----------
    snapshot : the one the answer rests on.
    catalog : the language.
    answer : of the scenario.
    scenario_id : its bytes are asked for under this id.
    side : `before` anything is built, or `after`.
    sites : new sites tried by hand instead of the answer's own; their ids.
    candidates : whether candidates that were not chosen are drawn.
    theme : colours.
    base : path prefix under which the application is served.

    Returns
    -------
    Data for ``<id_prefix>-view`` of a map.
    """
    view = ground_view(snapshot, catalog, theme=theme, base=base)
    return {
        **view,
        "cells": cell_source(scenario_id, side, catalog, sites=sites),
        "points": answer_points(answer, catalog, side=side, sites=sites, candidates=candidates),
    }


def ground_view(
    snapshot: Snapshot, catalog: Catalog, *, theme: Theme = "light", base: str = "/"
) -> dict[str, Any]:
    """The map before anything is asked: places, roads and water, no cell filled by a layer.

    Parameters
    ----------
    snapshot : published week.
    catalog : the language.
    theme : colours.
    base : path prefix under which the application is served.

    Returns
    -------
    A view whose cells are all of state "nothing asked yet".
    """
    book = LayerBook(snapshot)
    view = mapview.map_view(
        snapshot, catalog, layer=book.first_layer() or "", level=Level.GRID, theme=theme, base=base
    )
    unit = catalog.t("siting.map.minutes")
    meta = {"palette": "siting", "classes": 4, "levels": [Level.GRID], "unit": unit, "scale": 1,
            "digits": 0, "value_words": None}  # fmt: skip
    return {
        **view,
        "layer": "siting",
        "week": "",
        "meta": meta,
        "cells": {
            "classes": f"siting/ground/{quote(snapshot.snapshot_id)}.bin",
            "values": None,
            "words": {},
        },
        "points": [],
    }


def cell_source(
    scenario_id: str, side: Side, catalog: Catalog, *, part: int = 0, sites: Sequence[str] = ()
) -> dict[str, Any]:
    """Where the browser gets the cells of an answer, and what it calls each of them."""
    path = f"siting/{quote(scenario_id)}/cells/{part}/{side}"
    tried = f"?sites={quote(','.join(sites))}" if sites and side == "after" else ""
    return {
        "classes": f"{path}.bin{tried}",
        # Of sites tried by hand only the state of each cell is reckoned.
        "values": None if tried else f"{path}.f32",
        "words": {
            str(int(fill)): catalog.t(f"siting.state.{key}")
            for fill, key in zip(_FILLS, _STATE_KEYS, strict=True)
        },
    }


def answer_points(
    answer: Cells,
    catalog: Catalog,
    *,
    side: Side = "after",
    sites: Sequence[str] = (),
    candidates: bool = False,
) -> list[dict[str, Any]]:
    """Places of an answer: existing, closed and new sites, and candidates that were not chosen.

    Parameters
    ----------
    answer : its tables `sites` and `candidates` are read.
    catalog : the language of what stands beside the mouse.
    side : `before` shows only what is there already.
    sites : ids of new sites tried by hand instead of the answer's own.
    candidates : whether those not chosen are drawn.

    Returns
    -------
    One dict a place: id, role (`existing`, `closed`, `new`, `candidate`), order, kind, name, lon,
    lat, lines.
    """
    rows = answer.tables["sites"]
    there = rows[rows["state"] != "new"]
    points = [_existing_point(row, catalog, side=side) for row in there.to_dict("records")]
    if side == "before":
        return points
    known = answer.tables["candidates"].set_index("candidate_id", drop=False)
    own = rows[rows["state"] == "new"].sort_values("order")
    chosen = list(sites) or list(own["site_id"])
    order = {code: place for place, code in enumerate(chosen, start=1)}
    if candidates:
        rest = known[~known["candidate_id"].isin(chosen)]
        points += [candidate_point(row, catalog) for row in rest.to_dict("records")]
    gains = dict(zip(own["site_id"], own["gain_persons"], strict=True))
    for code in chosen:
        if code in known.index:
            row = known.loc[code].to_dict()
            point = candidate_point(row, catalog)
            gain = [] if sites else [_gain(gains.get(code, np.nan), catalog)]
            points.append({**point, "role": "new", "order": order[code],
                           "lines": [*point["lines"], *gain]})  # fmt: skip
    return points


def candidate_point(row: Mapping[Hashable, Any], catalog: Catalog) -> dict[str, Any]:
    """A candidate as the map draws it."""
    place = _joined([row.get("town_name"), row.get("village_name")])
    source = catalog.t(f"siting.source.{row['source']}")
    missing = catalog.t("siting.finding.list").join(lacks_of(row.get("lacks"), catalog))
    lacking = catalog.t("siting.sites.lacks", lacks=missing) if missing else ""
    return {
        "id": str(row["candidate_id"]),
        "role": "candidate",
        "order": None,
        "kind": str(row.get("kind") or ""),
        "name": str(row["name"]),
        "lon": round(float(row["lon"]), 6),
        "lat": round(float(row["lat"]), 6),
        "lines": [line for line in (source, place, lacking) if line],
    }


def offered_point(row: Mapping[Hashable, Any], catalog: Catalog) -> dict[str, Any]:
    """A site in service as the map draws it before anything is asked."""
    return {
        "id": str(row["site_id"]),
        "role": "existing",
        "order": None,
        "kind": str(row["kind"]),
        "name": str(row["name"]),
        "lon": round(float(row["lon"]), 6),
        "lat": round(float(row["lat"]), 6),
        "lines": [catalog.t("siting.role.existing")],
    }


def _existing_point(row: Mapping[Hashable, Any], catalog: Catalog, *, side: Side) -> dict[str, Any]:
    closed = row["state"] == "closed" and side == "after"
    said = catalog.t("siting.state.site_closed" if closed else "siting.state.site_existing")
    return {
        "id": str(row["site_id"]),
        "role": "closed" if closed else "existing",
        "order": None,
        "kind": str(row["kind"]),
        "name": str(row["name"]),
        "lon": round(float(row["lon"]), 6),
        "lat": round(float(row["lat"]), 6),
        "lines": [said, _joined([row.get("town_name"), row.get("village_name")])],
    }


def _gain(persons: float, catalog: Catalog) -> str:
    return catalog.t("siting.map.gain", persons=words.persons(catalog, float(persons)))


def _joined(parts: Iterable[object]) -> str:
    return " ".join(str(part) for part in parts if isinstance(part, str) and part)


# ---------------------------------------------------------------- the bytes


def cell_fills(state: Bytes, side: Side = "after") -> bytes:
    """How each cell is drawn.

    Parameters
    ----------
    state : uint8, shape (n,), as an answer or a try has it.
    side : `before` shows as covered what was covered before, whatever a choice adds or closes.

    Returns
    -------
    One byte a cell in the map's code.
    """
    shown = _BEFORE[state] if side == "before" else state
    return _FILLS[shown].tobytes()


def register_routes(server: flask.Flask, reader: PublishedReader, planner: Results | None) -> None:
    """Serve the cells of answers; every answer may be kept for ever.

    Parameters
    ----------
    server : the WSGI application of Dash.
    reader : published snapshots.
    planner : holds the answers; None where nobody may ask, then only the ground is served.

    Notes
    -----
    ``/siting/ground/<snapshot>.bin`` is a map without an answer; ``/siting/<scenario>/cells/
    <part of the question>/before`` and ``after`` with ``.bin`` (uint8) or ``.f32`` (minutes, NaN
    where there is no way); ``after.bin?sites=a,b`` tries other sites. What is not there gives 404.
    """

    @server.get("/siting/ground/<snapshot_id>.bin")
    def siting_ground(snapshot_id: str) -> flask.Response:
        try:
            n = int(reader.snapshot(snapshot_id).level(Level.GRID)["n"])
        except XintuError as error:
            return flask.Response(f"{error}\n", page_state(error).status, mimetype="text/plain")
        return kept_answer(np.full(n, _FILLS[NOBODY], dtype=np.uint8).tobytes())

    if planner is None:
        return

    @server.get(
        "/siting/<scenario_id>/cells/<int:part>/<any(before, after):side>.<any(bin, f32):ending>"
    )
    def siting_cells(scenario_id: str, part: int, side: Side, ending: str) -> flask.Response:
        tried = [code for code in flask.request.args.get("sites", "").split(",") if code]
        try:
            answer = planner.result(scenario_id)
            if part >= len(answer.meta["question"]["parts"]):
                flask.abort(404)
            if tried and side == "after":
                body = cell_fills(planner.try_sites(scenario_id, tried).states[part])
            elif ending == "bin":
                body = cell_fills(answer.array("state", part), side)
            else:
                body = answer.array(f"minutes_{side}", part).astype("<f4").tobytes()
        except XintuError as error:
            return flask.Response(f"{error}\n", page_state(error).status, mimetype="text/plain")
        return kept_answer(body)
