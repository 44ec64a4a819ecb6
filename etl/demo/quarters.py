"""What departments count once a month or quarter: registers by town, a survey, employers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from etl.demo.plan import COUNTY_CODE, TOWNS
from etl.demo.series import Series
from etl.demo.tables import Sheet, write_text, write_workbook

MONTH, QUARTER = 4, 13
# Persons asked in a survey, and employers of the city.
ASKED, EMPLOYERS = 1200, 640


def counted_weeks(weeks: int, every: int) -> list[int]:
    """Positions of the weeks in which figures are counted, newest first, the last a little ago."""
    return list(range(weeks - 3, -1, -every))


def write_quarters(folder: Path, series: Series, rng: np.random.Generator) -> None:
    """Write both files; what they hold follows the weekly registers."""
    _registers(folder, series, rng)
    _survey(folder, series, rng)


def _registers(folder: Path, series: Series, rng: np.random.Generator) -> None:
    """Shares that move a little each month: treated, in need, counselled, signed."""
    counted = counted_weeks(len(series.weeks), MONTH)
    registered = series.towns["smi_registered"]
    rehab = series.towns["rehab_participants"]
    level = rng.normal(0, 0.02, len(TOWNS))
    persons = rng.integers(900, 2600, len(TOWNS))
    rows = []
    for number, week in enumerate(counted):
        # Months before the newest one: things were a little worse then.
        ago = 0.004 * min(number, 60)
        for town, plan in enumerate(TOWNS):
            all_of_them = int(registered[town, week])
            ill = round(0.62 * all_of_them)
            families = 2 * all_of_them
            in_need = round(int(rehab[town, week]) / (0.74 - ago + level[town]))
            rows.append(
                {
                    "统计周": series.weeks[week],
                    "乡镇街道代码": plan.code,
                    "乡镇街道": plan.name,
                    "精神分裂症在册数": ill,
                    "精神分裂症治疗数": int(ill * (0.79 - ago + level[town])),
                    "有康复需求患者数": max(in_need, int(rehab[town, week])),
                    "居家患者及家属数": families,
                    "居家患者及家属疏导数": int(families * (0.57 - 2 * ago + level[town])),
                    "重点人群数": int(persons[town]),
                    "家庭医生签约服务数": int(persons[town] * (0.81 + level[town])),
                }
            )
    table = pd.DataFrame(rows[::-1])
    write_text(folder / "周报/卫健委_严重精神障碍月报.csv", table, encoding="gb18030")


def _survey(folder: Path, series: Series, rng: np.random.Generator) -> None:
    counted = counted_weeks(len(series.weeks), QUARTER)
    rows: list[list[object]] = []
    for number, week in enumerate(counted):
        known = int(rng.binomial(ASKED, 0.585 - 0.008 * min(number, 20)))
        served = round(EMPLOYERS * (0.40 - 0.014 * min(number, 20)))
        rows.append([series.weeks[week], COUNTY_CODE, ASKED, known, EMPLOYERS, served])
    header = ("统计周", "地区代码", "核心知识调查人数", "核心知识知晓人数", "用人单位数",
              "有咨询室或购买服务单位数")  # fmt: skip
    sheet = Sheet("季报", (header,), rows[::-1], title="问卷调查与用人单位服务情况")
    write_workbook(folder / "周报/政法委_问卷调查与用人单位季报.xlsx", [sheet])
