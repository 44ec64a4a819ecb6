"""Weekly reports of the departments: who reports what, in which file, how late, how faulty."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from etl.demo.faults import (
    FaultyTable,
    in_words,
    minus_one,
    nothing,
    one_digit_less,
    quiet_rows,
    three_and_a_half,
    wide_digits,
)
from etl.demo.plan import COUNTY6, TOWNS
from etl.demo.seasons import weeks_from_festival
from etl.demo.series import Series
from etl.demo.tables import HALF_WIDTH, Sheet, full_width, write_text, write_workbook
from etl.demo.truth import PlantedDelay, PlantedFault
from etl.demo.zones import Zones

Flags = NDArray[np.bool_]

# Source, town, how many of the newest weeks have not come in yet.
LATE = (
    ("health", "202", 2), ("health", "201", 1), ("disputes", "103", 1), ("dv", "201", 3),
    ("dv", "105", 1), ("civil", "202", 1), ("grid-weekly", "103", 1), ("grid-weekly", "202", 2),
    ("smi", "202", 1),
)  # fmt: skip
# A mountain township whose offices stand empty over the Spring Festival.
AWAY_AT_FESTIVAL = "202"
FESTIVAL_SOURCES = ("health", "disputes", "dv", "civil")
ALERT_NAMES = {
    "alerts_blue": "蓝色",
    "alerts_yellow": "黄色",
    "alerts_orange": "橙色",
    "alerts_red": "红色",
}
GRID_COLUMNS = {
    "咨询人次": "consult_visits",
    "热线来电": "hotline_calls",
    "矛盾纠纷": "dispute_events",
    "筛查阳性": "screen_positive",
}
HEALTH_COLUMNS = {
    "咨询人次": "consult_visits",
    "筛查人次": "screened",
    "筛查阳性": "screen_positive",
    "转介人次": "referrals",
    "危机干预": "crisis_events",
    "随访超期": "followup_overdue",
}
# The three stages of the service chain, merged above the columns of the health workbook.
STAGES = ("普遍服务", "监测预警", "监测预警", "精准干预", "精准干预", "精准干预")
CODE = "村社区代码"


@dataclass
class Reports:
    """Writes the weekly files of one city.

    Parameters
    ----------
    folder : the locality's folder.
    city : name of the city, for titles.
    zones, series : what is reported.
    rng : generator of the faults.
    """

    folder: Path
    city: str
    zones: Zones
    series: Series
    rng: np.random.Generator
    faults: list[PlantedFault] = field(default_factory=list)
    delays: list[PlantedDelay] = field(default_factory=list)

    @property
    def years(self) -> tuple[int, int]:
        """ISO years of the first and the last week."""
        return int(self.series.weeks[0][:4]), int(self.series.weeks[-1][:4])

    @property
    def health_split(self) -> int:
        """First week of the running year: older weeks are in another file."""
        newest = self.series.weeks[-1][:4]
        return next(i for i, week in enumerate(self.series.weeks) if week[:4] == newest)

    def write(self) -> None:
        """Write every weekly file."""
        self._disputes()
        self._health()
        self._bullying()
        self._hotline()
        self._dv()
        self._civil()
        self._alerts()
        self._towns()
        self._grid()

    # ------------------------------------------------------------- what has come in

    def _reported(self, source: str, towns: NDArray[np.int64], first: int = 0) -> Flags:
        """Rows (areas) × weeks from `first` that have come in; late ones are noted."""
        weeks = self.series.weeks
        flags = np.ones((len(towns), len(weeks)), dtype=bool)
        for name, part, late in LATE:
            if name == source:
                town = next(i for i, t in enumerate(TOWNS) if t.part == part)
                flags[towns == town, -late:] = False
                self._note(source, town, weeks[-late:], "尚未报送")
        if source in FESTIVAL_SOURCES:
            town = next(i for i, t in enumerate(TOWNS) if t.part == AWAY_AT_FESTIVAL)
            away = np.isin(weeks_from_festival(self.series.mondays), (0, 1))
            flags[np.ix_(towns == town, away)] = False
            self._note(
                source, town, [w for w, a in zip(weeks, away, strict=True) if a], "春节期间未报"
            )
        return flags[:, first:]

    def _note(self, source: str, town: int, weeks: list[str], reason: str) -> None:
        if weeks:
            plan = TOWNS[town]
            self.delays.append(PlantedDelay(source, plan.code, plan.name, tuple(weeks), reason))

    def _long(
        self, source: str, columns: dict[str, str], week_texts: list[str], week_name: str
    ) -> tuple[pd.DataFrame, NDArray[np.int64], NDArray[np.int64]]:
        """A row a week and village, weeks first; and the positions of both."""
        zones = self.zones
        flags = self._reported(source, zones.town_of_village)
        week, village = np.nonzero(flags.T)
        names = np.array([town.name for town in TOWNS])
        table = pd.DataFrame(
            {
                week_name: np.array(week_texts, dtype=object)[week],
                "乡镇街道": names.astype(object)[zones.town_of_village[village]],
                CODE: zones.village_codes.astype(object)[village],
                "村社区名称": zones.village_names.astype(object)[village],
            }
        )
        for column, measure in columns.items():
            table[column] = self.series.villages[measure][village, week]
        return table, week, village

    def _quiet(self, week: NDArray[np.int64], village: NDArray[np.int64]) -> Flags:
        """Rows of the last year that belong to no outbreak and to none of the newest weeks."""
        newest = int(week.max())
        quiet = (week < newest - 3) & (week > newest - 55)
        for outbreak in self.series.outbreaks:
            quiet &= ~np.isin(village, outbreak.villages)
        return np.asarray(quiet)

    def _text(self, faulty: FaultyTable, **how: str) -> None:
        write_text(self.folder / faulty.file, faulty.table, **how)
        self.faults.extend(faulty.faults)

    # ------------------------------------------------------------- the files

    def _disputes(self) -> None:
        first, last = self.years
        dates = [f"{m.year}/{m.month}/{m.day}" for m in self.series.mondays]
        figure = "矛盾纠纷(起)"
        table, week, village = self._long("disputes", {figure: "dispute_events"}, dates, "周起始日")
        faulty = FaultyTable(
            "disputes", f"周报/政法委_矛盾纠纷周报_{first}-{last}.csv", table.astype(object), 2,
            code=CODE, week="周起始日",
        )  # fmt: skip
        rows = quiet_rows(table, self.rng, 9, usable=self._quiet(week, village))
        for row in rows[:2]:
            faulty.spoil(row, CODE, one_digit_less, "code_of_11_digits")
        faulty.spoil(rows[2], figure, minus_one, "negative_count")
        faulty.spoil(rows[3], figure, three_and_a_half, "fractional_count")
        faulty.spoil(rows[4], CODE, nothing, "missing_code")
        faulty.spoil(rows[5], figure, wide_digits, "full_width_number", usable=True)
        faulty.spoil(rows[6], figure, in_words, "text_for_number")
        for row in rows[7:]:
            faulty.spoil(row, "周起始日", _date_in_chinese, "date_as_text", usable=True)
        quiet = np.flatnonzero(self._quiet(week, village))
        faulty.repeat(int(quiet[len(quiet) // 2]) if len(quiet) else 0, "duplicate_row")
        faulty.repeat(len(table) - 1, "unknown_code", **{CODE: COUNTY6 + "099999"})
        self._text(faulty, encoding="gb18030")

    def _health(self) -> None:
        first, last = self.years
        split = self.health_split
        table, week, village = self._long("health", HEALTH_COLUMNS, self.series.weeks, "周次")
        old = week < split
        if split:
            history = table[old].reset_index(drop=True)
            faulty = FaultyTable(
                "health-history", f"周报/卫健委_心理服务周报_{first}-{last - 1}.csv",
                history.astype(object), 2, code=CODE, week="周次",
            )  # fmt: skip
            rows = quiet_rows(history, self.rng, 3, usable=self._quiet(week[old], village[old]))
            faulty.spoil(rows[0], "咨询人次", minus_one, "negative_count", usable=True)
            faulty.spoil(rows[1], "筛查人次", wide_digits, "full_width_number", usable=True)
            faulty.spoil(rows[2], CODE, one_digit_less, "code_of_11_digits")
            self._text(faulty)
        self._health_workbook(table[~old].reset_index(drop=True), week[~old], village[~old], last)

    def _health_workbook(
        self, table: pd.DataFrame, week: NDArray[np.int64], village: NDArray[np.int64], year: int
    ) -> None:
        lower = ("周次", "乡镇街道", "代码", "名称", *HEALTH_COLUMNS)
        upper = ("周次", "乡镇街道", "村(社区)", "村(社区)", *STAGES)
        table = table.rename(columns={CODE: "代码", "村社区名称": "名称"}).astype(object)
        faulty = FaultyTable(
            "health", f"周报/卫健委_心理服务周报_{year}.xlsx", table, 4, sheet="周报", code="代码",
            week="周次",
        )  # fmt: skip
        rows = quiet_rows(table, self.rng, 7, usable=self._quiet(week, village))
        faulty.spoil(rows[0], "筛查人次", three_and_a_half, "fractional_count", usable=True)
        faulty.spoil(rows[1], "咨询人次", minus_one, "negative_count", usable=True)
        faulty.spoil(rows[2], "筛查人次", wide_digits, "full_width_number", usable=True)
        faulty.spoil(rows[3], "周次", _week_in_chinese, "full_width_week", usable=True)
        faulty.spoil(rows[4], "代码", one_digit_less, "code_of_11_digits")
        faulty.spoil(rows[5], "代码", nothing, "missing_code")
        faulty.spoil(rows[6], "随访超期", in_words, "text_for_number", usable=True)
        self.faults.extend(faulty.faults)
        body = [[_number(value) for value in row] for row in faulty.table.itertuples(index=False)]
        totals = [
            sum(v for v in column if isinstance(v, int | float))
            for column in zip(*body, strict=True)
        ]
        # Excel adds up numbers and passes over what was typed as text: one total is too low.
        body.append(["合计", "", "", "", *totals[4:]])
        lost = int(str(table.iloc[rows[2]]["筛查人次"]).translate(HALF_WIDTH))
        figure = lower.index("筛查人次")
        self.faults.append(
            PlantedFault(
                "health", faulty.file, "周报", faulty.first_row + len(body) - 1, "筛查人次",
                "total_mismatch", str(totals[figure]), str(totals[figure] + lost), usable=True,
            )
        )  # fmt: skip
        write_workbook(
            self.folder / faulty.file,
            [
                Sheet(
                    "周报", (upper, lower), body,
                    title=f"{self.city}{full_width(year)}年社会心理服务周报表",
                    notes=("注：未成年人筛查由学校组织，按居住地统计。",),
                )
            ],
        )  # fmt: skip

    def _bullying(self) -> None:
        flags = self._reported("bullying", self.zones.town_of_village)
        counts = self.series.villages["bullying_reports"]
        header = ("周起始日", *self.zones.village_names.tolist())
        body: list[list[object]] = []
        for week, start in enumerate(self.series.mondays):
            figures = [
                int(c) if f else None for c, f in zip(counts[:, week], flags[:, week], strict=True)
            ]
            body.append([start, *figures])
        sheet = Sheet("各村周报", (header,), body, title="校园欺凌求助情况(按学生居住地)")
        file = "周报/教育局_校园欺凌求助周报.xlsx"
        row = max(0, len(body) - 12)
        column = self.zones.villages // 2
        was, came = str(body[row][column]), full_width(body[row][column])
        body[row][column] = came
        self.faults.append(
            PlantedFault(
                "bullying", file, sheet.name, sheet.first_row + row, header[column],
                "full_width_number", came, was, usable=True,
                area_code=str(self.zones.village_codes[column - 1]), week=self.series.weeks[row],
            )
        )  # fmt: skip
        help_rows = [
            ["1", "每周一上午报送上一周数据"],
            ["2", "只报件数,不报任何个人信息"],
            ["3", "没有发生填0,未收到报告留空"],
        ]
        write_workbook(
            self.folder / file, [Sheet("填报说明", (("序号", "要求"),), help_rows), sheet]
        )

    def _hotline(self) -> None:
        first, last = self.years
        table, week, village = self._long(
            "hotline", {"来电量": "hotline_calls"}, self.series.weeks, "周次"
        )
        faulty = FaultyTable(
            "hotline", f"周报/心理援助热线_来电周报_{first}-{last}.csv", table.astype(object), 2,
            code=CODE, week="周次",
        )  # fmt: skip
        rows = quiet_rows(table, self.rng, 2, usable=self._quiet(week, village))
        faulty.spoil(rows[0], "来电量", in_words, "text_for_number")
        faulty.spoil(rows[1], CODE, one_digit_less, "code_of_11_digits")
        self._text(faulty, encoding="utf-8-sig")

    def _dv(self) -> None:
        fridays = [(m + timedelta(days=4)).isoformat() for m in self.series.mondays]
        table, week, village = self._long("dv", {"家暴求助数": "dv_reports"}, fridays, "填报日期")
        faulty = FaultyTable(
            "dv", "周报/妇联_家暴求助周报.txt", table.drop(columns="乡镇街道").astype(object), 2,
            code=CODE, week="填报日期",
        )  # fmt: skip
        rows = quiet_rows(table, self.rng, 3, usable=self._quiet(week, village))
        faulty.spoil(
            rows[0], "填报日期", lambda t: t.replace("-", "."), "date_as_text", usable=True
        )
        faulty.spoil(rows[1], "填报日期", lambda t: f"{t[:5]}13-45", "date_that_is_none")
        faulty.spoil(rows[2], "家暴求助数", minus_one, "negative_count")
        self._text(faulty, delimiter="\t")

    def _civil(self) -> None:
        columns = {"团辅场次": "group_sessions", "家属疏导(户)": "family_counselled"}
        table, _, _ = self._long("civil", columns, self.series.weeks, "周次")
        write_text(self.folder / "周报/民政局_团辅与家属疏导周报.csv", table, encoding="gb18030")

    def _alerts(self) -> None:
        parts = []
        for measure, name in ALERT_NAMES.items():
            village, week = np.nonzero(self.series.villages[measure])
            parts.append(
                pd.DataFrame(
                    {
                        "周次": np.array(self.series.weeks, dtype=object)[week],
                        CODE: self.zones.village_codes.astype(object)[village],
                        "预警级别": name,
                        "条数": self.series.villages[measure][village, week],
                    }
                )
            )
        table = pd.concat(parts).sort_values(["周次", CODE, "预警级别"], ignore_index=True)
        write_text(self.folder / "周报/综治中心_上游预警周报.csv", table, encoding="utf-8-sig")

    def _towns(self) -> None:
        flags = self._reported("smi", np.arange(len(TOWNS)))
        stocks = self.series.towns
        rows = [
            [self.series.weeks[week], TOWNS[town].code, TOWNS[town].name]
            + [int(stocks[m][town, week]) for m in ("smi_registered", "smi_managed", "smi_treated")]
            for week, town in zip(*np.nonzero(flags.T), strict=True)
        ]
        header = ("周次", "乡镇街道代码", "乡镇街道", "在册患者数", "规范管理数", "治疗数")
        sheet = Sheet("周报", (header,), rows, title="严重精神障碍患者管理服务周报")
        write_workbook(self.folder / "周报/卫健委_严重精神障碍管理周报.xlsx", [sheet])
        wide = pd.DataFrame({"周起始日": [m.isoformat() for m in self.series.mondays]})
        for i, town in enumerate(TOWNS):
            wide[town.name] = stocks["rehab_participants"][i]
        write_text(self.folder / "周报/残联_社区康复参与人数.csv", wide, encoding="gb18030")

    def _grid(self) -> None:
        zones = self.zones
        grid_weeks = next(iter(self.series.cells.values())).shape[1]
        first = len(self.series.weeks) - grid_weeks
        flags = self._reported("grid-weekly", zones.town_of_cell, first)
        order = np.argsort(zones.cell_codes)
        week, place = np.nonzero(flags[order].T)
        cell = order[place]
        table = pd.DataFrame(
            {
                "周次": np.array(self.series.weeks[first:], dtype=object)[week],
                "网格编码": zones.cell_codes.astype(object)[cell],
            }
        )
        for column, measure in GRID_COLUMNS.items():
            table[column] = self.series.cells[measure][cell, week]
        faulty = FaultyTable(
            "grid-weekly", "周报/综治中心_网格周报.csv", table, 2, code="网格编码", week="周次"
        )
        faulty.repeat(len(table) // 2, "duplicate_row")
        faulty.repeat(len(table) // 3, "unknown_code", 网格编码=f"{COUNTY6}099999-001")
        faulty.repeat(len(table) // 4, "missing_code", 网格编码="")
        self._text(faulty)


def _date_in_chinese(text: str) -> str:
    year, month, day = text.split("/")
    return f"{year}年{month}月{day}日"


def _week_in_chinese(text: str) -> str:
    return full_width(f"{text[:4]}年第{int(text[-2:])}周")


def _number(value: object) -> object:
    """Numbers as numbers, what is written otherwise as text."""
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, str) and value.isascii():
        try:
            return float(value) if "." in value else int(value) if len(value) < 8 else value
        except ValueError:
            return value
    return value


def today_of(series: Series) -> date:
    """The Monday after the newest week, when the files are handed in."""
    return series.mondays[-1] + timedelta(days=7)
