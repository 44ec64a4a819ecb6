"""What stands over the wall's map: the finding, large numbers, tiers, the ranking, the tour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from dash import html
from dash.development.base_component import Component

from dashboard.basis import travel_key, travel_numbers
from dashboard.choices import LayerBook, read_choices
from dashboard.components import legend, marks
from dashboard.components.wall_targets import targets_panel
from dashboard.lateness import Source
from dashboard.story import GAP_WORDS, Figure, Rank, Story, TierCount
from dashboard.text import Catalog, words
from dashboard.tour import Stop

# On a tall screen more would be read by nobody; where there is room for fewer, fewer are shown.
MAX_RANKS = 8


def _data(attributes: dict[str, str]) -> dict[str, Any]:
    """Attributes whose names are no Python names, as keyword arguments."""
    return dict(attributes)


def panels(
    story: Story,
    stops: Sequence[Stop],
    catalog: Catalog,
    sources: Sequence[Source],
    *,
    targets: pd.DataFrame | None = None,
) -> list[Component]:
    """All panels of a snapshot; the element that holds them says which one.

    Parameters
    ----------
    targets : published table of the indicators; None where there is none.
    """
    return [
        _head(story, catalog),
        html.Section([_figure(figure) for figure in story.figures], className="wall-figures"),
        html.Div(
            [
                _tiers(story, catalog),
                _ranking(story, catalog),
                targets_panel(targets, catalog),
                _tour(stops, catalog),
            ],
            className="wall-side",
        ),
        html.Div(className="wall-free"),
        html.Div(_legends(story, stops, catalog), className="wall-legends"),
        _foot(story, catalog, sources),
    ]


def offline(catalog: Catalog) -> Component:
    """The note that appears when the server does not answer."""
    return html.Div(
        [
            html.Span(catalog.t("wall.age.offline"), className="wall-offline-text"),
            html.Span(className="wall-offline-time",
                      **_data({"data-template": catalog.t("wall.age.updated", time="{time}")})),
        ],
        className="wall-offline",
        role="status",
        hidden=True,
    )  # fmt: skip


def _head(story: Story, catalog: Catalog) -> Component:
    t = catalog.t
    badges = [html.Span(t("common.badge.internal"), className="wall-badge")]
    if story.demo:
        demo = html.Span(t("common.badge.demo"), className="wall-badge wall-badge-demo")
        badges.insert(0, demo)
    return html.Header(
        [
            html.Div(
                [
                    html.P([html.Strong(story.locality), html.Span(t("wall.title.plain")), *badges],
                           className="wall-name"),
                    html.H1(story.title, className="wall-title"),
                    html.P(story.subtitle, className="wall-subtitle"),
                ],
                className="wall-finding",
            ),
            html.Div(
                [
                    html.Div([html.Span(className="wall-day"), html.Time(className="wall-time")],
                             className="wall-now"),
                    html.P(story.week, className="wall-week"),
                    _age(story, catalog),
                ],
                className="wall-clock",
            ),
        ],
        className="wall-head",
    )  # fmt: skip


def _age(story: Story, catalog: Catalog) -> Component:
    """The data date; the browser adds how long ago it is and colours it."""
    t = catalog.t
    return html.P(
        [
            html.Span(t("wall.age.data", date=story.data_date)),
            html.Span(className="wall-age-days"),
        ],
        className="wall-age",
        **_data(
            {
                "data-day": story.data_day.isoformat() if story.data_day else "",
                "data-zone": story.snapshot.meta["locality"]["timezone"],
                "data-today": t("wall.age.today"),
                "data-days": t("wall.age.days", days="{days}"),
                "data-stale": t("wall.age.stale", days="{days}"),
            }
        ),
    )


def _figure(figure: Figure) -> Component:
    return html.Div(
        [
            html.P(figure.label, className="wall-figure-label"),
            html.P(
                [
                    html.Strong(figure.value),
                    html.Span(figure.unit, className="wall-unit") if figure.unit else None,
                ],
                className="wall-figure-value",
            ),
            html.P(figure.detail, className="wall-figure-detail"),
        ],
        className="wall-figure",
        **_data({"data-figure": figure.key}),
    )


def _tiers(story: Story, catalog: Catalog) -> Component:
    return html.Section(
        [
            html.H2(catalog.t("wall.panel.tiers")),
            html.Div([_tier(count, catalog) for count in story.tiers], className="wall-tier-row"),
            html.P(story.answer_sentence, className="wall-panel-note wall-answers")
            if story.answer_sentence
            else None,
        ],
        className="wall-panel wall-tiers",
    )


def _tier(count: TierCount, catalog: Catalog) -> Component:
    t = catalog.t
    before = (
        t("wall.figure.last_week", value=count.previous)
        if count.previous is not None
        else t("wall.figure.no_last_week")
    )
    return html.Div(
        [
            marks.tier_mark(count.tier, catalog),
            html.Strong(words.number(count.count)),
            html.Span(before, className="wall-tier-before"),
        ],
        className="wall-tier" if count.count else "wall-tier wall-tier-zero",
    )


def _ranking(story: Story, catalog: Catalog) -> Component:
    rows = [rank for rank in story.ranking if rank.persons > 0][:MAX_RANKS]
    most = max((rank.persons for rank in rows), default=1.0)
    service = story.service
    unit = catalog.t("wall.panel.ranking_unit", minutes=service.minutes, kind=service.name)
    return html.Section(
        [
            html.H2(catalog.t("wall.panel.ranking")),
            html.P(unit, className="wall-panel-note"),
            html.Ol([_rank(rank, most, catalog) for rank in rows]),
        ],
        className="wall-panel wall-ranking",
    )


def _rank(rank: Rank, most: float, catalog: Catalog) -> Component:
    gap = catalog.t(f"common.gap.{GAP_WORDS[rank.gap]}") if rank.gap is not None else ""
    share = rank.persons / most if math.isfinite(rank.persons) else 0.0
    return html.Li(
        [
            html.Span(rank.name, className="wall-rank-name"),
            html.Span(
                html.Span(className="wall-rank-fill", style={"width": f"{100 * share:.1f}%"}),
                className="wall-rank-bar",
                title=catalog.t("wall.panel.gap_word", gap=gap) if gap else None,
            ),
            html.Span(words.people(catalog, rank.persons), className="wall-rank-value"),
        ],
        **_data({"data-area": rank.area_code}),
    )


def _tour(stops: Sequence[Stop], catalog: Catalog) -> Component:
    return html.Section(
        [
            html.H2(catalog.t("wall.panel.tour")),
            html.Div([_stop(stop, catalog) for stop in stops], className="wall-stops"),
            html.Div(
                [html.I() for _ in stops], className="wall-ticks", **_data({"aria-hidden": "true"})
            ),
        ],
        className="wall-panel wall-tour",
    )


def _stop(stop: Stop, catalog: Catalog) -> Component:
    mark = marks.tier_mark(stop.tier, catalog) if stop.tier is not None else None
    west, south, east, north = stop.bounds
    return html.Article(
        [
            html.H3([mark, html.Span(stop.title)]),
            html.P(stop.sentence, className="wall-stop-text"),
            html.P(
                stop.answer,
                className="wall-stop-answer is-late" if stop.late else "wall-stop-answer",
            )
            if stop.answer
            else None,
            html.P(stop.action, className="wall-stop-action") if stop.action else None,
        ],
        className="wall-stop",
        **_data(
            {
                "data-layer": stop.layer,
                "data-level": stop.level,
                "data-area-level": stop.area_level,
                "data-area": stop.area_code,
                "data-bounds": f"{west:.6f},{south:.6f},{east:.6f},{north:.6f}",
            }
        ),
    )


def _legends(story: Story, stops: Sequence[Stop], catalog: Catalog) -> list[Component]:
    """One legend for each layer and kind of level on the tour; the browser shows the right one."""
    book = LayerBook(story.snapshot)
    seen: dict[str, Component] = {}
    for stop in stops:
        seen.setdefault(
            stop.layer,
            html.Div(
                _legend(book, stop.layer, stop.level, catalog),
                className="wall-legend",
                **_data({"data-layer": stop.layer}),
            ),
        )
    return list(seen.values())


def _foot(story: Story, catalog: Catalog, sources: Sequence[Source]) -> Component:
    t = catalog.t
    travel = story.snapshot.meta.get("travel", {})
    parts = [story.source_line]
    if "detour" in travel:
        parts.append(
            t(
                travel_key(story.snapshot.meta, "wall.foot.travel", "wall.foot.travel_road"),
                **travel_numbers(story.snapshot.meta),
                mode=story.service.mode,
                speed=words.setting(story.service.speed_kmh),
            )
        )
    parts.append(t("wall.foot.snapshot", snapshot=story.snapshot.snapshot_id))
    return html.Footer(
        [_late(sources, catalog), *(html.Span(part) for part in parts if part)],
        className="wall-foot",
        **_data({"data-snapshot": story.snapshot.snapshot_id}),
    )


def _late(sources: Sequence[Source], catalog: Catalog) -> Component:
    """Every source that is late or will be; the browser shows each from its day on."""
    shown = []
    for source in sources:
        days = [day for day in (source.freshness.late_on, source.freshness.stale_on) if day]
        if source.late or days:
            since = _data({"data-late-on": min(days).isoformat() if days else ""})
            hidden = not source.late
            shown.append(html.Span(source.said(catalog), hidden=hidden, **since))
    return html.Span(
        [html.Strong(catalog.t("common.late.title")), *shown],
        className="wall-late",
        hidden=not any(source.late for source in sources),
    )


def _legend(book: LayerBook, layer: str, level: str, catalog: Catalog) -> list[Component]:
    """The map page's legend without its fold: nobody can open one on a wall."""
    entry = book.layers[layer]
    notes = [catalog.pick(entry["unit"])] if entry["breaks"] else []
    if entry["breaks"]:
        notes.append(catalog.t("map.legend.ends"))
    choices = read_choices(book.snapshot, {"layer": layer, "level": level})
    lists = [part for part in legend.legend(book, choices, catalog) if isinstance(part, html.Ul)]
    return [
        html.P(
            [
                html.Strong(catalog.pick(entry["name"])),
                html.Span(" · ".join(notes), className="wall-legend-note"),
            ],
            className="wall-legend-head",
        ),
        *lists,
    ]
