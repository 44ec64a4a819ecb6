"""What the slides of the pack share: title, foot, map, table, and the marks of the tiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from dashboard.lateness import late_sentence, read_sources
from dashboard.report.capture import Picture
from dashboard.report.deck import HEIGHT, MARGIN, WIDTH, Box, Column, Deck, Ink
from dashboard.story import Story
from dashboard.teller import tell
from dashboard.text import Catalog, words
from dashboard.tokens import tokens
from etl.store.reader import Reader, Snapshot
from geo.model import Tier

TIER_SHAPES = {
    Tier.RED: "OCTAGON",
    Tier.ORANGE: "ISOSCELES_TRIANGLE",
    Tier.YELLOW: "DIAMOND",
    Tier.BLUE: "OVAL",
}
MAP_BOX = Box(MARGIN, 1.6, 5.6, 5.1)
# Where the table stands beside the map; without a map it has the whole width.
TABLE_LEFT = MARGIN + 5.85
TABLE_WIDTH = WIDTH - MARGIN - TABLE_LEFT
MAX_ROWS = 13
ROW = 0.35


class Frame:
    """One deck under way: what is told, the paper, and the parts that slides share.

    Parameters
    ----------
    reader, snapshot : what is told.
    pictures : maps by name.
    catalog : language of all text.
    today : day on which sources are judged late.
    now_utc : when deadlines of warnings are judged; the hour of publication by default.
    """

    def __init__(
        self,
        reader: Reader,
        snapshot: Snapshot,
        pictures: Sequence[Picture],
        catalog: Catalog,
        *,
        today: date,
        now_utc: datetime | None = None,
    ) -> None:
        self.reader = reader
        self.snapshot = snapshot
        self.meta: Mapping[str, Any] = snapshot.meta
        self.catalog = catalog
        self.t = catalog.t
        self.pictures = {picture.name: picture for picture in pictures}
        self.story: Story = tell(reader, snapshot, catalog, now_utc=now_utc)
        self.today = today
        sources = read_sources(reader, snapshot, catalog, today=today)
        self.late = late_sentence(sources, catalog)
        self.paper = tokens("light")
        names = ("ink", "ink-2", "line", "accent", "panel")
        self.ink = Ink(*(self.paper[name] for name in names))
        self.deck = Deck(self.ink, lang=catalog.lang)

    def slide(self, title: str, subtitle: str = "") -> None:
        """A slide with its finding, what is measured, and the line at the foot."""
        self.deck.slide(title, size=24)
        if subtitle:
            self.deck.text(
                Box(MARGIN, 1.04, WIDTH - 2 * MARGIN, 0.34),
                subtitle,
                size=13,
                colour=self.ink.second,
            )
        self.foot()

    def foot(self) -> None:
        story = self.story
        top = HEIGHT - 0.52
        said = self.t(
            "report.slide.footer",
            locality=story.locality,
            week=words.week_short(self.catalog, self.snapshot.week),
            date=story.data_date,
            snapshot=self.snapshot.snapshot_id,
        )
        self.deck.text(Box(MARGIN, top, 8.6, 0.26), said, size=9.5, colour=self.ink.second)
        if self.late:
            box = Box(MARGIN, 1.35, WIDTH - 2 * MARGIN, 0.24)  # under the subtitle
            self.deck.text(box, f"◆ {self.late}", size=9.5, bold=True, colour=self.ink.ink)
        badges = [self.t("common.badge.internal")]
        if story.demo:
            badges.insert(0, self.t("common.badge.demo"))
        self.deck.text(
            Box(WIDTH - MARGIN - 3.4, top, 3.4, 0.26),
            " · ".join(badges),
            size=9.5,
            bold=True,
            colour=self.ink.second,
            align="right",
        )

    def map(self, name: str, description: str) -> tuple[float, float]:
        """Place a map; where the table beside it begins and how wide it may be."""
        picture = self.pictures.get(name)
        if picture is None:
            return MARGIN, WIDTH - 2 * MARGIN
        at = self.deck.picture(picture.path, MAP_BOX, description=description)
        if self.story.source_line:
            self.deck.text(
                Box(at.left, at.top + at.height + 0.04, at.width, 0.24),
                self.story.source_line,
                size=9,
                colour=self.ink.second,
            )
        return TABLE_LEFT, TABLE_WIDTH

    def table(
        self,
        place: tuple[float, float],
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        *,
        more: str = "more",
    ) -> None:
        """A table as wide as its place, with as many rows as fit."""
        left, width = place
        factor = width / sum(column.width for column in columns)
        fitted = [Column(c.title, c.width * factor, c.number, c.indent) for c in columns]
        self.deck.table(left, MAP_BOX.top, fitted, rows[:MAX_ROWS], row_height=ROW, size=11)
        if len(rows) > MAX_ROWS:
            top = MAP_BOX.top + ROW * (MAX_ROWS + 1) + 0.06
            said = self.t(f"report.slide.{more}", count=len(rows) - MAX_ROWS)
            self.deck.text(Box(left, top, width, 0.26), said, size=10, colour=self.ink.second)

    def column(
        self,
        key: str,
        width: float,
        *,
        number: bool = False,
        indent: float = 0.0,
        **values: object,
    ) -> Column:
        return Column(self.t(f"report.column.{key}", **values), width, number, indent)

    def tier_mark(self, tier: Tier, box: Box) -> None:
        """Shape, colour and character of a tier."""
        name = tier.name.lower()
        self.deck.mark(
            box,
            TIER_SHAPES[tier],
            self.t(f"common.tier.mark_{name}"),
            fill=self.paper[f"tier-{name}"],
            edge=self.paper[f"tier-{name}-edge"],
            ink=self.paper[f"tier-{name}-ink"],
        )
