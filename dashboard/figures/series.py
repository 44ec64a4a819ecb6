"""Weekly bars of one measure: what was counted, what is missing, what is withheld, what warned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.tokens import Theme, tokens
from geo.model import Missing, Tier

# The bar of a week without a count reaches so far up the chart that it cannot be taken for a count.
_ABSENT_SHARE = 1.0
_TICKS = 4
_MOST_ABOVE = 1.5
_TIER_NAMES = {tier: tier.name.lower() for tier in Tier if tier > Tier.NONE}


def weekly_bars(
    series: pd.DataFrame,
    tiers: pd.DataFrame,
    *,
    hover: Mapping[str, str],
    tick_texts: Mapping[str, str],
    k: int,
    theme: Theme,
    chosen_week: str,
) -> go.Figure:
    """Bars of one area's weekly counts.

    Parameters
    ----------
    series : week, value, state; weeks ascending.
    tiers : week, value, state of the measure's warning layer; empty where nobody watches it.
    hover : week → text on hovering.
    tick_texts : week → label on the axis; the weeks that are labelled.
    k : counts from 1 to k-1 are withheld: the height of a withheld bar.
    theme : colours.
    chosen_week : outlined.

    Returns
    -------
    A figure without title, legend or mode bar.
    """
    colours = tokens(theme)
    ordered = series.sort_values("week", ignore_index=True)
    top = max(float(ordered["value"].fillna(0).max()), float(k)) * 1.08
    tier_of = dict(zip(tiers.get("week", []), tiers.get("value", []), strict=True))
    parts = [
        (ordered["state"] == Missing.NO_DATA, _absent(colours, top)),
        (ordered["state"] == Missing.SUPPRESSED, _withheld(colours, k)),
    ]
    figure = go.Figure()
    for picked, look in parts:
        weeks = list(ordered.loc[picked, "week"])
        figure.add_bar(x=weeks, y=[look.pop("height")] * len(weeks), **_hover(weeks, hover), **look)
    counted = ordered[~ordered["state"].isin([Missing.NO_DATA, Missing.SUPPRESSED])]
    weeks = list(counted["week"])
    fills = [_fill(tier_of.get(week), colours) for week in weeks]
    edges = [
        colours["ink"] if week == chosen_week else fill
        for week, fill in zip(weeks, fills, strict=True)
    ]
    figure.add_bar(
        x=weeks,
        y=list(counted["value"]),
        marker={"color": fills, "line": {"color": edges, "width": 1}},
        **_hover(weeks, hover),
    )
    return _dressed(figure, list(ordered["week"]), tick_texts, colours, top)


def add_expected(
    figure: go.Figure, ahead: pd.DataFrame, *, hover: Sequence[str], theme: Theme
) -> None:
    """Lay what is expected behind the reported weeks: a fan of 80 and 95 %, a dashed line.

    Parameters
    ----------
    figure : what `weekly_bars` drew.
    ahead : week, expected, low80, high80, low95, high95; weeks ascending, after the reported.
    hover : text on hovering, one a week.
    theme : colours.
    """
    colours = tokens(theme)
    weeks = list(ahead["week"])
    for inside, opacity in (("95", 0.16), ("80", 0.3)):
        figure.add_scatter(
            x=[*weeks, *weeks[::-1]],
            y=[*ahead[f"high{inside}"], *ahead[f"low{inside}"][::-1]],
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=colours["accent"],
            opacity=opacity,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=weeks,
        y=list(ahead["expected"]),
        mode="lines",
        line={"color": colours["accent"], "width": 2, "dash": "dash"},
        customdata=list(hover),
        hovertemplate="%{customdata}<extra></extra>",
    )
    known = list(figure.layout.xaxis.categoryarray)
    # Where the reported weeks end; half a step, since weeks stand in the middle of their place.
    figure.add_vline(
        x=len(known) - 0.5, line={"color": colours["ink-2"], "width": 1, "dash": "dot"}
    )
    drawn = max(float(figure.layout.yaxis.range[1]), float(ahead["high80"].max()) * 1.08)
    # Where little is known the outer fan may be wide; it leaves the chart before the bars shrink.
    top = max(drawn, min(float(ahead["high95"].max()) * 1.04, _MOST_ABOVE * drawn))
    figure.update_xaxes(categoryarray=[*known, *weeks], range=[-0.7, len(known) + len(weeks) - 0.3])
    figure.update_yaxes(range=[0, top])


def _fill(tier: float | None, colours: Any) -> str:
    if tier is None or not tier >= Tier.BLUE:
        return str(colours["sequential-2"])
    return str(colours[f"tier-{_TIER_NAMES[Tier(int(tier))]}"])


def _hover(weeks: Sequence[str], hover: Mapping[str, str]) -> dict[str, Any]:
    return {
        "customdata": [hover[week] for week in weeks],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _absent(colours: Any, top: float) -> dict[str, Any]:
    pattern = {"shape": "/", "fgcolor": colours["no-data-line"], "bgcolor": colours["panel"],
               "size": 5, "solidity": 0.15}  # fmt: skip
    return {"height": top * _ABSENT_SHARE,
            "marker": {"pattern": pattern, "line": {"width": 0}}, "opacity": 0.7}  # fmt: skip


def _withheld(colours: Any, k: int) -> dict[str, Any]:
    pattern = {"shape": ".", "fgcolor": colours["suppressed-dot"],
               "bgcolor": colours["suppressed-ground"], "size": 4, "solidity": 0.4}  # fmt: skip
    return {"height": float(k - 1), "marker": {"pattern": pattern, "line": {"width": 0}}}


def _dressed(
    figure: go.Figure, weeks: list[str], tick_texts: Mapping[str, str], colours: Any, top: float
) -> go.Figure:
    axis = {"color": colours["ink-2"], "linecolor": colours["line"], "fixedrange": True,
            "tickfont": {"size": 11}, "zeroline": False}  # fmt: skip
    figure.update_layout(
        height=150,
        margin={"l": 30, "r": 4, "t": 6, "b": 22},
        barmode="overlay",
        bargap=0.28,
        showlegend=False,
        dragmode=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": ", ".join(colours.fonts), "color": colours["ink-2"]},
        hoverlabel={"bgcolor": colours["panel"], "bordercolor": colours["line"],
                    "font": {"color": colours["ink"], "size": 12}},
        xaxis={**axis, "type": "category", "categoryorder": "array", "categoryarray": weeks,
               "tickvals": list(tick_texts), "ticktext": list(tick_texts.values()),
               "showgrid": False, "showline": True, "tickangle": 0},
        yaxis={**axis, "range": [0, top], "nticks": _TICKS, "gridcolor": colours["line"],
               "rangemode": "tozero"},
    )  # fmt: skip
    return figure
