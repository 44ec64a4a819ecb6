"""What a choice of sites gives: figures, sites in order, the curve, who gains, who is left out."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard import siting_words as said_of
from dashboard.components import siting_effects
from dashboard.components.attributes import attrs
from dashboard.components.chart import CONFIG
from dashboard.components.sections import folded, section
from dashboard.components.siting_legend import point_mark
from dashboard.figures.coverage import HEIGHT_PX, coverage_curve
from dashboard.planner import Answer, Moved, Offer
from dashboard.text import Catalog, words
from dashboard.tokens import Theme

_TOWNS_SHOWN = 30
_LEFT_OUT_SHOWN = 12
_GAPS = ("none", "slight", "clear", "severe")
Row = Mapping[Hashable, Any]


def result(
    answer: Answer, offer: Offer | None, catalog: Catalog, *, theme: Theme
) -> list[Component | None]:
    """All sections of an answer."""
    return [
        figures(answer.meta, catalog),
        sites(answer, catalog),
        curve(answer, catalog, theme=theme),
        siting_effects.towns(answer.tables["towns"], catalog),
        siting_effects.groups(answer, offer, catalog),
        siting_effects.gaps(answer.tables["gaps"], catalog),
        siting_effects.targets(answer.tables["targets"], catalog),
        siting_effects.left_out(answer.tables["uncovered"], catalog),
        robustness(answer, offer, catalog),
        basis(answer, offer, catalog),
    ]


def figures(meta: Mapping[str, Any], catalog: Catalog) -> Component:
    """The few large numbers, from what to what."""
    t = catalog.t
    gained = _of(meta, "covered_after") - _of(meta, "covered_before")
    rows = [
        ("covered", words.percent(_of(meta, "share_after")),
         t("siting.figure.was", value=words.percent(_of(meta, "share_before")))),
        ("newly", words.people(catalog, gained),
         t("siting.figure.of", value=words.persons(catalog, _of(meta, "persons")))),
        ("minutes", words.number(_of(meta, "mean_min_after"), digits=1),
         t("siting.figure.was", value=words.number(_of(meta, "mean_min_before"), digits=1))),
        ("worst", *_worst_town(meta, catalog)),
    ]  # fmt: skip
    items = [
        html.Div([html.Dt(t(f"siting.figure.{key}")),
                  html.Dd([html.Span(value, className="figure-value"),
                           html.Span(note, className="hint")])], className="figure")
        for key, value, note in rows
        if value != "–"
    ]  # fmt: skip
    return html.Dl(items, className="figures siting-figures")


def _worst_town(meta: Mapping[str, Any], catalog: Catalog) -> tuple[str, str]:
    """The lowest covered share of a town, which it is, and which was the lowest before."""
    before, after = meta.get("worst_town_before"), meta.get("worst_town_after")
    if not before or not after:
        return "–", ""
    key = (
        "siting.figure.worst_same" if before["name"] == after["name"] else "siting.figure.worst_was"
    )
    note = catalog.t(key, town=after["name"], before=before["name"],
                     share=words.percent(float(before["share"])))  # fmt: skip
    return words.percent(float(after["share"])), note


def sites(answer: Answer, catalog: Catalog) -> Component:
    """New sites in the order in which they add most, and sites that close."""
    t = catalog.t
    table = answer.tables["sites"]
    new = table[table["state"] == "new"].sort_values("order")
    closed = table[table["state"] == "closed"]
    if new.empty and closed.empty:
        return section(t("siting.sites.title"), html.P(t("siting.sites.none"), className="quiet"))
    most = float(new["gain_persons"].max()) if not new.empty else math.nan
    rows = [_site(row, most, catalog) for row in new.to_dict("records")]
    rows += [_closed(row, catalog) for row in closed.to_dict("records")]
    return section(
        t("siting.sites.title"),
        html.P(t("siting.sites.hint"), className="hint"),
        html.Ol(rows, className="siting-sites"),
    )


def _site(row: Row, most: float, catalog: Catalog) -> Component:
    t = catalog.t
    gain = float(row["gain_persons"])
    order = str(int(row["order"]))
    width = f"{min(max(gain / most, 0.0), 1.0):.1%}" if most > 0 and gain >= 0 else "0%"
    facts = [t(f"siting.source.{row['source']}"), _place(row), _area(row, catalog),
             _text(row.get("owner"))]  # fmt: skip
    lacks = said_of.lacks_of(row.get("lacks"), catalog)
    comma = t("siting.finding.list")
    return html.Li(
        [
            point_mark("new", order),
            html.Div(
                [
                    html.Div(
                        [html.B(row["name"]), html.Span(t("siting.sites.gain",
                         persons=words.persons(catalog, gain)), className="siting-gain")],
                        className="siting-site-head",
                    ),
                    html.Span(html.Span(style={"width": width}), className="bar",
                              **attrs(aria_hidden="true")),
                    html.P(" · ".join(fact for fact in facts if fact), className="hint"),
                    html.P(_serves(row, catalog), className="hint"),
                    html.P(t("siting.sites.lacks", lacks=comma.join(lacks)),
                           className="siting-lacks") if lacks else None,
                ],
                className="siting-site-body",
            ),
            html.Button(t("siting.move.pick"), className="button siting-pick", type="button",
                        **attrs(data_siting_pick=row["site_id"],
                                aria_label=t("siting.move.pick_label", name=row["name"]))),
        ]
    )  # fmt: skip


def _closed(row: Row, catalog: Catalog) -> Component:
    said = [html.B(row["name"]), html.P(_place(row), className="hint"),
            html.P(catalog.t("siting.state.site_closed"), className="siting-lacks")]  # fmt: skip
    return html.Li([point_mark("closed"), html.Div(said, className="siting-site-body")])


def _serves(row: Row, catalog: Catalog) -> str:
    within, alone = float(row["persons_within"]), float(row["alone_persons"])
    key = "serves" if alone > 0 else "serves_shared"
    if alone > 0 and round(alone) == round(within):
        key = "serves_only"
    return catalog.t(
        f"siting.sites.{key}",
        persons=words.persons(catalog, within),
        alone=words.persons(catalog, alone),
    )


def _area(row: Row, catalog: Catalog) -> str:
    area = float(row["area_m2"])
    return catalog.t("siting.sites.area", area=words.setting(area)) if math.isfinite(area) else ""


def _place(row: Row) -> str:
    return " ".join(filter(None, (_text(row.get("town_name")), _text(row.get("village_name")))))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


# ---------------------------------------------------------------- the curve


def curve(answer: Answer, catalog: Catalog, *, theme: Theme) -> Component | None:
    """What each further site adds, the knee marked."""
    table, t = answer.tables["curve"], catalog.t
    if len(table) < 2:
        return None
    chosen = int(answer.meta.get("n_new") or 0)
    knee = answer.meta.get("knee")
    # Where it is judged by something else than residents covered, it may lie below the curve.
    own = words.percent(float(answer.meta["share_after"]))
    named: dict[int, str] = {
        0: t("siting.curve.now", share=_share_at(table, 0)),
        chosen: t("siting.curve.chosen", count=chosen, share=own),
    }
    if knee is not None and int(knee) != chosen:
        named[int(knee)] = t(
            "siting.curve.knee", count=int(knee), share=_share_at(table, int(knee))
        )
    elif knee is not None:
        named[chosen] = t("siting.curve.chosen_knee", count=chosen, share=own)
    drawn = coverage_curve(
        table,
        hover=[_hover(row, catalog) for row in table.sort_values("n_new").to_dict("records")],
        labels=named,
        axis=t("siting.curve.axis"),
        chosen=chosen,
        theme=theme,
    )
    figure = dcc.Graph(figure=drawn, config=CONFIG, responsive=True,
                       style={"height": f"{HEIGHT_PX}px"})  # fmt: skip
    described = said_of.curve_sentences(answer, catalog)
    return section(
        t("siting.curve.title"),
        html.P(described),
        html.Div(figure, role="img", **attrs(aria_label=described)),
        _curve_rows(table, catalog),
    )


def _share_at(table: pd.DataFrame, n_new: int) -> str:
    row = table.loc[table["n_new"] == n_new, "share"]
    return words.percent(float(row.iloc[0])) if len(row) else "–"


def _hover(row: Row, catalog: Catalog) -> str:
    key = "siting.curve.hover" if row["proven"] else "siting.curve.hover_open"
    return catalog.t(
        key,
        count=int(row["n_new"]),
        share=words.percent(float(row["share"])),
        gain=words.persons(catalog, float(row["gain"])),
        gap=words.gap(_above(row)),
    )


def _above(row: Row) -> float:
    """How far above a point the best can lie, as a share of it."""
    persons, bound = float(row["persons"]), float(row["bound"])
    return bound / persons - 1 if persons > 0 else math.inf


def _curve_rows(table: pd.DataFrame, catalog: Catalog) -> Component:
    """The same as a table, for those who cannot see the curve."""
    t = catalog.t
    head = [html.Th(t(f"siting.curve.{name}"), scope="col") for name in ("n_new", "share", "gain")]
    rows = [
        html.Tr([html.Th(words.number(float(row["n_new"])), scope="row"),
                 html.Td(words.percent(float(row["share"]))),
                 html.Td(words.people(catalog, float(row["gain"])))])
        for row in table.sort_values("n_new").to_dict("records")
    ]  # fmt: skip
    return folded(t("siting.curve.table"), head, rows)


# ---------------------------------------------------------------- how sure


def robustness(answer: Answer, offer: Offer | None, catalog: Catalog) -> Component | None:
    """Whether the choice holds when what it rests on is not quite so."""
    said = said_of.robustness_sentences(answer, offer, catalog)
    if not said:
        return None
    return section(
        catalog.t("siting.robust.title"),
        html.Ul([html.Li(one) for one in said], className="siting-causes"),
    )


def basis(answer: Answer, offer: Offer | None, catalog: Catalog) -> Component:
    """What was asked, and how the answer was found."""
    meta, t = answer.meta, catalog.t
    lines = [said_of.asked(meta["question"], offer, catalog)]
    lines.append(t("siting.basis.candidates", count=words.number(_of(meta, "n_candidates")),
                   existing=words.number(_of(meta, "n_existing"))))  # fmt: skip
    method = t(f"siting.basis.{meta['method'].replace('+', '_')}") if meta.get("method") else ""
    lines += [line for line in (method, said_of.took(meta.get("seconds"), catalog)) if line]
    lines.append(t("siting.basis.published"))
    items = [html.Li(line) for line in lines]
    return section(t("siting.basis.title"), html.Ul(items, className="siting-causes"))


def _of(meta: Mapping[str, Any], name: str) -> float:
    value = meta.get(name)
    return math.nan if value is None else float(value)


def moved_heading(answer: Answer, tried: Moved, catalog: Catalog) -> list[Component]:
    """What stands over the map in place of the finding while sites are moved by hand."""
    plan = said_of.headline(answer, catalog)
    return [html.H1(said_of.moved_headline(answer, tried, catalog)),
            html.P(catalog.t("siting.move.heading_sub", said=plan))]  # fmt: skip


def moved(answer: Answer, tried: Moved, names: Sequence[str], catalog: Catalog) -> Component:
    """Figures of sites tried by hand beside those of the answer, and what can be done with them."""
    t, meta = catalog.t, answer.meta
    told = said_of.apart(answer, tried, catalog)
    return html.Div(
        [
            html.P(t("siting.move.tried", share=words.percent(float(tried.share_after)), told=told,
                     own=words.percent(_of(meta, "share_after"))), className="siting-moved"),
            None if tried.exact else html.P(t("siting.move.most"), className="hint"),
            html.P(t("siting.move.sites", names=t("siting.finding.list").join(names)),
                   className="hint"),
            html.Div(
                [
                    html.Button(t("siting.move.keep"), id=ids.SITING_KEEP,
                                className="button button-main", type="button"),
                    html.Button(t("siting.move.undo"), className="button", type="button",
                                **attrs(data_siting_undo="")),
                ],
                className="panel-moves",
            ),
        ]
    )  # fmt: skip
