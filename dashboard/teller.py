"""Tells a snapshot: reads its tables once and makes sentences and few numbers of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from dashboard.response import Board, read_board
from dashboard.response_words import answered, office_name, standing
from dashboard.story import ROOM, Figure, Rank, Service, Story, TierCount, Warned
from dashboard.text import Catalog, words
from etl.store.reader import Reader, Snapshot
from geo.model import GapClass, Level, Tier

TIERS = (Tier.RED, Tier.ORANGE, Tier.YELLOW, Tier.BLUE)
MAX_PLACES = 4
# A warned area is counted on the level that acts on it; the same order as in the headline.
WARNED_LEVELS = (Level.VILLAGE, Level.TOWN, Level.COUNTY, Level.GRID)


class _Teller:
    """Reads a snapshot's tables once and makes sentences of them."""

    def __init__(self, reader: Reader, snapshot: Snapshot, catalog: Catalog, board: Board) -> None:
        self.snapshot = snapshot
        self.board = board
        self.catalog = catalog
        self.t = catalog.t
        head = reader.table(snapshot.snapshot_id, "headline").set_index("key")
        self.values: Mapping[Any, Any] = head["value"].to_dict()
        self.previous: Mapping[Any, Any] = head["previous"].to_dict()
        self.places = reader.table(snapshot.snapshot_id, "gap_ranking")
        warned = reader.warnings(snapshot.snapshot_id)
        self.warned_level = _warned_level(warned)
        self.warned = self._warned(warned)
        self.service = self._service()

    # ------------------------------------------------------------ words

    def _service(self) -> Service:
        kinds = {kind["code"]: kind for kind in self.snapshot.meta.get("kinds", [])}
        kind = kinds.get(ROOM) or {"mode": "foot", "threshold_min": 15, "name": None}
        name = self.catalog.pick(kind["name"])
        return Service(
            words.inside(self.catalog, name),
            self.t(f"wall.mode.{kind['mode']}"),
            words.setting(float(kind["threshold_min"])),
            _float(self.snapshot.meta.get("travel", {}).get(f"{kind['mode']}_kmh")),
        )

    def value(self, key: str, *, previous: bool = False) -> float:
        """A headline figure; NaN where there is none."""
        found = (self.previous if previous else self.values).get(key)
        return _float(found)

    def say(self, key: str, **values: object) -> str:
        """A text that may name the service."""
        service = self.service
        return self.t(
            f"wall.{key}",
            **{"kind": service.name, "mode": service.mode, "minutes": service.minutes, **values},
        )

    def people(self, persons: float) -> str:
        """Persons with their unit, as they stand in a sentence."""
        return words.persons(self.catalog, persons)

    # ------------------------------------------------------------ sentences

    def title(self, ranking: Sequence[Rank], level: str) -> str:
        """The finding: where most people lack the service."""
        share = self.value("covered_share")
        if ranking and ranking[0].persons > 0:
            worst = ranking[0]
            persons = self.people(worst.persons)
            if level == Level.VILLAGE:
                # The locality itself is the parent of all villages that are ranked.
                return self.say("title.gap_persons", town=worst.name, persons=persons)
            if worst.villages > 0:
                villages = words.number(worst.villages)
                return self.say("title.gap", town=worst.name, villages=villages, persons=persons)
            return self.say("title.gap_persons", town=worst.name, persons=persons)
        if share >= 1:
            return self.say("title.all_covered")
        if math.isfinite(share):
            return self.say("title.covered", share=words.percent(share))
        return self.t("wall.title.plain")

    def subtitle(self, tiers: Sequence[TierCount]) -> str:
        """How many areas are warned, and whether that is more than last week."""
        count = sum(tier.count for tier in tiers)
        before = [tier.previous for tier in tiers if tier.previous is not None]
        level = self.t(f"wall.unit.{self.warned_level}")
        if count == 0:
            return self.t("wall.warned.none")
        change = count - sum(before)
        key = "same" if change == 0 else "more" if change > 0 else "fewer"
        key = key if before else "some"
        said = self.t(f"wall.warned.{key}", count=count, level=level, change=abs(change))
        red, orange = tiers[0].count, tiers[1].count
        if red:
            return said + self.t("wall.warned.with_red", red=red)
        return said + (self.t("wall.warned.with_orange", orange=orange) if orange else "")

    def figures(self, tiers: Sequence[TierCount]) -> tuple[Figure, ...]:
        """The headline row."""
        total, uncovered = self.value("population"), self.value("uncovered_persons")
        warned = sum(tier.count for tier in tiers)
        known = [tier.previous for tier in tiers if tier.previous is not None]
        return (
            Figure(
                "covered",
                self.say("figure.covered"),
                words.percent(self.value("covered_share")),
                "",
                self.say(
                    "figure.covered_detail",
                    covered=words.people(self.catalog, total - uncovered),
                    total=self.people(total),
                ),
            ),
            Figure(
                "rooms",
                self.say("figure.rooms").capitalize(),
                words.number(self.value("rooms_open")),
                self.t("wall.figure.rooms_unit"),
                self.say("figure.rooms_detail", staff=words.number(self.value("staff"))),
            ),
            Figure(
                "uncovered",
                self.say("figure.uncovered"),
                words.people(self.catalog, uncovered),
                self.t("wall.figure.uncovered_unit"),
                self.say("figure.uncovered_detail", villages=self._villages_uncovered()),
            ),
            Figure(
                "warned",
                self.say("figure.warned"),
                words.number(warned),
                self.t("wall.figure.warned_unit"),
                self.t("wall.figure.last_week", value=sum(known))
                if known
                else self.t("wall.figure.no_last_week"),
            ),
        )

    def _villages_uncovered(self) -> str:
        villages = self.places[self.places["level"] == Level.VILLAGE]
        return words.number(float((villages["uncovered_persons"] > 0).sum()))

    def warned_sentence(self) -> str:
        """Where the warned areas lie, the most of them first."""
        if not self.warned:
            return self.t("wall.warned.none")
        counted = Counter(warned.parent or warned.name for warned in self.warned)
        parts = [
            self.t("wall.warned.place", place=place, count=count)
            for place, count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        ]
        places = self.t("wall.warned.and").join(parts[:MAX_PLACES])
        key = "among" if len(parts) > MAX_PLACES else "in"
        return self.t(f"wall.warned.{key}", places=places)

    def gap_sentence(self) -> str:
        """The gap in one sentence for the whole locality."""
        finest = self.places[self.places["level"] == Level.VILLAGE]
        if finest.empty:
            finest = self.places
        count = float((finest["gap"] >= GapClass.CLEAR).sum())
        persons = self.people(self.value("gap_persons"))
        return self.say("stop.overview_gap_text", villages=words.number(count), persons=persons)

    def access_sentence(self) -> str:
        """Where least staff is within reach."""
        towns = self.towns().dropna(subset=["access"]).sort_values("access")
        if towns.empty:
            return ""
        worst = towns.iloc[0]
        access = words.figure(float(worst["access"]))
        return self.say("stop.overview_access_text", town=worst["name"], access=access)

    # ------------------------------------------------------------ rows

    def towns(self) -> pd.DataFrame:
        """Rows of the ranking on the level above villages, or villages where it has none."""
        towns = self.places[self.places["level"] == Level.TOWN]
        return towns if not towns.empty else self.places

    def ranking(self) -> tuple[Rank, ...]:
        """Places by how many people lack the service, most first."""
        rows = self.towns().sort_values(
            ["uncovered_persons", "area_code"], ascending=[False, True], na_position="last"
        )
        return tuple(
            Rank(
                area_code=str(row["area_code"]),
                name=str(row["name"]),
                persons=_float(row["uncovered_persons"]),
                share=_float(row["covered_share"]),
                gap=_gap(row["gap"]),
                villages=_float(row["villages_uncovered"]),
                access=_float(row["access"]),
            )
            for row in rows.to_dict("records")
        )

    def tiers(self) -> tuple[TierCount, ...]:
        """Areas by tier, most serious first."""
        counts = []
        for tier in TIERS:
            key = f"tier_{tier.name.lower()}"
            now, before = self.value(key), self.value(key, previous=True)
            known = int(before) if math.isfinite(before) else None
            counts.append(TierCount(tier, int(now) if math.isfinite(now) else 0, known))
        return tuple(counts)

    def _answered(self, measure: str, area_code: str) -> dict[str, Any]:
        """What became of the warning of a place and theme."""
        one = self.board.at(measure, area_code)
        if one is None or not one.state:
            return {}
        office = office_name(self.snapshot, one.office, self.catalog) if one.taken else ""
        said = standing(one, self.board, self.catalog)
        return {"answer": said, "office": office, "late": one.overdue}

    def _warned(self, rows: pd.DataFrame) -> tuple[Warned, ...]:
        measures = {m["code"]: m for m in self.snapshot.meta.get("measures", [])}
        here = rows[(rows["level"] == self.warned_level) & (rows["tier"] >= Tier.BLUE)]
        warned = []
        for code, group in here.groupby("area_code", sort=False):
            row = group.iloc[0]  # highest tier and score first
            measure = measures.get(row["measure"], {})
            warned.append(
                Warned(
                    level=str(row["level"]),
                    area_code=str(code),
                    name=str(row["name"]),
                    parent=str(row["parent_name"] or ""),
                    tier=Tier(int(row["tier"])),
                    measure=self.catalog.pick(measure.get("name")) or str(row["measure"]),
                    unit=self.catalog.pick(measure.get("unit")),
                    count=_float(row["count"]),
                    expected=_float(row["expected"]),
                    others=len(group) - 1,
                    reason=self.catalog.pick({"zh": row["reason_zh"], "en": row["reason_en"]}),
                    **self._answered(str(row["measure"]), str(code)),
                )
            )
        return tuple(warned)


