"""The form of the siting page: what is asked, in a planner's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.attributes import attrs
from dashboard.planner import Offer
from dashboard.siting_form import OBJECTIVES, SOURCES, Form, kind_names, usual_form
from dashboard.text import Catalog

_LONGEST_NAME = 60
# Fields that are folded away unless one of them is set.
_MORE = ("towns", "separation", "town_share", "one_per_town", "worst_first", "weigh_by",
         "capacity-0", "closures")  # fmt: skip


def field_id(name: str) -> dict[str, str]:
    """Id of a field of the form."""
    return {"type": ids.SITING_FIELD, "index": name}


def form(values: Form, offer: Offer, catalog: Catalog) -> list[Component]:
    """Every field with its value; what is rarely asked is folded away."""
    t = catalog.t
    return [
        html.H2(t("siting.form.title"), className="siting-form-title"),
        _part(0, values, offer, catalog),
        _objective(values, catalog),
        _limit(values, catalog),
        _sources(0, values, offer, catalog),
        _more(values, offer, catalog),
        _second(values, offer, catalog),
        html.Div(
            [
                html.Button(t("siting.form.ask"), id=ids.SITING_ASK, className="button button-main",
                            type="button"),
                html.P(id=ids.SITING_SAID, className="form-said", role="alert"),
            ],
            className="siting-ask",
        ),
    ]  # fmt: skip


def _part(number: int, values: Form, offer: Offer, catalog: Catalog) -> Component:
    t = catalog.t
    kinds = [{"value": code, "label": name} for code, name in kind_names(offer, catalog).items()]
    groups = [{"value": g.code, "label": catalog.pick({"zh": g.name_zh, "en": g.name_en})}
              for g in offer.groups]  # fmt: skip
    modes = {mode: t(f"siting.mode.{mode}") for mode in offer.modes}
    return html.Div(
        [
            _labelled(
                t("siting.form.kind"),
                _dropdown(f"kind-{number}", kinds, values, clearable=number > 0,
                          empty=t("siting.form.no_kind")),
            ),
            html.Div(
                [
                    _choice(f"mode-{number}", t("siting.form.mode"), modes, values),
                    _typed(f"threshold-{number}", t("siting.form.threshold"), values, catalog,
                           unit="minutes", least=1, most=240),
                ],
                className="siting-pair",
            ),
            _labelled(t("siting.form.group"), _dropdown(f"group-{number}", groups, values)),
        ],
        className="siting-part",
    )  # fmt: skip


def _objective(values: Form, catalog: Catalog) -> Component:
    options = {code: catalog.t(f"siting.objective.{code}") for code in OBJECTIVES}
    return _labelled(
        catalog.t("siting.form.objective"),
        dcc.RadioItems(id=field_id("objective"), options=_options(options),
                       value=values["objective"], className="siting-choices"),
        group=True,
    )  # fmt: skip


def _limit(values: Form, catalog: Catalog) -> Component:
    t = catalog.t
    return html.Div(
        [
            _typed("number-0", t("siting.form.number"), values, catalog, unit="sites", least=None),
            html.Div(
                [
                    _typed("budget", t("siting.form.budget"), values, catalog, unit="money",
                           least=0),
                    _typed("cost-0", t("siting.form.cost"), values, catalog, unit="money", least=0),
                ],
                className="siting-pair",
            ),
        ],
        className="siting-limit",
    )  # fmt: skip


def _sources(number: int, values: Form, offer: Offer, catalog: Catalog) -> Component:
    def label(source: str) -> str:
        said = catalog.t(f"siting.source.{source}")
        count = offer.sources.get(source, -1)
        return catalog.t("siting.form.counted", name=said, count=count) if count >= 0 else said

    return _labelled(
        catalog.t("siting.form.sources"),
        dcc.Checklist(id=field_id(f"sources-{number}"),
                      options=_options({source: label(source) for source in SOURCES}),
                      value=values[f"sources-{number}"], className="siting-checks"),
        group=True,
    )  # fmt: skip


def _more(values: Form, offer: Offer, catalog: Catalog) -> Component:
    t = catalog.t
    towns = [{"value": code, "label": name} for code, name in
             zip(offer.towns["area_code"], offer.towns["name"], strict=True)]  # fmt: skip
    usual = usual_form(offer)
    weights = {name: t(f"siting.form.weigh_{name}") for name in ("residents", "need")}
    return html.Details(
        [
            html.Summary(t("siting.form.more")),
            _labelled(
                t("siting.form.towns"),
                _dropdown("towns", towns, values, many=True, empty=t("siting.form.anywhere")),
            ),
            html.Div(
                [
                    _typed("separation", t("siting.form.separation"), values, catalog,
                           unit="metres", least=0),
                    _typed("town_share", t("siting.form.town_share"), values, catalog,
                           unit="percent", least=0, most=100),
                ],
                className="siting-pair",
            ),
            _check("one_per_town", values, catalog),
            _check("worst_first", values, catalog),
            _choice("weigh_by", t("siting.form.weigh_by"), weights, values),
            html.Div(
                [
                    _typed("capacity-0", t("siting.form.capacity"), values, catalog,
                           unit="persons", least=0),
                    _typed("closures", t("siting.form.closures"), values, catalog, unit="sites",
                           least=0),
                ],
                className="siting-pair",
            ),
            html.P(t("siting.form.closures_hint"), className="hint"),
        ],
        className="siting-more",
        open=any(values[name] != usual[name] for name in _MORE),
    )  # fmt: skip


def _second(values: Form, offer: Offer, catalog: Catalog) -> Component:
    """A second kind, chosen together with the first: adults and pupils, say."""
    t = catalog.t
    return html.Details(
        [
            html.Summary(t("siting.form.second")),
            html.P(t("siting.form.second_hint"), className="hint"),
            _part(1, values, offer, catalog),
            html.Div(
                [
                    _typed("number-1", t("siting.form.number"), values, catalog, unit="sites",
                           least=0),
                    _typed("cost-1", t("siting.form.cost"), values, catalog, unit="money",
                           least=0),
                ],
                className="siting-pair",
            ),
            _typed("capacity-1", t("siting.form.capacity"), values, catalog, unit="persons",
                   least=0),
            _sources(1, values, offer, catalog),
        ],
        className="siting-more",
        open=bool(values["kind-1"]),
    )  # fmt: skip


# ---------------------------------------------------------------- fields


def _labelled(name: str, field: Component, *, group: bool = False) -> Component:
    said = html.Span(name, className="form-name")
    if group:
        return html.Div([said, field], className="siting-field", role="group",
                        **attrs(aria_label=name))  # fmt: skip
    return html.Label([said, field], className="siting-field")


def _options(names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in names.items()]


def _choice(name: str, label: str, options: Mapping[str, str], values: Form) -> Component:
    items = dcc.RadioItems(id=field_id(name), options=_options(options), value=values[name],
                           className="choice", inline=True)  # fmt: skip
    return _labelled(label, items, group=True)


def _check(name: str, values: Form, catalog: Catalog) -> Component:
    options = [{"value": "on", "label": catalog.t(f"siting.form.{name}")}]
    return html.Div(
        dcc.Checklist(id=field_id(name), options=options, value=values[name],
                      className="siting-checks"),
        className="siting-field",
    )  # fmt: skip


def _dropdown(
    name: str,
    options: list[dict[str, str]],
    values: Form,
    *,
    many: bool = False,
    clearable: bool = False,
    empty: str = "",
) -> Component:
    return dcc.Dropdown(
        id=field_id(name), options=options, value=values[name], multi=many,
        clearable=clearable or many, placeholder=empty or None, searchable=len(options) > 8,
        className="siting-dropdown",
    )  # fmt: skip


def _typed(
    name: str,
    label: str,
    values: Mapping[str, Any],
    catalog: Catalog,
    *,
    unit: str,
    least: float | None = 0,
    most: float | None = None,
) -> Component:
    field = dcc.Input(id=field_id(name), type="number", value=values[name], min=least, max=most,
                      step="any", className="form-input siting-number", autoComplete="off",
                      inputMode="numeric")  # fmt: skip
    return html.Label(
        [
            html.Span(label, className="form-name"),
            html.Span([field, html.Span(catalog.t(f"siting.unit.{unit}"), className="form-unit")],
                      className="siting-typed"),
        ],
        className="siting-field",
    )  # fmt: skip


def name_input(name: str, catalog: Catalog) -> Component:
    """What a scenario is called, to be called otherwise."""
    t = catalog.t
    return html.Div(
        [
            html.Label(
                [html.Span(t("siting.scenario.name"), className="visually-hidden"),
                 dcc.Input(id=ids.SITING_NAME, type="text", value=name, maxLength=_LONGEST_NAME,
                           className="form-input siting-name", autoComplete="off")],
            ),
            html.Button(t("siting.scenario.rename"), id=ids.SITING_RENAME, className="button",
                        type="button"),
            html.Div(id=ids.SITING_NAMED, role="alert"),
        ],
        className="siting-naming",
    )  # fmt: skip
