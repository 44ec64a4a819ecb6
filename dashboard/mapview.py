"""The map component: what the server gives it, what it is told to show, and what it says back.

`map_component` is the widget; `map_view` makes the message that says what to show, `register_map`
ties the two together in the browser; `dashboard.maproutes` serves what the browser draws. The
drawing itself is done by ``assets/cells*.js`` on the MapLibre map that Plotly's map subplot holds,
or on a 2-D canvas where the browser has no WebGL 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard.text import Catalog
from dashboard.tokens import Theme
from etl.store.reader import Snapshot
from geo.model import Kind, Level, Missing, Tier

STYLE = "style.json"
# Themes of the context that the map draws; zones of siting are for reckoning.
_DRAWN = ("road", "water")
# Plotly's own buttons; "share chart" would send the figure to a foreign host.
_CONFIG: Any = {
    "displayModeBar": False,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["sendDataToCloud", "sendChartToCloud", "editInChartStudio"],
    "plotlyServerURL": "",
    "scrollZoom": True,
    "showTips": False,
    "responsive": True,
}


# ---------------------------------------------------------------- the widget


def map_component(
    id_prefix: str, *, label: str = "", view: Mapping[str, Any] | None = None, base: str = "/"
) -> Component:
    """The map, filling its parent.

    Parameters
    ----------
    id_prefix : the ids are ``<id_prefix>-view`` (store, in: a `map_view`), ``-picked`` and
        ``-state`` (stores, out), ``-graph``, ``-host``, ``-over`` and ``-map`` (the box).
    label : what a screen reader calls it.
    view : what to show first; None waits for ``<id_prefix>-view``.
    base : path prefix under which the application is served.

    Returns
    -------
    A box for a layout; `register_map` must be called once for the same prefix.

    Notes
    -----
    ``-picked`` gets, on a click, ``{level, idx, code, name, lngLat, n}`` for an area or
    ``{site_id, kind, name, lngLat, n}`` for a facility; ``n`` counts clicks. ``-state`` gets
    ``{ready, level, zoom, renderer}``, with ``error`` when something could not be fetched; the
    last good picture then stays. ``<html data-map-ready>`` is "true" when every map of the page
    has drawn all it was asked for, "false" from each new view until then.
    """
    named: dict[str, Any] = {"aria-label": label or id_prefix, "data-needs-map": "true"}
    return html.Div(
        [
            dcc.Graph(id=f"{id_prefix}-graph", figure=_no_figure(), config=_CONFIG, responsive=True,
                      className="xmap-graph", style={"width": "100%", "height": "100%"}),
            html.Div(id=f"{id_prefix}-over", className="xmap-over"),
            dcc.Store(id=f"{id_prefix}-host", data=host_figure(base=base)),
            dcc.Store(id=f"{id_prefix}-view", data=dict(view) if view else None),
            dcc.Store(id=f"{id_prefix}-picked"),
            dcc.Store(id=f"{id_prefix}-state"),
        ],
        id=f"{id_prefix}-map",
        className="xmap",
        role="region",
        **named,
    )  # fmt: skip


def register_map(app: Dash, id_prefix: str) -> None:
    """Show every view that comes into ``<id_prefix>-view``; runs in the browser alone.

    Parameters
    ----------
    app : the application.
    id_prefix : that of `map_component`.
    """
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("xintuMap", "onView"),
        Output(f"{id_prefix}-graph", "figure"),
        Input(f"{id_prefix}-view", "data"),
        State(f"{id_prefix}-host", "data"),
        State(f"{id_prefix}-graph", "id"),
    )


def host_figure(*, base: str = "/") -> dict[str, Any]:
    """Plotly's map subplot with nothing in it, on a style without any foreign address.

    Parameters
    ----------
    base : path prefix under which the application is served.

    Returns
    -------
    A figure; the browser sets centre and zoom. It is given to Plotly only where WebGL 2 works.
    """
    return {
        "data": [{"type": "scattermap", "lat": [None], "lon": [None], "hoverinfo": "skip"}],
        "layout": {
            **_bare_layout(),
            "map": {"style": f"{base}assets/{STYLE}", "uirevision": "kept"},
        },
    }


def _no_figure() -> dict[str, Any]:
    hidden = {"visible": False, "fixedrange": True}
    return {"data": [], "layout": {**_bare_layout(), "xaxis": hidden, "yaxis": hidden}}


def _bare_layout() -> dict[str, Any]:
    return {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hovermode": False,
        "dragmode": "pan",
        "uirevision": "kept",
    }


# ---------------------------------------------------------------- the message


def map_view(
    snapshot: Snapshot,
    catalog: Catalog,
    *,
    layer: str,
    week: str | None = None,
    level: Level | Literal["auto"] = "auto",
    theme: Theme = "light",
    sites: Sequence[Kind | str] = (),
    warnings: bool = False,
    context: bool = True,
    labels: bool = True,
    focus: Mapping[str, Any] | None = None,
    scale: float = 1.0,
    printed: bool = False,
    attribution: str = "",
    base: str = "/",
) -> dict[str, Any]:
    """The message that says what the map shows.

    Parameters
    ----------
    snapshot : published week; everything drawn is its.
    catalog : language of names and words.
    layer : code of a layer of the snapshot.
    week : ISO week of a weekly layer and of the warnings; None is the snapshot's own.
    level : level whose areas are coloured; "auto" takes the finest that can be read.
    theme : colours.
    sites : facility kinds to draw.
    warnings : whether warned areas carry their tier's mark.
    context : whether water and roads are drawn.
    labels : whether places are named.
    focus : ``{level, code}`` or ``{level, idx}`` of the area to outline; with ``bounds``
        (west, south, east, north) the camera goes there, else to the area, in ``duration`` ms
        (300); ``fit`` False leaves it where it is. None outlines nothing and moves nothing.
    scale : size of labels, glyphs and lines; 1 on the desk, more on a wall.
    printed : no motion, no tooltip.
    attribution : one line of text: data date, boundary source, approval number.
    base : path prefix under which the application is served.

    Returns
    -------
    Data for ``<id_prefix>-view``; equal arguments give equal messages.

    Raises
    ------
    NotPublishedError : the snapshot has no such layer.
    """
    entry = snapshot.layer(layer)
    hashes = snapshot.meta["context"]
    return {
        "base": base,
        "snapshot": snapshot.snapshot_id,
        "level": str(level),
        "layer": layer,
        "week": (week or snapshot.week) if entry["weekly"] else "",
        "warning_week": week or snapshot.week,
        "theme": theme,
        "lang": catalog.lang.partition("-")[0],
        "scale": scale,
        "print": printed,
        "show": {
            "sites": [str(kind) for kind in sites],
            "warnings": warnings,
            "context": context,
            "labels": labels,
        },
        "focus": dict(focus) if focus else None,
        "meta": _layer_words(entry, catalog),
        "levels": [
            {
                "level": known["level"],
                "hash": known["geometry"]["hash"],
                "bounds": list(known["bounds"]),
                "n": known["n"],
            }
            for known in snapshot.meta["levels"]
        ],
        "contexts": {name: hashes[name] for name in _DRAWN if hashes.get(name)},
        "words": map_words(snapshot, catalog),
        "attribution": attribution,
    }


def _layer_words(entry: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    unit = catalog.pick(entry["unit"])
    is_share = unit == "%"
    palette = entry["palette"]
    named = not entry["breaks"]
    labels = [catalog.pick(label) for label in entry.get("labels", [])]
    value_words = labels or _class_words(palette, catalog) if named else None
    return {
        "palette": palette,
        "classes": len(value_words) if value_words else len(entry["breaks"]) + 1,
        "levels": list(entry["levels"]),
        "unit": unit,
        "scale": 100 if is_share else 1,
        "digits": 0 if is_share else 1,
        "value_words": value_words,
    }


def _class_words(palette: str, catalog: Catalog) -> list[str]:
    """Names of classes whose value is the class itself, lowest first."""
    if palette == "tier":
        return [catalog.t(f"common.tier.{tier.name.lower()}") for tier in Tier if tier >= Tier.NONE]
    return [catalog.t(f"common.gap.{name}") for name in ("none", "slight", "clear", "severe")]


def map_words(snapshot: Snapshot, catalog: Catalog) -> dict[str, Any]:
    """Every word the map itself says, in one language.

    Parameters
    ----------
    snapshot : its kinds and measures are named, its k is said.
    catalog : the language.

    Returns
    -------
    Words by what they name.
    """
    t = catalog.t
    meta = snapshot.meta
    tiers = [tier for tier in Tier if tier > Tier.NONE]
    return {
        "north": t("mapview.north"),
        "metres": t("mapview.metres", length="{length}"),
        "kilometres": t("mapview.kilometres", length="{length}"),
        "states": {
            state.name.lower(): t(f"common.state.{state.name.lower()}", k=meta["k"])
            for state in Missing
            if state is not Missing.OK
        },
        "unreachable": t("mapview.unreachable"),
        "approximate": t("mapview.approximate"),
        "status": {"planned": t("mapview.planned"), "closed": t("mapview.closed")},
        "kinds": {kind["code"]: catalog.pick(kind["name"]) for kind in meta["kinds"]},
        "measures": {known["code"]: catalog.pick(known["name"]) for known in meta["measures"]},
        "tiers": {str(int(tier)): t(f"common.tier.{tier.name.lower()}") for tier in tiers},
        "tier_marks": {
            str(int(tier)): t(f"common.tier.mark_{tier.name.lower()}") for tier in tiers
        },
    }
