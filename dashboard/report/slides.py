"""The slides of the weekly pack: each title is a finding, each table is native, each map a picture.

The same snapshot and pictures give the same file, to the byte.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dashboard import scorecard as told
from dashboard.basis import travel_key, travel_numbers
from dashboard.expected import outlook
from dashboard.gap_reason import number_of, ranking_sentence
from dashboard.lateness import judge_row, local_day
from dashboard.places import table_or_none
from dashboard.report.capture import Picture
from dashboard.report.deck import HEIGHT, MARGIN, WIDTH, Box
from dashboard.report.frame import MAP_BOX, MAX_ROWS, ROW, Frame
from dashboard.response_words import share_words, standard_short
from dashboard.scorecard import read_scorecard
from dashboard.story import GAP_WORDS, ROOM, Warned
from dashboard.text import DEFAULT_LANGUAGE, load, words
from etl.store.reader import Reader, Snapshot
from geo.errors import NotPublishedError
from geo.model import GapClass, Level, Missing

TIER_KEYS = ("blue", "yellow", "orange", "red", "min_count")


def slides(
    reader: Reader,
    snapshot: Snapshot,
    pictures: Sequence[Picture],
    path: Path,
    *,
    lang: str = DEFAULT_LANGUAGE,
    today: date | None = None,
    now_utc: datetime | None = None,
) -> Path:
    """Write the slides of a snapshot.

    Parameters
    ----------
    reader, snapshot : what is told.
    pictures : those named `coverage`, `access`, `gap` and `warnings` are placed; a slide without
        its picture has its table alone.
    path : the .pptx file to write.
    lang : language of all text.
    today : day on which sources are judged late; of publication by default.
    now_utc : when deadlines of warnings are judged; the hour of publication by default.
    """
    today = today or local_day(snapshot.published_at_utc, snapshot)
    _Writer(reader, snapshot, pictures, load(lang), today=today, now_utc=now_utc).write(path)
    return path


class _Writer(Frame):
    def write(self, path: Path) -> None:
        for draw in (
            self.cover,
            self.finding,
            self.coverage,
            self.access,
            self.gap,
            self.scorecard,
            self.warnings,
            self.data,
            self.method,
        ):
            draw()
        self.deck.save(
            path,
            title=self.t("report.pack.title"),
            subject=self.t(
                "report.pack.subject", locality=self.story.locality, week=self.story.week
            ),
            at=self.snapshot.published_at_utc,
        )

    def cover(self) -> None:
        story, deck = self.story, self.deck
        picture = self.pictures.get("cover") or self.pictures.get("warnings")
        if picture is not None:
            box = Box(WIDTH * 0.46, 0, WIDTH * 0.54, HEIGHT)
            title_width = WIDTH * 0.46 - MARGIN - 0.3
        else:
            box, title_width = None, WIDTH - 2 * MARGIN
        deck.slide(self.t("report.pack.title"), box=Box(MARGIN, 1.75, title_width, 1.5), size=38)
        if picture is not None and box is not None:
            deck.picture(picture.path, box, description=story.title)
        deck.text(Box(MARGIN, 1.2, title_width, 0.4), story.locality, size=18, bold=True,
                  colour=self.ink.accent)  # fmt: skip
        deck.text(Box(MARGIN, 3.3, title_width, 0.4), story.week, size=18)
        said = self.t("report.slide.data_date", date=story.data_date)
        deck.text(Box(MARGIN, 3.72, title_width, 0.36), said, size=14, colour=self.ink.second)
        if self.late:
            box = Box(MARGIN, 4.08, title_width, 0.4)
            deck.text(box, f"◆ {self.late}", size=10, bold=True, colour=self.ink.ink)
        deck.text(Box(MARGIN, 4.55, title_width, 1.2), story.title, size=16, spacing=1.35)
        left = MARGIN
        for key, shown in (("demo", story.demo), ("internal", True)):
            if shown:
                word = self.t(f"common.badge.{key}")
                width = 0.32 + 0.17 * len(word) if len(word) < 10 else 2.0
                deck.chip(Box(left, 5.95, width, 0.34), word)
                left += width + 0.15
        if story.notice:
            deck.text(Box(MARGIN, 6.45, title_width, 0.5), story.notice, size=11,
                      colour=self.ink.second)  # fmt: skip

    def finding(self) -> None:
        story, deck = self.story, self.deck
        self.slide(story.title, story.week)
        width = (WIDTH - 2 * MARGIN) / len(story.figures)
        for number, figure in enumerate(story.figures):
            left = MARGIN + number * width
            deck.rule(Box(left, 1.75, width - 0.3, 0.02))
            deck.text(Box(left, 1.86, width - 0.3, 0.34), figure.label, size=13,
                      colour=self.ink.second)  # fmt: skip
            deck.number(Box(left, 2.2, width - 0.3, 0.85), figure.value, figure.unit, size=40)
            deck.text(Box(left, 3.1, width - 0.3, 0.34), figure.detail, size=12,
                      colour=self.ink.second)  # fmt: skip
        sentences = [story.subtitle, story.gap_sentence, story.access_sentence]
        deck.text(
            Box(MARGIN, 4.0, 7.4, 2.4), [s for s in sentences if s], size=17, spacing=1.3, gap=9
        )
        self._tier_strip(Box(8.7, 4.0, WIDTH - MARGIN - 8.7, 2.4))

    def _tier_strip(self, box: Box) -> None:
        self.deck.text(Box(box.left, box.top, box.width, 0.3), self.t("wall.panel.tiers"), size=13,
                       colour=self.ink.second)  # fmt: skip
        for number, tier in enumerate(self.story.tiers):
            top = box.top + 0.42 + number * 0.5
            self.tier_mark(tier.tier, Box(box.left, top, 0.38, 0.38))
            word = self.t(f"common.tier.{tier.tier.name.lower()}")
            self.deck.text(Box(box.left + 0.55, top, 0.9, 0.38), word, size=14, anchor="middle")
            self.deck.text(Box(box.left + 1.4, top, 0.7, 0.38), words.number(tier.count), size=18,
                           bold=True, anchor="middle", align="right")  # fmt: skip
            before = (
                self.t("wall.figure.last_week", value=tier.previous)
                if tier.previous is not None
                else self.t("wall.figure.no_last_week")
            )
            self.deck.text(Box(box.left + 2.3, top, 1.6, 0.38), before, size=12, anchor="middle",
                           colour=self.ink.second)  # fmt: skip

    def coverage(self) -> None:
        service = self.story.service
        rows = self.reader.table(self.snapshot.snapshot_id, "coverage")
        rows = rows[rows["kind"] == ROOM]
        county = rows.loc[rows["level"] == Level.COUNTY, "share"]
        title = self.t("report.slide.coverage_unknown")
        if len(county) and math.isfinite(float(county.iloc[0])):
            share = words.percent(float(county.iloc[0]))
            title = self.t("report.slide.coverage", share=share, minutes=service.minutes,
                           kind=service.name)  # fmt: skip
        subtitle = self.t(
            travel_key(
                self.meta, "report.slide.subtitle_coverage", "report.slide.subtitle_coverage_road"
            ),
            kind=service.name,
            mode=service.mode,
            minutes=service.minutes,
            detour=words.setting(self.meta["travel"]["detour"]),
        )
        self.slide(title, subtitle)
        place = self.map("coverage", title)
        towns = rows[rows["level"] == self.story.ranking_level].sort_values(["share", "area_code"])
        columns = [
            self.column(self.story.ranking_level, 1.7),
            self.column("persons", 1.0, number=True),
            self.column("covered", 1.0, number=True),
            self.column("share", 0.8, number=True),
            self.column("sites", 0.9, number=True),
        ]
        self.table(place, columns, [
            (row["name"], words.people(self.catalog, row["persons"]),
             words.people(self.catalog, row["persons_covered"]), words.percent(row["share"]),
             words.number(row["sites_open"]))
            for row in towns.to_dict("records")
        ])  # fmt: skip

    def access(self) -> None:
        title = self.story.access_sentence or self.t("report.slide.access_unknown")
        self.slide(title, self.t("report.slide.subtitle_access"))
        place = self.map("access", title)
        level = self.story.ranking_level
        layers = [
            entry for entry in self.meta["layers"]
            if entry["group"] == "access" and entry["code"].startswith("access.")
            and level in entry["levels"]
        ]  # fmt: skip
        areas = self.reader.areas(self.snapshot.snapshot_id, level)
        frame = areas[["area_code", "name"]].copy()
        columns = [self.column(level, 1.6)]
        codes = []
        for entry in layers:
            metres = entry["code"].partition(".")[2]
            km = words.figure(float(metres) / 1000) if metres.isdigit() else metres
            columns.append(self.column("radius", 0.9, number=True, km=km))
            codes.append(entry["code"])
            frame[entry["code"]] = self._layer_words(level, entry["code"])
        if "access" in {entry["code"] for entry in self.meta["layers"]}:
            order = self.reader.layer(self.snapshot.snapshot_id, level, "access").values
            frame = frame.assign(order=order).sort_values(["order", "area_code"])
        rows = [[row["name"], *(row[code] for code in codes)] for row in frame.to_dict("records")]
        self.table(place, columns, rows)

    def _layer_words(self, level: str, code: str) -> list[str]:
        layer = self.reader.layer(self.snapshot.snapshot_id, level, code)
        withheld = {
            Missing.NO_DATA: self.t("common.state.no_data"),
            Missing.SUPPRESSED: self.t("common.state.suppressed", k=self.meta["k"]),
            Missing.NOT_APPLICABLE: self.t("common.state.not_applicable"),
            Missing.UNREACHABLE: self.t("common.state.unreachable"),
        }
        return [
            withheld.get(Missing(int(state)), words.figure(float(value)))
            for value, state in zip(layer.values, layer.states, strict=True)
        ]

    def gap(self) -> None:
        title = self.story.gap_sentence or self.t("report.slide.gap_unknown")
        rows = self.reader.table(self.snapshot.snapshot_id, "gap_ranking")
        level = Level.VILLAGE if (rows["level"] == Level.VILLAGE).any() else Level.TOWN
        subtitle = self.t("report.slide.subtitle_gap")
        robustness = table_or_none(self.reader, self.snapshot, "gap_robustness")
        robust = ranking_sentence(robustness, level, self.catalog, short=True)
        if robust is not None:
            subtitle = self.t("report.slide.subtitle_robust", subtitle=subtitle, robust=robust)
        self.slide(title, subtitle)
        place = self.map("gap", title)
        # The table comes in its order, the largest gap first.
        short = rows[(rows["level"] == level) & (rows["gap"] >= GapClass.CLEAR)]
        columns = [
            self.column(level, 1.2),
            self.column("town", 1.1),
            self.column("persons", 0.8, number=True),
            self.column("uncovered", 0.85, number=True),
            self.column("nearest", 0.8, number=True),
            self.column("shortage", 0.7, number=True),
            self.column("gap", 0.95),
        ]
        self.table(place, columns, [
            (row["name"], row["parent_name"], words.people(self.catalog, row["persons"]),
             words.people(self.catalog, row["uncovered_persons"]),
             words.number(row["nearest_min"]),
             words.figure(number_of(row.get("shortage"))),
             self.t(f"common.gap.{GAP_WORDS[GapClass(int(row['gap']))]}"))
            for row in short.to_dict("records")
        ])  # fmt: skip

    def scorecard(self) -> None:
        """The indicators against their targets; no slide where none has been chosen."""
        card = read_scorecard(self.reader, self.snapshot)
        if card is None or card.targets.empty:
            return
        self.slide(told.lead(card, self.catalog), self.t("report.slide.subtitle_scorecard"))
        columns = [
            self.column("indicator", 3.7),
            self.column("standing", 1.1),
            self.column("value", 0.8, number=True),
            self.column("target", 0.8, number=True),
            self.column("due", 1.9),
            self.column("outlook", 3.8),
        ]
        today = date.fromisoformat(str(self.meta["data_date"])[:10])
        rows = told.brief_rows(card, self.catalog, today=today)
        self.table((MARGIN, WIDTH - 2 * MARGIN), columns, rows, more="more_scorecard")

    def warnings(self) -> None:
        story = self.story
        level = self.t(f"wall.unit.{story.warned_level}")
        subtitle = self.t("report.slide.subtitle_warnings", level=level, k=self.meta["k"])
        if story.in_time is not None:
            share = share_words(story.in_time, self.catalog)
            subtitle = self.t("report.slide.subtitle_in_time", subtitle=subtitle, share=share)
        self.slide(story.subtitle, outlook(self.reader, self.snapshot, subtitle, self.catalog))
        place = self.map("warnings", story.subtitle)
        if not story.warned:
            return
        columns = [
            self.column("tier", 0.8, indent=0.3),
            self.column("place", 1.75),
            self.column("measure", 1.15),
            self.column("count", 0.5, number=True),
            self.column("expected", 0.5, number=True),
            self.column("answer", 1.75),
        ]
        self.table(place, columns, [self._warned_row(warned) for warned in story.warned])
        for number, warned in enumerate(story.warned[:MAX_ROWS], start=1):
            top = MAP_BOX.top + ROW * number + 0.05
            self.tier_mark(warned.tier, Box(place[0] + 0.06, top, 0.25, 0.25))

    def _warned_row(self, warned: Warned) -> tuple[str, ...]:
        name = warned.tier.name.lower()
        return (
            self.t(f"common.tier.{name}"),
            warned.title(self.catalog),
            warned.measure,
            words.number(warned.count),
            words.number(warned.expected),
            warned.answer or standard_short(warned.tier, self.snapshot, self.catalog),
        )

    def data(self) -> None:
        sources = self.reader.table(self.snapshot.snapshot_id, "sources")
        judged = [judge_row(row, self.today).state for row in sources.to_dict("records")]
        sources = sources.assign(stale=[state in ("late", "stale") for state in judged])
        late, refused = int(sources["stale"].sum()), int(_failed(sources).sum())
        # What needs a look comes first; what is left out at the end is in order.
        doubt = 4 * _failed(sources) + 2 * sources["stale"] + (sources["quarantined"] > 0)
        sources = sources.assign(doubt=doubt).sort_values(
            ["doubt", "source_id"], ascending=[False, True]
        )
        key = "data_late" if late or refused else "data_good"
        title = self.t(f"report.slide.{key}", late=late, refused=refused, count=len(sources))
        self.slide(title, self.t("report.slide.subtitle_data"))
        columns = [
            self.column("source", 3.0),
            self.column("department", 1.6),
            self.column("newest", 1.4),
            self.column("rows", 1.0, number=True),
            self.column("accepted", 1.0, number=True),
            self.column("quarantined", 1.0, number=True),
            self.column("state", 1.2),
        ]
        short = "title_zh" if self.catalog.lang.startswith("zh") else "title_en"
        rows = [
            (str(row[short]), str(row["department"]), _text(row["newest_date"]),
             words.number(row["rows_read"]), words.number(row["accepted"]),
             words.number(row["quarantined"]), self._source_state(row, failed=failed))
            for row, failed in zip(sources.to_dict("records"), _failed(sources), strict=True)
        ]  # fmt: skip
        self.table((MARGIN, WIDTH - 2 * MARGIN), columns, rows, more="more_data")

    def _source_state(self, row: Mapping[Any, Any], *, failed: bool) -> str:
        key = "good"
        if failed:
            key = "failed"
        elif row["stale"]:
            key = "stale"
        elif row["quarantined"]:
            key = "doubts"
        return self.t(f"report.state.{key}")

    def method(self) -> None:
        self.slide(self.t("report.slide.method"))
        meta, story = self.meta, self.story
        tiers = meta.get("warnings", {})
        travelled = travel_key(meta, "report.method.travel", "report.method.travel_road")
        lines: list[str | tuple[str, str]] = [
            self.t(travelled, **travel_numbers(meta)),
            *self._definitions(),
            self.t("report.method.privacy", k=meta["k"] - 1),
        ]  # fmt: skip
        if set(tiers) >= set(TIER_KEYS):
            ends = {name: words.setting(tiers[name]) for name in TIER_KEYS}
            lines.append(self.t("report.method.tiers", **ends))
        if story.source_line:
            lines.append(self.t("report.method.boundary", source=story.source_line))
        zone = meta["locality"]["timezone"]
        published = words.moment(self.catalog, self.snapshot.published_at_utc, zone)
        lines.append(
            self.t(
                "report.method.code",
                version=self.snapshot.code_version,
                snapshot=self.snapshot.snapshot_id,
                published=published,
            )
        )
        place = Box(MARGIN, 1.3, WIDTH - 2 * MARGIN, 5.4)
        self.deck.text(place, lines, size=13, spacing=1.25, gap=7)

    def _definitions(self) -> list[tuple[str, str]]:
        wanted = (f"covered.{ROOM}", "access", "gap", "tier")
        found: list[tuple[str, str]] = []
        for code in wanted:
            try:
                entry = self.snapshot.layer(code)
            except NotPublishedError:
                continue
            name, said = self.catalog.pick(entry["name"]), self.catalog.pick(entry["definition"])
            found.append((self.t("report.method.head", name=name), said))
        return found


def _text(value: object) -> str:
    return value if isinstance(value, str) and value else "–"


def _failed(sources: pd.DataFrame) -> pd.Series:
    if "failed" not in sources:
        return pd.Series(data=False, index=sources.index)
    return sources["failed"].fillna(value=False).astype(bool)