def tell(
    reader: Reader, snapshot: Snapshot, catalog: Catalog, *, now_utc: datetime | None = None
) -> Story:
    """Make the story of a snapshot.

    Parameters
    ----------
    reader : published snapshots.
    snapshot : the one to tell.
    catalog : texts of the wanted language.
    now_utc : when it is told, for what is overdue; the hour of publication by default.

    Returns
    -------
    Sentences and figures; what the snapshot does not hold is left out, never guessed.
    """
    board = read_board(reader, snapshot, now_utc=now_utc or snapshot.published_at_utc)
    teller = _Teller(reader, snapshot, catalog, board)
    ranking, tiers = teller.ranking(), teller.tiers()
    level = Level.TOWN if (teller.places["level"] == Level.TOWN).any() else Level.VILLAGE
    locality = snapshot.meta["locality"]
    day = _day(snapshot.meta.get("data_date"))
    return Story(
        snapshot=snapshot,
        locality=catalog.pick(locality["name"]),
        title=words.unbroken(teller.title(ranking, level)),
        subtitle=words.unbroken(teller.subtitle(tiers)),
        week=words.week_label(catalog, snapshot.week),
        data_date=words.day(catalog, day) if day else "–",
        data_day=day,
        demo=bool(locality.get("demo")),
        notice=catalog.pick(locality.get("notice")),
        source_line=_source_line(snapshot, catalog),
        service=teller.service,
        figures=teller.figures(tiers),
        tiers=tiers,
        ranking=ranking,
        ranking_level=level,
        warned=teller.warned,
        warned_level=teller.warned_level,
        warned_sentence=words.unbroken(teller.warned_sentence()),
        answer_sentence=answered(board, catalog),
        in_time=board.in_time() if board.followed else None,
        gap_sentence=words.unbroken(teller.gap_sentence()),
        access_sentence=words.unbroken(teller.access_sentence()),
    )


def _source_line(snapshot: Snapshot, catalog: Catalog) -> str:
    locality = snapshot.meta["locality"]
    parts = []
    if locality.get("boundary_source"):
        parts.append(catalog.t("wall.foot.boundary", source=locality["boundary_source"]))
    if locality.get("map_approval"):
        parts.append(catalog.t("wall.foot.approval", number=locality["map_approval"]))
    return " · ".join(parts)


def _warned_level(rows: pd.DataFrame) -> str:
    present = set(rows.loc[rows["tier"] >= Tier.BLUE, "level"])
    return next((level for level in WARNED_LEVELS if level in present), Level.VILLAGE).value


def _day(text: object) -> date | None:
    return date.fromisoformat(text[:10]) if isinstance(text, str) and text else None


def _gap(value: object) -> GapClass | None:
    number = _float(value)
    return GapClass(int(number)) if math.isfinite(number) else None


def _float(value: Any) -> float:
    try:
        return float("nan") if value is None else float(value)
    except (TypeError, ValueError):
        return float("nan")
