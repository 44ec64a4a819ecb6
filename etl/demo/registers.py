"""Registers of service sites, as seven departments keep them: each its own columns and datum."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from etl.demo.borders import Frame
from etl.demo.faults import FaultyTable, nothing, one_digit_less, wide_digits
from etl.demo.plan import CITY_ZH, COUNTY_CODE, TOWNS
from etl.demo.tables import Sheet, write_text, write_workbook
from etl.demo.truth import PlantedFault
from etl.demo.zones import Zones
from geo.datum import from_wgs84

STATUS_NAMES = {"open": "正常开放", "planned": "筹建", "closed": "已撤并"}
NAME, CODE, LON, LAT = "名称", "村社区代码", "经度", "纬度"
# The register of rooms has two header rows; these columns stand under a merged one.
ROOM_GROUPS = {
    "乡镇街道": "所在地",
    "村社区": "所在地",
    CODE: "所在地",
    LON: "坐标(高德)",
    LAT: "坐标(高德)",
    "人员数": "配置",
    "房间数": "配置",
    "面积(㎡)": "配置",
}


@dataclass
class Registers:
    """Writes the registers of one city.

    Parameters
    ----------
    folder : the locality's folder.
    sites : see `facilities.Register.table`.
    zones : codes and names of the villages.
    frame : from metres to degrees.
    rng : generator of the faults.
    """

    folder: Path
    sites: pd.DataFrame
    zones: Zones
    frame: Frame
    rng: np.random.Generator
    faults: list[PlantedFault] = field(default_factory=list)

    def write(self) -> None:
        """Write every register."""
        self._rooms()
        self._medical()
        self._schools()
        self._eldercare()
        self._venues()
        self._rehab()
        self._special()
        self._hotline()

    def _table(
        self, *kinds: str, datum: str, columns: dict[str, str], type_name: str = "类别"
    ) -> pd.DataFrame:
        """Sites of some kinds: the columns that every register has, then its own."""
        sites = self.sites[self.sites["kind"].isin(kinds)].reset_index(drop=True)
        degrees = self.frame.degrees(sites[["x", "y"]].to_numpy(dtype=np.float64))
        lon, lat = from_wgs84(degrees[:, 0], degrees[:, 1], datum=datum)
        village = sites["village"].to_numpy(dtype=np.int64)
        table = pd.DataFrame(
            {
                "编号": sites["site_id"],
                NAME: sites["name"],
                type_name: sites["type"],
                "乡镇街道": [TOWNS[town].name for town in sites["town"]],
                "村社区": self.zones.village_names.astype(object)[village],
                CODE: self.zones.village_codes.astype(object)[village],
                LON: [f"{x:.6f}" for x in lon],
                LAT: [f"{y:.6f}" for y in lat],
            },
            dtype=object,
        )
        for column, fact in columns.items():
            table[column] = [_text(value) for value in sites[fact]]
        return table

    def _faulty(self, source: str, file: str, table: pd.DataFrame) -> FaultyTable:
        return FaultyTable(source, file, table, 2, code=CODE)

    def _picks(self, rows: int, count: int) -> list[int]:
        """Different rows, at random."""
        return [int(i) for i in self.rng.choice(rows, min(count, rows), replace=False)]

    def _twin(self, faulty: FaultyTable, position: int) -> None:
        """The same site entered twice, some metres apart."""
        lon = float(str(faulty.table.loc[position, LON])) + float(self.rng.uniform(0.0002, 0.0004))
        faulty.repeat(position, "duplicate_site", **{LON: f"{lon:.6f}", "编号": ""})

    def _unplace(self, faulty: FaultyTable, position: int) -> None:
        """A site whose coordinates nobody took."""
        faulty.spoil(position, LON, nothing, "missing_coordinates", usable=True)
        faulty.table.loc[position, LAT] = ""

    def _save(self, faulty: FaultyTable, *, encoding: str = "utf-8", delimiter: str = ",") -> None:
        write_text(self.folder / faulty.file, faulty.table, encoding=encoding, delimiter=delimiter)
        self.faults.extend(faulty.faults)

    def _rooms(self) -> None:
        columns = {
            "人员数": "staff", "房间数": "rooms", "面积(㎡)": "area_m2", "开放时间": "hours",
            "启用日期": "opened_on", "撤并日期": "closed_on", "状态": "status",
        }  # fmt: skip
        table = self._table(
            "guidance_centre", "counselling_room", "minors_centre", "service_org",
            datum="GCJ02", columns=columns,
        )  # fmt: skip
        open_rooms = (table["类别"] == "村(社区)室") & (table["状态"] == "open")
        table["状态"] = table["状态"].map(STATUS_NAMES)
        for column in ("启用日期", "撤并日期"):
            table[column] = [text.replace("-", ".") for text in table[column]]
        file, sheet = "机构/政法委_心理服务阵地台账.xlsx", "阵地台账"
        faulty = FaultyTable("rooms", file, table, 4, sheet=sheet, code=CODE)
        rooms = np.flatnonzero(open_rooms)
        picks = [int(rooms[i]) for i in self._picks(len(rooms), 6)]
        faulty.spoil(picks[0], "面积(㎡)", wide_digits, "full_width_number", usable=True)
        faulty.spoil(picks[1], CODE, one_digit_less, "code_of_11_digits", usable=True)
        faulty.spoil(picks[2], CODE, nothing, "missing_code", usable=True)
        for position in picks[3:]:
            self._twin(faulty, position)
        self.faults.extend(faulty.faults)
        lower = tuple(str(column) for column in faulty.table.columns)
        upper = tuple(ROOM_GROUPS.get(column, column) for column in lower)
        book = Sheet(
            sheet, (upper, lower), _cells(faulty.table), title=f"{CITY_ZH}社会心理服务阵地台账",
            notes=("制表单位：市委政法委　　坐标取自高德地图",),
        )  # fmt: skip
        write_workbook(self.folder / file, [book])

    def _medical(self) -> None:
        columns = {"床位数": "beds", "心理精神科人员数": "staff", "门诊时间": "hours"}
        table = self._table(
            "hospital", "primary_care", datum="CGCS2000", columns=columns, type_name="机构类型"
        )
        write_text(self.folder / "机构/卫健委_医疗机构名录.csv", table, encoding="utf-8-sig")

    def _schools(self) -> None:
        columns = {"在校生数": "pupils", "心理辅导室数": "rooms", "心理教师数": "staff"}
        table = self._table("school", datum="BD09", columns=columns, type_name="学段")
        faulty = self._faulty("schools", "机构/教育局_学校名录.csv", table)
        picks = self._picks(len(table), 5)
        # A campus in the next prefecture, one in the next county, and numbers exchanged.
        faulty.spoil(picks[0], LON, lambda t: f"{float(t) + 0.93:.6f}", "point_outside")
        faulty.spoil(picks[1], LAT, lambda t: f"{float(t) - 0.61:.6f}", "point_outside")
        lon, lat = str(table.loc[picks[2], LON]), str(table.loc[picks[2], LAT])
        faulty.spoil(picks[2], LON, lambda _: lat, "coordinates_exchanged", usable=True)
        faulty.table.loc[picks[2], LAT] = lon
        self._unplace(faulty, picks[3])
        self._twin(faulty, picks[4])
        self._save(faulty, encoding="gb18030")

    def _eldercare(self) -> None:
        columns = {
            "床位数": "beds",
            "护理人员数": "staff",
            "面积": "area_m2",
            "开办日期": "opened_on",
        }
        table = self._table("eldercare", datum="CGCS2000", columns=columns)
        faulty = self._faulty("eldercare", "机构/民政局_养老服务机构.csv", table)
        for position in self._picks(len(table), 4):
            self._unplace(faulty, position)
        self._save(faulty)

    def _venues(self) -> None:
        columns = {
            "建筑面积": "area_m2", "房间数": "rooms", "所在楼层": "floor", "产权单位": "owner",
            "开放时间": "hours",
        }  # fmt: skip
        table = self._table("host_venue", datum="GCJ02", columns=columns)
        faulty = self._faulty("venues", "机构/组织部_党群服务阵地.txt", table)
        picks = self._picks(len(table), 4)
        faulty.spoil(picks[0], LON, lambda _: "0", "point_outside")
        faulty.table.loc[picks[0], LAT] = "0"
        faulty.spoil(picks[1], CODE, nothing, "missing_code", usable=True)
        for position in picks[2:]:
            self._twin(faulty, position)
        self._save(faulty, encoding="gb18030", delimiter="\t")

    def _rehab(self) -> None:
        columns = {
            "服务名额": "places",
            "工作人员数": "staff",
            "面积": "area_m2",
            "开放时间": "hours",
        }
        table = self._table("community_rehab", datum="CGCS2000", columns=columns)
        header = tuple(str(column) for column in table.columns)
        sheet = Sheet("阳光心园", (header,), _cells(table), title="社区康复机构一览表")
        write_workbook(self.folder / "机构/残联_社区康复机构.xlsx", [sheet])

    def _special(self) -> None:
        columns = {"专兼职人员数": "staff", "心理咨询室数": "rooms"}
        table = self._table("special_site", datum="CGCS2000", columns=columns, type_name="场所类型")
        write_text(self.folder / "机构/司法局_专门场所.csv", table, encoding="gb18030")

    def _hotline(self) -> None:
        columns = {"坐席数": "places", "接线人员数": "staff", "服务时间": "hours"}
        table = self._table("hotline", datum="CGCS2000", columns=columns)
        table = table[["编号", NAME, *columns]]
        table.insert(2, "地区代码", COUNTY_CODE)
        write_text(self.folder / "机构/卫健委_心理援助热线.csv", table)


def _text(value: object) -> str:
    """A fact as text: whole numbers without a point, dates as ISO dates, nothing as nothing."""
    if isinstance(value, date):
        return value.isoformat()
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _cells(table: pd.DataFrame) -> list[list[object]]:
    """Rows of a workbook: figures and coordinates as numbers, codes and dates as text."""
    rows: list[list[object]] = []
    for row in table.itertuples(index=False):
        cells: list[object] = []
        for column, text in zip(table.columns, row, strict=True):
            if column in {LON, LAT} and text:
                cells.append(float(text))
            elif text.isascii() and text.isdigit() and len(text) < 8:
                cells.append(int(text))
            else:
                cells.append(text or None)
        rows.append(cells)
    return rows
