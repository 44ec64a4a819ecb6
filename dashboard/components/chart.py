"""The weekly chart of the side panel."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import attrs
from dashboard.components.marks import swatch
from dashboard.expected import Expected, how, read_expected, sentence
from dashboard.figures.series import add_expected, weekly_bars
from dashboard.places import rows_of
from dashboard.text import Catalog, words
from dashboard.tokens import Theme
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import Missing

CONFIG: Any = {
    "displayModeBar": False,
    "showTips": False,
    "doubleClick": False,
    "scrollZoom": False,
}


def weekly_chart(
    reader: Reader,
    snapshot: Snapshot,
    *,
    level: str,
    area_code: str,
    measure: dict[str, Any],
    week: str,
    catalog: Catalog,
    theme: Theme,
) -> Component:
    """Bars of one measure over the weeks of the snapshot and what is expected after them."""
    code = str(measure["code"])
    series = reader.series(snapshot.snapshot_id, level, area_code, f"count.{code}")
    try:
        snapshot.layer(f"tier.{code}")
        tiers = reader.series(snapshot.snapshot_id, level, area_code, f"tier.{code}")
    except NotPublishedError:
        tiers = series.iloc[:0]
    weeks = list(series["week"])
    unit = catalog.pick(measure["unit"])
    name = catalog.pick(measure["name"])
    expected = read_expected(reader, snapshot, level=level, area_code=area_code, measure=measure)
    figure = weekly_bars(
        series,
        tiers,
        hover={
            row.week: _hover_text(str(row.week), float(row.value), int(row.state), unit, catalog,
                                  k=snapshot.meta["k"])
            for row in rows_of(series)
        },
        tick_texts={w: words.week_short(catalog, w) for w in weeks[:: -max(len(weeks) // 3, 1)]},
        k=snapshot.meta["k"],
        theme=theme,
        chosen_week=week,
    )  # fmt: skip
    described = catalog.t("map.chart.label", measure=name)
    under = []
    if expected is not None:
        if not expected.reason:
            add_expected(figure, expected.weeks, hover=_hover_ahead(expected, unit, catalog),
                         theme=theme)  # fmt: skip
        said = sentence(expected, unit, catalog)
        described = catalog.t("map.heading.joined", first=described, second=said)
        if not expected.reason:
            said = catalog.t("map.chart.expected_made", said=said, how=how(expected, catalog))
        under.append(html.P(said, className="hint chart-expected"))
    graph = dcc.Graph(figure=figure, config=CONFIG, className="chart", style={"height": "150px"})
    legend = _little_legend(catalog, ahead=expected is not None and not expected.reason)
    return html.Figure([graph, legend, *under], role="img", **attrs(aria_label=described))


def _hover_ahead(expected: Expected, unit: str, catalog: Catalog) -> list[str]:
    ends = ("low80", "high80", "low95", "high95")
    return [
        catalog.t("map.chart.expected_bar", week=words.week_label(catalog, str(row.week)),
                  value=words.figure(float(row.expected)), unit=unit,
                  **{end: words.number(float(getattr(row, end))) for end in ends})
        for row in rows_of(expected.weeks)
    ]  # fmt: skip


def _hover_text(week: str, value: float, state: int, unit: str, catalog: Catalog, *, k: int) -> str:
    label = words.week_label(catalog, week)
    if state == Missing.NO_DATA:
        return catalog.t("map.chart.no_data", week=label)
    if state == Missing.SUPPRESSED:
        return catalog.t("map.chart.suppressed", week=label, k=k)
    if value == 0:
        return catalog.t("map.chart.zero", week=label, unit=unit)
    return catalog.t("map.chart.bar", week=label, value=words.figure(value), unit=unit)


def _little_legend(catalog: Catalog, *, ahead: bool) -> Component:
    items = []
    for state in ("no_data", "suppressed", "warned", *(["expected"] if ahead else [])):
        mark = swatch(fill=state.replace("_", "-"))
        items.append(html.Span([mark, catalog.t(f"map.chart.legend_{state}")]))
    return html.Figcaption(items, className="chart-legend")
