"""The curve of new sites against coverage: what each further site adds, and where it bends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.tokens import Theme, tokens

HEIGHT_PX = 210
# Room above the highest label, as a share of what is drawn.
_ABOVE = 0.22
_LATE = 0.6


def coverage_curve(
    curve: pd.DataFrame,
    *,
    hover: Sequence[str],
    labels: dict[int, str],
    axis: str,
    chosen: int,
    theme: Theme,
) -> go.Figure:
    """Share covered by number of new sites.

    Parameters
    ----------
    curve : n_new ascending from 0, share 0..1, knee; of the table of an answer.
    hover : text on hovering, one a row.
    labels : n_new → text beside its point; the points that are named.
    axis : what the number on the axis counts.
    chosen : number of new sites of the answer; what lies beyond it is drawn thin.
    theme : colours.

    Returns
    -------
    A figure without title, legend or mode bar.
    """
    colours = tokens(theme)
    ordered = curve.sort_values("n_new", ignore_index=True)
    share = 100 * ordered["share"].astype(float)
    inside = ordered["n_new"] <= chosen
    figure = go.Figure()
    for rows, dash, width in ((inside, "solid", 2.4), (ordered["n_new"] >= chosen, "dot", 1.4)):
        figure.add_scatter(
            x=list(ordered.loc[rows, "n_new"]), y=list(share[rows]), mode="lines",
            line={"color": colours["access-3"], "width": width, "dash": dash}, hoverinfo="skip",
        )  # fmt: skip
    knee = ordered["knee"].astype(bool)
    figure.add_scatter(
        x=list(ordered["n_new"]),
        y=list(share),
        mode="markers",
        marker={
            "size": [13 if bend else 7 for bend in knee],
            "symbol": ["diamond" if bend else "circle" for bend in knee],
            "color": [colours["accent"] if bend else colours["access-3"] for bend in knee],
            "line": {"color": colours["panel"], "width": 1.5},
        },
        customdata=list(hover),
        hovertemplate="%{customdata}<extra></extra>",
    )
    for n_new, said in labels.items():
        row = ordered[ordered["n_new"] == n_new]
        if row.empty:
            continue
        late = n_new > _LATE * float(ordered["n_new"].max())
        share_there = float(100 * row["share"].iloc[0])
        figure.add_annotation(
            x=n_new,
            y=share_there,
            text=said,
            showarrow=False,
            # To the left of the last ones, to the right of the first.
            xanchor="right" if late else "left",
            yanchor="bottom" if late else "top",
            xshift=-2 if late else 10,
            yshift=9 if late else -3,
            font={"size": 12, "color": colours["ink"]},
        )
    return _dressed(figure, ordered, share, axis, colours)


def _dressed(
    figure: go.Figure, curve: pd.DataFrame, share: pd.Series, axis: str, colours: Any
) -> go.Figure:
    low, high = float(share.min()), float(share.max())
    room = max(high - low, 1.0)
    look = {"color": colours["ink-2"], "linecolor": colours["line"], "fixedrange": True,
            "tickfont": {"size": 11}, "zeroline": False}  # fmt: skip
    last = int(curve["n_new"].max())
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 42, "r": 12, "t": 8, "b": 36},
        showlegend=False,
        dragmode=False,
        hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": ", ".join(colours.fonts), "color": colours["ink-2"]},
        hoverlabel={"bgcolor": colours["panel"], "bordercolor": colours["line"],
                    "font": {"color": colours["ink"], "size": 12}},
        xaxis={**look, "range": [-0.35, last + 0.45], "dtick": max(1, round(last / 8)),
               "showgrid": False, "showline": True, "title": {"text": axis, "standoff": 6,
                                                            "font": {"size": 12}}},
        yaxis={**look, "range": [max(0.0, low - 0.2 * room), min(high + _ABOVE * room, 104)],
               "nticks": 5, "ticksuffix": "%", "gridcolor": colours["line"]},
    )  # fmt: skip
    return figure
