"""The form by which an office acts on a warning: who, its PIN, a note, one button a step."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import ids
from dashboard import response_words as said_of
from dashboard.components.attributes import attrs
from dashboard.components.states import empty
from dashboard.desk import OFFERED, Desk, Office
from dashboard.response import LIVE_STATES, Board, Live
from dashboard.text import Catalog

LONGEST_NOTE = 300


def form(
    one: Live, board: Board, catalog: Catalog, *, desk: Desk | None, done: str = ""
) -> Component | None:
    """What an office may do about a warning; where nobody may, who could change that.

    Parameters
    ----------
    done : the step that has just been done; empty for none.
    """
    if not one.state:
        return None
    t = catalog.t
    if desk is None or not desk.offices:
        return html.Details(
            [html.Summary(t("warnings.form.read_only")), html.P(t("warnings.form.read_only_next"))],
            className="definition detail-read-only",
        )
    offices = [o for o in desk.offices if o.serves(town_code=one.town_code, areas=one.areas)]
    if not offices:
        return empty(t("warnings.form.elsewhere"))
    return html.Fieldset(
        [
            html.Legend(t("warnings.form.title")),
            dcc.Store(id=ids.WARNINGS_SUBJECT, data={"warning": one.key, "version": one.version}),
            _done(done, catalog),
            None
            if one.state in LIVE_STATES
            else html.P(t("warnings.form.ended"), className="hint"),
            html.Div([_office(one, offices, board, catalog), _pin(catalog)], className="form-who"),
            _text(catalog),
            html.Div(_buttons(one, catalog), className="form-acts"),
            html.P(id=ids.WARNINGS_SAID, className="form-said", role="alert"),
        ],
        id=ids.WARNINGS_FORM,
        className="detail-form",
    )


def _done(done: str, catalog: Catalog) -> Component | None:
    if not done:
        return None
    return html.P(catalog.t(f"warnings.form.done_{done}"), className="form-done", role="status")


def _office(one: Live, offices: Sequence[Office], board: Board, catalog: Catalog) -> Component:
    codes = [office.code for office in offices]
    names = {code: said_of.office_name(board.snapshot, code, catalog) for code in codes}
    chosen = one.office if one.office in codes else codes[0] if len(codes) == 1 else None
    options = [{"label": name, "value": code} for code, name in names.items()]
    return html.Div(
        [
            html.Span(catalog.t("warnings.form.office"), className="form-name"),
            dcc.RadioItems(id=ids.WARNINGS_OFFICE, options=options, value=chosen,
                           className="choice"),
        ],
        role="group",
        **attrs(aria_label=catalog.t("warnings.form.office")),
    )  # fmt: skip


def _pin(catalog: Catalog) -> Component:
    return html.Label(
        [
            html.Span(catalog.t("warnings.form.pin"), className="form-name"),
            # Never remembered: what an office typed stays in no store and no browser.
            dcc.Input(
                id=ids.WARNINGS_PIN,
                type="password",
                inputMode="numeric",
                autoComplete="off",
                className="form-input",
            ),
        ]
    )


def _text(catalog: Catalog) -> Component:
    return html.Label(
        [
            html.Span(catalog.t("warnings.form.text"), className="form-name"),
            dcc.Textarea(
                id=ids.WARNINGS_TEXT, maxLength=LONGEST_NOTE, rows=2, className="form-input"
            ),
            html.Span(catalog.t("warnings.form.hint"), className="hint"),
        ]
    )


def _buttons(one: Live, catalog: Catalog) -> list[Component]:
    return [
        html.Button(
            catalog.t(f"warnings.form.{action}"),
            id={"type": ids.WARNINGS_ACT, "index": action},
            className="button button-main" if i == 0 else "button",
        )
        for i, action in enumerate(OFFERED[one.state])
    ]
